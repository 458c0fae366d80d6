package sandbox

import "slices"

// wireLog is the exchanges about one thing, the oldest first. It is a value: one that was
// copied does not change any more.
type wireLog struct {
	exchanges []exchange
	leftOut   int // how many made room for later ones
}

// wireLimit is how much a log holds.
type wireLimit struct{ exchanges, size int }

// How much is kept of a transaction, and of requests that belong to none.
var (
	transactionLimit = wireLimit{exchanges: 50, size: 128 << 10}
	strangerLimit    = wireLimit{exchanges: 100, size: 1 << 20}
)

// with is the log with one exchange more. The first exchange stays: it is the one that
// opened the transaction, which those that an app sends over and over would push out.
func (l wireLog) with(e exchange, limit wireLimit) wireLog {
	l.exchanges = append(slices.Clone(l.exchanges), e)
	for len(l.exchanges) > 2 && (len(l.exchanges) > limit.exchanges || l.size() > limit.size) {
		l.exchanges = slices.Delete(l.exchanges, 1, 2)
		l.leftOut++
	}
	return l
}

func (l wireLog) size() int {
	n := 0
	for _, e := range l.exchanges {
		n += e.size()
	}
	return n
}

// keep takes an exchange into the log of the transaction with this id, or of that which the
// request with this requestID opened, and otherwise into that of the strangers.
func (l *ledger) keep(id, requestID string, e exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, found := l.transactions.get(id)
	if !found {
		t = l.openedBy(requestID)
	}
	if t == nil {
		l.strangers = l.strangers.with(e, strangerLimit)
		l.audience.tell(everything)
		return
	}
	t.wire = t.wire.with(e, transactionLimit)
	l.audience.tell(t.id)
}

// openedBy finds the transaction that a request opened; nil: none. The caller holds the
// lock.
func (l *ledger) openedBy(requestID string) *transaction {
	if requestID == "" {
		return nil
	}
	for _, t := range l.transactions.values {
		if t.requestID == requestID {
			return t
		}
	}
	return nil
}

// strange returns the exchanges that belong to no transaction.
func (l *ledger) strange() wireLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strangers
}
