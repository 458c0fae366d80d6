package ledger

import "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"

// Keep adds an exchange to the log of the transaction with this id, or of the transaction
// that the request with this requestID opened, and else to the log of unassigned exchanges.
func (l *Ledger) Keep(id, requestID string, e wirelog.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, found := l.transactions.get(id)
	if !found {
		t = l.openedBy(requestID)
	}
	if t == nil {
		l.unassigned = l.unassigned.With(e, wirelog.OfUnassigned)
		l.subscribers.notify(Everything)
		return
	}
	t.Wire = t.Wire.With(e, wirelog.OfTransaction)
	l.subscribers.notify(t.ID)
}

// KeepIPN keeps how the app took an IPN, and the exchange.
func (l *Ledger) KeepIPN(id string, d Delivery, e wirelog.Exchange) {
	l.change(id, func(t *Transaction) {
		t.Delivery = d
		if e.Body != nil {
			t.Attempts++
			e.Attempt = t.Attempts
		}
		t.Wire = t.Wire.With(e, wirelog.OfTransaction)
	})
}

// Unassigned returns the exchanges that belong to no transaction.
func (l *Ledger) Unassigned() wirelog.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unassigned
}
