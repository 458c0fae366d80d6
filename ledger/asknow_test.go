package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// claimedNow claims a payment for an operator, which must succeed.
func (s *memory) claimedNow(t tester, requestID string, atOnce int) Payment {
	t.Helper()
	p, err := ClaimNow(t.Context(), s, shop, requestID, atOnce, lease)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An operator's question changes nothing of the schedule, whether it is answered or not, and stands in the history.
func TestAskedNow(t *testing.T) {
	for name, answered := range map[string]bool{"answered": true, "no answer": false} {
		s := asking(t)
		before := s.record(t, "r1")
		claimed := s.claimedNow(t, "r1", 4)
		if n, err := s.read().Asking(s.now); err != nil || n != 1 {
			t.Errorf("%d questions are being asked, %v", n, err)
		}
		after, err := AskedNow(t.Context(), s, claimed, answered)
		if err != nil || !after.AskAt.Equal(before.AskAt) || after.Asked != before.Asked || !after.AskedUntil.IsZero() || after.Status != before.Status {
			t.Errorf("%s: %+v, %v", name, after, err)
		}
		if got := s.story(t, "r1"); !strings.HasSuffix(got, "asked by an operator: "+name) {
			t.Errorf("the history is %s", got)
		}
		s.pass(10 * time.Minute)
		s.claims(t) // the schedule's own question
	}
}

// What the ledger cannot ask about, or must not ask about now, is refused at once, and nothing is changed.
func TestClaimNowRefused(t *testing.T) {
	s := asking(t)
	for _, requestID := range []string{"b", "c"} {
		r := accepted("t" + requestID)
		r.AskAt = monday
		s.did(t, call(under(requestID)), r)
	}
	s.did(t, call(under("link")), accepted(""))
	s.did(t, void("v1"), accepted("tv"))
	due, _ := s.claimed(t, 10) // b and c
	puts := s.puts
	for name, test := range map[string]struct {
		requestID string
		atOnce    int
		want      error
	}{
		"unknown":                   {"none", 4, ErrNoPayment},
		"without a transaction":     {"link", 4, ErrNotAskable},
		"a void":                    {"v1", 4, ErrNotAskable},
		"being asked about":         {"b", 4, ErrAsking},
		"too many at once":          {"r1", 2, ErrBusy},
		"asked, and too many, both": {"c", 2, ErrAsking},
	} {
		if _, err := ClaimNow(t.Context(), s, shop, test.requestID, test.atOnce, lease); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(due) != 2 || s.puts != puts {
		t.Errorf("%d are due, and %d records are changed", len(due), s.puts-puts)
	}
	s.claimedNow(t, "r1", 3)
	s.pass(lease)
	s.claimedNow(t, "b", 1) // who asked is gone
}

// While an operator asks, the schedule does not; and an end that comes too late does not end the question of another.
func TestAskedNowAndTheSchedule(t *testing.T) {
	s := asking(t)
	s.pass(10 * time.Minute)
	mine := s.claimedNow(t, "r1", 4)
	if due, next := s.claimed(t, 4); len(due) != 0 || !next.Equal(s.now.Add(crowded)) {
		t.Errorf("%d are due, next %s", len(due), next)
	}
	s.pass(lease)
	theirs := s.claims(t)
	if after, err := AskedNow(t.Context(), s, mine, false); err != nil || !after.AskedUntil.Equal(theirs.AskedUntil) {
		t.Errorf("the question of another is ended: %+v, %v", after, err)
	}
	if after := s.asked(t, theirs, true); after.Asked != 1 || !after.AskedUntil.IsZero() {
		t.Errorf("after the schedule's question: %+v", after)
	}
}

// A payment with a last word can be asked about: it is the operator who wants to know. It is not asked about again by itself.
func TestAskNowAfterTheLastWord(t *testing.T) {
	s := asking(t)
	s.noted(t, message(), true)
	if p := s.record(t, "r1"); !p.hasLastWord() || !p.AskAt.IsZero() {
		t.Fatalf("%+v", p)
	}
	after, err := AskedNow(t.Context(), s, s.claimedNow(t, "r1", 4), true)
	if err != nil || !after.AskAt.IsZero() || after.Status != Paid {
		t.Errorf("%+v, %v", after, err)
	}
	claimed := s.claimedNow(t, "r1", 4)
	claimed.AbandonQuestion(s.now)
	if !claimed.AskAt.IsZero() || !claimed.AskedUntil.IsZero() {
		t.Errorf("a question whose process has ended is due: %+v", claimed)
	}
}
