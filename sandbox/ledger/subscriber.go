package ledger

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// MaxSubscriptions is how many subscriptions there can be at once.
const MaxSubscriptions = 20

// ErrTooManySubscriptions is the error of one more than MaxSubscriptions.
var ErrTooManySubscriptions = errors.New("too many subscriptions")

// Everything takes the place of a transaction's id where more than one, or something else,
// has changed.
const Everything = ""

// subscribers are the subscriptions of one ledger. None of them can keep the ledger
// waiting: a change that a slow subscriber has not read yet is noted once, however often it
// happens.
type subscribers struct {
	mu  sync.Mutex
	all map[*Subscription]bool
}

// Subscription reports which transactions change.
type Subscription struct {
	of      *subscribers
	changed chan struct{}
	unread  map[string]bool // guarded by the lock of of
}

// Subscribe begins a subscription. Its first change is Everything: anything may have
// changed since the subscriber looked last. Its only error is ErrTooManySubscriptions.
func (l *Ledger) Subscribe() (*Subscription, error) { return l.subscribers.add() }

func (s *subscribers) add() (*Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= MaxSubscriptions {
		return nil, ErrTooManySubscriptions
	}
	sub := &Subscription{of: s, changed: make(chan struct{}, 1)}
	sub.note(Everything)
	if s.all == nil {
		s.all = make(map[*Subscription]bool)
	}
	s.all[sub] = true
	return sub, nil
}

// notify notes a change for every subscriber.
func (s *subscribers) notify(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.all {
		sub.note(id)
	}
}

// Changed receives when there is something to read.
func (s *Subscription) Changed() <-chan struct{} { return s.changed }

// Read returns the ids of what has changed, each once and in no order.
func (s *Subscription) Read() []string {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	ids := slices.Collect(maps.Keys(s.unread))
	s.unread = nil
	return ids
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.all, s)
}

// note adds to what is unread. Beyond what the ledger remembers it is simpler to look at
// everything again.
func (s *Subscription) note(id string) {
	if len(s.unread) >= MaxTransactions {
		s.unread, id = nil, Everything
	}
	if s.unread == nil {
		s.unread = make(map[string]bool)
	}
	s.unread[id] = true
	select {
	case s.changed <- struct{}{}:
	default: // there is a notice already
	}
}
