package storetest

import (
	"fmt"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func prune(t *testing.T, s *suite) {
	for i, id := range []string{"0", "1", "2", "3"} {
		r := s.arrive(t, event(id, "GP"+id, inbox.Paid), i)
		switch id {
		case "0": // pending, however old
		case "1":
			s.settle(t, r, inbox.Settlement{State: inbox.Dead, At: at(50)})
		case "2":
			s.deliver(t, r, 51)
		case "3":
			s.deliver(t, r, 60)
		}
	}
	other := event("other", "GP1", inbox.Paid)
	other.Queue = "other"
	s.deliver(t, s.arrive(t, other, 0), 1)

	n, err := s.Prune(t.Context(), queue, at(60)) // "3" was settled at 60, not before
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "dropped", n, 2)
	for _, r := range s.list(t, inbox.Filter{}) {
		dropped := r.ID == "1" || r.ID == "2"
		expect(t, "message of "+r.ID+" is gone", len(r.Message) == 0, dropped)
		expect(t, "transaction of "+r.ID, r.Transaction != "", true)
	}
	if n, err = s.Prune(t.Context(), queue, at(60)); err != nil || n != 0 {
		t.Errorf("dropped %d once more, %v", n, err)
	}
	counted, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "delivered", counted.States[inbox.Delivered], 3)
	expect(t, "dead", counted.States[inbox.Dead], 1)
	expect(t, "quarantined", counted.Quarantined, 0)
	expect(t, "state", s.again(t, event("2", "GP2", inbox.Paid), 70).State, inbox.Delivered) // it is known for ever
	expect(t, "listed", fmt.Sprint(s.ids(t, inbox.Filter{State: inbox.Delivered})), "[2 3 other]")
}

func prunedPaid(t *testing.T, s *suite) {
	s.deliver(t, s.arrive(t, event("1", "GP1", inbox.Paid), 0), 1)
	if n, err := s.Prune(t.Context(), queue, at(2)); err != nil || n != 1 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	expect(t, "state", s.arrive(t, event("2", "GP1", "failed"), 2).State, inbox.Overtaken)
}
