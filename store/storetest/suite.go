// Package storetest is what every store of an inbox has to pass: a test for each sentence
// about inbox.Store.
package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Run tests a store. Each call of open returns an empty store, which the test closes. Reopen
// opens a closed store again, with what it keeps.
func Run(t *testing.T, open func(t *testing.T) inbox.Store, reopen func(t *testing.T, closed inbox.Store) inbox.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"an event is kept whole", keptWhole},
		{"an event with the longest names is kept whole", longestNames},
		{"a new event is pending, due and claimed", newIsClaimed},
		{"a repeated event is not kept again", repeated},
		{"a repeated event is claimed if it is pending and not claimed", repeatedIsClaimed},
		{"a repeated dead letter is pending again", repeatedDead},
		{"a repeated event is not claimed before an earlier one", repeatedWaits},
		{"a transaction is delivered in the order of arrival", order},
		{"a stuck transaction holds up no other", stuck},
		{"a dead letter does not hold up the events behind it", deadHoldsUpNone},
		{"events without a transaction wait for none", noTransaction},
		{"transactions of two queues do not affect each other", queues},
		{"a claim returns no more than the limit", limit},
		{"events that are due the longest are claimed first", longestDue},
		{"a claimed event is not claimed again before its lease ends", leaseEnds},
		{"an event whose lease has ended can be settled until it is claimed again", lateSettle},
		{"a settled event cannot be settled again", settleTwice},
		{"settling stores how the attempt ended", settled},
		{"an event for another attempt waits until it is due", retry},
		{"a paid event wins over events that arrive later", paidWins},
		{"an arriving paid event overtakes those that wait", paidOvertakesWaiting},
		{"a claimed event is overtaken when its attempt has failed", paidOvertakesClaimed},
		{"a paid event wins over events of the same request only", paidOfAnotherRequest},
		{"a paid event is delivered after any other", paidAfterExpired},
		{"a replay makes any event pending", replay},
		{"a replay takes the events that the filter picks", replayFilter},
		{"a replay leaves claimed events alone", replayClaimed},
		{"a replay leaves events alone whose message was dropped", replayDropped},
		{"a replay delivers nothing that a paid event has overtaken", replayOvertaken},
		{"a replayed event waits for one that is being delivered", replayWaits},
		{"a replay ends a claim whose lease has ended", replayEndsLease},
		{"a replay takes any number of events, each once", manyReplayed},
		{"the messages of old events with a final state are dropped", prune},
		{"a paid event without its message still overtakes", prunedPaid},
		{"what the app has taken is found by what it says", taken},
		{"a due time that no clock can mean is past", horizon},
		{"the clock is steady since it was set last", clock},
		{"a list holds the events that the filter picks, in the order of arrival", list},
		{"a list holds the events whose ID begins with some digits", listByPrefix},
		{"a list can be left early, and the store can be used within", listWithin},
		{"next due considers due times and ends of leases", nextDue},
		{"the store wakes the engine", wake},
		{"the numbers add up", stats},
		{"two queues can have events of one id", sameID},
		{"a context that has ended changes nothing", ended},
		{"many events arrive at once", manyArrive},
		{"many goroutines claim at once", manyClaim},
		{"all changes are there after a restart", durable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &suite{Store: open(t), reopen: reopen}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			test.run(t, s)
		})
	}
}

// suite is a store under test, with helpers.
type suite struct {
	inbox.Store
	reopen func(t *testing.T, closed inbox.Store) inbox.Store
}

// The tests' clock: only what is passed in counts. Whole seconds suit every store.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// lease is one of ten seconds.
func lease(seconds int) inbox.Lease { return inbox.Lease{Now: at(seconds), Until: at(seconds + 10)} }

const queue = "shop"

// event is one of the queue, that arrived at second 0.
func event(id, transaction, status string) inbox.Event {
	return inbox.Event{
		ID: id, Queue: queue, Transaction: transaction, PaymentStatus: status,
		ReceivedAt: start, Message: []byte(`{"id":"` + id + `"}`),
	}
}

