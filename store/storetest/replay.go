package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func replay(t *testing.T, s *suite) {
	s.settle(t, s.arrive(t, event("dead", "GP1", inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1), LastError: "answered 500"})
	s.arrive(t, event("overtaken", "GP1", "failed"), 1)
	s.deliver(t, s.arrive(t, event("delivered", "GP2", inbox.Paid), 0), 1)
	s.settle(t, s.arrive(t, event("pending", "GP3", inbox.Paid), 0), inbox.Settlement{State: inbox.Pending, Due: at(9000), At: at(1)})
	for _, test := range []struct {
		filter   inbox.Filter
		expected int
	}{{inbox.Filter{}, 3}, {inbox.Filter{State: inbox.Overtaken}, 0}, {inbox.Filter{ID: "overtaken"}, 1}} {
		n, err := s.Replay(t.Context(), test.filter, at(50))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fmt.Sprintf("replayed by %+v", test.filter), n, test.expected)
	}
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
		s.settle(t, s.arrive(t, event(fmt.Sprint("dead", i), fmt.Sprint("GP", i), inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	}
	s.deliver(t, s.arrive(t, event("delivered", "GP9", inbox.Paid), 0), 1)
	s.arrive(t, event("overtaken", "GP9", "failed"), 1)
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

// replayOvertaken has events that a paid one has overtaken, in each state.
func replayOvertaken(t *testing.T, s *suite) {
	s.settle(t, s.arrive(t, event("dead", "GP1", "cancelled"), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	s.deliver(t, s.arrive(t, event("delivered", "GP1", "pending"), 2), 3)
	s.settle(t, s.arrive(t, event("waiting", "GP1", "failed"), 4), inbox.Settlement{State: inbox.Pending, Due: at(9000), At: at(5)})
	s.deliver(t, s.arrive(t, event("paid", "GP1", inbox.Paid), 6), 7)
	s.arrive(t, event("late", "GP1", "failed"), 8)
	for _, f := range []inbox.Filter{{}, {State: inbox.Dead}, {Transaction: "GP1"}, {PaymentStatus: "failed"}} {
		if _, err := s.Replay(t.Context(), f, at(10)); err != nil {
			t.Fatal(err)
		}
	}
	s.deliver(t, s.claim(t, 11, "paid")["paid"], 12)
	s.claim(t, 100)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "dead"}, at(101)); err != nil || n != 1 {
		t.Errorf("replayed %d by its id, %v", n, err)
	}
	s.claim(t, 102, "dead")
}

// replayDropped has a dead letter without its message, which then arrives again with it.
func replayDropped(t *testing.T, s *suite) {
	e := event("a", "GP1", inbox.Paid)
	s.settle(t, s.arrive(t, e, 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	if n, err := s.Prune(t.Context(), queue, at(2)); err != nil || n != 1 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	for _, f := range []inbox.Filter{{ID: "a"}, {State: inbox.Dead}, {}} {
		if n, err := s.Replay(t.Context(), f, at(3)); err != nil || n != 0 {
			t.Errorf("%+v: replayed %d, %v", f, n, err)
		}
	}
	expect(t, "state", s.get(t, "a").State, inbox.Dead)
	r := s.again(t, e, 4)
	expect(t, "state", r.State, inbox.Pending)
	claimed(t, r, true)
	for when, message := range map[string][]byte{"arrives": r.Message, "is read": s.get(t, "a").Message} {
		expect(t, "message when it "+when, string(message), string(e.Message))
	}

	other := e // with another text of the message, as when it is sealed again
	other.Message = []byte("other")
	s.settle(t, r, inbox.Settlement{State: inbox.Dead, At: at(5)})
	expect(t, "message that was not dropped", string(s.again(t, other, 6).Message), string(e.Message))
}

func replayClaimed(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	n, err := s.Replay(t.Context(), inbox.Filter{}, at(1))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "replayed", n, 0)
	s.claim(t, 1)
	s.deliver(t, r, 2)
}

func replayWaits(t *testing.T, s *suite) {
	s.deliver(t, s.arrive(t, event("1", "GP1", "pending"), 0), 1)
	second := s.arrive(t, event("2", "GP1", inbox.Paid), 1)
	claimed(t, second, true)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "1"}, at(2)); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.claim(t, 2) // one at a time
	s.deliver(t, second, 3)
	s.claim(t, 3, "1")
}

func replayEndsLease(t *testing.T, s *suite) {
	before := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "a"}, at(20)); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.settleLost(t, before, inbox.Settlement{State: inbox.Dead, At: at(21)})
	s.deliver(t, s.claim(t, 21, "a")["a"], 22)
}

// manyReplayed has more events than a store changes in one transaction.
func manyReplayed(t *testing.T, s *suite) {
	const n = 1203
	var arriving sync.WaitGroup
	for part := range 32 {
		arriving.Go(func() {
			for i := part; i < n; i += 32 {
				r, _, err := s.Arrive(t.Context(), event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), lease(0))
				if err == nil && i%3 != 0 {
					_, err = s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: at(1)})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	arriving.Wait()
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
