// Package ledger is the state of the sandbox: transactions and what became of them, stored
// cards, request ids, the clock, and the notice that subscribers get of every change. It
// is all in memory, and bounded. It has no part in HTTP.
package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// How much a ledger remembers. Request ids outlive their transactions, so that a
// repeated request is still recognised when a busy test has pushed its payment out.
const (
	MaxTransactions = 1_000
	MaxRequestIDs   = 10_000
)

// The errors of a change that is refused.
var (
	ErrDuplicate = errors.New("a request with this requestID has been carried out")
	ErrUnknown   = errors.New("transactionID is unknown")
)

// Ledger holds the transactions of one api key. Transactions leave it as copies, so its
// callers need no lock.
type Ledger struct {
	mu sync.Mutex
	memory
	ahead       atomic.Int64 // by how many nanoseconds the sandbox's clock is
	subscribers subscribers
}

// memory is what a reset forgets.
type memory struct {
	transactions *boundedMap[*Transaction]
	requestIDs   *boundedMap[struct{}]
	tokens       *boundedMap[*Token]
	issued       int         // how many tokens there have been
	unassigned   wirelog.Log // exchanges that belong to no transaction
	faults       []string    // names of the faults of every call and every payment
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{memory: newMemory()} }

func newMemory() memory {
	return memory{
		transactions: newBoundedMap[*Transaction](MaxTransactions),
		requestIDs:   newBoundedMap[struct{}](MaxRequestIDs),
		tokens:       newBoundedMap[*Token](MaxTokens),
	}
}

// Reset forgets everything. An IPN that is on its way has a copy of its transaction and
// goes on.
func (l *Ledger) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.memory = newMemory()
	l.ahead.Store(0)
	l.subscribers.notify(Everything)
}

// Open starts a transaction, once for a requestID.
func (l *Ledger) Open(requestID string, wanted Payment) (t Transaction, err error) {
	err = l.once(requestID, func() error {
		t = l.copyOf(l.begin(requestID, wanted, l.Now()))
		return nil
	})
	return t, err
}

// Charge starts a transaction and decides it, once for a requestID.
func (l *Ledger) Charge(requestID string, wanted Payment, chosen Outcome) (t Transaction, err error) {
	err = l.once(requestID, func() error {
		now := l.Now()
		kept := l.begin(requestID, wanted, now)
		l.decide(kept, chosen, now)
		t = l.copyOf(kept)
		return nil
	})
	return t, err
}

// Refuse returns the reason why a request cannot be carried out, but ErrDuplicate if it
// was carried out before: its token may have ended since, and its app must not take a
// payment for refused that was made.
func (l *Ledger) Refuse(requestID string, reason error) error {
	return l.once(requestID, func() error { return reason })
}

// once makes a change under a requestID, unless one was made under it before. A change
// that is refused has not been made: the request may be corrected and sent again under
// its id.
func (l *Ledger) once(requestID string, change func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, used := l.requestIDs.get(requestID); used {
		return ErrDuplicate
	}
	if err := change(); err != nil {
		return err
	}
	l.requestIDs.add(requestID, struct{}{})
	return nil
}

// begin starts a transaction. The caller holds the lock.
func (l *Ledger) begin(requestID string, wanted Payment, now time.Time) *Transaction {
	t := &Transaction{
		Payment:   wanted,
		ID:        newTransactionID(now),
		RequestID: requestID,
		OpenedAt:  now,
		ExpiresAt: now.Add(wanted.Life),
		Announced: make(chan struct{}),
	}
	l.transactions.add(t.ID, t)
	l.subscribers.notify(t.ID)
	return t
}

// newTransactionID has the form of the gateway's samples of 2023, 25 digits that start
// with the date. The other 19 are random: with the id alone one can settle the payment.
func newTransactionID(now time.Time) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return now.In(message.Vietnam).Format("060102") + fmt.Sprintf("%019d", binary.BigEndian.Uint64(random[:])%1e19)
}

