package sandbox

import (
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// transactionJSON is a transaction for programs and for the dashboard.
type transactionJSON struct {
	ID        string `json:"id"`
	RequestID string `json:"requestID"`
	Operation string `json:"operation,omitempty"` // absent: not opened by a request to the API
	ledger.Order
	Signature     wirelog.Verdict `json:"signature,omitempty"` // on the request that opened it
	PaymentMethod string          `json:"paymentMethod,omitempty"`
	Stage         string          `json:"stage"`
	Outcome       ledger.Outcome  `json:"outcome"` // empty while the payment is open
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
	ipnUnderway = "sending"  // it is on its way
	ipnAnswered = "answered" // by HTTP, whatever the status
	ipnNotSent  = "failed"   // it was not delivered
)

// newTransactionJSON shows a payment whose time is over as expired, although a look at it
// sends no IPN.
func newTransactionJSON(t ledger.Transaction, now time.Time) transactionJSON {
	ipn := newIPNJSON(t)
	t.Lapse(now)
	faults, _ := fault.Named(t.Faults...)
	v := transactionJSON{
		ID:            t.ID,
		RequestID:     t.RequestID,
		Order:         t.Order,
		PaymentMethod: t.Method,
		Stage:         t.Stage(),
		Outcome:       t.Standing(),
		OpenedAt:      t.OpenedAt,
		ExpiresAt:     t.ExpiresAt,
		SettledAt:     t.SettledAt,
		Faults:        faults.Names(),
		Page:          "/pay/" + t.ID,
		IPN:           ipn,
	}
	if t.Refunded != nil {
		digits, _ := t.Refunded.FloatPrec()
		v.Refunded = t.Refunded.FloatString(digits)
	}
	if sent := t.Wire.Exchanges; len(sent) > 0 && sent[0].RequestID == t.RequestID {
		v.Operation, v.Signature = sent[0].Operation, sent[0].Verdict
	}
	return v
}

func newIPNJSON(t ledger.Transaction) ipnJSON {
	if t.IPNURL == nil {
		return ipnJSON{State: ipnUnwanted}
	}
	v := ipnJSON{
		State:    ipnUnderway,
		Address:  wirelog.WithoutValues(*t.IPNURL),
		Attempts: t.Attempts,
		Status:   t.Delivery.Status,
		Answer:   t.Delivery.Answer,
		Failure:  t.Delivery.Failure,
	}
	switch {
	case t.Outcome == "":
		v.State = ipnWaiting
	case v.Failure != "":
		v.State = ipnNotSent
	case v.Status != 0:
		v.State = ipnAnswered
	}
	return v
}

// exchangeJSON is an exchange with the text that its signature covers; the word <salt>
// takes the place of the salt.
type exchangeJSON struct {
	wirelog.Exchange
	SignedText string `json:"signedText,omitempty"`
}

func newLogJSON(log wirelog.Log) []exchangeJSON {
	views := make([]exchangeJSON, len(log.Exchanges))
	for i, e := range log.Exchanges {
		views[i] = exchangeJSON{e, e.SignedText()}
	}
	return views
}
