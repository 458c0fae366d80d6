package unanswered

import (
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Site is a site of a server that has a handler of callbacks.
type Site struct {
	// Hosts are the names of the site; none where it has no name of its own.
	Hosts []string
	// Open says that a request which no route of the site takes gets Caddy's empty 200.
	Open bool
	// Alone says that nothing behind a handler of callbacks could answer what it hands on.
	Alone bool
}

// Callback is a handler of callbacks.
type Callback interface {
	caddyhttp.MiddlewareHandler
	// HandsOn reports whether it leaves the answer to the handlers behind it.
	HandsOn() bool
}

// Sites returns the sites of a server that have a handler of callbacks.
func Sites(server *caddyhttp.Server) []Site {
	var found []Site
	for _, route := range configured(server) {
		site, ok := Site{Hosts: hostsOf(route)}, false
		for _, handler := range allOf(route.Handlers) {
			if callback, is := handler.(Callback); is {
				ok = true
				site.Alone = site.Alone || callback.HandsOn() && !hasBehind(server, handler)
			}
		}
		if !ok {
			continue
		}
		through, ends := new(flow).chain(route.Handlers)
		through = through && (route.Terminal || sites(server) == nil) // else Refuse has an answer
		site.Open = through || ends
		found = append(found, site)
	}
	return found
}

func configured(server *caddyhttp.Server) caddyhttp.RouteList {
	if routes := sites(server); routes != nil {
		return routes
	}
	return server.Routes
}

// allOf returns handlers and those inside of them.
func allOf(handlers []caddyhttp.MiddlewareHandler) []caddyhttp.MiddlewareHandler {
	all := slices.Clone(handlers)
	for _, handler := range handlers {
		if inner, ok := handler.(*caddyhttp.Subroute); ok {
			for _, route := range inner.Routes {
				all = append(all, allOf(route.Handlers)...)
			}
		}
	}
	return all
}

func hostsOf(route caddyhttp.Route) []string {
	var hosts []string
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			switch matcher := matcher.(type) {
			case *caddyhttp.MatchHost:
				hosts = append(hosts, *matcher...)
			case caddyhttp.MatchHost:
				hosts = append(hosts, matcher...)
			}
		}
	}
	return hosts
}

// hasBehind reports whether a handler that may answer comes behind another one, whatever the
// matchers between them.
func hasBehind(server *caddyhttp.Server, handler caddyhttp.MiddlewareHandler) bool {
	_, answered := behind(configured(server), handler)
	return answered
}

func behind(routes caddyhttp.RouteList, handler caddyhttp.MiddlewareHandler) (found, answered bool) {
	for i, route := range routes {
		for k, h := range route.Handlers {
			inside := false
			if inner, ok := h.(*caddyhttp.Subroute); ok {
				inside, answered = behind(inner.Routes, handler)
			}
			if h != handler && !inside {
				continue
			}
			answered = answered || mayAnswer(route.Handlers[k+1:])
			return true, answered || !route.Terminal && laterAnswers(routes[i+1:], route.Group)
		}
	}
	return false, false
}

func laterAnswers(routes caddyhttp.RouteList, taken string) bool {
	return slices.ContainsFunc(routes, func(route caddyhttp.Route) bool {
		return (route.Group == "" || route.Group != taken) && mayAnswer(route.Handlers)
	})
}

func mayAnswer(handlers []caddyhttp.MiddlewareHandler) bool {
	return slices.ContainsFunc(allOf(handlers), func(h caddyhttp.MiddlewareHandler) bool {
		_, isList := h.(*caddyhttp.Subroute)
		return !isList && answers(h)
	})
}
