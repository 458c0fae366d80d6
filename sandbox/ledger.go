package sandbox

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// How much a sandbox remembers. Request ids outlive their transactions, so that a
// repeated request is still recognised when a busy test has pushed its payment out.
const (
	maxTransactions = 1_000
	maxRequestIDs   = 10_000
)

// ledgers keeps transactions over a reload: the new configuration joins before the old
// one leaves.
var ledgers = caddy.NewUsagePool()

func joinLedger(apiKey string) *ledger {
	shared, _ := ledgers.LoadOrStore(apiKey, newLedger())
	return shared.(*ledger)
}

func leaveLedger(apiKey string) error {
	_, err := ledgers.Delete(apiKey)
	return err
}

// ledger holds the transactions of one api key. Transactions leave it as copies, so
// nothing outside has to care about the lock.
type ledger struct {
	mu sync.Mutex
	memory
	ahead    atomic.Int64 // by how many nanoseconds the sandbox's clock is
	audience audience
}

// memory is what a reset forgets.
type memory struct {
	transactions *recent[*transaction]
	requestIDs   *recent[struct{}]
	tokens       *recent[*token]
	issued       int         // how many tokens there have been
	strangers    wirelog.Log // exchanges that belong to no transaction
	faults       []fault     // of every call and every payment
}

func newLedger() *ledger { return &ledger{memory: newMemory()} }

func newMemory() memory {
	return memory{
		transactions: newRecent[*transaction](maxTransactions),
		requestIDs:   newRecent[struct{}](maxRequestIDs),
		tokens:       newRecent[*token](maxTokens),
	}
}

var (
	errDuplicate = errors.New("a request with this requestID has been carried out")
	errUnknown   = errors.New("transactionID is unknown")
)

// once makes a change under a requestID, unless one was made under it before. A change
// that is refused has not been made: the request may be corrected and sent again under
// its id.
func (l *ledger) once(requestID string, change func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, used := l.requestIDs.get(requestID); used {
		return errDuplicate
	}
	if err := change(); err != nil {
		return err
	}
	l.requestIDs.add(requestID, struct{}{})
	return nil
}

// open starts a transaction.
func (l *ledger) open(requestID string, wanted payment, now time.Time) (t transaction, err error) {
	err = l.once(requestID, func() error {
		t = l.copyOf(l.begin(requestID, wanted, now))
		return nil
	})
	return t, err
}

// charge starts a transaction and decides it.
func (l *ledger) charge(requestID string, wanted payment, chosen outcome, now time.Time) (t transaction, err error) {
	err = l.once(requestID, func() error {
		kept := l.begin(requestID, wanted, now)
		l.decide(kept, chosen, now)
		t = l.copyOf(kept)
		return nil
	})
	return t, err
}

// begin starts a transaction. The caller holds the lock.
func (l *ledger) begin(requestID string, wanted payment, now time.Time) *transaction {
	t := &transaction{
		payment:   wanted,
		id:        newTransactionID(now),
		requestID: requestID,
		openedAt:  now,
		expiresAt: now.Add(wanted.life),
		announced: make(chan struct{}),
	}
	l.transactions.add(t.id, t)
	l.audience.tell(t.id)
	return t
}

// changeOnce is once for a change to one transaction.
func (l *ledger) changeOnce(requestID, id string, by func(*transaction) error) error {
	return l.once(requestID, func() error {
		kept, found := l.transactions.get(id)
		if !found {
			return errUnknown
		}
		defer l.audience.tell(id)
		return by(kept)
	})
}

// newTransactionID has the form of the gateway's samples of 2023, 25 digits that start
// with the date. The other 19 are random: whoever knows the id can settle the payment.
func newTransactionID(now time.Time) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return now.In(message.Vietnam).Format("060102") + fmt.Sprintf("%019d", binary.BigEndian.Uint64(random[:])%1e19)
}

func (l *ledger) find(id string) (t transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.transactions.get(id)
	if !found {
		return transaction{}, false
	}
	return l.copyOf(kept), true
}

