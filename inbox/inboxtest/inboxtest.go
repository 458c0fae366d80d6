// Package inboxtest is what every store of an inbox has to pass: a test for each sentence
// about inbox.Store.
package inboxtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Run tests a store. Each call of open returns an empty one, which the test closes. Reopen
// opens again what a closed store has kept.
func Run(t *testing.T, open func(t *testing.T) inbox.Store, reopen func(t *testing.T, closed inbox.Store) inbox.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"an event is kept whole", keptWhole},
		{"an event with the longest names is kept whole", longestNames},
		{"an added event is pending, due and claimed", addedIsClaimed},
		{"a repeated event is not kept again", repeated},
		{"a repeated event is claimed if nobody has it", repeatedIsClaimed},
		{"a repeated event is not claimed before an earlier one", repeatedWaits},
		{"a transaction is delivered in the order of arrival", order},
		{"a stuck transaction holds up no other", stuck},
		{"a dead letter does not hold up what follows", deadLetsPass},
		{"events without a transaction wait for none", noTransaction},
		{"transactions of two queues have nothing to do with each other", queues},
		{"claims take no more than the limit", limit},
		{"what is due the longest is claimed first", longestDue},
		{"a claimed event is not claimed again before its lease ends", leaseEnds},
		{"a lease that ended and was not taken over still settles", lateSettle},
		{"a settled event cannot be settled again", settleTwice},
		{"settling keeps how the attempt ended", settled},
		{"an event to be tried again waits until it is due", retry},
		{"paid wins over what arrives later", paidWins},
		{"paid is delivered after anything else", paidAfterExpired},
		{"a replay makes any event pending", replay},
		{"a replay takes what the filter picks", replayFilter},
		{"a replay leaves claimed events alone", replayClaimed},
		{"a replayed event waits for one that is being delivered", replayWaits},
		{"a replay ends a claim whose lease has ended", replayEndsLease},
		{"a replay takes any number of events, each once", manyReplayed},
		{"old events with a final state are forgotten", prune},
		{"a forgotten payment is not known to be paid", prunePaid},
		{"lists hold what the filter picks, in the order of arrival", list},
		{"a list can be left early, and the store used within", listWithin},
		{"next due tells of dues and of ends of leases", nextDue},
		{"the store wakes whoever delivers", wake},
		{"the numbers add up", stats},
		{"two queues can have events of one id", sameID},
		{"a context that has ended changes nothing", ended},
		{"many add at once", manyAdd},
		{"many claim at once", manyClaim},
		{"what was changed is there after a restart", durable},
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

// suite is a store under test with short ways to use it.
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

// add adds an event that must be new.
func (s *suite) add(t *testing.T, e inbox.Event, seconds int) inbox.Record {
	t.Helper()
	r, added, err := s.Arrive(t.Context(), e, lease(seconds))
	if err != nil {
		t.Fatal(err)
	}
	if !added {
		t.Fatalf("event %s was there already", e.ID)
	}
	return r
}

