package storetest

import (
	"fmt"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func durable(t *testing.T, s *suite) {
	s.arrive(t, event("claimed", "GP1", "expired"), 0)
	s.settle(t, s.arrive(t, event("delivered", "GP2", inbox.Paid), 0),
		inbox.Settlement{State: inbox.Delivered, At: at(1), Answer: inbox.Answer{Status: "200", Description: "taken"}})
	s.settle(t, s.arrive(t, event("dead", "GP3", inbox.Paid), 0), inbox.Settlement{State: inbox.Dead, At: at(1)})
	waiting := s.arrive(t, event("waiting", "GP4", inbox.Paid), 0)
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
	expect(t, "paid before the restart", s.arrive(t, event("late", "GP2", "failed"), 3).State, inbox.Overtaken)
	if next := s.arrive(t, event("next", "GP9", inbox.Paid), 3); next.Seq <= waiting.Seq {
		t.Errorf("number %d after %d", next.Seq, waiting.Seq)
	}
	s.claim(t, 10, "claimed")
	s.claim(t, 30, "claimed", "waiting", "next")
}
