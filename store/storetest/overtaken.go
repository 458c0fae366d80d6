package storetest

import (
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func paidWins(t *testing.T, s *suite) {
	before := s.arrive(t, event("0", "GP1", "pending"), 0) // claimed, so it is not overtaken
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

func paidOvertakesWaiting(t *testing.T, s *suite) {
	first := s.arrive(t, event("1", "GP1", "expired"), 0)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(3600), At: at(1), LastError: "answered 500"})
	s.arrive(t, event("2", "GP1", "failed"), 2)
	other := event("refund", "GP1", "failed")
	other.RequestID = "R2"
	s.arrive(t, other, 2)
	paid := s.arrive(t, event("3", "GP1", inbox.Paid), 3)
	claimed(t, paid, false) // behind the event of the other request
	for _, id := range []string{"1", "2"} {
		r := s.get(t, id)
		expect(t, id, r.State, inbox.Overtaken)
		same(t, "settled "+id, r.SettledAt, at(3))
	}
	expect(t, "last error", s.get(t, "1").LastError, "answered 500")
	s.deliver(t, s.claim(t, 4, "refund")["refund"], 5)
	s.deliver(t, s.claim(t, 6, "3")["3"], 7)
	// The same again overtakes nothing that an operator has replayed since.
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "1"}, at(8)); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.again(t, event("3", "GP1", inbox.Paid), 9)
	s.claim(t, 10, "1")
}

func paidOvertakesClaimed(t *testing.T, s *suite) {
	first := s.arrive(t, event("1", "GP1", "expired"), 0)
	claimed(t, first, true)
	paid := s.arrive(t, event("2", "GP1", inbox.Paid), 1)
	claimed(t, paid, false) // one at a time
	expect(t, "state", s.get(t, "1").State, inbox.Pending)
	state, err := s.Settle(t.Context(), first, inbox.Settlement{State: inbox.Pending, Due: at(3600), At: at(2), LastError: "answered 500"})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "state", state, inbox.Overtaken)
	r := s.get(t, "1")
	expect(t, "state", r.State, inbox.Overtaken)
	expect(t, "attempts", r.Attempts, 1)
	same(t, "settled", r.SettledAt, at(2))
	same(t, "due", r.Due, time.Time{})
	s.claim(t, 3, "2")
}

func paidOfAnotherRequest(t *testing.T, s *suite) {
	paid := event("1", "GP1", inbox.Paid)
	paid.RequestID = "pay"
	s.deliver(t, s.arrive(t, paid, 0), 1)
	refund := event("2", "GP1", "failed")
	refund.RequestID = "refund"
	r := s.arrive(t, refund, 2)
	expect(t, "state", r.State, inbox.Pending)
	claimed(t, r, true)
	late := event("3", "GP1", "failed")
	late.RequestID = "pay"
	expect(t, "state", s.arrive(t, late, 3).State, inbox.Overtaken)
}