// again adds an event that must be known.
func (s *suite) again(t *testing.T, e inbox.Event, seconds int) inbox.Record {
	t.Helper()
	r, added, err := s.Arrive(t.Context(), e, lease(seconds))
	if err != nil {
		t.Fatal(err)
	}
	if added {
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
	if err := s.Settle(t.Context(), r, how); err != nil {
		t.Fatalf("settling %s: %v", r.ID, err)
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

func lost(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, inbox.ErrLeaseLost) {
		t.Errorf("error %v, expected %v", err, inbox.ErrLeaseLost)
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

func keptWhole(t *testing.T, s *suite) {
	e := event("a", "GP1", "cancelled")
	e.RequestID = "R1"
	e.Message = []byte("\x00\xffnot text: \u1ec7") // opaque bytes, sealed perhaps
	s.add(t, e, 1)
	r := s.get(t, "a")
	if r.ID != e.ID || r.Queue != e.Queue || r.Transaction != e.Transaction || r.RequestID != e.RequestID ||
		r.PaymentStatus != e.PaymentStatus || !r.ReceivedAt.Equal(e.ReceivedAt) || !bytes.Equal(r.Message, e.Message) {
		t.Errorf("kept %+v of %+v", r, e)
	}
	later := s.add(t, event("b", "GP1", "cancelled"), 1)
	if r.Seq == 0 || later.Seq <= r.Seq {
		t.Errorf("numbers %d and %d do not grow", r.Seq, later.Seq)
	}
}

func longestNames(t *testing.T, s *suite) {
	name := func() string { // random: a store that compresses its keys must not be spared
		text := ""
		for len(text) < inbox.MaxName {
			text += rand.Text()
		}
		return text[:inbox.MaxName]
	}
	e := inbox.Event{
		ID: name(), Queue: name(), Transaction: name(), RequestID: name(), PaymentStatus: name(),
		ReceivedAt: start, Message: []byte("{}"),
	}
	r := s.add(t, e, 1)
	s.deliver(t, r, 2)
	s.again(t, e, 3)
	if got := s.list(t, inbox.Filter{ID: e.ID, Queue: e.Queue, Transaction: e.Transaction, PaymentStatus: e.PaymentStatus}); len(got) != 1 ||
		got[0].RequestID != e.RequestID || got[0].State != inbox.Delivered {
		t.Errorf("%d events are kept", len(got))
	}
}

func addedIsClaimed(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", "pending"), 1)
	expect(t, "state", r.State, inbox.Pending)
	expect(t, "attempts", r.Attempts, 0)
	same(t, "due", r.Due, at(1))
	claimed(t, r, true)
	second := s.add(t, event("b", "GP1", inbox.Paid), 2)
	expect(t, "state", second.State, inbox.Pending)
	claimed(t, second, false)
	s.claim(t, 3)
	s.deliver(t, r, 3)
	s.isDelivered(t, "a")
}

func repeated(t *testing.T, s *suite) {
	first := s.add(t, event("a", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Delivered, At: at(2), Answer: inbox.Answer{Status: "200", Description: "taken"}})
	e := event("a", "GP2", "failed") // queue and ID alone count
	e.Message = []byte("other")
	r := s.again(t, e, 3)
	claimed(t, r, false)
	expect(t, "seq", r.Seq, first.Seq)
	expect(t, "transaction", r.Transaction, "GP1")
	expect(t, "message", string(r.Message), string(first.Message))
	expect(t, "state", r.State, inbox.Delivered)
	expect(t, "answer", r.Answer, inbox.Answer{Status: "200", Description: "taken"})
	expect(t, "records", len(s.ids(t, inbox.Filter{})), 1)
	s.claim(t, 100)
}

func repeatedIsClaimed(t *testing.T, s *suite) {
	first := s.add(t, event("a", "GP1", inbox.Paid), 1)
	claimed(t, s.again(t, event("a", "GP1", inbox.Paid), 2), false)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(3)})
	r := s.again(t, event("a", "GP1", inbox.Paid), 4)
	claimed(t, r, true) // though it is not due
	claimed(t, s.again(t, event("a", "GP1", inbox.Paid), 5), false)
	after := s.again(t, event("a", "GP1", inbox.Paid), 14) // the lease has ended
	claimed(t, after, true)
	lost(t, s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: at(15)}))
	s.deliver(t, after, 15)
}

func repeatedWaits(t *testing.T, s *suite) {
	first := s.add(t, event("a", "GP1", "pending"), 1)
	s.add(t, event("b", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(2)})
	claimed(t, s.again(t, event("b", "GP1", inbox.Paid), 3), false)
	s.deliver(t, s.again(t, event("a", "GP1", "pending"), 4), 5)
	claimed(t, s.again(t, event("b", "GP1", inbox.Paid), 6), true)
}

func order(t *testing.T, s *suite) {
	r := s.add(t, event("1", "GP1", "pending"), 1)
	for _, id := range []string{"2", "3", "4"} {
		claimed(t, s.add(t, event(id, "GP1", "pending"), 1), false)
	}
	for _, next := range []string{"2", "3", "4"} {
		s.claim(t, 2)
		s.deliver(t, r, 2)
		r = s.claim(t, 2, next)[next]
	}
	s.deliver(t, r, 2)
	s.claim(t, 100)
}

func stuck(t *testing.T, s *suite) {
	first := s.add(t, event("1", "GP1", "pending"), 1)
	s.add(t, event("2", "GP1", "pending"), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(2)})
	claimed(t, s.add(t, event("3", "GP2", inbox.Paid), 3), true)
	third := s.claim(t, 20, "3")["3"] // its lease has ended; neither the stuck one nor what waits behind it
	s.deliver(t, third, 21)
	s.claim(t, 999)
}

