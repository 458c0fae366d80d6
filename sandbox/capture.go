package sandbox

import (
	"errors"
	"net/http"
)

// capture takes the money of an authorised payment, once and all of it. The fields of
// capture and void are in no document that can be read: both take a transactionID here,
// like query. They send no IPN, because nobody but the caller has to be told.
func (h *Handler) capture(_ *http.Request, c call) reply {
	return h.finish(c, success)
}

// void gives up an authorised payment. The customer's money was never taken.
func (h *Handler) void(_ *http.Request, c call) reply {
	return h.finish(c, voided)
}

func (h *Handler) finish(c call, end outcome) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(h.ledger.changeOnce(c.requestID, id, func(t *transaction) error {
		return t.finish(end)
	}))
}

// finish decides about an authorised payment.
func (t *transaction) finish(end outcome) error {
	switch t.standing() {
	case authorised:
		t.afterwards = end
		return nil
	case success:
		return errors.New("the payment is captured already")
	case voided:
		return errors.New("the payment is voided already")
	}
	return errors.New("the payment is not authorised")
}
