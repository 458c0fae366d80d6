package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

func init() {
	caddy.RegisterModule(Proxy{})
}

// Proxy is the outbound handler, from the app to the gateway. It takes plain JSON,
// wraps it in the gateway's envelope, signs and sends it, proves the answer's
// signature and answers with the plain JSON inside. It answers every request
// itself, so nothing that comes after it runs.
type Proxy struct {
	// The merchant in whose name requests are signed. Default: "default".
	Merchant string `json:"merchant,omitempty"`

	// Who may call, as IP addresses or CIDR ranges; "private_ranges" stands for
	// the private and loopback ranges. The address is that of the connection,
	// whatever forwarding headers say. Whoever may call can sign payments in the
	// merchant's name. Default: loopback addresses and unix sockets only.
	Allow []string `json:"allow,omitempty"`

	// The operations that may be called, by short name; "other" stands for paths
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

	// Fields of requestData with their text, added where the app left them out and
	// the operation takes them. Placeholders are resolved at load. Default: none.
	Defaults map[string]string `json:"defaults,omitempty"`

	// Addresses of operations, by short name, where the gateway's differ from the
	// catalogue's or are not published. Default: those of the catalogue.
	Paths map[string]string `json:"paths,omitempty"`

	// The largest body in bytes, of a request and of an answer. A larger request
	// is refused with 413; a larger answer is not read. Default: 65536.
	MaxBody int64 `json:"max_body,omitempty"`

	// How long one call to the gateway may take, a second try included.
	// Default: 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many calls are at work at once. One more is refused with 503 and
	// Retry-After before its body is read, and nothing of it is sent. A call is at
	// work until it is answered or, if the app has hung up, until the gateway has
	// answered it. Default: 256.
	MaxInFlight int `json:"max_in_flight,omitempty"`

	// The connection to the gateway: the transport "http" of reverse_proxy with
	// all its options. HTTP/1.1 is used unless versions says otherwise, because
	// only there can a request be told to have left no byte behind.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`

	merchant  *merchant
	routes    *routes
	callers   callers
	defaults  []field
	documents map[string]document
	transport http.RoundTripper
	onlyHTTP1 bool // to the gateway
	slots     slots
	ended     <-chan struct{} // closed when the configuration ends
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
	if p.MaxBody == 0 {
		p.MaxBody = defaultMaxBody
	}
	if p.Timeout == 0 {
		p.Timeout = defaultTimeout
	}
	if p.MaxInFlight == 0 {
		p.MaxInFlight = defaultMaxInFlight
	}
	if err := p.checkOptions(); err != nil {
		return err
	}
	var err error
	if p.merchant, err = merchantFor(ctx, p.Merchant); err != nil {
		return err
	}
	if p.callers, err = newCallers(p.Allow); err != nil {
		return err
	}
	if p.routes, err = newRoutes(p.Paths, p.Operations); err != nil {
		return err
	}
	if p.defaults, err = resolveDefaults(p.Defaults); err != nil {
		return err
	}
	if p.documents, err = documents(); err != nil {
		return err
	}
	if p.transport, err = p.loadTransport(ctx); err != nil {
		return err
	}
	p.slots = make(slots, p.MaxInFlight)
	p.ended = ctx.Done()
	if p.Verify == "report" {
		p.log.Warn("verify report: forged answers reach the app; use it only to find out how a gateway signs",
			zap.String("merchant", p.merchant.name))
	}
	p.metrics, err = newMetrics(ctx.GetMetricsRegistry())
	return err
}

func (p *Proxy) checkOptions() error {
	if !slices.Contains([]string{"", "data", "envelope"}, p.Response) {
		return fmt.Errorf("response: unknown value %q; expected data or envelope", p.Response)
	}
	if !slices.Contains([]string{"", "strict", "report"}, p.Verify) {
		return fmt.Errorf("verify: unknown value %q; expected strict or report", p.Verify)
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

// fieldName is the shape of every field name in the gateway's documents. Names
// are written into the message without escaping.
var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func resolveDefaults(defaults map[string]string) ([]field, error) {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if !fieldName.MatchString(name) {
			return nil, fmt.Errorf("defaults: %q is not the name of a field", name)
		}
		text, err := resolvePlain("defaults: "+name, defaults[name])
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{name: name, value: value})
	}
	return fields, nil
}

