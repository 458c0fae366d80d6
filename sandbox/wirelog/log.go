// Package wirelog records what went over the wire, for people: requests to the gateway's
// API with their answers, IPNs and redirects. It keeps the beginning of each message, and
// neither the salt, an api key nor a card number but the published test cards.
package wirelog

import "slices"

// Log is the exchanges about one thing, the oldest first. It is a value: a copy does not
// change when the log grows. Its zero value is empty.
type Log struct {
	Exchanges []Exchange
	LeftOut   int // how many made room for later ones
}

// Limit is how much a log holds.
type Limit struct {
	Exchanges int
	Size      int // about, in bytes of memory
}

// How much is kept of a transaction, and of requests that belong to none.
var (
	OfTransaction = Limit{Exchanges: 50, Size: 128 << 10}
	OfUnassigned  = Limit{Exchanges: 100, Size: 1 << 20}
)

// With returns the log with one exchange more. The first exchange stays: it is the one
// that opened the transaction. An app that sends many requests must not push it out.
func (l Log) With(e Exchange, limit Limit) Log {
	l.Exchanges = append(slices.Clone(l.Exchanges), e)
	for len(l.Exchanges) > 2 && (len(l.Exchanges) > limit.Exchanges || l.size() > limit.Size) {
		l.Exchanges = slices.Delete(l.Exchanges, 1, 2)
		l.LeftOut++
	}
	return l
}

func (l Log) size() int {
	n := 0
	for _, e := range l.Exchanges {
		n += e.size()
	}
	return n
}
