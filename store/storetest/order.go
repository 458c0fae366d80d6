package storetest

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func order(t *testing.T, s *suite) {
	r := s.arrive(t, event("1", "GP1", "pending"), 1)
	for _, id := range []string{"2", "3", "4"} {
		claimed(t, s.arrive(t, event(id, "GP1", "pending"), 1), false)
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
	first := s.arrive(t, event("1", "GP1", "pending"), 1)
	s.arrive(t, event("2", "GP1", "pending"), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(2)})
	claimed(t, s.arrive(t, event("3", "GP2", inbox.Paid), 3), true)
	third := s.claim(t, 20, "3")["3"] // its lease has ended; neither the stuck one nor what waits behind it
	s.deliver(t, third, 21)
	s.claim(t, 999)
}

func deadHoldsUpNone(t *testing.T, s *suite) {
	first := s.arrive(t, event("1", "GP1", "pending"), 1)
	s.arrive(t, event("2", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Dead, At: at(2), LastError: "answered 500"})
	s.claim(t, 2, "2")
}

func noTransaction(t *testing.T, s *suite) {
	claimed(t, s.arrive(t, event("1", "", inbox.Paid), 1), true)
	second := s.arrive(t, event("2", "", "failed"), 1)
	claimed(t, second, true)
	expect(t, "state", second.State, inbox.Pending)
	s.claim(t, 20, "1", "2")
}

func queues(t *testing.T, s *suite) {
	paid := event("1", "GP1", inbox.Paid)
	paid.Queue = "other"
	s.arrive(t, paid, 1)
	r := s.arrive(t, event("2", "GP1", "failed"), 1)
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
