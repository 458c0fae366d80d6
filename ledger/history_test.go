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
