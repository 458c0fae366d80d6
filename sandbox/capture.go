package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// capture takes the money of an authorised payment, once and all of it. The fields of
// capture and void are in no document that can be read: both take a transactionID here,
// like query. They send no IPN, because only the caller needs to know.
func (o *operations) capture(_ *http.Request, c call) reply {
	return o.changeNamed(c, (*ledger.Transaction).Capture)
}

// changeNamed changes the transaction that a call names with nothing but its id.
func (o *operations) changeNamed(c call, by func(*ledger.Transaction) error) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(o.ledger.ChangeOnce(c.requestID, id, by))
}
