package galaxypay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/blank"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/resultpage"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func init() {
	caddy.RegisterModule(Result{})
}

// Result is the handler behind galaxypay_result: the customer's browser comes back after
// paying or cancelling, and gets the app's page.
type Result struct {
	Receiver

	// How the app gets a proven result. "get": as the visit of a page, GET without a body; a browser that brings
	// the result by POST is sent to the same address by GET first, with the result in its query. "post": as an IPN,
	// by POST with the message as body. A result that is too long for an address comes as with "post". Default: "get".
	Forward string `json:"forward,omitempty"`
}

// The values of Result.Forward.
const (
	forwardGet  = "get"
	forwardPost = "post"
)

// CaddyModule returns the Caddy module information.
func (Result) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_result",
		New: func() caddy.Module { return new(Result) },
	}
}

// Provision fills in the defaults and finds the merchant.
func (h *Result) Provision(ctx caddy.Context) error {
	h.Forward = cmp.Or(h.Forward, forwardGet)
	if h.Forward != forwardGet && h.Forward != forwardPost {
		return fmt.Errorf("forward: unknown value %q; expected get or post", h.Forward)
	}
	return h.provision(ctx)
}

// ServeHTTP handles one result.
func (h *Result) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	began := time.Now()
	cb, prob := h.receive(w, r)
	if prob != nil {
		h.reportRefused(r, kindResult, prob, began)
		// handle_errors gets the request too, and may hand it to the app.
		removeCallbackHeaders(r.Header)
		removeBody(r)
		return h.refuse(w, r, prob)
	}
	isPage := h.Forward != forwardPost
	if isPage && r.Method == http.MethodPost {
		if query, fits := h.queryOf(r, cb); fits {
			redirect(w, query)
			return nil // bound and reported when the browser is there
		}
		isPage = false
	}
	h.bind(r.Context(), cb)
	h.report(cb, began)
	if isPage {
		return h.handOn(w, h.visit(r, cb), next, cb)
	}
	return h.handOn(w, h.forward(r, cb), next, cb)
}

// bind holds the result against what was signed. While the ledger cannot be read, nothing may be believed.
func (h *Result) bind(ctx context.Context, cb *callback) {
	if err := h.binder.bind(ctx, cb); err != nil {
		cb.status = ledger.Pending
		h.log.Error("the ledger cannot be read, so a result says pending",
			zap.String("merchant", h.merchant.name), zap.String("request_id", cb.requestID), zap.Error(err))
		return
	}
	h.binder.noteOrLog(ctx, &cb.bound, cb.transaction, false)
}

// visit turns the request into the one that the app gets of a page: as it came, without a body.
func (h *Result) visit(r *http.Request, cb *callback) *http.Request {
	h.prepare(r, cb)
	return withoutOriginal(r)
}

// longestAddress is what servers and browsers take everywhere, in bytes.
const longestAddress = 8 << 10

// queryOf is the query of the address where the browser gets the page of a result that it has brought by POST: its own one, as it
// was before rewrites, with the message. It reports whether that fits an address, and is short enough to be taken here.
func (h *Result) queryOf(r *http.Request, cb *callback) (query string, fits bool) {
	u := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		u = original.URL
	}
	if query = asciiQuery(withoutOurs(u.RawQuery)); query != "" {
		query += "&"
	}
	query += "data=" + url.QueryEscape(string(cb.signed.data)) + "&signature=" + url.QueryEscape(cb.signed.signature)
	length := len("https://") + len(r.Host) + len(u.EscapedPath()) + len("?") + len(query)
	return query, length <= longestAddress && int64(len(query)) <= h.MaxBody
}

// asciiQuery writes what a header cannot hold, and what would end the query, as %XX. Everything else stays as it came.
func asciiQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c < 0x21 || c > 0x7e || c == '#' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// redirect sends the browser to the address that it has, with another query. So it stays at this site, and loading the page again
// posts nothing.
func redirect(w http.ResponseWriter, query string) {
	header := w.Header()
	header.Set("Location", "?"+query)
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", "0")
	resultpage.Private(header)
	w.WriteHeader(http.StatusSeeOther)
}

// handOn lets the site answer a proven result. A customer who may have paid does not get a blank page: where the site fails, or has
// nothing but the status of an error, a page of ours comes in its place.
func (h *Result) handOn(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, cb *callback) error {
	answer := blank.New(w, r, http.StatusInternalServerError)
	err := h.serve(answer, r, next)
	if err == nil && !answer.Sent() && answer.Status() == 0 {
		err = caddyhttp.Error(http.StatusNotFound, errNothingAnswers)
	}
	if err != nil && !answer.Sent() {
		if r.ContentLength > 0 {
			r.Body = io.NopCloser(bytes.NewReader(cb.message)) // for handle_errors, once more
		}
		return h.fail(w, r, err, func(status int) error { return withoutPage(w, r, status, cb) })
	}
	if err != nil {
		h.reportFailed(caddyhttp.Error(http.StatusInternalServerError, err))
	}
	if answer.Sent() {
		return nil
	}
	answer.Reset()
	return withoutPage(w, r, answer.Status(), cb)
}

// serve runs handlers of the site. A panic is a failure like any other, except for the one that breaks off the connection on purpose.
func (h *Result) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			panic(p)
		}
		if p != nil {
			// What a handler panics with may hold anything.
			h.log.Error("a handler panicked while it answered a result", zap.String("merchant", h.merchant.name), zap.Stack("stack"))
			err = errPanicked
		}
	}()
	return next.ServeHTTP(w, r)
}

