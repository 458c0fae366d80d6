package fault

import (
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// Query is what a query is told of a payment.
type Query struct {
	Told  ledger.Transaction // a copy: nothing here changes the payment
	Known bool               // else there is no such payment

	now time.Time
}

// Query lets these faults strike what a query is told of a payment. Now is the sandbox's time.
func (f Faults) Query(t ledger.Transaction, now time.Time) *Query {
	q := &Query{Told: t, Known: true, now: now}
	for _, one := range f {
		if one.query != nil {
			one.query(q)
		}
	}
	return q
}

// contradict leaves an open payment as it is: of that there is no contrary.
func contradict(q *Query) {
	switch q.Told.Standing() {
	case "":
		return
	case ledger.Success, ledger.Authorised:
		q.Told.Outcome = ledger.Failure
	default:
		q.Told.Outcome = ledger.Success
	}
	q.Told.Afterwards = ""
}

// lagTime is how long a query that lags does not know how a payment ended.
const lagTime = 30 * time.Second

func lag(q *Query) {
	if q.Told.Outcome != "" && q.now.Sub(q.Told.SettledAt) < lagTime {
		q.Told.Outcome, q.Told.Afterwards, q.Told.Seen = "", "", true
	}
}

func tellOtherAmount(q *Query) {
	const before, after = `"orderAmount":"`, `"`
	text := otherAmount([]byte(before + q.Told.Order.Amount + after))
	q.Told.Order.Amount = string(text[len(before) : len(text)-len(after)])
}

func forget(q *Query) { q.Known = false }
