package inboxtest

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func paidWins(t *testing.T, s *suite) {
	before := s.arrive(t, event("0", "GP1", "pending"), 0)
	paid := s.arrive(t, event("1", "GP1", inbox.Paid), 1)
	expect(t, "state", paid.State, inbox.Pending)
	for _, status := range []string{"expired", "cancelled", "failed", "pending"} {
		r := s.arrive(t, event(status, "GP1", status), 2)
		expect(t, status, r.State, inbox.Overtaken)
		claimed(t, r, false)
		same(t, "settled", r.SettledAt, at(2))
		claimed(t, s.again(t, event(status, "GP1", status), 3), false)
	}
	again := s.arrive(t, event("2", "GP1", inbox.Paid), 2) // says nothing else
	expect(t, "state", again.State, inbox.Pending)
	s.deliver(t, before, 3)
	s.settle(t, s.claim(t, 4, "1")["1"], inbox.Settlement{State: inbox.Dead, At: at(5)})
	r := s.arrive(t, event("late", "GP1", "failed"), 6) // dead or delivered, it is paid
	expect(t, "state", r.State, inbox.Overtaken)
	s.claim(t, 7, "2")
}

func paidAfterExpired(t *testing.T, s *suite) {
	r := s.arrive(t, event("1", "GP1", "expired"), 0)
	s.deliver(t, r, 1)
	r = s.arrive(t, event("2", "GP1", inbox.Paid), 2)
	expect(t, "state", r.State, inbox.Pending)
	claimed(t, r, true)
}
