package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxListed is how many transactions the dashboard lists: the page itself, and its script.
const maxListed = 100

// listTransactions lists what is remembered, the newest first; orderID in the query leaves
// the others out.
func (c control) listTransactions(w http.ResponseWriter, r *http.Request) {
	wanted, filtered := r.URL.Query().Get("orderID"), r.URL.Query().Has("orderID")
	views := []transactionJSON{}
	for _, t := range c.ledger.Newest(ledger.MaxTransactions) {
		if !filtered || t.Order.ID == wanted {
			views = append(views, newTransactionJSON(t, c.ledger.Now()))
		}
	}
	writeView(w, struct {
		Transactions []transactionJSON `json:"transactions"`
	}{views})
}

func (c control) showTransaction(w http.ResponseWriter, r *http.Request) {
	t, found := c.ledger.Find(r.PathValue("transactionID"))
	if !found {
		writeProblem(w, http.StatusNotFound, "transaction_unknown", ledger.ErrUnknown.Error())
		return
	}
	v := newTransactionJSON(t, c.ledger.Now())
	v.Exchanges, v.ExchangesLeftOut = newLogJSON(t.Wire), t.Wire.LeftOut
	writeView(w, v)
}

// listExchanges lists the requests that belong to no transaction, the oldest first.
func (c control) listExchanges(w http.ResponseWriter, _ *http.Request) {
	unassigned := c.ledger.Unassigned()
	writeView(w, struct {
		Exchanges []exchangeJSON `json:"exchanges"`
		LeftOut   int            `json:"exchangesLeftOut"`
	}{newLogJSON(unassigned), unassigned.LeftOut})
}

func writeView(w http.ResponseWriter, view any) {
	writeJSON(w, http.StatusOK, message.Encode(view))
}