// withoutPage answers a customer with a proven result where the site does not.
func withoutPage(w http.ResponseWriter, r *http.Request, status int, cb *callback) error {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		w.Header().Set("Retry-After", retryPage)
	}
	if !resultpage.Wanted(r) {
		resultpage.Private(w.Header())
		return answerProblem(w, r, problem.ResultUnanswered(status))
	}
	page := resultpage.Result
	if cb.status == Paid {
		page = resultpage.Paid
	}
	return page.Write(w, r, status, nameOf(cb.order))
}

var errNothingAnswers = errors.New("no handler of the site answers")

// retryPage is when a page is worth another try, in seconds.
const retryPage = "30"

func (h *Result) receive(w http.ResponseWriter, r *http.Request) (*callback, *problem.Problem) {
	msg, prob := h.read(w, r)
	if prob != nil {
		return nil, prob
	}
	cb, prob := h.prove(msg, kindResult)
	if prob == nil && cb.status == Cancelled {
		cb.kind = kindCancel
	}
	return cb, prob
}

// read finds data and signature in the body or, for a browser that is redirected with GET,
// in the query string.
func (h *Result) read(w http.ResponseWriter, r *http.Request) (signed, *problem.Problem) {
	switch r.Method {
	case http.MethodPost:
		return h.readPost(w, r)
	case http.MethodGet, http.MethodHead:
		if int64(len(r.URL.RawQuery)) > h.MaxBody {
			return signed{}, problem.BodyTooLarge(h.MaxBody)
		}
		return fromForm(r.URL.RawQuery)
	}
	closeConnection(w, r)
	const allowed = "GET, HEAD, POST"
	w.Header().Set("Allow", allowed)
	return signed{}, problem.MethodNotAllowed(allowed)
}

// refuse answers a browser whose message is not handed on: with the site's own error page,
// with a page of ours for people, with a problem for programs.
func (h *Result) refuse(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	err := caddyhttp.Error(prob.Status(), fmt.Errorf("galaxypay_result: %s", prob.Code))
	if hasErrorRoute(r, err) {
		return h.fail(w, withoutOriginal(r), err, func(status int) error {
			w.WriteHeader(status)
			return nil
		})
	}
	if resultpage.Wanted(r) {
		return resultpage.Refused.Write(w, r, prob.Status(), string(prob.Code))
	}
	return answerProblem(w, r, prob)
}

// fail does what Caddy's server does where a handler fails: it lets the site's error routes answer. Where they have no page either,
// last answers. The error is not handed on to the server, which logs the address of a request that fails: a result's has the
// customer's order in it.
func (h *Result) fail(w http.ResponseWriter, r *http.Request, err error, last func(status int) error) error {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return err
	}
	failed := caddyhttp.Error(http.StatusInternalServerError, err)
	h.reportFailed(failed)
	r = server.Errors.WithError(asReceived(r), failed)
	var routes caddyhttp.RouteList
	if server.Errors != nil {
		routes = server.Errors.Routes
	}
	answer := blank.New(w, r, http.StatusBadRequest)
	nothing := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	if err := h.serve(answer, r, routes.Compile(nothing)); err != nil {
		h.reportFailed(caddyhttp.Error(http.StatusInternalServerError, err))
	}
	if answer.Sent() {
		return nil
	}
	return last(cmp.Or(answer.Status(), failed.StatusCode))
}

// reportFailed logs a failure without the address, and without what came in the place of an answer, which may hold anything.
func (h *Result) reportFailed(failed caddyhttp.HandlerError) {
	level := zap.DebugLevel
	if failed.StatusCode >= http.StatusInternalServerError {
		level = zap.ErrorLevel
	}
	fields := []zap.Field{
		zap.String("merchant", h.merchant.name),
		zap.Int("status", failed.StatusCode),
		zap.String("err_id", failed.ID),
		zap.String("err_trace", failed.Trace),
	}
	if network, ok := errors.AsType[*net.OpError](failed.Err); ok {
		fields = append(fields, zap.Error(network))
	}
	h.log.Log(level, "the site failed to answer a result", fields...)
}

// asReceived gives an error page the request that the browser sent, as Caddy does, without our fields.
func asReceived(r *http.Request) *http.Request {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return r
	}
	u := *original.URL
	r.Method, r.RemoteAddr, r.RequestURI, r.URL = original.Method, original.RemoteAddr, original.RequestURI, &u
	if r.Method != http.MethodPost {
		removeBody(r) // of a message that came in the query
	}
	return r
}

// hasErrorRoute reports whether handle_errors of this site would take the error.
// Without such a route Caddy would answer with an empty page.
func hasErrorRoute(r *http.Request, err error) bool {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server.Errors == nil {
		return false
	}
	return takes(server.Errors.Routes, server.Errors.WithError(r, err))
}

// takes reports whether one of the routes handles the request. Sites, and the status
// codes of a handle_errors, are routes within routes.
func takes(routes caddyhttp.RouteList, r *http.Request) bool {
	for _, route := range routes {
		if matches, err := route.MatcherSets.AnyMatchWithError(r); err != nil || !matches {
			continue
		}
		for _, handler := range route.Handlers {
			if isGuard(handler) {
				continue
			}
			if inner, ok := handler.(*caddyhttp.Subroute); !ok || takes(inner.Routes, r) {
				return true
			}
		}
		if route.Terminal {
			return false
		}
	}
	return false
}

// HandsOn says that the next handler of the site answers the customer.
func (h *Result) HandsOn() bool { return true }

// Interface guards
var (
	_ caddy.Provisioner           = (*Result)(nil)
	_ caddyhttp.MiddlewareHandler = (*Result)(nil)
)
