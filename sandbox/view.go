package sandbox

import (
	"net/http"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// transactionJSON is a transaction for programs and for the dashboard.
type transactionJSON struct {
	ID        string `json:"id"`
	RequestID string `json:"requestID"`
	Operation string `json:"operation,omitempty"` // absent: not opened by a request to the API
	order
	Signature     wirelog.Verdict `json:"signature,omitempty"` // on the request that opened it
	PaymentMethod string          `json:"paymentMethod,omitempty"`
	Stage         string          `json:"stage"`
	Outcome       outcome         `json:"outcome"` // empty while the payment is open
	OpenedAt      time.Time       `json:"openedAt"`
	ExpiresAt     time.Time       `json:"expiresAt"`
	SettledAt     time.Time       `json:"settledAt,omitzero"`
	Refunded      string          `json:"refunded,omitempty"`
	Faults        []string        `json:"faults,omitempty"`
	Page          string          `json:"page"` // path of the payment page
	IPN           ipnJSON         `json:"ipn"`

	// Exchanges is the wire log, the oldest first; lists leave it out. ExchangesLeftOut is
	// how many it had to drop.
	Exchanges        []exchangeJSON `json:"exchanges,omitzero"`
	ExchangesLeftOut int            `json:"exchangesLeftOut,omitempty"`
}

// ipnJSON is how far the news of a payment has come.
type ipnJSON struct {
	State    string `json:"state"`
	Address  string `json:"address,omitempty"` // without the values of its query
	Attempts int    `json:"attempts"`
	Status   int    `json:"status,omitempty"` // HTTP status of the app's latest answer
	Answer   string `json:"answer,omitempty"`
	Failure  string `json:"failure,omitempty"` // why there was no answer
}

// The states of an IPN.
const (
	ipnUnwanted = "none"     // the request had no ipnURL
	ipnWaiting  = "waiting"  // the payment is open
	ipnSending  = "sending"  // it is on its way
	ipnAnswered = "answered" // by HTTP, whatever the status
	ipnFailed   = "failed"   // it was not delivered
)

// exchangeJSON is an exchange with the text that its signature covers; the word <salt>
// stands for the salt.
type exchangeJSON struct {
	wirelog.Exchange
	SignedText string `json:"signedText,omitempty"`
}

// view shows a payment whose time is over as expired, although nobody is told of it by a
// look.
func (t transaction) view(now time.Time) transactionJSON {
	ipn := t.viewIPN()
	t.lapse(now)
	v := transactionJSON{
		ID:            t.id,
		RequestID:     t.requestID,
		order:         t.order,
		PaymentMethod: t.method,
		Stage:         t.stage(),
		Outcome:       t.standing(),
		OpenedAt:      t.openedAt,
		ExpiresAt:     t.expiresAt,
		SettledAt:     t.settledAt,
		Faults:        names(t.faults, func(fault) bool { return true }),
		Page:          "/pay/" + t.id,
		IPN:           ipn,
	}
	if t.refunded != nil {
		digits, _ := t.refunded.FloatPrec()
		v.Refunded = t.refunded.FloatString(digits)
	}
	if sent := t.wire.Exchanges; len(sent) > 0 && sent[0].RequestID == t.requestID {
		v.Operation, v.Signature = sent[0].Operation, sent[0].Verdict
	}
	return v
}

func (t transaction) viewIPN() ipnJSON {
	if t.ipnURL == nil {
		return ipnJSON{State: ipnUnwanted}
	}
	v := ipnJSON{
		State:    ipnSending,
		Address:  wirelog.WithoutValues(*t.ipnURL),
		Attempts: t.attempts,
		Status:   t.delivery.status,
		Answer:   t.delivery.answer,
		Failure:  t.delivery.failure,
	}
	switch {
	case t.outcome == "":
		v.State = ipnWaiting
	case v.Failure != "":
		v.State = ipnFailed
	case v.Status != 0:
		v.State = ipnAnswered
	}
	return v
}

func viewLog(l wirelog.Log) []exchangeJSON {
	views := make([]exchangeJSON, len(l.Exchanges))
	for i, e := range l.Exchanges {
		views[i] = exchangeJSON{e, e.SignedText()}
	}
	return views
}

// listTransactions lists what is remembered, the newest first; orderID in the query leaves
// the others out.
func (h *Handler) listTransactions(w http.ResponseWriter, r *http.Request) {
	wanted, filtered := r.URL.Query().Get("orderID"), r.URL.Query().Has("orderID")
	views := []transactionJSON{}
	for _, t := range h.ledger.newest(maxTransactions) {
		if !filtered || t.ID == wanted {
			views = append(views, t.view(h.ledger.now()))
		}
	}
	writeView(w, struct {
		Transactions []transactionJSON `json:"transactions"`
	}{views})
}

func (h *Handler) showTransaction(w http.ResponseWriter, r *http.Request) {
	t, found := h.ledger.find(r.PathValue("transactionID"))
	if !found {
		writeProblem(w, http.StatusNotFound, "transaction_unknown", errUnknown.Error())
		return
	}
	v := t.view(h.ledger.now())
	v.Exchanges, v.ExchangesLeftOut = viewLog(t.wire), t.wire.LeftOut
	writeView(w, v)
}

// listExchanges lists the requests that belong to no transaction, the oldest first.
func (h *Handler) listExchanges(w http.ResponseWriter, _ *http.Request) {
	strangers := h.ledger.strange()
	writeView(w, struct {
		Exchanges []exchangeJSON `json:"exchanges"`
		LeftOut   int            `json:"exchangesLeftOut"`
	}{viewLog(strangers), strangers.LeftOut})
}

func writeView(w http.ResponseWriter, view any) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	writeMessage(w, http.StatusOK, message.Encode(view))
}
