package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// refund gives back all or part of a payment. Its orderID is not compared with the
// payment's: the documents do not say whether it is the same or a new one. A query says
// nothing of refunds, since it has no field for them, and no IPN is sent.
func (o *operations) refund(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	currency := read.required("orderCurrency")
	_, amount := read.amount("orderAmount", currency)
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(o.ledger.ChangeOnce(c.requestID, id, func(t *ledger.Transaction) error {
		return t.Refund(amount, currency, o.ledger.Now())
	}))
}