func deadLetsPass(t *testing.T, s *suite) {
	first := s.add(t, event("1", "GP1", "pending"), 1)
	s.add(t, event("2", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Dead, At: at(2), LastError: "answered 500"})
	s.claim(t, 2, "2")
}

func noTransaction(t *testing.T, s *suite) {
	claimed(t, s.add(t, event("1", "", inbox.Paid), 1), true)
	second := s.add(t, event("2", "", "failed"), 1)
	claimed(t, second, true)
	expect(t, "state", second.State, inbox.Pending)
	s.claim(t, 20, "1", "2")
}

func queues(t *testing.T, s *suite) {
	paid := event("1", "GP1", inbox.Paid)
	paid.Queue = "other"
	s.add(t, paid, 1)
	r := s.add(t, event("2", "GP1", "failed"), 1)
	expect(t, "state", r.State, inbox.Pending)
	claimed(t, r, true)
	s.claim(t, 20, "2")
	none, err := s.Claim(t.Context(), nil, lease(40), 10)
	if err != nil || len(none) != 0 {
		t.Errorf("claimed %v, %v of no queue", none, err)
	}
	both, err := s.Claim(t.Context(), []string{"other", queue}, lease(40), 10)
	if err != nil || len(both) != 2 {
		t.Errorf("claimed %v, %v of two queues", both, err)
	}
}

func limit(t *testing.T, s *suite) {
	for i := range 5 {
		s.add(t, event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), i)
	}
	seen := map[string]bool{}
	for _, expected := range []int{2, 2, 1, 0} {
		records, err := s.Claim(t.Context(), []string{queue}, lease(50), 2)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "claimed", len(records), expected)
		for _, r := range records {
			if seen[r.ID] {
				t.Errorf("event %s was claimed twice", r.ID)
			}
			seen[r.ID] = true
		}
	}
}

func longestDue(t *testing.T, s *suite) {
	for i, due := range []int{500, 300, 400, 200} {
		e := event(fmt.Sprint(due), fmt.Sprint("GP", i), inbox.Paid)
		e.Queue = []string{queue, "other"}[i%2]
		s.settle(t, s.add(t, e, i), inbox.Settlement{State: inbox.Pending, Due: at(due), At: at(i)})
	}
	for _, queues := range [][]string{{queue, "other"}, {"other", queue}} {
		next, err := s.NextDue(t.Context(), queues)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "next due", next, at(200))
	}
	for _, id := range []string{"200", "300", "400", "500"} {
		records, err := s.Claim(t.Context(), []string{queue, "other"}, lease(1000), 1)
		if err != nil || len(records) != 1 || records[0].ID != id {
			t.Fatalf("claimed %+v, %v, expected %s", records, err, id)
		}
	}
}

func leaseEnds(t *testing.T, s *suite) {
	dead := s.add(t, event("a", "GP1", inbox.Paid), 0)
	s.claim(t, 9)
	taken := s.claim(t, 10, "a")["a"]
	s.claim(t, 19)
	lost(t, s.Settle(t.Context(), dead, inbox.Settlement{State: inbox.Delivered, At: at(11)}))
	r := s.get(t, "a")
	expect(t, "state", r.State, inbox.Pending)
	expect(t, "attempts", r.Attempts, 0)
	s.deliver(t, taken, 12)
	s.claim(t, 100)
}

func lateSettle(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", inbox.Paid), 0)
	s.deliver(t, r, 500)
	s.claim(t, 1000)
}

func settleTwice(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", inbox.Paid), 0)
	s.deliver(t, r, 1)
	lost(t, s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Dead, At: at(2)}))
	unclaimed := r
	unclaimed.Lease = ""
	lost(t, s.Settle(t.Context(), unclaimed, inbox.Settlement{State: inbox.Dead, At: at(2)}))
	s.isDelivered(t, "a")
	expect(t, "attempts", s.get(t, "a").Attempts, 1)
	r = s.add(t, event("b", "GP2", inbox.Paid), 0)
	r.Lease = "another"
	lost(t, s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Dead, At: at(2)}))
}

