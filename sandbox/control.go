package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/uuid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// addControl adds the addresses at which tests and the dashboard do what a customer, a
// bank, time or a merchant's back office would do.
func (h *Handler) addControl(routes *http.ServeMux) {
	const one = "POST /sandbox/transactions/{transactionID}/"
	for pattern, serve := range map[string]http.HandlerFunc{
		"POST /sandbox/transactions": h.openUnsigned,
		one + "complete":             h.settleAs(success),
		one + "fail":                 h.fail,
		one + "cancel":               h.settleAs(cancel),
		one + "expire":               h.settleAs(expired),
		one + "resend-ipn":           h.resendIPN,
		one + "refund":               h.refundAtOnce,
		one + "capture":              h.finishAs(success),
		one + "void":                 h.finishAs(voided),
		"GET /sandbox/faults":        h.showFaults,
		"PUT /sandbox/faults":        h.setFaults,
		"GET /sandbox/clock":         h.showClock,
		"POST /sandbox/clock":        h.advanceClock,
		"POST /sandbox/reset":        h.reset,
	} {
		routes.HandleFunc(pattern, ownPageOnly(serve))
	}
}

// readJSON reads what a request of the control API says, or refuses it. A request that has
// nothing to say needs no body.
func readJSON(w http.ResponseWriter, r *http.Request, wanted any) (ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		refuseBody(w, err)
		return false
	}
	if len(body) == 0 {
		return true
	}
	if !isJSON(r.Header) {
		writeProblem(w, http.StatusUnsupportedMediaType, "content_type_unsupported", "Content-Type must be application/json")
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(wanted) != nil || decoder.Decode(new(any)) != io.EOF {
		refuseControl(w, "the body is not the JSON object that this address takes")
		return false
	}
	return true
}

func refuseControl(w http.ResponseWriter, reason string) {
	writeProblem(w, http.StatusBadRequest, "body_invalid", reason)
}

// refuseChange says why a transaction is left as it was.
func refuseChange(w http.ResponseWriter, err error) {
	if errors.Is(err, errUnknown) {
		writeProblem(w, http.StatusNotFound, "transaction_unknown", err.Error())
		return
	}
	writeProblem(w, http.StatusConflict, "state_conflict", err.Error())
}

// openUnsigned opens a payment like the operation at the gateway's address, for whoever
// cannot sign. Its body is requestData, with PAY for an apiOperation that is left out.
func (h *Handler) openUnsigned(w http.ResponseWriter, r *http.Request) {
	var data fields
	if !readJSON(w, r, &data) {
		return
	}
	if data == nil {
		refuseControl(w, "the requestData of a payment is missing")
		return
	}
	if !data.has("apiOperation") {
		data["apiOperation"] = json.RawMessage(`"PAY"`)
	}
	c, err := parseCall(message.Encode(struct {
		RequestID       string `json:"requestID"`
		RequestDateTime string `json:"requestDateTime"`
		RequestData     fields `json:"requestData"`
	}{uuid.NewString(), message.Stamp(h.ledger.now()), data}))
	op, err := identify("/api/v1/transaction/pay", c, err)
	done := h.carryOut(r, c, op, err)
	if done.then != nil {
		done.then()
	}
	t, opened := h.ledger.openedUnder(c.requestID)
	if !opened {
		refuseControl(w, done.message)
		return
	}
	writeView(w, t.view(h.ledger.now()))
}

// settleAs ends an open payment as its customer could, or as time would. The app has been
// told when the answer comes.
func (h *Handler) settleAs(chosen outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if readJSON(w, r, new(struct{})) {
			h.settleNow(w, r, chosen)
		}
	}
}

// fail ends an open payment: by its authentication, or refused by the bank.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request) {
	wanted := struct{ Reason string }{"authentication"}
	if !readJSON(w, r, &wanted) {
		return
	}
	chosen, known := map[string]outcome{"authentication": failure, "refused": declined}[wanted.Reason]
	if !known {
		refuseControl(w, "reason must be authentication or refused")
		return
	}
	h.settleNow(w, r, chosen)
}

func (h *Handler) settleNow(w http.ResponseWriter, r *http.Request, chosen outcome) {
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	t, first, found := h.ledger.settle(id, chosen, payer{}, h.ledger.now())
	switch {
	case !found:
		refuseChange(w, errUnknown)
	case !first:
		refuseChange(w, errors.New("the payment has ended already: "+string(t.standing())))
	default:
		h.notify(r.Context(), t)
		h.writeTransaction(w, t)
	}
}