// show is find for the customer's eyes: from now on the payment is being worked on.
func (l *ledger) show(id string, query url.Values) (t transaction, found bool) {
	return l.change(id, func(t *transaction) { t.visit(query) })
}

// settle decides the transaction, unless that has been done; first tells which.
func (l *ledger) settle(id string, chosen outcome, by payer, now time.Time) (t transaction, first, found bool) {
	return l.advance(id, now, func(t *transaction) outcome {
		t.identify(by)
		return chosen
	})
}

// advance takes an open transaction a step further; first tells whether this decided it.
func (l *ledger) advance(id string, now time.Time, by func(*transaction) outcome) (t transaction, first, found bool) {
	t, found = l.change(id, func(t *transaction) {
		if t.outcome != "" {
			return
		}
		if chosen := by(t); chosen != "" {
			l.decide(t, chosen, now)
			first = true
		}
	})
	return t, first, found
}

// decide ends an open payment. The caller holds the lock.
func (l *ledger) decide(t *transaction, chosen outcome, now time.Time) {
	t.outcome, t.settledAt = t.decided(chosen), now
	if chosen == success && t.storesCard() {
		stored := l.issue(*cmp.Or(t.card, card.UsualAccount(t.method, t.source)))
		t.stored = &stored
	}
}

// expire ends the transaction if its time is over; first tells whether it was this that did.
func (l *ledger) expire(id string, now time.Time) (t transaction, first bool) {
	t, _ = l.change(id, func(t *transaction) { first = t.lapse(now) })
	return t, first
}

// record keeps how the app took the IPN.
func (l *ledger) record(id string, d delivery, e wirelog.Exchange) {
	l.change(id, func(t *transaction) {
		t.delivery = d
		if e.Body != nil {
			t.attempts++
			e.Attempt = t.attempts
		}
		t.wire = t.wire.With(e, wirelog.OfTransaction)
	})
}

// newest returns up to n transactions, the newest first.
func (l *ledger) newest(n int) []transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.transactions.newest(n)
	copies := make([]transaction, len(kept))
	for i, t := range kept {
		copies[i] = l.copyOf(t)
	}
	return copies
}

func (l *ledger) change(id string, by func(*transaction)) (t transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.transactions.get(id)
	if !found {
		return transaction{}, false
	}
	by(kept)
	l.audience.tell(id)
	return l.copyOf(kept), true
}

// copyOf has the faults of every payment besides its own. The caller holds the lock.
func (l *ledger) copyOf(kept *transaction) transaction {
	t := *kept
	if len(l.faults) > 0 {
		t.faults = merge(t.faults, l.faults)
	}
	return t
}

// try is change for one that can be refused.
func (l *ledger) try(id string, by func(*transaction) error) (err error) {
	if _, found := l.change(id, func(t *transaction) { err = by(t) }); !found {
		return errUnknown
	}
	return err
}

// openedUnder returns the transaction that a request opened.
func (l *ledger) openedUnder(requestID string) (t transaction, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.openedBy(requestID)
	if kept == nil {
		return transaction{}, false
	}
	return l.copyOf(kept), true
}

func (l *ledger) globalFaults() []fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

func (l *ledger) setGlobalFaults(chosen []fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = chosen
	l.audience.tell(everything)
}

// reset forgets everything. Who holds a copy of a transaction, such as an IPN on its way,
// goes on with it.
func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.memory = newMemory()
	l.ahead.Store(0)
	l.audience.tell(everything)
}

// keep adds an exchange to the log of the transaction with this id, or of the transaction
// that the request with this requestID opened, and otherwise to that of the others.
func (l *ledger) keep(id, requestID string, e wirelog.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, found := l.transactions.get(id)
	if !found {
		t = l.openedBy(requestID)
	}
	if t == nil {
		l.strangers = l.strangers.With(e, wirelog.OfOthers)
		l.audience.tell(everything)
		return
	}
	t.wire = t.wire.With(e, wirelog.OfTransaction)
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
func (l *ledger) strange() wirelog.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strangers
}
