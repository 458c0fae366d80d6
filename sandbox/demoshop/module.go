// Package demoshop is a merchant's app in small, to see the sidecar at work: a Caddy
// handler that sells three things, pays for them through the sidecar and shows every
// message that it sent and got.
//
// It holds no key, no salt and no hashing code. What it does with an answer or a
// callback is what an app of yours should do; how it does it is in buy.go and callback.go.
package demoshop

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// The addresses of Caddyfile.example.
const (
	defaultSidecar     = "http://localhost:9180"
	defaultModalScript = "http://localhost:9190/checkout/script-modal.js"
	defaultIPNURL      = "http://localhost:9181/galaxypay/ipn"
)

// Handler is a demo shop. It is a terminal handler: every request that reaches it is
// answered by it. It answers
//
//   - GET /: the goods,
//   - POST /orders: buys one, by redirect, modal window or payment link,
//   - POST /stories/{story}: buys one with which something goes wrong, to see what the ledger makes of it,
//   - GET /orders/{id}: the order, and what the shop sent and got for it,
//   - POST /galaxypay/ipn, GET and POST /galaxypay/result: callbacks, as galaxypay_ipn and
//     galaxypay_result hand them on.
//
// It believes the Galaxypay-* headers of a callback, as an app behind those directives
// does. So it must be reachable through them only, apart from people on the same
// machine: bind it to loopback, and let the site in front remove these headers from
// what comes from outside, as Caddyfile.example does. Web pages cannot send such
// headers to another site without being asked for permission, which the shop never gives;
// those of a name that its owner has pointed at this machine see nothing of the shop, and
// their IPNs are refused.
//
// Orders live in memory only and end with the configuration: the last 100 of them, with
// the last 30 messages of each and the first 8 KiB of every message.
type Handler struct {
	// Sidecar is the address of the sidecar. Default: http://localhost:9180.
	Sidecar string `json:"sidecar,omitempty"`

	// ModalScript is the address of the gateway's modal script, which the page of an
	// order loads that is paid in a modal window. Default:
	// http://localhost:9190/checkout/script-modal.js, the sandbox's.
	ModalScript string `json:"modal_script,omitempty"`

	// IPNURL is where the gateway's server finds the shop. It is sent with modal
	// checkouts only: the documents list no ipnURL for them, so the sidecar's
	// defaults do not add one there. Default: http://localhost:9181/galaxypay/ipn.
	IPNURL string `json:"ipn_url,omitempty"`

	sidecar     string // without a slash at its end
	modalScript string
	gateway     string // origin of the modal script
	ipnURL      string
	client      *http.Client
	orders      *orders
	routes      http.Handler
	logger      *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_demo_shop",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision checks the addresses and opens an empty shop.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	sidecar, err := address(cmp.Or(h.Sidecar, defaultSidecar))
	if err != nil {
		return fmt.Errorf("sidecar: %w", err)
	}
	if sidecar.Path != "" && sidecar.Path != "/" || sidecar.RawQuery != "" {
		return errors.New("sidecar: must be an address without a path")
	}
	h.sidecar = origin(sidecar)
	script, err := address(cmp.Or(h.ModalScript, defaultModalScript))
	if err != nil {
		return fmt.Errorf("modal_script: %w", err)
	}
	h.modalScript, h.gateway = script.String(), origin(script)
	ipn, err := address(cmp.Or(h.IPNURL, defaultIPNURL))
	if err != nil {
		return fmt.Errorf("ipn_url: %w", err)
	}
	h.ipnURL = ipn.String()
	h.client = newClient()
	h.orders = newOrders()
	h.routes = h.newRoutes()
	return announce(ctx)
}

// address reads an absolute web address. Its origin goes into content security policies,
// where a semicolon or a comma in a host would begin a directive of its own.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(u.Host, ";,'") {
		return nil, fmt.Errorf("%q is not an http or https address", text)
	}
	return u, nil
}

func origin(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// newRoutes is the map of everything the shop answers.
func (h *Handler) newRoutes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", ownSite(h.showGoods))
	routes.HandleFunc("POST /orders", ownSite(h.buy))
	routes.HandleFunc("GET /orders/{id}", ownSite(h.showOrder))
	routes.HandleFunc("GET /orders/{id}/live", ownSite(h.showLive))
	routes.HandleFunc("POST /orders/{id}/ask", ownSite(h.askGateway))
	routes.HandleFunc("POST /orders/{id}/repeat", ownSite(h.repeat))
	routes.HandleFunc("POST /stories/{story}", ownSite(h.play))
	routes.HandleFunc("GET /shop.js", serveScript)
	routes.HandleFunc("POST /galaxypay/ipn", h.takeIPN)
	routes.HandleFunc("GET /galaxypay/result", h.takeResult)
	routes.HandleFunc("POST /galaxypay/result", h.takeResult)
	return routes
}

// ServeHTTP answers the request; next is never called.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	h.routes.ServeHTTP(w, r)
	return nil
}

// Interface guards
var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
