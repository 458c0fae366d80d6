// Package unanswered is about requests that no handler answers. Caddy answers them with an
// empty 200, which the gateway, or an app, may take for a yes.
package unanswered

import (
	"encoding/json"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// nothingHere is the error of a request that no site and no route of a server takes.
const nothingHere = "no site or route takes this request"

// Refuse makes a server answer 404 where no site and no route takes a request. It is for
// handlers to call while they are provisioned: the server compiles its routes after that. What
// ends inside a site, as Caddyfiles write sites with names, does not come this far.
func Refuse(ctx caddy.Context, server *caddyhttp.Server) error {
	if isRefusing(server) {
		return nil
	}
	whole, err := newRoute(ctx, "subroute", nil)
	if err != nil {
		return err
	}
	end, err := newRoute(ctx, "error", caddyhttp.StaticError{Error: nothingHere, StatusCode: "404"})
	if err != nil {
		return err
	}
	// The server goes on to provision the routes in this very list.
	whole.Handlers[0].(*caddyhttp.Subroute).Routes = server.Routes
	server.Routes = caddyhttp.RouteList{whole, end}
	return nil
}

// IsProvisioning reports whether the routes of a server are being provisioned. Its error routes are provisioned after them.
func IsProvisioning(server *caddyhttp.Server) bool {
	routes := sites(server)
	if routes == nil {
		routes = server.Routes
	}
	return slices.ContainsFunc(routes, func(route caddyhttp.Route) bool {
		return len(route.HandlersRaw) > 0 // Caddy drops it when the handlers are loaded
	})
}

func newRoute(ctx caddy.Context, handler string, options any) (caddyhttp.Route, error) {
	if options == nil {
		options = struct{}{}
	}
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{caddyconfig.JSONModuleObject(options, "handler", handler, nil)}}
	err := route.ProvisionHandlers(ctx, nil)
	return route, err
}

func isRefusing(server *caddyhttp.Server) bool { return sites(server) != nil }

// sites returns the routes that the configuration gave a server for which Refuse was called;
// nil for any other server.
func sites(server *caddyhttp.Server) caddyhttp.RouteList {
	if len(server.Routes) != 2 || len(server.Routes[0].Handlers) != 1 || len(server.Routes[1].Handlers) != 1 {
		return nil
	}
	end, ok := server.Routes[1].Handlers[0].(*caddyhttp.StaticError)
	if !ok || end.Error != nothingHere {
		return nil
	}
	return server.Routes[0].Handlers[0].(*caddyhttp.Subroute).Routes
}