func settled(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", inbox.Paid), 0)
	how := inbox.Settlement{State: inbox.Pending, Due: at(60), At: at(1), LastError: "answered 503"}
	s.settle(t, r, how)
	r = s.get(t, "a")
	expect(t, "attempts", r.Attempts, 1)
	expect(t, "last error", r.LastError, "answered 503")
	same(t, "due", r.Due, at(60))
	same(t, "settled", r.SettledAt, time.Time{})

	how.Uncounted = true
	s.settle(t, s.claim(t, 60, "a")["a"], how)
	expect(t, "attempts", s.get(t, "a").Attempts, 1)

	how = inbox.Settlement{State: inbox.Delivered, At: at(61), Answer: inbox.Answer{Status: "409", Description: "known"}}
	s.settle(t, s.claim(t, 60, "a")["a"], how)
	r = s.get(t, "a")
	expect(t, "state", r.State, inbox.Delivered)
	expect(t, "attempts", r.Attempts, 2)
	expect(t, "answer", r.Answer, how.Answer)
	same(t, "settled", r.SettledAt, at(61))
}

func retry(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", inbox.Paid), 0)
	s.settle(t, r, inbox.Settlement{State: inbox.Pending, Due: at(5), At: at(1)})
	s.claim(t, 4) // the lease was given up, but it is not due
	s.claim(t, 5, "a")
}

func paidWins(t *testing.T, s *suite) {
	before := s.add(t, event("0", "GP1", "pending"), 0)
	paid := s.add(t, event("1", "GP1", inbox.Paid), 1)
	expect(t, "state", paid.State, inbox.Pending)
	for _, status := range []string{"expired", "cancelled", "failed", "pending"} {
		r := s.add(t, event(status, "GP1", status), 2)
		expect(t, status, r.State, inbox.Overtaken)
		claimed(t, r, false)
		same(t, "settled", r.SettledAt, at(2))
		claimed(t, s.again(t, event(status, "GP1", status), 3), false)
	}
	again := s.add(t, event("2", "GP1", inbox.Paid), 2) // says nothing else
	expect(t, "state", again.State, inbox.Pending)
	s.deliver(t, before, 3)
	s.settle(t, s.claim(t, 4, "1")["1"], inbox.Settlement{State: inbox.Dead, At: at(5)})
	r := s.add(t, event("late", "GP1", "failed"), 6) // dead or delivered, it is paid
	expect(t, "state", r.State, inbox.Overtaken)
	s.claim(t, 7, "2")
}

func paidAfterExpired(t *testing.T, s *suite) {
	r := s.add(t, event("1", "GP1", "expired"), 0)
	s.deliver(t, r, 1)
	r = s.add(t, event("2", "GP1", inbox.Paid), 2)
	expect(t, "state", r.State, inbox.Pending)
	claimed(t, r, true)
}

func replay(t *testing.T, s *suite) {
	s.settle(t, s.add(t, event("dead", "GP1", inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1), LastError: "answered 500"})
	s.add(t, event("overtaken", "GP1", "failed"), 1)
	s.deliver(t, s.add(t, event("delivered", "GP2", inbox.Paid), 0), 1)
	s.settle(t, s.add(t, event("pending", "GP3", inbox.Paid), 0), inbox.Settlement{State: inbox.Pending, Due: at(9000), At: at(1)})
	n, err := s.Replay(t.Context(), inbox.Filter{}, at(50))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "replayed", n, 3)
	expect(t, "overtaken", s.get(t, "overtaken").State, inbox.Overtaken) // its payment's last word is paid
	n, err = s.Replay(t.Context(), inbox.Filter{State: inbox.Overtaken}, at(50))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "replayed", n, 1)
	for _, id := range []string{"dead", "overtaken", "delivered", "pending"} {
		r := s.get(t, id)
		expect(t, id, r.State, inbox.Pending)
		expect(t, "attempts of "+id, r.Attempts, 0)
		same(t, "due of "+id, r.Due, at(50))
		same(t, "settled "+id, r.SettledAt, time.Time{})
	}
	s.claim(t, 49)
	first := s.claim(t, 50, "dead", "delivered", "pending")["dead"]
	s.deliver(t, first, 51)
	s.claim(t, 51, "overtaken")
}

