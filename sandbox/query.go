package sandbox

import "net/http"

// standing is the responseData of a query: where a transaction stands (the gateway's
// page "Query transaction").
type standing struct {
	TransactionID          string `json:"transactionID"`
	TransactionDateTime    string `json:"transactionDateTime"`
	TransactionStage       string `json:"transactionStage"`
	TransactionStatus      string `json:"transactionStatus"`
	TransactionDescription string `json:"transactionDescription"`
	order
}

// query tells where a transaction stands. A requestID that was used before is fine here:
// a query makes no transaction that could be a duplicate.
func (h *Handler) query(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	id := read.required("transactionID", 50)
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	t, found := h.ledger.find(id)
	if !found {
		return refused(codeBadRequest, "transactionID is unknown")
	}
	return done(standing{
		TransactionID:          t.id,
		TransactionDateTime:    stamp(t.openedAt),
		TransactionStage:       t.stage(),
		TransactionStatus:      t.result().status,
		TransactionDescription: t.result().description,
		order:                  t.order,
	})
}
