package galaxypay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/span"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func init() {
	caddy.RegisterModule(IPN{})
}

// IPN is the handler behind galaxypay_ipn: the gateway's server says how a payment ended,
// and gets the app's word on it as the answer.
type IPN struct {
	Receiver

	// Keep IPNs until the app has taken them, instead of handing them to the next
	// handler. Default: no inbox.
	Inbox *Inbox `json:"inbox,omitempty"`

	store *membership
	spans *span.Later // of deliveries; nil without an inbox
}

// CaddyModule returns the Caddy module information.
func (IPN) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_ipn",
		New: func() caddy.Module { return new(IPN) },
	}
}

// Provision fills in the defaults, finds the merchant and registers the inbox with the app.
func (h *IPN) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	h.metrics.expectRefused(h.merchant.name)
	if h.Inbox == nil {
		return nil
	}
	b, err := h.Inbox.provision(ctx)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	h.store = app.(*App).store
	h.spans = &b.spans
	b.binder = h.binder
	asker, err := app.(*App).askerFor(ctx, h.binder)
	if err != nil {
		return err
	}
	if h.Inbox.Confirm == "on" {
		b.asker = asker
	}
	return h.store.add(ctx, h.merchant.book, h.Inbox, b)
}

// ServeHTTP handles one IPN.
func (h *IPN) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	began := time.Now()
	cb, prob := h.receive(w, r)
	if prob != nil {
		h.reportRefused(r, kindIPN, prob, began)
		return answerProblem(w, r, prob)
	}
	if err := h.binder.bind(r.Context(), cb); err != nil {
		return h.refuseUnread(w, r, cb, err)
	}
	h.report(cb, began)
	if h.Inbox != nil {
		return h.keep(w, r, cb)
	}
	r = h.forward(r, cb)
	if signed, ok := h.binder.signedQuery(&cb.bound); ok {
		r = withQuery(r, signed)
	}
	return h.ask(w, r, next, cb)
}

// HandsOn reports whether the next handler of the site answers. With an inbox, those of deliver do.
func (h *IPN) HandsOn() bool { return h.Inbox == nil }

func (h *IPN) receive(w http.ResponseWriter, r *http.Request) (*callback, *problem.Problem) {
	if r.Method != http.MethodPost {
		closeConnection(w, r)
		w.Header().Set("Allow", http.MethodPost)
		return nil, problem.MethodNotAllowed(http.MethodPost)
	}
	msg, prob := h.readPost(w, r)
	if prob != nil {
		return nil, prob
	}
	return h.prove(msg, kindIPN)
}

// ask lets the app speak and translates its answer for the gateway. Everything but a clear
// answer becomes 503, so that the gateway can send the IPN again: a wrong route or a
// crashed app must not lose a payment.
func (h *IPN) ask(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, cb *callback) error {
	r.Header.Del("Accept-Encoding") // a compressed answer would not be understood here
	ctx, s := h.span(r.Context(), "galaxypay delivery", cb)
	defer s.End()
	span.Announce(ctx, r.Header)
	app, err := askApp(next, r.WithContext(ctx))
	answer, ok := app.word()
	if err != nil || !ok {
		span.Fail(s, string(problem.CodeAppUnavailable))
		h.log.Error("the app did not confirm an IPN",
			zap.String("merchant", h.merchant.name),
			zap.String("request_id", cb.requestID),
			zap.String("delivery_id", cb.deliveryID),
			zap.String("payment_status", string(cb.status)),
			zap.Int("app_status", app.status),
			zap.String("expected", expectedWord),
			zap.Error(err))
		return h.notAcknowledged(w, r, problem.AppUnavailable())
	}
	if answer.Status != inbox.NotFound {
		h.binder.noteOrLog(r.Context(), &cb.bound, cb.transaction, true)
	}
	return answerGateway(w, answer)
}

// refuseUnread refuses an IPN while the ledger cannot be read: it might not fit what was signed.
func (h *IPN) refuseUnread(w http.ResponseWriter, r *http.Request, cb *callback, err error) error {
	h.log.Error("the ledger cannot be read, so an IPN was not acknowledged",
		zap.String("merchant", h.merchant.name),
		zap.String("request_id", cb.requestID),
		zap.String("delivery_id", cb.deliveryID),
		zap.Error(err))
	return h.notAcknowledged(w, r, problem.MessageNotKept())
}

// notAcknowledged counts and answers a proven IPN that the gateway has to send again.
func (h *IPN) notAcknowledged(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	h.metrics.refused.WithLabelValues(h.merchant.name, string(prob.Code)).Inc()
	return answerProblem(w, r, prob)
}

