package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
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
	onlyHTTP1 bool            // to the gateway
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
}

// ServeHTTP answers one call of the app's.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if doc, ok := p.documents[r.URL.Path]; ok {
		return p.show(w, r, doc)
	}
	started := time.Now()
	x := new(exchange)
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
	body, f := p.read(w, r)
	if f != nil {
		return f
	}
	if f := p.identify(x, ops, body); f != nil {
		return f
	}
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

// identify takes the body apart and settles which operation it asks for.
func (p *Proxy) identify(x *exchange, ops []operation.Operation, body []byte) *failure {
	req, err := parseRequest(body)
	if err != nil {
		return fail(CodeBodyInvalid, message(err.Fault), faultArgs(err)...)
	}
	x.request = req
	value := func(name string) (string, bool) { return req.text(name), req.has(name) }
	op := operation.Match(ops, value)
	if op == nil {
		op = &ops[0]
	}
	if f := contradiction(op, &req); f != nil {
		return f
	}
	if !p.routes.allows(op.Name) || !p.routes.allows(p.routes.closest(op, value).Name) {
		return fail(CodeOperationUnknown, msgOperationUnknown, p.routes.names())
	}
	x.operation = op
	x.added = p.additions(x)
	return nil
}

// contradiction refuses a request that says it is another operation than the one
// it was posted to: FAST_PAY must not slip through where only pay is allowed. Nor
// must it in a field of other letter case, since a gateway may not care for that.
func contradiction(op *operation.Operation, req *request) *failure {
	f := fail(CodeFieldsInvalid, msgFieldsInvalid)
	for _, fixed := range op.Fixed() {
		for _, m := range req.data {
			if !strings.EqualFold(string(m.Name), fixed.Name) || string(m.Name) == fixed.Name && rawjson.Scalar(m.Value) == fixed.Fixed {
				continue
			}
			f.errors = append(f.errors, fieldFault{
				field:  string(m.Name),
				code:   "fixed",
				detail: msgFixedField,
				args:   []any{fixed.Name, op.Name},
			})
		}
	}
	if len(f.errors) == 0 {
		return nil
	}
	return f
}

// wrap builds the message. The same Idempotency-Key always gives the same
// requestID, so that the gateway recognises a repeated request as a duplicate.
func (p *Proxy) wrap(x *exchange, idempotencyKey string) {
	if !x.request.enveloped {
		x.request.requestID = requestIDFor(idempotencyKey)
	}
	size := len(x.request.object) + 128
	for _, f := range x.added {
		size += len(f.name) + len(f.value) + 4
	}
	x.message = appendEnvelope(make([]byte, 0, size), &x.request, time.Now(), x.added)
}

// additions are the fields that the app left out: the operation's fixed ones
// first, then the operator's defaults.
func (p *Proxy) additions(x *exchange) []field {
	if x.request.enveloped {
		return nil
	}
	var added []field
	for _, f := range x.operation.Fixed() {
		if !x.request.has(f.Name) {
			added = append(added, field{name: f.Name, value: []byte(`"` + f.Fixed + `"`)})
		}
	}
	for _, d := range p.defaults {
		if !x.request.has(d.name) && x.operation.Takes(d.name) &&
			!slices.ContainsFunc(added, func(f field) bool { return f.name == d.name }) {
			added = append(added, d)
		}
	}
	return added
}

var (
	// plainRequestID is what an Idempotency-Key must look like to be a requestID.
	plainRequestID = regexp.MustCompile(`^[A-Za-z0-9-]{1,50}$`)

	// idempotencyKeys is the UUIDv5 name space of the keys that do not fit. It must
	// never change: a retry across an upgrade would get another requestID and pay twice.
	idempotencyKeys = uuid.MustParse("6f0cbb5e-6b1c-5d0e-9a57-6b3f0d7f2f4a")
)

func requestIDFor(idempotencyKey string) string {
	id := uuid.New()
	if idempotencyKey != "" {
		if plainRequestID.MatchString(idempotencyKey) {
			return idempotencyKey
		}
		id = uuid.NewSHA1(idempotencyKeys, []byte(idempotencyKey))
	}
	return strings.ReplaceAll(id.String(), "-", "")
}

// verify proves the answer over the bytes received, before anything parses them.
func (p *Proxy) verify(x *exchange) *failure {
	verdict := p.merchant.signer.verify(x.reply.body, x.reply.signature, time.Now())
	if verdict == signatureProven {
		return nil
	}
	if p.Verify == "report" {
		x.unproven = true
		return nil
	}
	if verdict == signatureMissing {
		return unsigned(&x.reply)
	}
	return fail(CodeResponseSignatureInvalid, msgWrongSignature)
}

