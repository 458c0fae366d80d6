package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// openUnsigned opens a payment like the operation at the gateway's address, for a program
// that cannot sign. Its body is requestData, with PAY for an apiOperation that is left out.
func (c control) openUnsigned(w http.ResponseWriter, r *http.Request) {
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
	asked, err := parseCall(message.Encode(struct {
		RequestID       string `json:"requestID"`
		RequestDateTime string `json:"requestDateTime"`
		RequestData     fields `json:"requestData"`
	}{uuid.NewString(), message.Stamp(c.ledger.Now()), data}))
	op, err := operationOf("/api/v1/transaction/pay", asked, err)
	said := c.operations.carryOut(r, asked, op, err)
	if said.then != nil {
		said.then()
	}
	t, opened := c.ledger.OpenedBy(asked.requestID)
	if !opened {
		refuseControl(w, said.message)
		return
	}
	writeView(w, newTransactionJSON(t, c.ledger.Now()))
}

// settleAs ends an open payment as its customer could, or as time would. The app has got
// the IPN when the answer comes.
func (c control) settleAs(chosen ledger.Outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if readNothing(w, r) {
			c.settle(w, r, chosen)
		}
	}
}

// fail ends an open payment: by its authentication, or refused by the bank.
func (c control) fail(w http.ResponseWriter, r *http.Request) {
	wanted := struct{ Reason string }{"authentication"}
	if !readJSON(w, r, &wanted) {
		return
	}
	chosen, known := map[string]ledger.Outcome{"authentication": ledger.Failure, "refused": ledger.Refused}[wanted.Reason]
	if !known {
		refuseControl(w, "reason must be authentication or refused")
		return
	}
	c.settle(w, r, chosen)
}

func (c control) settle(w http.ResponseWriter, r *http.Request, chosen ledger.Outcome) {
	id := r.PathValue("transactionID")
	c.ipns.expire(r.Context(), id)
	t, first, found := c.ledger.Settle(id, chosen, ledger.Payer{})
	switch {
	case !found:
		refuseChange(w, ledger.ErrUnknown)
	case !first:
		refuseChange(w, errors.New("the payment has ended already: "+string(t.Standing())))
	default:
		c.ipns.announce(r.Context(), t)
		c.writeTransaction(w, t)
	}
}

// resendIPN sends the IPN once more. The payment's own faults do not strike again, so that
// what was lost arrives; those of every payment do. With newTime its responseDateTime is the
// present, so it is another message with another signature about the same payment. Which of
// the two the gateway sends again is not documented, so an app must know payments by their ids.
func (c control) resendIPN(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ NewTime bool }
	if !readJSON(w, r, &wanted) {
		return
	}
	t, found := c.ledger.Find(r.PathValue("transactionID"))
	switch {
	case !found:
		refuseChange(w, ledger.ErrUnknown)
	case t.Outcome == "":
		refuseChange(w, errors.New("the payment is still open, so there is no IPN to send"))
	case t.IPNURL == nil:
		refuseChange(w, errors.New("the payment has no ipnURL"))
	default:
		t.Faults = c.ledger.Faults()
		if wanted.NewTime {
			t.SettledAt = c.ledger.Now() // in this copy only
		}
		c.ipns.send(context.WithoutCancel(r.Context()), t)
		c.writeTransaction(w, t)
	}
}

// refund gives back an amount, or all that is left of the payment.
func (c control) refund(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Amount *string }
	if !readJSON(w, r, &wanted) {
		return
	}
	if wanted.Amount == nil {
		c.change(w, r, func(t *ledger.Transaction) error { return t.RefundRest(c.ledger.Now()) })
		return
	}
	payment, _ := c.ledger.Find(r.PathValue("transactionID")) // change answers where there is none
	amount, ok := parseAmount(*wanted.Amount, payment.Order.Currency)
	if !ok || amount.Sign() == 0 {
		refuseControl(w, "amount must be a decimal of more than 0 in the currency of the payment, as text, without separators")
		return
	}
	c.change(w, r, func(t *ledger.Transaction) error {
		return t.Refund(amount, t.Order.Currency, c.ledger.Now())
	})
}

// finishBy captures or voids an authorised payment.
func (c control) finishBy(by func(*ledger.Transaction) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if readNothing(w, r) {
			c.change(w, r, by)
		}
	}
}

func (c control) change(w http.ResponseWriter, r *http.Request, by func(*ledger.Transaction) error) {
	id := r.PathValue("transactionID")
	if err := c.ledger.Change(id, by); err != nil {
		refuseChange(w, err)
		return
	}
	t, _ := c.ledger.Find(id)
	c.writeTransaction(w, t)
}

// writeTransaction shows a transaction as it is by now.
func (c control) writeTransaction(w http.ResponseWriter, t ledger.Transaction) {
	if latest, known := c.ledger.Find(t.ID); known {
		t = latest // unless a reset came in between
	}
	writeView(w, newTransactionJSON(t, c.ledger.Now()))
}