func replayFilter(t *testing.T, s *suite) {
	for i := range 4 {
		s.settle(t, s.add(t, event(fmt.Sprint("dead", i), fmt.Sprint("GP", i), inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	}
	s.deliver(t, s.add(t, event("delivered", "GP9", inbox.Paid), 0), 1)
	s.add(t, event("overtaken", "GP9", "failed"), 1)
	for _, test := range []struct {
		filter   inbox.Filter
		expected int
	}{
		{inbox.Filter{ID: "dead0"}, 1},
		{inbox.Filter{ID: "dead1", State: inbox.Delivered}, 0},
		{inbox.Filter{ID: "unknown"}, 0},
		{inbox.Filter{State: inbox.Dead, Limit: 1}, 1},
		{inbox.Filter{State: inbox.Dead}, 2},
		{inbox.Filter{PaymentStatus: "failed"}, 0},
		{inbox.Filter{ID: "overtaken"}, 1},
	} {
		n, err := s.Replay(t.Context(), test.filter, at(2))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fmt.Sprintf("%+v", test.filter), n, test.expected)
	}
	s.isDelivered(t, "delivered")
	s.claim(t, 2, "dead0", "dead1", "dead2", "dead3", "overtaken")
}

func replayClaimed(t *testing.T, s *suite) {
	r := s.add(t, event("a", "GP1", inbox.Paid), 0)
	n, err := s.Replay(t.Context(), inbox.Filter{}, at(1))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "replayed", n, 0)
	s.claim(t, 1)
	s.deliver(t, r, 2)
}

func replayWaits(t *testing.T, s *suite) {
	s.deliver(t, s.add(t, event("1", "GP1", "pending"), 0), 1)
	second := s.add(t, event("2", "GP1", inbox.Paid), 1)
	claimed(t, second, true)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "1"}, at(2)); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.claim(t, 2) // one at a time
	s.deliver(t, second, 3)
	s.claim(t, 3, "1")
}

func replayEndsLease(t *testing.T, s *suite) {
	before := s.add(t, event("a", "GP1", inbox.Paid), 0)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "a"}, at(20)); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	lost(t, s.Settle(t.Context(), before, inbox.Settlement{State: inbox.Dead, At: at(21)}))
	s.deliver(t, s.claim(t, 21, "a")["a"], 22)
}

func prune(t *testing.T, s *suite) {
	for i, id := range []string{"0", "1", "2", "3"} {
		e := event(id, "GP"+id, inbox.Paid)
		e.ReceivedAt = at(i)
		r := s.add(t, e, i)
		switch id {
		case "0": // pending, however old
		case "1":
			s.settle(t, r, inbox.Settlement{State: inbox.Dead, At: at(50)})
		default:
			s.deliver(t, r, 50)
		}
	}
	other := event("other", "GP1", inbox.Paid)
	other.Queue = "other"
	s.deliver(t, s.add(t, other, 0), 1)

	n, err := s.Prune(t.Context(), queue, at(3)) // "3" arrived at 3, not before
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "forgotten", n, 2)
	expect(t, "left", fmt.Sprint(s.ids(t, inbox.Filter{})), "[0 3 other]")
	if n, err = s.Prune(t.Context(), queue, at(3)); err != nil || n != 0 {
		t.Errorf("forgot %d once more, %v", n, err)
	}
	counted, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "delivered", counted.States[inbox.Delivered], 2)
	expect(t, "dead", counted.States[inbox.Dead], 0)
	expect(t, "quarantined", counted.Quarantined, 0)
	s.add(t, event("1", "GP1", inbox.Paid), 60) // it is not known any more
}

func prunePaid(t *testing.T, s *suite) {
	s.deliver(t, s.add(t, event("1", "GP1", inbox.Paid), 0), 1)
	if n, err := s.Prune(t.Context(), queue, at(1)); err != nil || n != 1 {
		t.Fatalf("forgot %d, %v", n, err)
	}
	r := s.add(t, event("2", "GP1", "failed"), 2)
	expect(t, "state", r.State, inbox.Pending)
}

