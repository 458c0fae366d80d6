// Package sandbox is a stand-in for the Galaxy Pay gateway, for developing and
// testing an app without an account: a Caddy handler that takes signed payment
// requests, shows the customer a payment page, sends the IPN and redirects the
// browser back, all of it in memory and without money.
//
// It judges and signs with code of its own and shares none with the sidecar, so
// that a mistake in one of the two cannot hide behind the same mistake in the other.
// Where the gateway's documents leave a question open, the comment at that place says
// what the sandbox does instead of knowing.
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/local"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// The key pair that holds where none is configured. The salt is the one printed in the
// gateway's own examples (integration guide 3.6.1, section 1.6), so the published
// samples verify here as they are. Both are public and protect nothing.
const (
	defaultAPIKey = "sandbox"
	defaultSalt   = "GO@2021"
)

// defaultExpiry is how long a payment can be paid. What the gateway grants is not
// documented.
const defaultExpiry = 15 * time.Minute

// Handler is a Galaxy Pay gateway that moves no money. It is a terminal handler: every
// request that reaches it is answered by it.
//
// It answers
//
//   - POST /api/v1/...: the gateway's API, see the operations in this package,
//   - /pay/{transactionID}: the page on which the customer chooses a method, types a
//     published test card and its one-time password, or chooses the outcome outright; it
//     is the page of a payment link too,
//   - GET /checkout/script-modal.js and /checkout/{shop}/script-modal.js: a stand-in for the
//     script that opens the page of the operation checkout in a frame,
//   - GET / and /dashboard.js: the dashboard, which shows the newest 100 transactions, live, and
//     all that went over the wire for each,
//   - GET /sandbox/transactions, with ?orderID=... those of one order, the newest first, and
//     /sandbox/transactions/{transactionID}, with its exchanges: the same for programs,
//   - GET /sandbox/exchanges: the API's exchanges that belong to no transaction,
//   - GET /sandbox/events: which transactions change, as server-sent events, each the object
//     {"id": "..."}; an empty id says that anything may have changed. 20 can listen at once,
//   - /sandbox/...: the control API, for tests: what a customer, a bank or time would do, faults
//     of every call, and the clock.
//
// These addresses are absolute, so it needs an origin of its own.
//
// Transactions live in memory only. They survive a reload of the configuration and end
// with the last configuration that has their sandbox. The last 1,000 transactions,
// payment links among them, the last 1,000 stored cards and the last 10,000 request ids
// are kept.
//
// Of each transaction the exchange that opened it and the newest others are kept, 50 of
// about 128 KiB together at most; of those that belong to none, 100 of about 1 MiB. An
// exchange keeps the first 16 KiB of a body, and of an app's answer to an IPN the first
// 2 KiB. It keeps no salt, no CVV, no card number but the published test cards, and of an
// api key no more than four characters.
//
// A request that names faults has them: in extraData.sandboxFault, one text or an array of
// texts, or in its orderDescription, each as [fault:NAME]. Those that PUT /sandbox/faults
// sets strike with every request and every payment. GET /sandbox/faults lists all of them.
type Handler struct {
	// APIKey is what callers must send in the header apiKey. Default: sandbox.
	// Handlers with the same key share their transactions, also across a reload; a
	// reload with another key starts with none. Placeholders such as {env.*} and
	// {file.*} are resolved when the configuration is loaded.
	APIKey string `json:"api_key,omitempty"`

	// Salt signs answers and callbacks and proves requests. Default: GO@2021, the
	// salt of the gateway's published examples. Placeholders are resolved as in
	// api_key.
	Salt string `json:"salt,omitempty"`

	// IPNAnywhere lets IPNs go to any host. Default: false, they go to loopback
	// addresses only, because every caller of an open sandbox could otherwise make
	// it send requests into the network it is in.
	IPNAnywhere bool `json:"ipn_anywhere,omitempty"`

	// Allow lists who may use the sandbox, API and pages alike: CIDR ranges, single
	// addresses, or private_ranges for all private networks. Default: loopback
	// only. A list takes the place of the default, so name 127.0.0.0/8 and ::1 too
	// where they are still wanted; private_ranges holds both. The peer of the
	// connection counts, never a forwarding header; a unix socket has no address, and
	// its file mode decides who can open it. Every caller that is let in can have IPNs
	// sent to every service on this machine, Caddy's admin API included.
	Allow []string `json:"allow,omitempty"`

	// Hosts lists the names under which the sandbox shows its pages and takes its control
	// API's requests, besides localhost, the names below it and IP addresses: without a
	// port, such as sandbox.test. Any other name could be that of a web page elsewhere, which
	// its owner has pointed at this machine to read and settle payments in a developer's
	// browser. The gateway's API answers under every name.
	Hosts []string `json:"hosts,omitempty"`

	// Expiry is how long a payment can be paid after it was opened. Default: 15m.
	// Payment links have a time of their own in their request.
	Expiry caddy.Duration `json:"expiry,omitempty"`

	// Result is how the browser brings a result to the app: get, in the query of the
	// merchant's address, or post, as a form. Default: get.
	Result string `json:"result,omitempty"`

	// Strict makes the sandbox send half of the IPNs as networks and busy gateways do: twice,
	// five seconds after the customer is back, or in the wrong order with another IPN of the
	// same payment. Each of these messages is genuine, and an app must cope with all of them.
	// Payments that name faults of their own have those only. Default: false.
	Strict bool `json:"strict,omitempty"`

	apiKey  string
	allowed allow.List
	ledger  *ledger.Ledger
	joined  bool               // holds a reference to ledger in the pool
	stop    context.CancelFunc // ends what runs without a request
	api     *api
	ipns    *ipnSender
	routes  http.Handler
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_sandbox",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision resolves the key pair, joins the transactions that an earlier
// configuration left behind and warns that no payment made here is real.
func (h *Handler) Provision(ctx caddy.Context) error {
	var err error
	if h.apiKey, err = secret.Resolve(cmp.Or(h.APIKey, defaultAPIKey)); err != nil {
		return fmt.Errorf("api_key: %w", err)
	}
	salt, err := secret.Resolve(cmp.Or(h.Salt, defaultSalt))
	if err != nil {
		return fmt.Errorf("salt: %w", err)
	}
	if h.allowed, err = allow.Parse(h.Allow); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	h.ledger, h.joined = joinLedger(h.apiKey), true
	h.build(h.watchServer(ctx), salt, ctx.Logger())
	ctx.Logger().Warn("this is a sandbox, not a gateway: no payment made here is real")
	return nil
}

// check refuses options of wrong values.
func (h *Handler) check() error {
	for _, name := range h.Hosts {
		if name == "" || !strings.EqualFold(name, local.Name(name)) {
			return fmt.Errorf("hosts: %q is not a name without a port", name)
		}
	}
	if h.Expiry < 0 {
		return errors.New("expiry: must be longer than 0")
	}
	if h.Result != "" && h.Result != resultByGet && h.Result != resultByPost {
		return errors.New("result: must be get or post")
	}
	return nil
}

// watchServer returns a context that ends when the server that the handler belongs to
// begins to shut down. The server waits for its requests then: a stream of events that
// ended only with its reader would keep it waiting for ever.
func (h *Handler) watchServer(ctx caddy.Context) (running context.Context) {
	running, h.stop = context.WithCancel(ctx)
	if server, inside := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); inside {
		server.RegisterOnShutdown(h.stop)
	}
	return running
}

