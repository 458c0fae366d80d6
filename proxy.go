package galaxypay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/exchange"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func init() {
	caddy.RegisterModule(Proxy{})
}

// Proxy is the handler of calls, from the app to the gateway. It takes plain JSON,
// wraps it in the gateway's envelope, signs and sends it, proves the answer's
// signature and answers with the plain JSON inside. It answers every request
// itself, so nothing that comes after it runs.
type Proxy struct {
	// The merchant in whose name requests are signed. Default: "default".
	Merchant string `json:"merchant,omitempty"`

	// Who may call, as IP addresses or CIDR ranges; "private_ranges" means
	// the private and loopback ranges. The address is that of the connection,
	// whatever forwarding headers say. Every allowed caller can sign payments in the
	// merchant's name. Default: loopback addresses and unix sockets only.
	Allow []string `json:"allow,omitempty"`

	// The operations that may be called, by short name; "other" means paths
	// under /api/v1/ that the catalogue does not know. Default: all, other included.
	Operations []string `json:"operations,omitempty"`

	// What a successful answer consists of: "data", the responseData alone, or
	// "envelope", the gateway's whole message. Default: "data".
	Response string `json:"response,omitempty"`

	// What to do with an answer whose signature is missing or wrong: "strict"
	// refuses it, "report" passes it on, marked Galaxypay-Verified: false, and
	// logs it. In report mode a forged answer reaches the app. Default: "strict".
	Verify string `json:"verify,omitempty"`

	// Whether requests are checked against the catalogue before they are sent: "on"
	// refuses with 422 and every fault at once, "off" lets the gateway decide. Fixed
	// fields are checked in either case. Default: "on".
	Validate string `json:"validate,omitempty"`

	// Fields of requestData with their text, sent where the app left them out, as null
	// or "" too, and the operation takes them. A field that no operation takes is an
	// error, and so is a callback address that is not absolute. Placeholders are
	// resolved at load. Default: none.
	Defaults map[string]string `json:"defaults,omitempty"`

	// Addresses of operations, by short name, where the gateway's differ from the
	// catalogue's or are not published. Default: those of the catalogue.
	Paths map[string]string `json:"paths,omitempty"`

	// The largest body in bytes, of a request and of an answer. A larger request
	// is refused with 413; a larger answer is not read. Default: 65536.
	MaxBody int64 `json:"max_body,omitempty"`

	// How long the gateway may take to reply to one call, a second try included.
	// Default: the merchant's, or 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many calls may be in progress at once. One more is refused with 503 and
	// Retry-After, and nothing of it is sent. A call is in progress from when its body has
	// arrived until it is answered or, if the app has hung up, until the gateway has
	// replied. Bodies that are still arriving may hold so many times max_body together;
	// one more byte is refused in the same way. Default: 256.
	MaxInFlight int `json:"max_in_flight,omitempty"`

	// Whether calls are recorded before they are sent, so that the same call twice is one payment:
	// "on" or "off". "on" needs a store. Default: "on" where the global option names a store.
	Ledger string `json:"ledger,omitempty"`

	// The connection to the gateway: the transport "http" of reverse_proxy with
	// all its options. HTTP/1.1 is used unless versions says otherwise, because
	// only with it can the sidecar prove that no byte of a request was sent.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`

	merchant  *merchant
	store     *membership
	binder    *binder
	routes    *routes
	callers   allow.List
	defaults  []field
	documents map[string]func() (document, error)
	gateway   exchange.Exchanger
	bodies    *bodies.Reader
	slots     slots
	metrics   *metrics
	log       *zap.Logger
}

const (
	defaultMaxBody = 64 << 10
	defaultTimeout = caddy.Duration(30 * time.Second)
)

// CaddyModule returns the Caddy module information.
func (Proxy) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay",
		New: func() caddy.Module { return new(Proxy) },
	}
}

