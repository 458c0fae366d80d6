package sandbox

import (
	"errors"
	"math/big"
	"net/http"
	"time"
)

// refund gives back all or part of a payment. Its orderID is not compared with the
// payment's: the documents do not say whether it is the same or a new one. A query says
// nothing of refunds, since it has no field for them, and no IPN is sent.
func (h *Handler) refund(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	currency := read.required("orderCurrency")
	_, amount := read.amount("orderAmount")
	if read.err == nil && amount.Sign() == 0 {
		read.fail("orderAmount", "must be more than 0")
	}
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	now := h.ledger.now()
	return conclude(h.ledger.changeOnce(c.requestID, id, func(t *transaction) error {
		return t.refund(amount, currency, now)
	}))
}

// refund adds to what was given back. Only the sum is kept, so many small refunds need no
// more room than one.
func (t *transaction) refund(amount *big.Rat, currency string, now time.Time) error {
	switch {
	case t.standing() == authorised:
		return errors.New("the payment is not captured: void it instead")
	case t.standing() != success:
		return errors.New("the payment was not successful")
	case currency != t.Currency:
		return errors.New("orderCurrency is not that of the payment")
	case now.After(t.settledAt.AddDate(1, 0, 0)):
		return errors.New("the payment is more than one year old")
	}
	sum := new(big.Rat).Set(amount)
	if t.refunded != nil {
		sum.Add(sum, t.refunded)
	}
	if sum.Cmp(t.amount) > 0 {
		return errors.New("orderAmount is more than what is left of the payment")
	}
	t.refunded = sum // a new number: copies of the transaction share the old one
	return nil
}