func list(t *testing.T, s *suite) {
	add := func(id, name, transaction, status string, second int) {
		e := event(id, transaction, status)
		e.Queue, e.ReceivedAt = name, at(second)
		s.add(t, e, second)
	}
	// Arrival counts, not the ID nor the time that they carry.
	add("e", queue, "GP1", "expired", 5)
	add("d", queue, "GP1", inbox.Paid, 4)
	add("c", "other", "GP1", inbox.Paid, 3)
	add("b", queue, "GP2", "failed", 2)
	add("a", queue, "GP1", "failed", 1)
	for _, test := range []struct {
		name     string
		filter   inbox.Filter
		expected string
	}{
		{"all", inbox.Filter{}, "[e d c b a]"},
		{"ID", inbox.Filter{ID: "c"}, "[c]"},
		{"unknown ID", inbox.Filter{ID: "x"}, "[]"},
		{"ID of another queue", inbox.Filter{ID: "c", Queue: queue}, "[]"},
		{"queue", inbox.Filter{Queue: queue}, "[e d b a]"},
		{"transaction", inbox.Filter{Transaction: "GP1"}, "[e d c a]"},
		{"transaction of a queue", inbox.Filter{Queue: queue, Transaction: "GP1"}, "[e d a]"},
		{"pending", inbox.Filter{State: inbox.Pending}, "[e d c b]"},
		{"overtaken", inbox.Filter{State: inbox.Overtaken}, "[a]"},
		{"dead", inbox.Filter{State: inbox.Dead}, "[]"},
		{"payment status", inbox.Filter{PaymentStatus: "failed"}, "[b a]"},
		{"since", inbox.Filter{Since: at(3)}, "[e d c]"},
		{"until", inbox.Filter{Until: at(3)}, "[b a]"},
		{"since and until", inbox.Filter{Since: at(2), Until: at(4)}, "[c b]"},
		{"limit", inbox.Filter{Limit: 2}, "[e d]"},
		{"limit of a queue", inbox.Filter{Queue: queue, Limit: 3}, "[e d b]"},
	} {
		expect(t, test.name, fmt.Sprint(s.ids(t, test.filter)), test.expected)
	}
}

func listWithin(t *testing.T, s *suite) {
	for i := range 5 {
		s.add(t, event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), 0)
	}
	seen := 0
	for r, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.get(t, r.ID)
		s.add(t, event(r.ID+" more", "", inbox.Paid), 0)
		if seen++; seen == 3 {
			break
		}
	}
	expect(t, "seen", seen, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var ended []error
	for _, err := range s.List(ctx, inbox.Filter{}) {
		ended = append(ended, err)
	}
	if len(ended) != 1 || ended[0] == nil {
		t.Errorf("a list whose context had ended yielded %v, expected an error", ended)
	}
}

func nextDue(t *testing.T, s *suite) {
	due := func(expected time.Time) {
		t.Helper()
		next, err := s.NextDue(t.Context(), []string{queue})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "next due", next, expected)
	}
	due(time.Time{})
	other := event("other", "GP1", inbox.Paid)
	other.Queue = "other"
	s.add(t, other, 0)
	due(time.Time{})
	a := s.add(t, event("a", "GP1", "pending"), 5)
	due(at(15)) // when its lease ends
	s.add(t, event("b", "GP1", inbox.Paid), 6)
	s.settle(t, a, inbox.Settlement{State: inbox.Pending, Due: at(100), At: at(7)})
	due(at(100)) // what waits behind it is not due
	c := s.add(t, event("c", "GP2", inbox.Paid), 20)
	due(at(30))
	s.deliver(t, c, 21)
	due(at(100))
	s.deliver(t, s.claim(t, 100, "a")["a"], 101)
	if next, err := s.NextDue(t.Context(), []string{queue}); err != nil || next.IsZero() || next.After(at(101)) {
		t.Errorf("next due %s, %v, though b can be claimed", next, err)
	}
	s.deliver(t, s.claim(t, 101, "b")["b"], 102)
	due(time.Time{})
}

func wake(t *testing.T, s *suite) {
	// Several times: a store may wake once of itself, when it is opened.
	for i := range 4 {
		transaction, first, second := fmt.Sprint("GP", i), fmt.Sprint("first", i), fmt.Sprint("second", i)
		r := s.add(t, event(first, transaction, "pending"), 0)
		s.add(t, event(second, transaction, inbox.Paid), 0)
		s.sleeps()
		s.deliver(t, r, 1)
		s.wakes(t, "by the end of what it stood behind")

		s.deliver(t, s.claim(t, 1, second)[second], 2)
		s.sleeps()
		if n, err := s.Replay(t.Context(), inbox.Filter{ID: second}, at(3)); err != nil || n != 1 {
			t.Fatalf("replayed %d, %v", n, err)
		}
		s.wakes(t, "by a replay")
		s.deliver(t, s.claim(t, 3, second)[second], 4)
	}
}

// sleeps takes what has come over the channel until now.
func (s *suite) sleeps() {
	for len(s.Wake()) > 0 {
		<-s.Wake()
	}
}

func (s *suite) wakes(t *testing.T, why string) {
	t.Helper()
	select {
	case <-s.Wake():
	case <-time.After(10 * time.Second):
		t.Errorf("nobody was woken %s", why)
	}
}