// Provision fills in the defaults, finds the merchant and opens the transport.
func (p *Proxy) Provision(ctx caddy.Context) error {
	p.log = ctx.Logger()
	var err error
	if p.merchant, err = merchantFor(ctx, p.Merchant); err != nil {
		return err
	}
	p.fillDefaults()
	if err := p.checkOptions(); err != nil {
		return err
	}
	if err := p.provisionLedger(ctx); err != nil {
		return err
	}
	if p.callers, err = allow.Parse(p.Allow); err != nil {
		return err
	}
	if p.routes, err = newRoutes(p.Paths, p.Operations); err != nil {
		return err
	}
	if p.defaults, err = resolveDefaults(p.Defaults); err != nil {
		return err
	}
	if p.documents, err = p.describe(); err != nil {
		return err
	}
	if p.gateway, err = p.loadTransport(ctx); err != nil {
		return err
	}
	p.bodies = bodies.New(p.MaxBody, p.MaxInFlight)
	p.slots = make(slots, p.MaxInFlight)
	if p.Verify == "report" {
		p.log.Warn("verify report: forged answers reach the app; use it only to find out how a gateway signs",
			zap.String("merchant", p.merchant.name))
	}
	if p.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	p.metrics.expectSignatures(p.merchant.name, signedReply)
	p.metrics.limits.WithLabelValues(p.merchant.name).Add(float64(p.MaxInFlight))
	if p.binder, err = binderFor(ctx, p.merchant, "", p.metrics); err != nil || p.Ledger != "on" {
		return err
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	_, err = app.(*App).askerFor(ctx, p.binder)
	return err
}

// fillDefaults takes what the handler leaves open from its merchant, and else from the defaults.
func (p *Proxy) fillDefaults() {
	m := p.merchant.config
	p.MaxBody = cmp.Or(p.MaxBody, defaultMaxBody)
	p.Timeout = cmp.Or(p.Timeout, m.Timeout, defaultTimeout)
	p.MaxInFlight = cmp.Or(p.MaxInFlight, defaultMaxInFlight)
	p.Verify = cmp.Or(p.Verify, m.Verify)
	paths := maps.Clone(m.Paths)
	if paths == nil {
		paths = p.Paths
	} else {
		maps.Copy(paths, p.Paths)
	}
	p.Paths = paths
	if p.TransportRaw == nil {
		p.TransportRaw = m.TransportRaw
	}
}

func (p *Proxy) checkOptions() error {
	if !slices.Contains([]string{"", "data", "envelope"}, p.Response) {
		return fmt.Errorf("response: unknown value %q; expected data or envelope", p.Response)
	}
	if !slices.Contains([]string{"", "strict", "report"}, p.Verify) {
		return fmt.Errorf("verify: unknown value %q; expected strict or report", p.Verify)
	}
	if !slices.Contains([]string{"", "on", "off"}, p.Ledger) {
		return fmt.Errorf("ledger: unknown value %q; expected on or off", p.Ledger)
	}
	if !slices.Contains([]string{"", "on", "off"}, p.Validate) {
		return fmt.Errorf("validate: unknown value %q; expected on or off", p.Validate)
	}
	if p.MaxBody < 0 {
		return errors.New("max_body: expected a size above zero")
	}
	if p.Timeout < 0 {
		return errors.New("timeout: expected a duration above zero")
	}
	if p.MaxInFlight < 0 {
		return errors.New("max_in_flight: expected a number above zero")
	}
	return nil
}

// call is one call of the app's on its way to the gateway and back. Each step of run fills
// in what the next ones go by.
type call struct {
	operation   *operation.Operation // nil until identified
	request     request
	added       []field // to what the app sent
	envelope    []byte  // as it is sent
	signature   string  // of envelope
	reply       reply
	gatewayTook time.Duration // to get it; zero where nothing was sent
	opened      envelope      // the reply, taken apart
	unproven    bool          // passed on anyway: verify report
	arrived     bool          // its body has been read
	hasSlot     bool          // of those that max_in_flight gives out

	begun      time.Time      // when it began to be recorded
	payment    ledger.Payment // its record, or that of the same call before
	isAtWork   bool           // it is recorded, and its outcome is not yet
	isReplayed bool           // the ledger has answered, with what it knows of the same call before
	isProven   bool           // the reply
	order      ledger.Order   // whether the reply fits what was signed; "" where nothing was compared
	status     ledger.Status  // what the reply says of a payment, "" where it says nothing
}

// ServeHTTP answers one call of the app's.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if write, ok := p.documents[r.URL.Path]; ok {
		return p.show(w, r, write)
	}
	started := time.Now()
	c := new(call)
	defer p.leave(c)
	prob := p.run(w, r, c)
	p.report(r, c, prob, time.Since(started))
	return p.answer(w, r, c, prob)
}

// run is the line that every call walks.
func (p *Proxy) run(w http.ResponseWriter, r *http.Request, c *call) *problem.Problem {
	if prob := p.admit(r); prob != nil {
		return prob
	}
	ops, prob := p.route(w, r)
	if len(ops) == 1 {
		c.operation = &ops[0] // settled by the path alone
	}
	if prob != nil {
		return prob
	}
	body, prob := p.read(w, r)
	if prob != nil {
		return prob
	}
	c.arrived = true
	if prob := p.enter(w, c); prob != nil {
		return prob
	}
	if prob := p.identify(c, ops, body); prob != nil {
		return prob
	}
	if prob := c.takeKey(r.Header); prob != nil {
		return prob
	}
	p.complete(c)
	if prob := p.validate(r.Context(), c); prob != nil {
		return prob
	}
	p.wrap(c)
	if prob := p.record(w, r, c); prob != nil || c.isReplayed {
		return prob
	}
	p.sign(c)
	prob = p.carry(context.WithoutCancel(r.Context()), c) // what is on the wire cannot be taken back
	prob = p.bind(r.Context(), c, prob)
	return p.recordOutcome(r.Context(), c, prob)
}

// carry takes the call to the gateway and its reply back.
func (p *Proxy) carry(ctx context.Context, c *call) *problem.Problem {
	defer func() { p.merchant.contact.note(c.isProven) }()
	began := time.Now()
	prob := p.traceSend(ctx, c)
	c.gatewayTook = time.Since(began)
	if prob != nil {
		return prob
	}
	if prob := p.verify(c); prob != nil {
		return prob
	}
	return p.unwrap(c)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Proxy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Proxy)(nil)
)