// build makes the parts of the sandbox.
func (h *Handler) build(running context.Context, salt string, logger *zap.Logger) {
	h.ipns = &ipnSender{ledger: h.ledger, salt: salt, client: newIPNClient(h.IPNAnywhere), running: running, logger: logger}
	if h.Strict {
		h.ipns.strict = new(fault.Strict)
	}
	ops := &operations{ledger: h.ledger, ipns: h.ipns, expiry: cmp.Or(time.Duration(h.Expiry), defaultExpiry)}
	h.api = &api{key: h.apiKey, salt: salt, ledger: h.ledger, operations: ops, logger: logger}
	h.routes = h.newRoutes(
		paymentPage{h.ledger, h.ipns, redirector{h.ledger, salt, h.Result == resultByPost}},
		control{h.ledger, h.ipns, ops},
		dashboardStream{h.ledger, running},
	)
}

// Cleanup gives up this configuration's hold on the transactions. The last one to do so
// ends them.
func (h *Handler) Cleanup() error {
	if !h.joined {
		return nil
	}
	h.joined = false
	h.stop()
	return leaveLedger(h.apiKey)
}

// newRoutes is the map of everything the sandbox answers.
func (h *Handler) newRoutes(payments paymentPage, c control, s dashboardStream) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /pay/{transactionID}", payments.show)
	routes.HandleFunc("POST /pay/{transactionID}", payments.takeForm)
	routes.HandleFunc("GET /checkout/script-modal.js", serveModalScript)
	routes.HandleFunc("GET /checkout/{shop}/script-modal.js", serveModalScript)
	routes.HandleFunc("GET /{$}", dashboard{h.ledger}.show)
	routes.HandleFunc("GET /dashboard.js", serveDashboardScript)
	routes.HandleFunc("GET /sandbox/events", ownPageOnly(s.serve))
	c.addTo(routes)
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "not_found", "the sandbox has nothing at this address and method")
	})
	// A server may call the API under any name: api.serve refuses all web pages, and those
	// alone can be misled by a name.
	all := http.NewServeMux()
	all.HandleFunc("POST /api/v1/", h.api.serve)
	all.Handle("/", ownHostOnly(h.Hosts, routes))
	return all
}

// ServeHTTP answers the request; next is never called.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	w.Header().Set("X-Content-Type-Options", "nosniff") // for every page and answer
	if !h.allowed.Includes(r) {
		writeProblem(w, http.StatusForbidden, "caller_not_allowed",
			"the sandbox answers this machine only; its option allow lets others in")
		return nil
	}
	h.routes.ServeHTTP(w, r)
	return nil
}

// Interface guards
var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
