package storetest

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func taken(t *testing.T, s *suite) {
	of := func(id, transaction, request, status string) inbox.Event {
		e := event(id, transaction, status)
		e.RequestID = request
		return e
	}
	s.settle(t, s.arrive(t, of("dead", "GP1", "R1", inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	first := s.arrive(t, of("first", "GP1", "R1", inbox.Paid), 2)
	s.settle(t, first, inbox.Settlement{State: inbox.Delivered, At: at(3), Answer: inbox.Answer{Status: "200", Description: "thanks"}})
	s.deliver(t, s.arrive(t, of("second", "GP1", "R1", inbox.Paid), 4), 5)
	s.deliver(t, s.arrive(t, of("other", "GP2", "R1", inbox.Paid), 4), 5)
	s.deliver(t, s.arrive(t, of("none", "", "R1", inbox.Paid), 4), 5)
	theirs := of("theirs", "GP1", "R1", inbox.Paid)
	theirs.Queue = "other"
	s.deliver(t, s.arrive(t, theirs, 4), 5)
	for _, test := range []struct {
		event    inbox.Event
		expected string
		alone    bool
	}{
		{of("a", "GP1", "R1", inbox.Paid), "first", false},
		{of("b", "GP1", "R2", inbox.Paid), "", false},
		{of("c", "GP1", "R1", "failed"), "", false},
		{of("d", "GP3", "R1", inbox.Paid), "", true},
		{of("e", "", "R1", inbox.Paid), "", true},
	} {
		r, _, err := s.Arrive(t.Context(), test.event, lease(6))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, test.event.ID+" is alone", r.Alone, test.alone)
		found, ok, err := s.Taken(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, test.event.ID+" is taken", ok, test.expected != "")
		expect(t, test.event.ID, found.ID, test.expected)
		if ok {
			expect(t, "message", string(found.Message), string(first.Message))
			expect(t, "answer", found.Answer.Description, "thanks")
		}
	}
	expect(t, "the first one is alone when it arrives again", s.again(t, of("first", "GP1", "R1", inbox.Paid), 7).Alone, false)
	if _, ok, err := s.Taken(t.Context(), first); ok || err != nil {
		t.Errorf("the first one is a repetition: %v", err)
	}
}