// resendIPN tells the app once more. The payment's own faults do not strike again, so that
// what was lost arrives; those of every payment do.
func (h *Handler) resendIPN(w http.ResponseWriter, r *http.Request) {
	if !readJSON(w, r, new(struct{})) {
		return
	}
	t, found := h.ledger.find(r.PathValue("transactionID"))
	switch {
	case !found:
		refuseChange(w, errUnknown)
	case t.outcome == "":
		refuseChange(w, errors.New("the payment is open, and there is nothing to tell of it yet"))
	case t.ipnURL == nil:
		refuseChange(w, errors.New("the payment has no ipnURL"))
	default:
		t.faults = h.ledger.globalFaults()
		h.tell(context.WithoutCancel(r.Context()), t)
		h.writeTransaction(w, t)
	}
}

// refundAtOnce gives back an amount, or all that is left of the payment.
func (h *Handler) refundAtOnce(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Amount *string }
	if !readJSON(w, r, &wanted) {
		return
	}
	var amount *big.Rat
	if wanted.Amount != nil {
		var ok bool
		if amount, ok = parseAmount(*wanted.Amount); !ok || amount.Sign() == 0 {
			refuseControl(w, "amount must be a decimal of more than 0, as text")
			return
		}
	}
	now := h.ledger.now()
	h.tryChange(w, r, func(t *transaction) error { return t.refundRest(amount, now) })
}

// refundRest is refund in the payment's currency, of all that is left where there is no
// amount.
func (t *transaction) refundRest(amount *big.Rat, now time.Time) error {
	if amount == nil {
		amount = new(big.Rat).Set(t.amount)
		if t.refunded != nil {
			amount.Sub(amount, t.refunded)
		}
		if amount.Sign() == 0 {
			return errors.New("nothing is left of the payment")
		}
	}
	return t.refund(amount, t.Currency, now)
}

// finishAs captures or voids an authorised payment.
func (h *Handler) finishAs(end outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if readJSON(w, r, new(struct{})) {
			h.tryChange(w, r, func(t *transaction) error { return t.finish(end) })
		}
	}
}

func (h *Handler) tryChange(w http.ResponseWriter, r *http.Request, by func(*transaction) error) {
	id := r.PathValue("transactionID")
	if err := h.ledger.try(id, by); err != nil {
		refuseChange(w, err)
		return
	}
	t, _ := h.ledger.find(id)
	h.writeTransaction(w, t)
}

// writeTransaction shows a transaction as it is by now.
func (h *Handler) writeTransaction(w http.ResponseWriter, t transaction) {
	if latest, known := h.ledger.find(t.id); known {
		t = latest // unless a reset came in between
	}
	writeView(w, t.view(h.ledger.now()))
}

// knownFault is a fault for people.
type knownFault struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

func (h *Handler) showFaults(w http.ResponseWriter, _ *http.Request) {
	known := make([]knownFault, len(faults))
	for i, f := range faults {
		known[i] = knownFault{f.name, f.about}
	}
	writeView(w, struct {
		Faults []string     `json:"faults"`
		Known  []knownFault `json:"known"`
	}{namesOf(h.ledger.globalFaults()), known})
}

// setFaults takes the place of what was set before; an empty list clears it.
func (h *Handler) setFaults(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Faults []string }
	if !readJSON(w, r, &wanted) {
		return
	}
	chosen, known := faultsNamed(wanted.Faults)
	if wanted.Faults == nil || !known {
		refuseControl(w, "faults must be an array of names among "+faultNames())
		return
	}
	h.ledger.setGlobalFaults(chosen)
	h.showFaults(w, r)
}

func (h *Handler) showClock(w http.ResponseWriter, _ *http.Request) {
	writeView(w, struct {
		Now time.Time `json:"now"`
	}{h.ledger.now()})
}

// advanceClock moves the sandbox's time on. A payment whose time is over then expires like
// any other: with the next query or visit.
func (h *Handler) advanceClock(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Advance string }
	if !readJSON(w, r, &wanted) {
		return
	}
	by, err := caddy.ParseDuration(wanted.Advance)
	if err != nil || by <= 0 {
		refuseControl(w, "advance must be a duration longer than 0, such as 16m")
		return
	}
	if err := h.ledger.advanceClock(by); err != nil {
		refuseControl(w, err.Error())
		return
	}
	h.showClock(w, r)
}

func (h *Handler) reset(w http.ResponseWriter, r *http.Request) {
	if !readJSON(w, r, new(struct{})) {
		return
	}
	h.ledger.reset()
	w.WriteHeader(http.StatusNoContent)
}
