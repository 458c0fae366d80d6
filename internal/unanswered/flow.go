package unanswered

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
)

// passing are Caddy's handlers that hand every request, or some, to the next one. A handler
// that is not listed, of a plugin too, is taken for one that answers: a warning too few is
// better than a wrong one.
var passing = []string{
	"acme_server", "authentication", "copy_response_headers", "encode", "headers", "intercept", "log_append", "map",
	"push", "request_body", "rewrite", "templates", "timeouts", "tracing", "vars",
	"galaxypay_guard",
}

// answers reports whether a handler answers every request that it gets, as far as is known.
func answers(handler caddyhttp.MiddlewareHandler) bool {
	if files, ok := handler.(*fileserver.FileServer); ok {
		return !files.PassThru
	}
	return !slices.Contains(passing, nameOf(handler))
}

// nameOf returns the name of a handler's module, such as reverse_proxy.
func nameOf(handler caddyhttp.MiddlewareHandler) string {
	module, ok := handler.(caddy.Module)
	if !ok {
		return ""
	}
	return module.CaddyModule().ID.Name()
}

// In reports whether a POST can go through a list of routes, or end in it, without an answer.
func In(routes caddyhttp.RouteList) bool {
	through, ends := new(flow).routes(routes)
	return through || ends
}

// flow follows the ways that a request can take.
type flow struct {
	// After a rewrite a path is another one, such as that of the PHP file that was found: it is
	// taken to match.
	rewritten bool
}

// routes reports whether a request can fall off the end of a list, and whether it can end in
// the list without an answer. Of a group, the first route that matches is taken.
func (f *flow) routes(routes caddyhttp.RouteList) (through, ends bool) {
	ways := []map[string]bool{{}} // each is the groups that are done on one way to here
	for _, route := range routes {
		var on []map[string]bool
		for _, done := range ways {
			if route.Group != "" && done[route.Group] {
				on = append(on, done)
				continue
			}
			if !f.alwaysMatches(route) {
				on = append(on, done)
			}
			passes, stops := f.chain(route.Handlers)
			ends = ends || stops || passes && route.Terminal
			if passes && !route.Terminal {
				on = append(on, with(done, route.Group))
			}
		}
		if ways = distinct(on); len(ways) == 0 {
			break
		}
	}
	return len(ways) > 0, ends
}

// chain is routes for the handlers of one route.
func (f *flow) chain(handlers []caddyhttp.MiddlewareHandler) (through, ends bool) {
	for _, handler := range handlers {
		if inner, ok := handler.(*caddyhttp.Subroute); ok {
			passes, stops := f.routes(inner.Routes)
			ends = ends || stops
			if !passes {
				return false, ends
			}
			continue
		}
		if answers(handler) {
			return false, ends
		}
		f.rewritten = f.rewritten || nameOf(handler) == "rewrite"
	}
	return true, ends
}

// alwaysMatches reports whether a route takes every POST that comes to it.
func (f *flow) alwaysMatches(route caddyhttp.Route) bool {
	if len(route.MatcherSets) == 0 {
		return true
	}
	return slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool {
		return !slices.ContainsFunc(set, func(matcher any) bool { return !f.always(matcher) })
	})
}

func (f *flow) always(matcher any) bool {
	switch matcher := matcher.(type) {
	case *caddyhttp.MatchPath:
		return f.always(*matcher)
	case caddyhttp.MatchPath:
		return f.rewritten || slices.ContainsFunc(matcher, func(path string) bool { return path == "*" || path == "/*" })
	case *caddyhttp.MatchMethod:
		return f.always(*matcher)
	case caddyhttp.MatchMethod:
		return slices.ContainsFunc(matcher, func(method string) bool { return strings.EqualFold(method, "POST") })
	}
	return false
}

func with(done map[string]bool, group string) map[string]bool {
	if group == "" || done[group] {
		return done
	}
	more := map[string]bool{group: true}
	for g := range done {
		more[g] = true
	}
	return more
}

// mostWays bounds the work for a list with very many groups.
const mostWays = 64

func distinct(ways []map[string]bool) []map[string]bool {
	var kept []map[string]bool
	for _, way := range ways {
		same := func(other map[string]bool) bool {
			if len(way) != len(other) {
				return false
			}
			for group := range way {
				if !other[group] {
					return false
				}
			}
			return true
		}
		if len(kept) < mostWays && !slices.ContainsFunc(kept, same) {
			kept = append(kept, way)
		}
	}
	return kept
}
