package galaxypay

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func init() {
	caddy.RegisterModule(Result{})
}

// Result is the handler behind galaxypay_result: the customer's browser comes back after
// paying or cancelling, and gets the app's page.
type Result struct {
	Receiver
}

// CaddyModule returns the Caddy module information.
func (Result) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_result",
		New: func() caddy.Module { return new(Result) },
	}
}

// Provision fills in the defaults and finds the merchant.
func (h *Result) Provision(ctx caddy.Context) error { return h.provision(ctx) }

// ServeHTTP handles one result.
func (h *Result) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	cb, prob := h.receive(w, r)
	if prob != nil {
		h.reportRefused(r, kindResult, prob)
		return h.refuse(w, r, prob)
	}
	h.report(cb)
	r = h.forward(r, cb)
	if err := next.ServeHTTP(w, r); err != nil {
		return h.fail(w, r, err)
	}
	return nil
}

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
	case http.MethodGet:
		if int64(len(r.URL.RawQuery)) > h.MaxBody {
			return signed{}, problem.BodyTooLarge(h.MaxBody)
		}
		return fromForm(r.URL.RawQuery)
	}
	closeConnection(w, r)
	const allowed = "GET, POST"
	w.Header().Set("Allow", allowed)
	return signed{}, problem.MethodNotAllowed(allowed)
}

// refuse answers a browser whose message is not handed on: with the site's own error page,
// with a page of ours for people, with a problem for programs.
func (h *Result) refuse(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	err := caddyhttp.Error(prob.Status(), fmt.Errorf("galaxypay_result: %s", prob.Code))
	if hasErrorRoute(r, err) {
		return h.fail(w, withoutOriginal(r), err)
	}
	if wantsPage(r) {
		return writePage(w, r, prob)
	}
	return answerProblem(w, r, prob)
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// refusedPage is what a customer sees whose browser brings a message that is not proven.
// It does not ask to pay again: the money may be on its way.
var refusedPage = template.Must(template.New("refused").Parse(refusedHTML))

//go:embed refused.html
var refusedHTML string

var (
	refusedTitle = language.Both(
		"We could not confirm this page",
		"Chưa xác nhận được trang này")
	refusedAdvice = language.Both(
		"The payment result that your browser sent could not be verified. If you have paid, do not pay again: the shop receives the payment result separately. Please look at your order in the shop.",
		"Không xác thực được kết quả thanh toán mà trình duyệt gửi tới. Nếu bạn đã thanh toán, vui lòng không thanh toán lại: cửa hàng được thông báo riêng. Hãy kiểm tra đơn hàng tại cửa hàng.")
)

func writePage(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	in := language.Of(r)
	var body bytes.Buffer
	err := refusedPage.Execute(&body, map[string]any{
		"Language": in,
		"Title":    refusedTitle.In(in),
		"Advice":   refusedAdvice.In(in),
		"Code":     prob.Code,
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Language", string(in))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	// The address holds the callback; it must not travel on in a Referer.
	h.Set("Referrer-Policy", "no-referrer")
	return respond.Whole(w, prob.Status(), "text/html; charset=utf-8", body.Bytes())
}

// fail does what Caddy's server does where a handler fails: it answers with the site's own error page, else with the status alone.
// The error is not handed on to the server, which logs the address of a request that fails: a result's has the customer's order in it.
func (h *Result) fail(w http.ResponseWriter, r *http.Request, err error) error {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return err
	}
	failed := caddyhttp.Error(http.StatusInternalServerError, err)
	h.reportFailed(failed)
	r = server.Errors.WithError(asReceived(r), failed)
	status := func(w http.ResponseWriter) { w.WriteHeader(failed.StatusCode) }
	var routes caddyhttp.RouteList
	if server.Errors != nil {
		routes = server.Errors.Routes
	}
	page := routes.Compile(caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		status(w)
		return nil
	}))
	if err := page.ServeHTTP(w, r); err != nil {
		h.reportFailed(caddyhttp.Error(http.StatusInternalServerError, err))
		status(w)
	}
	return nil
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