// manyReplayed has more than a store changes in one transaction.
func manyReplayed(t *testing.T, s *suite) {
	const n = 1203
	var adding sync.WaitGroup
	for part := range 32 {
		adding.Go(func() {
			for i := part; i < n; i += 32 {
				r, _, err := s.Arrive(t.Context(), event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), lease(0))
				if err == nil && i%3 != 0 {
					err = s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: at(1)})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	adding.Wait()
	for _, f := range []inbox.Filter{{}, {Limit: 1001}, {State: inbox.Pending}} {
		expected := n
		if f.Limit > 0 {
			expected = f.Limit
		}
		if replayed, err := s.Replay(t.Context(), f, at(100)); err != nil || replayed != expected {
			t.Errorf("%+v: replayed %d, %v, expected %d", f, replayed, err, expected)
		}
	}
	expect(t, "listed", len(s.ids(t, inbox.Filter{State: inbox.Pending})), n)
}

func stats(t *testing.T, s *suite) {
	get := func() inbox.Stats {
		t.Helper()
		got, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	pending := func(expected map[string]int) {
		t.Helper()
		if got, err := s.Pending(t.Context()); err != nil || !maps.Equal(got, expected) {
			t.Errorf("pending are %v, %v, expected %v", got, err, expected)
		}
	}
	same(t, "oldest of none", get().Oldest, time.Time{})
	expect(t, "states", len(get().States), len(inbox.States()))
	pending(map[string]int{})
	var records []inbox.Record
	for i := range 6 {
		e := event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid)
		e.ReceivedAt = at(i)
		records = append(records, s.add(t, e, i))
	}
	s.add(t, event("overtaken", "GP0", "failed"), 7)
	same(t, "oldest", get().Oldest, at(0))
	s.deliver(t, records[0], 8)
	s.deliver(t, records[1], 8)
	s.settle(t, records[2], inbox.Settlement{State: inbox.Dead, At: at(8)})
	s.settle(t, records[3], inbox.Settlement{State: inbox.Pending, Due: at(100), At: at(8)})
	got := get()
	expect(t, "delivered", got.States[inbox.Delivered], 2)
	expect(t, "dead", got.States[inbox.Dead], 1)
	expect(t, "overtaken", got.States[inbox.Overtaken], 1)
	expect(t, "pending", got.States[inbox.Pending], 3)
	expect(t, "quarantined", got.Quarantined, 0)
	same(t, "oldest", got.Oldest, at(3))
	if _, err := s.Prune(t.Context(), queue, at(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replay(t.Context(), inbox.Filter{State: inbox.Dead}, at(9)); err != nil {
		t.Fatal(err)
	}
	got = get()
	expect(t, "delivered", got.States[inbox.Delivered], 1)
	expect(t, "dead", got.States[inbox.Dead], 0)
	expect(t, "overtaken", got.States[inbox.Overtaken], 0) // it arrived at second 0
	expect(t, "pending", got.States[inbox.Pending], 4)
	same(t, "oldest", got.Oldest, at(2))
	other := event("other", "GP0", inbox.Paid)
	other.Queue = "other"
	r := s.add(t, other, 10)
	pending(map[string]int{queue: 4, "other": 1})
	s.deliver(t, r, 11)
	pending(map[string]int{queue: 4})
}

// sameID has the same message signed for two merchants, who have the same salt.
func sameID(t *testing.T, s *suite) {
	other := event("a", "GP1", inbox.Paid)
	other.Queue = "other"
	theirs := s.add(t, other, 0)
	ours := s.add(t, event("a", "GP1", inbox.Paid), 0)
	claimed(t, ours, true)
	s.deliver(t, ours, 1)
	s.isDelivered(t, "a")
	both := s.list(t, inbox.Filter{ID: "a"})
	if len(both) != 2 || both[0].Queue != "other" || both[0].State != inbox.Pending || both[1].Queue != queue {
		t.Fatalf("both: %+v", both)
	}
	expect(t, "the first of both", len(s.list(t, inbox.Filter{ID: "a", Limit: 1})), 1)
	s.deliver(t, theirs, 2)
	if n, err := s.Prune(t.Context(), "other", at(10)); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	expect(t, "state", s.again(t, event("a", "GP1", inbox.Paid), 3).State, inbox.Delivered)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "a"}, at(4)); err != nil || n != 1 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "unknown"}, at(4)); err != nil || n != 0 {
		t.Errorf("replayed %d of none, %v", n, err)
	}

	// Claimed together, they are settled one by one.
	s.add(t, other, 5)
	both, err := s.Claim(t.Context(), []string{queue, "other"}, lease(20), 10)
	if err != nil || len(both) != 2 {
		t.Fatalf("claimed %+v, %v", both, err)
	}
	for _, r := range both {
		s.deliver(t, r, 21)
	}
}