// unsigned quotes a refusal's code and message, marked as unproven: a gateway that
// does not know the merchant cannot sign, and its reason is what a developer needs.
func unsigned(rp *reply) *failure {
	a, err := parseAnswer(rp.body)
	if err != nil || a.responseCode == "" || a.responseCode == "200" {
		return fail(CodeResponseSignatureMissing, msgUnsigned, rp.status)
	}
	return fail(CodeResponseSignatureMissing, msgUnsignedRefusal, rp.status, quote(a.responseCode, 3), quote(a.responseMessage, 250))
}

// unwrap takes the answer apart and turns a refusal into its problem.
func (p *Proxy) unwrap(x *exchange) *failure {
	a, err := parseAnswer(x.reply.body)
	if err != nil {
		return fail(CodeResponseMalformed, msgAnswerNotJSON)
	}
	success := a.responseCode == "200"
	if a.requestID != x.request.requestID && (success || a.requestID != "") {
		return fail(CodeResponseMalformed, msgAnswerOther)
	}
	x.answer = a
	if success {
		return nil
	}
	f := fail(CodeResponseCodeUnexpected, msgCodeUnexpected)
	if code, ok := refusals[a.responseCode]; ok {
		f = fail(code, msgRefused, a.responseCode)
	}
	f.responseCode, f.responseMessage = a.responseCode, a.responseMessage
	f.unproven = x.unproven
	return f
}

// content is the body of a successful answer.
func (p *Proxy) content(x *exchange) []byte {
	if p.Response == "envelope" {
		return x.answer.envelope
	}
	if x.answer.data == nil {
		return []byte("{}")
	}
	return x.answer.data
}

// mark sets the headers that every answer carries, as far as they are known.
func (p *Proxy) mark(h http.Header, x *exchange, f *failure) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Galaxypay-Merchant", p.merchant.name)
	set("Galaxypay-Operation", x.name())
	set("Galaxypay-Request-Id", x.request.requestID)
	if isHeaderText(x.answer.responseCode) {
		set("Galaxypay-Response-Code", x.answer.responseCode)
	}
	set("Galaxypay-Payment-Status", string(x.paymentStatus(f)))
	if x.unproven {
		set("Galaxypay-Verified", "false")
	}
}

// name is the operation's short name, "" while it is not known.
func (x *exchange) name() string {
	if x.operation == nil {
		return ""
	}
	return x.operation.Name
}

// paymentStatus is what the answer says about a payment, "" where it says nothing.
// A refused query says nothing: its code is about the query. A direct payment
// whose outcome is unknown, or that repeats an earlier one, has no status either,
// and nothing unproven has.
func (x *exchange) paymentStatus(f *failure) PaymentStatus {
	if x.unproven {
		return ""
	}
	switch x.name() {
	case operation.Query:
		if f == nil {
			return paymentOf(&x.answer).judgeQuery()
		}
	case operation.FastPay:
		if f == nil || f.outcome() == Rejected && f.code != CodeTransactionDuplicate {
			return paymentOf(&x.answer).judge()
		}
	}
	return ""
}

// report logs and counts how the call ended.
func (p *Proxy) report(r *http.Request, x *exchange, f *failure, took time.Duration) {
	outcome := "ok"
	if f != nil {
		outcome = string(f.outcome())
	}
	p.metrics.countRequest(p.merchant.name, x.name(), outcome, took)

	level := zap.DebugLevel
	switch {
	case outcome == string(Unknown) || x.unproven:
		level = zap.ErrorLevel
	case hungUp(r):
		level = zap.WarnLevel
	case f != nil:
		level = zap.InfoLevel
	}
	entry := p.log.Check(level, "call")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("merchant", p.merchant.name),
		zap.String("operation", x.name()),
		zap.String("request_id", x.request.requestID),
		zap.String("outcome", outcome),
		zap.String("response_code", x.answer.responseCode),
		zap.Duration("duration", took),
	}
	if f != nil {
		fields = append(fields, zap.String("code", string(f.code)), zap.NamedError("reason", loggable(x.reply.err)))
	}
	if x.unproven {
		fields = append(fields, zap.Bool("verified", false))
	}
	if hungUp(r) {
		fields = append(fields, zap.Bool("app_hung_up", true))
	}
	entry.Write(fields...)
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

// callers are the addresses that may call.
type callers []netip.Prefix

func newCallers(allow []string) (callers, error) {
	if len(allow) == 0 {
		allow = []string{"127.0.0.0/8", "::1/128"}
	}
	var c callers
	for _, expression := range allow {
		ranges := []string{expression}
		if expression == "private_ranges" {
			ranges = caddyhttp.PrivateRangesCIDR()
		}
		for _, text := range ranges {
			prefix, err := caddyhttp.CIDRExpressionToPrefix(text)
			if err != nil {
				return nil, fmt.Errorf("allow: %q is not an IP address, a CIDR range or private_ranges", expression)
			}
			c = append(c, prefix)
		}
	}
	return c, nil
}

// include looks at the connection alone: a forwarding header could be set by
// anybody. Who can open a unix socket is up to its file mode.
func (c callers) include(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return onUnixSocket(r)
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(c, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Proxy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Proxy)(nil)
)