// Find returns a transaction.
func (l *Ledger) Find(id string) (t Transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.transactions.get(id)
	if !found {
		return Transaction{}, false
	}
	return l.copyOf(kept), true
}

// OpenedBy returns the transaction that a request opened.
func (l *Ledger) OpenedBy(requestID string) (t Transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.openedBy(requestID)
	if kept == nil {
		return Transaction{}, false
	}
	return l.copyOf(kept), true
}

// openedBy is OpenedBy for a caller that holds the lock; nil: none.
func (l *Ledger) openedBy(requestID string) *Transaction {
	if requestID == "" {
		return nil
	}
	for _, t := range l.transactions.values {
		if t.RequestID == requestID {
			return t
		}
	}
	return nil
}

// Newest returns up to n transactions, the newest first.
func (l *Ledger) Newest(n int) []Transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.transactions.newest(n)
	copies := make([]Transaction, len(kept))
	for i, t := range kept {
		copies[i] = l.copyOf(t)
	}
	return copies
}

// Change makes a change to a transaction that may be refused. The change runs under the
// lock: it must not call the ledger.
func (l *Ledger) Change(id string, by func(*Transaction) error) (err error) {
	if _, found := l.change(id, func(t *Transaction) { err = by(t) }); !found {
		return ErrUnknown
	}
	return err
}

// ChangeOnce is Change, once for a requestID.
func (l *Ledger) ChangeOnce(requestID, id string, by func(*Transaction) error) error {
	return l.once(requestID, func() error {
		kept, found := l.transactions.get(id)
		if !found {
			return ErrUnknown
		}
		defer l.subscribers.notify(id)
		return by(kept)
	})
}

// Visit is Find for the customer, who has opened the payment page.
func (l *Ledger) Visit(id string, v Visit) (t Transaction, found bool) {
	return l.change(id, func(t *Transaction) { t.visit(v) })
}

// Settle decides an open transaction; first reports whether this call did.
func (l *Ledger) Settle(id string, chosen Outcome, by Payer) (t Transaction, first, found bool) {
	return l.Advance(id, func(t *Transaction) Outcome {
		t.Identify(by)
		return chosen
	})
}

// Advance takes an open transaction a step further, which may decide it; first reports
// whether this call did. The step runs under the lock: it must not call the ledger.
func (l *Ledger) Advance(id string, by func(*Transaction) Outcome) (t Transaction, first, found bool) {
	t, found = l.change(id, func(t *Transaction) {
		if t.Outcome != "" {
			return
		}
		if chosen := by(t); chosen != "" {
			l.decide(t, chosen, l.Now())
			first = true
		}
	})
	return t, first, found
}

// Expire ends an open transaction if its time is over; first reports whether this call did.
func (l *Ledger) Expire(id string) (t Transaction, first bool) {
	t, _ = l.change(id, func(t *Transaction) { first = t.Lapse(l.Now()) })
	return t, first
}

func (l *Ledger) change(id string, by func(*Transaction)) (t Transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.transactions.get(id)
	if !found {
		return Transaction{}, false
	}
	by(kept)
	l.subscribers.notify(id)
	return l.copyOf(kept), true
}

// decide ends an open payment. The caller holds the lock.
func (l *Ledger) decide(t *Transaction, chosen Outcome, now time.Time) {
	t.Outcome, t.SettledAt = t.decided(chosen), now
	if chosen == Success && t.storesCard() {
		stored := l.issue(t.usedCard())
		t.Stored = &stored
	}
}

// copyOf has the faults of every payment besides its own. The caller holds the lock.
func (l *Ledger) copyOf(kept *Transaction) Transaction {
	t := *kept
	if len(l.faults) > 0 {
		t.Faults = slices.Concat(t.Faults, l.faults)
	}
	return t
}

// Faults returns the names of the faults of every call and every payment.
func (l *Ledger) Faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

// SetFaults replaces the faults of every call and every payment.
func (l *Ledger) SetFaults(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = names
	l.subscribers.notify(Everything)
}