func ended(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Arrive(ctx, event("a", "GP1", inbox.Paid), lease(0)); err == nil {
		t.Error("added though the context had ended")
	}
	expect(t, "records", len(s.ids(t, inbox.Filter{ID: "a"})), 0)
}

// manyAdd has 64 goroutines add events, each of which three others add too.
func manyAdd(t *testing.T, s *suite) {
	const writers, distinct = 64, 16
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		added  = map[string]int{}
		leases = map[string]int{}
	)
	for i := range writers {
		wg.Go(func() {
			for j := range 4 {
				id := fmt.Sprintf("%d of %d", j, i%distinct)
				r, isNew, err := s.Arrive(t.Context(), event(id, id, inbox.Paid), lease(0))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if isNew {
					added[id]++
				}
				if r.Lease != "" {
					leases[id]++
				}
				if r.ID != id {
					t.Errorf("got event %s for %s", r.ID, id)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	expect(t, "events", len(added), distinct*4)
	for id, n := range added {
		if n != 1 || leases[id] != 1 {
			t.Errorf("event %s was added %d times and claimed %d times", id, n, leases[id])
		}
	}
	expect(t, "records", len(s.ids(t, inbox.Filter{})), distinct*4)
}

// manyClaim delivers 20 transactions of three events each from several goroutines: each
// event once, each transaction in order.
func manyClaim(t *testing.T, s *suite) {
	const transactions, each, workers = 20, 3, 8
	for i := range transactions {
		for j := range each {
			s.add(t, event(fmt.Sprintf("%d-%d", i, j), fmt.Sprint("GP", i), "pending"), 0)
		}
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		last = map[string]uint64{}
		done = 0
	)
	take := func(r inbox.Record) {
		mu.Lock()
		defer mu.Unlock()
		if r.Seq <= last[r.Transaction] {
			t.Errorf("event %s was delivered after a later one, or twice", r.ID)
		}
		last[r.Transaction] = r.Seq
		done++
	}
	for range workers {
		wg.Go(func() {
			for {
				records, err := s.Claim(t.Context(), []string{queue}, lease(20), 3)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range records {
					take(r)
					if err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: at(21)}); err != nil {
						t.Error(err)
						return
					}
				}
				mu.Lock()
				finished := done == transactions*each
				mu.Unlock()
				if finished {
					return
				}
			}
		})
	}
	wg.Wait()
	expect(t, "delivered", done, transactions*each)
}

func durable(t *testing.T, s *suite) {
	s.add(t, event("claimed", "GP1", "expired"), 0)
	s.settle(t, s.add(t, event("delivered", "GP2", inbox.Paid), 0),
		inbox.Settlement{State: inbox.Delivered, At: at(1), Answer: inbox.Answer{Status: "200", Description: "taken"}})
	s.settle(t, s.add(t, event("dead", "GP3", inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	waiting := s.add(t, event("waiting", "GP4", inbox.Paid), 0)
	s.settle(t, waiting, inbox.Settlement{State: inbox.Pending, Due: at(30), At: at(1)})
	before, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Store = s.reopen(t, s.Store)

	after, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "numbers", fmt.Sprint(after), fmt.Sprint(before))
	expect(t, "order", fmt.Sprint(s.ids(t, inbox.Filter{})), "[claimed delivered dead waiting]")
	expect(t, "message", string(s.get(t, "claimed").Message), `{"id":"claimed"}`)
	expect(t, "answer", s.again(t, event("delivered", "GP2", inbox.Paid), 2).Answer.Description, "taken")
	expect(t, "paid before the restart", s.add(t, event("late", "GP2", "failed"), 3).State, inbox.Overtaken)
	if next := s.add(t, event("next", "GP9", inbox.Paid), 3); next.Seq <= waiting.Seq {
		t.Errorf("number %d after %d", next.Seq, waiting.Seq)
	}
	s.claim(t, 10, "claimed")
	s.claim(t, 30, "claimed", "waiting", "next")
}
