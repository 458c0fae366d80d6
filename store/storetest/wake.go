package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func nextDue(t *testing.T, s *suite) {
	due := func(expected time.Time) {
		t.Helper()
		next, err := s.NextDue(t.Context(), []string{queue}, inbox.Lease{Now: start})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "next due", next, expected)
	}
	due(time.Time{})
	other := event("other", "GP1", inbox.Paid)
	other.Queue = "other"
	s.arrive(t, other, 0)
	due(time.Time{})
	a := s.arrive(t, event("a", "GP1", inbox.Paid), 5)
	due(at(15)) // when its lease ends
	s.arrive(t, event("b", "GP1", inbox.Paid), 6)
	s.settle(t, a, inbox.Settlement{State: inbox.Pending, Due: at(100), At: at(7)})
	due(at(100)) // what waits behind it is not due
	c := s.arrive(t, event("c", "GP2", inbox.Paid), 20)
	due(at(30))
	s.deliver(t, c, 21)
	due(at(100))
	s.deliver(t, s.claim(t, 100, "a")["a"], 101)
	if next, err := s.NextDue(t.Context(), []string{queue}, inbox.Lease{Now: start}); err != nil || next.IsZero() || next.After(at(101)) {
		t.Errorf("next due %s, %v, though b can be claimed", next, err)
	}
	s.deliver(t, s.claim(t, 101, "b")["b"], 102)
	due(time.Time{})
}

func wake(t *testing.T, s *suite) {
	// Several times: a store may wake once by itself, when it is opened.
	for i := range 4 {
		transaction, first, second := fmt.Sprint("GP", i), fmt.Sprint("first", i), fmt.Sprint("second", i)
		r := s.arrive(t, event(first, transaction, "pending"), 0)
		s.arrive(t, event(second, transaction, inbox.Paid), 0)
		s.drainWake()
		s.deliver(t, r, 1)
		s.wakes(t, "the event in front of another was delivered")

		s.deliver(t, s.claim(t, 1, second)[second], 2)
		s.drainWake()
		if n, err := s.Replay(t.Context(), inbox.Filter{ID: second}, at(3)); err != nil || n != 1 {
			t.Fatalf("replayed %d, %v", n, err)
		}
		s.wakes(t, "an event was replayed")
		s.deliver(t, s.claim(t, 3, second)[second], 4)
	}
}

// drainWake reads what has come over the channel until now.
func (s *suite) drainWake() {
	for len(s.Wake()) > 0 {
		<-s.Wake()
	}
}

func (s *suite) wakes(t *testing.T, why string) {
	t.Helper()
	select {
	case <-s.Wake():
	case <-time.After(10 * time.Second):
		t.Errorf("the store did not wake the engine: %s", why)
	}
}
