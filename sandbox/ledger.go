package sandbox

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
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
	mu           sync.Mutex
	transactions *recent[*transaction]
	requestIDs   *recent[struct{}]
}

func newLedger() *ledger {
	return &ledger{
		transactions: newRecent[*transaction](maxTransactions),
		requestIDs:   newRecent[struct{}](maxRequestIDs),
	}
}

// open starts a transaction, unless the requestID has started one before. A request that
// was refused for its fields has not: it may be corrected and sent again under its id.
func (l *ledger) open(requestID string, wanted payment, now time.Time) (t transaction, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, used := l.requestIDs.get(requestID); used {
		return transaction{}, false
	}
	l.requestIDs.add(requestID, struct{}{})
	t = transaction{
		payment:   wanted,
		id:        newTransactionID(now),
		requestID: requestID,
		openedAt:  now,
		announced: make(chan struct{}),
	}
	kept := t
	l.transactions.add(t.id, &kept)
	return t, true
}

// newTransactionID has the form of the gateway's samples of 2023, 25 digits that start
// with the date. The other 19 are random: whoever knows the id can settle the payment.
func newTransactionID(now time.Time) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return now.In(vietnam).Format("060102") + fmt.Sprintf("%019d", binary.BigEndian.Uint64(random[:])%1e19)
}

func (l *ledger) find(id string) (t transaction, found bool) {
	return l.change(id, func(*transaction) {})
}

// show is find for the customer's eyes: from now on the payment is being worked on.
func (l *ledger) show(id string) (t transaction, found bool) {
	return l.change(id, func(t *transaction) { t.seen = true })
}

// settle decides the transaction, unless that has been done; first tells which.
func (l *ledger) settle(id string, chosen outcome, now time.Time) (t transaction, first, found bool) {
	t, found = l.change(id, func(t *transaction) {
		if first = t.outcome == ""; first {
			t.outcome, t.settledAt = chosen, now
		}
	})
	return t, first, found
}

// record keeps how the app took the IPN.
func (l *ledger) record(id string, d delivery) {
	l.change(id, func(t *transaction) { t.delivery = d })
}

// newest returns up to n transactions, the newest first.
func (l *ledger) newest(n int) []transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.transactions.newest(n)
	copies := make([]transaction, len(kept))
	for i, t := range kept {
		copies[i] = *t
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
	return *kept, true
}
