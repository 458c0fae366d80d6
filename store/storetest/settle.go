package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func lateSettle(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	s.deliver(t, r, 500)
	s.claim(t, 1000)
}

func settleTwice(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	s.deliver(t, r, 1)
	s.settleLost(t, r, inbox.Settlement{State: inbox.Dead, At: at(2)})
	unclaimed := r
	unclaimed.Lease = ""
	s.settleLost(t, unclaimed, inbox.Settlement{State: inbox.Dead, At: at(2)})
	s.isDelivered(t, "a")
	expect(t, "attempts", s.get(t, "a").Attempts, 1)
	r = s.arrive(t, event("b", "GP2", inbox.Paid), 0)
	r.Lease = "another"
	s.settleLost(t, r, inbox.Settlement{State: inbox.Dead, At: at(2)})
}

func settled(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	how := inbox.Settlement{State: inbox.Pending, Due: at(60), At: at(1), LastError: "answered 503", History: []string{"one"}}
	s.settle(t, r, how)
	r = s.get(t, "a")
	expect(t, "attempts", r.Attempts, 1)
	expect(t, "last error", r.LastError, "answered 503")
	expect(t, "history", strings.Join(r.History, ","), "one")
	same(t, "due", r.Due, at(60))
	same(t, "settled", r.SettledAt, time.Time{})

	how.Uncounted = true
	claimed := s.claim(t, 60, "a")["a"]
	expect(t, "history of what is claimed", strings.Join(claimed.History, ","), "one")
	how.History = []string{"one", "hai, \"ba\"\x00\xff"}
	s.settle(t, claimed, how)
	if again := s.get(t, "a").History; len(again) != 2 || !strings.HasPrefix(again[1], "hai, \"ba\"") {
		t.Errorf("history %q", again)
	}
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
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	s.settle(t, r, inbox.Settlement{State: inbox.Pending, Due: at(5), At: at(1)})
	s.claim(t, 4) // the lease was given up, but it is not due
	s.claim(t, 5, "a")
}