// arrive lets an event arrive that must be new.
func (s *suite) arrive(t *testing.T, e inbox.Event, seconds int) inbox.Record {
	t.Helper()
	r, isNew, err := s.Arrive(t.Context(), e, lease(seconds))
	if err != nil {
		t.Fatal(err)
	}
	if !isNew {
		t.Fatalf("event %s was kept already", e.ID)
	}
	return r
}

// again lets an event arrive that must be kept already.
func (s *suite) again(t *testing.T, e inbox.Event, seconds int) inbox.Record {
	t.Helper()
	r, isNew, err := s.Arrive(t.Context(), e, lease(seconds))
	if err != nil {
		t.Fatal(err)
	}
	if isNew {
		t.Fatalf("event %s was kept twice", e.ID)
	}
	return r
}

// claim claims what it can, and checks which events these are, in any order.
func (s *suite) claim(t *testing.T, seconds int, ids ...string) map[string]inbox.Record {
	t.Helper()
	records, err := s.Claim(t.Context(), []string{queue}, lease(seconds), 100)
	if err != nil {
		t.Fatal(err)
	}
	claimed := map[string]inbox.Record{}
	for _, r := range records {
		if r.Lease == "" {
			t.Errorf("event %s was claimed without a lease", r.ID)
		}
		claimed[r.ID] = r
	}
	for _, id := range ids {
		if _, ok := claimed[id]; !ok {
			t.Errorf("event %s was not claimed", id)
		}
	}
	if len(records) != len(ids) {
		t.Fatalf("%d records were claimed, expected %v", len(records), ids)
	}
	return claimed
}

func (s *suite) settle(t *testing.T, r inbox.Record, how inbox.Settlement) {
	t.Helper()
	state, err := s.Settle(t.Context(), r, how)
	if err != nil {
		t.Fatalf("settling %s: %v", r.ID, err)
	}
	if state != how.State {
		t.Errorf("%s was settled as %s, expected %s", r.ID, state, how.State)
	}
}

// settleLost settles a record whose claim is lost.
func (s *suite) settleLost(t *testing.T, r inbox.Record, how inbox.Settlement) {
	t.Helper()
	if _, err := s.Settle(t.Context(), r, how); !errors.Is(err, inbox.ErrLeaseLost) {
		t.Errorf("error %v, expected %v", err, inbox.ErrLeaseLost)
	}
}

func (s *suite) deliver(t *testing.T, r inbox.Record, seconds int) {
	t.Helper()
	s.settle(t, r, inbox.Settlement{State: inbox.Delivered, At: at(seconds)})
}

func (s *suite) get(t *testing.T, id string) inbox.Record {
	t.Helper()
	records := s.list(t, inbox.Filter{ID: id, Queue: queue})
	if len(records) != 1 {
		t.Fatalf("%d records of event %s", len(records), id)
	}
	r := records[0]
	if r.Lease != "" {
		t.Errorf("event %s is shown with its lease", id)
	}
	return r
}

func (s *suite) isDelivered(t *testing.T, id string) {
	t.Helper()
	if r := s.get(t, id); r.State != inbox.Delivered {
		t.Errorf("event %s is %s", id, r.State)
	}
}

func (s *suite) list(t *testing.T, f inbox.Filter) (records []inbox.Record) {
	t.Helper()
	for r, err := range s.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// ids lists the IDs that a filter picks.
func (s *suite) ids(t *testing.T, f inbox.Filter) []string {
	t.Helper()
	ids := []string{}
	for _, r := range s.list(t, f) {
		ids = append(ids, r.ID)
	}
	return ids
}

func claimed(t *testing.T, r inbox.Record, expected bool) {
	t.Helper()
	if (r.Lease != "") != expected {
		t.Errorf("event %s: claimed is %t, expected %t", r.ID, r.Lease != "", expected)
	}
}

func same(t *testing.T, what string, got, expected time.Time) {
	t.Helper()
	if !got.Equal(expected) {
		t.Errorf("%s is %s, expected %s", what, got, expected)
	}
}

func expect[T comparable](t *testing.T, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: %v, expected %v", what, got, expected)
	}
}
