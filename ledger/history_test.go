package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// story is the history of a record as people read it, without its times.
func (s *memory) story(t tester, requestID string) string {
	t.Helper()
	p := s.record(t, requestID)
	var lines []string
	for _, e := range p.Entries() {
		lines = append(lines, strings.TrimSpace(string(e.What)+" "+e.Detail))
	}
	return strings.Join(lines, ", ")
}

func TestHistory(t *testing.T) {
	s := asking(t)
	s.pass(10 * time.Minute)
	s.asked(t, s.claims(t), false)
	s.noted(t, message(says(Failed)), true)
	s.noted(t, message(), true)
	s.did(t, void("v1"), accepted(""))
	want := "sent 1, ended accepted, asked by the schedule: no answer, status failed message, status paid message, status reversed reversal"
	if got := s.story(t, "r1"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.story(t, "v1"); got != "sent 1, ended accepted" {
		t.Errorf("of the void: %s", got)
	}
	p := s.record(t, "r1")
	if e := p.Entries()[2]; !e.At.Equal(monday.Add(10 * time.Minute)) {
		t.Errorf("asked at %v", e.At)
	}
}

// What happened before stays in the history of a call that is sent again, or that an operator has settled.
func TestHistoryOfASettledCall(t *testing.T) {
	s := newMemory()
	unknown(as("refund", "refund"))(t, s)
	if _, err := Settle(t.Context(), s, shop, "r1", NotSent, "asked"); err != nil {
		t.Fatal(err)
	}
	s.did(t, call(as("refund", "refund")), accepted(""))
	if got := s.story(t, "r1"); got != "sent 1, ended unknown gateway_no_answer, settled not_sent, sent 2, ended accepted" {
		t.Errorf("got %s", got)
	}
}

// The history is bounded, and keeps its beginning and its end.
func TestHistoryIsBounded(t *testing.T) {
	var p Payment
	for i := range 3 * maxHistory {
		p.remember(monday.Add(time.Duration(i)*time.Second), EntrySent, fmt.Sprint(i))
	}
	entries := p.Entries()
	if len(entries) != maxHistory || entries[0].Detail != "0" || entries[maxHistory-1].Detail != fmt.Sprint(3*maxHistory-1) {
		t.Errorf("%d entries: %v", len(entries), entries)
	}
	before := slices.Clone(p.History)
	one, other := p, p
	one.remember(monday, EntrySent, "x")
	other.remember(monday, EntryEnded, "y")
	if !slices.Equal(p.History, before) || one.History[maxHistory-1] == other.History[maxHistory-1] {
		t.Error("a copy of a record shares its history")
	}
	p.History = append(p.History, "no time", "")
	if got := len(p.Entries()); got != maxHistory {
		t.Errorf("%d entries with lines that cannot be read", got)
	}
}

// PaidAt and AcceptedAt are of the first time, also where the lines have given way to newer ones.
func TestMomentsOfHistory(t *testing.T) {
	at := func(seconds int) time.Time { return monday.Add(time.Duration(seconds) * time.Second) }
	history := func(p Payment, lines ...string) Payment {
		for i, l := range lines {
			p.History = append(p.History, at(i+1).Format(entryTime)+" "+l)
		}
		return p
	}
	for name, test := range map[string]struct {
		p              Payment
		paid, accepted time.Time
	}{
		"open":                   {history(Payment{Outcome: Accepted, Status: Open, EndedAt: at(9)}, "sent 1", "ended accepted"), time.Time{}, at(2)},
		"paid":                   {history(Payment{Outcome: Accepted, Status: Paid, StatusAt: at(9)}, "sent 1", "ended accepted", "status paid message"), at(3), at(2)},
		"reversed":               {history(Payment{Outcome: Accepted, Status: Reversed}, "ended accepted", "status paid call", "status reversed reversal"), at(2), at(1)},
		"reversed, only held":    {history(Payment{Outcome: Accepted, Status: Reversed}, "ended accepted", "status authorized message", "status reversed reversal"), time.Time{}, at(1)},
		"paid, without lines":    {Payment{Outcome: Accepted, Status: Paid, StatusAt: at(7), EndedAt: at(6)}, at(7), at(6)},
		"settled":                {history(Payment{Outcome: Accepted, Settled: Accepted}, "ended unknown gateway_no_answer", "settled accepted"), time.Time{}, at(2)},
		"settled, without lines": {Payment{Outcome: Accepted, Settled: Accepted, SettledAt: at(8), EndedAt: at(1)}, time.Time{}, at(8)},
		"answered after all":     {history(Payment{Outcome: Accepted, Settled: Rejected}, "ended unknown", "settled rejected", "ended accepted"), time.Time{}, at(3)},
		"rejected":               {history(Payment{Outcome: Rejected, EndedAt: at(9)}, "ended rejected x"), time.Time{}, time.Time{}},
		"unknown, paid":          {history(Payment{Outcome: Unknown, Status: Paid}, "ended unknown", "status paid message"), at(2), time.Time{}},
	} {
		if paid, accepted := test.p.PaidAt(), test.p.AcceptedAt(); !paid.Equal(test.paid) || !accepted.Equal(test.accepted) {
			t.Errorf("%s: paid at %s, accepted at %s", name, paid, accepted)
		}
	}
}
