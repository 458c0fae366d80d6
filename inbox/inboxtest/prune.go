package inboxtest

import (
	"fmt"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func prune(t *testing.T, s *suite) {
	for i, id := range []string{"0", "1", "2", "3"} {
		e := event(id, "GP"+id, inbox.Paid)
		e.ReceivedAt = at(i)
		r := s.arrive(t, e, i)
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
	s.deliver(t, s.arrive(t, other, 0), 1)

	n, err := s.Prune(t.Context(), queue, at(3)) // "3" arrived at 3, not before
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "deleted", n, 2)
	expect(t, "left", fmt.Sprint(s.ids(t, inbox.Filter{})), "[0 3 other]")
	if n, err = s.Prune(t.Context(), queue, at(3)); err != nil || n != 0 {
		t.Errorf("deleted %d once more, %v", n, err)
	}
	counted, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "delivered", counted.States[inbox.Delivered], 2)
	expect(t, "dead", counted.States[inbox.Dead], 0)
	expect(t, "quarantined", counted.Quarantined, 0)
	s.arrive(t, event("1", "GP1", inbox.Paid), 60) // it is new again
}

func prunedPaid(t *testing.T, s *suite) {
	s.deliver(t, s.arrive(t, event("1", "GP1", inbox.Paid), 0), 1)
	if n, err := s.Prune(t.Context(), queue, at(1)); err != nil || n != 1 {
		t.Fatalf("deleted %d, %v", n, err)
	}
	r := s.arrive(t, event("2", "GP1", "failed"), 2)
	expect(t, "state", r.State, inbox.Pending)
}
