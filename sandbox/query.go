package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// transactionState is the responseData of a query: where a transaction stands (the gateway's
// page "Query transaction").
type transactionState struct {
	TransactionID          string `json:"transactionID"`
	TransactionDateTime    string `json:"transactionDateTime"`
	TransactionStage       string `json:"transactionStage"`
	TransactionStatus      string `json:"transactionStatus"`
	TransactionDescription string `json:"transactionDescription"`
	order
}

// query tells where a transaction stands. A requestID that was used before is fine here:
// a query makes no transaction that could be a duplicate.
func (h *Handler) query(r *http.Request, c call) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	lapsed, first := h.ledger.expire(id, h.ledger.now())
	t, found := h.ledger.find(id)
	if !found {
		return conclude(errUnknown)
	}
	answer := done(transactionState{
		TransactionID:          t.id,
		TransactionDateTime:    message.Stamp(t.openedAt),
		TransactionStage:       t.stage(),
		TransactionStatus:      results[t.standing()].status,
		TransactionDescription: results[t.standing()].description,
		order:                  t.order,
	})
	if first {
		answer.then = func() { h.notify(r.Context(), lapsed) }
	}
	return answer
}