// exchange is one call of the app's on its way to the gateway and back.
type exchange struct {
	operation *operation.Operation // nil until identified
	request   request
	added     []field // to what the app sent
	message   []byte  // the signed envelope, as sent
	reply     reply
	answer    answer
	unproven  bool // passed on all the same: verify report
	atWork    bool // holds one of the slots
}

// ServeHTTP answers one call of the app's.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if doc, ok := p.documents[r.URL.Path]; ok {
		return p.show(w, r, doc)
	}
	started := time.Now()
	x := new(exchange)
	defer p.leave(x)
	f := p.run(w, r, x)
	p.report(r, x, f, time.Since(started))

	p.mark(w.Header(), x, f)
	if hungUp(r) && (f == nil || f.outcome() != NotSent) {
		// The status is for the access log; an app that has closed its sending side
		// only still finds the requestID to ask about.
		w.WriteHeader(statusClientClosedRequest)
		return nil
	}
	if f != nil {
		f.operation, f.requestID = x.name(), x.request.requestID
		return writeProblem(w, r, f)
	}
	w.Header().Set("Content-Type", "application/json")
	return writeBody(w, http.StatusOK, p.content(x))
}

// statusClientClosedRequest is what nginx and Caddy log for a client that hung up.
const statusClientClosedRequest = 499

// run is the line that every call walks.
func (p *Proxy) run(w http.ResponseWriter, r *http.Request, x *exchange) *failure {
	if f := p.admit(r); f != nil {
		return f
	}
	ops, f := p.route(w, r)
	if len(ops) == 1 {
		x.operation = &ops[0] // settled by the path alone
	}
	if f != nil {
		return f
	}
	if f := p.enter(w, x); f != nil {
		return f
	}
	body, f := p.read(w, r)
	if f != nil {
		return f
	}
	if f := p.identify(x, ops, body); f != nil {
		return f
	}
	x.added = p.additions(x)
	if f := p.validate(x); f != nil {
		return f
	}
	p.wrap(x, strings.Join(r.Header.Values("Idempotency-Key"), ","))
	if f := p.send(r.Context(), x); f != nil {
		return f
	}
	if f := p.verify(x); f != nil {
		return f
	}
	return p.unwrap(x)
}

// admit refuses whoever must not sign payments. A browser sends Origin with every
// POST, even to localhost: without this check any web page that is open on the
// machine could pay, refund or read.
func (p *Proxy) admit(r *http.Request) *failure {
	if len(r.Header.Values("Origin")) > 0 {
		return fail(CodeCallerNotAllowed, msgCallerOrigin)
	}
	if !p.callers.include(r) {
		return fail(CodeCallerNotAllowed, msgCallerAddress)
	}
	return nil
}

// route finds the operations that live at the request's path.
func (p *Proxy) route(w http.ResponseWriter, r *http.Request) ([]operation.Operation, *failure) {
	ops := p.routes.at(r.URL.Path)
	if !slices.ContainsFunc(ops, func(op operation.Operation) bool { return p.routes.allows(op.Name) }) {
		return nil, fail(CodeOperationUnknown, msgOperationUnknown, p.routes.names())
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return ops, fail(CodeMethodNotAllowed, msgMethod, http.MethodPost)
	}
	return ops, nil
}

func (p *Proxy) read(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, fail(CodeContentTypeUnsupported, msgContentType)
	}
	return readBody(w, r, p.MaxBody, CodeBodyInvalid)
}

// hungUp reports whether the app has gone without waiting for its answer.
func hungUp(r *http.Request) bool { return r.Context().Err() != nil }

// isJSON accepts application/json and its kin, in UTF-8.
func isJSON(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return kind == "application/json" || kind == "text/json" ||
		strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Proxy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Proxy)(nil)
)