// keep stores an IPN, has it delivered and answers the gateway.
func (h *IPN) keep(w http.ResponseWriter, r *http.Request, cb *callback) error {
	answer, err := h.arrive(r, cb)
	if err != nil {
		h.log.Error("an IPN could not be kept, so it was not acknowledged",
			zap.String("merchant", h.merchant.name),
			zap.String("request_id", cb.requestID),
			zap.String("delivery_id", cb.deliveryID),
			zap.String("payment_status", string(cb.status)),
			zap.Error(err))
		return h.notAcknowledged(w, r, problem.MessageNotKept())
	}
	return answerGateway(w, answer)
}

func (h *IPN) arrive(r *http.Request, cb *callback) (inbox.Answer, error) {
	member, err := h.store.join() //nolint:contextcheck // the inbox is opened for all, not for this request
	if err != nil {
		return inbox.Answer{}, err
	}
	ctx, s := h.span(r.Context(), "galaxypay store: event", cb)
	defer s.End()
	h.spans.Use(ctx)
	sent := h.withSignedQuery(asSent(r), cb)
	sent.Traceparent = span.Traceparent(ctx)
	return member.Arrive(ctx, inbox.Event{
		ID:            cb.deliveryID,
		Kind:          kindIPN,
		Queue:         h.merchant.book,
		Transaction:   nameOf(cb.transaction),
		OrderID:       nameOf(cb.order),
		RequestID:     nameOf(cb.requestID),
		PaymentStatus: string(cb.eventStatus()),
		ReceivedAt:    time.Now().UTC(),
		Message:       cb.message,
		Request:       sent,
		Block:         h.Inbox.name,
	})
}

// span begins a span about a callback.
func (h *IPN) span(ctx context.Context, name string, cb *callback) (context.Context, trace.Span) {
	return span.Start(ctx, name, "merchant", h.merchant.name, "request_id", nameOf(cb.requestID), "order_id", nameOf(cb.order),
		"transaction_id", nameOf(cb.transaction), "delivery_id", cb.deliveryID, "payment_status", string(cb.status))
}

// eventStatus is the payment status of the event that the callback becomes. One that is overtaken keeps its own: it is kept, and
// not delivered.
func (cb *callback) eventStatus() PaymentStatus {
	if said := cb.payment.judge(); cb.bound.Order == ledger.Matched && cb.bound.Payment.Overtakes(said) {
		return said
	}
	return cb.status
}

// asSent is what an attempt repeats of the gateway's request: the request as it was sent,
// whatever the site has rewritten since, without our own fields.
func asSent(r *http.Request) inbox.Request {
	sent := inbox.Request{Scheme: "http", Host: r.Host, RemoteAddr: r.RemoteAddr}
	if r.TLS != nil {
		sent.Scheme = "https"
	}
	u := *r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		u = *original.URL
	}
	u.RawQuery = withoutOurs(u.RawQuery)
	sent.URI = u.RequestURI()
	return sent
}

// withQuery gives a request another query, in the request that Caddy remembers as it came, too.
func withQuery(r *http.Request, query string) *http.Request {
	r.URL.RawQuery = query
	r.RequestURI = r.URL.RequestURI()
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return r
	}
	u := *original.URL
	u.RawQuery = query
	original.URL, original.RequestURI = &u, u.RequestURI()
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, original))
}

// withSignedQuery gives the request the query of the ipnURL that was signed, if there is one.
func (h *IPN) withSignedQuery(sent inbox.Request, cb *callback) inbox.Request {
	if signed, ok := h.binder.signedQuery(&cb.bound); ok {
		path, _, _ := strings.Cut(sent.URI, "?")
		sent.URI = path
		if signed != "" {
			sent.URI += "?" + signed
		}
	}
	return sent
}

// nameOf leaves out a name that is longer than any of the gateway's, and than a store takes:
// the event must be kept all the same.
func nameOf(text string) string {
	if len(text) > inbox.MaxName {
		return ""
	}
	return text
}

// answerGateway answers the gateway's IPN. It expects HTTP 200 and both
// fields as strings; source: its page "Result & IPN Callback".
func answerGateway(w http.ResponseWriter, answer inbox.Answer) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return respond.Whole(w, http.StatusOK, "application/json", body)
}

// answerProblem answers a callback with a problem. It has no outcome: that is for calls.
func answerProblem(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	prob.Outcome = ""
	return prob.Write(w, r)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*IPN)(nil)
	_ caddyhttp.MiddlewareHandler = (*IPN)(nil)
)
