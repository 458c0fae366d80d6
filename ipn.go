package galaxypay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
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

	inbox *membership
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
	if h.Inbox == nil {
		return nil
	}
	settings, err := h.Inbox.resolved()
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	h.inbox = app.(*App).inbox
	return h.inbox.add(ctx, h.merchant.name, settings)
}

// ServeHTTP handles one IPN.
func (h *IPN) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	cb, prob := h.receive(w, r)
	if prob != nil {
		h.reportRefused(r, kindIPN, prob)
		return answerProblem(w, r, prob)
	}
	h.report(cb)
	if h.Inbox != nil {
		return h.keep(w, r, cb)
	}
	return h.ask(w, h.forward(r, cb), next, cb)
}

func (h *IPN) receive(w http.ResponseWriter, r *http.Request) (*callback, *problem.Problem) {
	if r.Method != http.MethodPost {
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
	app := &appAnswer{header: make(http.Header)}
	err := app.ask(next, r)
	answer, ok := app.translate()
	if err != nil || !ok {
		h.log.Error("the app did not confirm an IPN",
			zap.String("merchant", h.merchant.name),
			zap.String("request_id", cb.requestID),
			zap.String("delivery_id", cb.deliveryID),
			zap.String("payment_status", string(cb.status)),
			zap.Int("app_status", app.status),
			zap.Error(err))
		return answerProblem(w, r, problem.AppUnavailable())
	}
	return answerGateway(w, answer)
}

// keep stores an IPN, has it delivered and answers the gateway.
func (h *IPN) keep(w http.ResponseWriter, r *http.Request, cb *callback) error {
	answer, err := h.arrive(r.Context(), cb)
	if err != nil {
		h.log.Error("an IPN could not be kept, so it was not acknowledged",
			zap.String("merchant", h.merchant.name),
			zap.String("request_id", cb.requestID),
			zap.String("delivery_id", cb.deliveryID),
			zap.String("payment_status", string(cb.status)),
			zap.Error(err))
		return answerProblem(w, r, problem.InboxUnavailable())
	}
	return answerGateway(w, answer)
}

func (h *IPN) arrive(ctx context.Context, cb *callback) (inbox.Answer, error) {
	member, err := h.inbox.join() //nolint:contextcheck // the inbox is opened for all, not for this request
	if err != nil {
		return inbox.Answer{}, err
	}
	return member.Arrive(ctx, inbox.Event{
		ID:            cb.deliveryID,
		Queue:         h.merchant.name,
		Transaction:   nameOf(cb.transaction),
		RequestID:     nameOf(cb.requestID),
		PaymentStatus: string(cb.status),
		ReceivedAt:    time.Now().UTC(),
		Message:       cb.message,
	})
}

// nameOf leaves out a name that is longer than any of the gateway's, and than a store accepts:
// the event must still be kept.
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
