package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// transactionState is the responseData of a query: the state of a transaction (the gateway's
// page "Query transaction").
type transactionState struct {
	TransactionID          string `json:"transactionID"`
	TransactionDateTime    string `json:"transactionDateTime"`
	TransactionStage       string `json:"transactionStage"`
	TransactionStatus      string `json:"transactionStatus"`
	TransactionDescription string `json:"transactionDescription"`
	ledger.Order
}

// query answers with the state of a transaction. A requestID that was used before is fine here:
// a query makes no transaction that could be a duplicate.
func (o *operations) query(r *http.Request, c call) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	lapsed, first := o.ledger.Expire(id)
	answer := o.stateOf(id, c)
	if first {
		answer.then = func() { o.ipns.announce(r.Context(), lapsed) }
	}
	return answer
}

// stateOf says how a transaction stands, unless a fault says something else.
func (o *operations) stateOf(id string, c call) reply {
	t, found := o.ledger.Find(id)
	if !found {
		return conclude(ledger.ErrUnknown)
	}
	said := c.faults.Query(t, o.ledger.Now())
	if !said.Known {
		return conclude(ledger.ErrUnknown)
	}
	result := said.Told.Standing().Result()
	return done(transactionState{
		TransactionID:          t.ID,
		TransactionDateTime:    message.Stamp(t.OpenedAt),
		TransactionStage:       said.Told.Stage(),
		TransactionStatus:      result.Status,
		TransactionDescription: result.Description,
		Order:                  said.Told.Order,
	})
}
