package ledger

import (
	"slices"
	"strings"
	"time"
)

// What is a kind of [Entry].
type What string

// The kinds of entries, with what their details are.
const (
	EntrySent    What = "sent"    // the call was signed, and about to be sent: the number of the sending
	EntryEnded   What = "ended"   // it ended: the Outcome, and the code of the problem that the app was told
	EntryMoved   What = "status"  // the payment status moved: the Status, and the Source
	EntryAsked   What = "asked"   // the gateway was asked about the payment: who asked, and what came of it
	EntrySettled What = "settled" // an operator ended the unknown outcome: the Outcome; Reason says why
)

// Entry is a line of the history of a call. All its words are from closed lists: nothing of a message is in it.
type Entry struct {
	At     time.Time
	What   What
	Detail string
}

// maxHistory bounds the history of a call, in lines. Beyond it the oldest but the first give way.
const maxHistory = 60

// entryTime is how a line begins: a time in UTC that sorts as a text.
const entryTime = "2006-01-02T15:04:05.000Z"

// remember adds a line to the history.
func (p *Payment) remember(now time.Time, what What, details ...string) {
	line := strings.TrimSpace(strings.Join(append([]string{now.UTC().Format(entryTime), string(what)}, details...), " "))
	p.History = append(slices.Clip(p.History), line)
	if len(p.History) > maxHistory {
		p.History = slices.Delete(p.History, 1, 2)
	}
}

// Entries are the lines of the history, the oldest first. Lines that cannot be read are left out.
func (p *Payment) Entries() (entries []Entry) {
	for _, line := range p.History {
		at, rest, _ := strings.Cut(line, " ")
		what, detail, _ := strings.Cut(rest, " ")
		if t, err := time.Parse(entryTime, at); err == nil {
			entries = append(entries, Entry{t, What(what), detail})
		}
	}
	return entries
}

// PaidAt is when the payment became paid first; zero: it never was.
func (p *Payment) PaidAt() time.Time {
	for _, e := range p.Entries() {
		if status, _, _ := strings.Cut(e.Detail, " "); e.What == EntryMoved && Status(status) == Paid {
			return e.At
		}
	}
	if p.Status == Paid { // the line has given way to newer ones
		return p.StatusAt
	}
	return time.Time{}
}

// AcceptedAt is when the call was accepted first, by the gateway or by an operator; zero: it is not accepted.
func (p *Payment) AcceptedAt() time.Time {
	if p.Outcome != Accepted {
		return time.Time{}
	}
	for _, e := range p.Entries() {
		outcome, _, _ := strings.Cut(e.Detail, " ")
		if (e.What == EntryEnded || e.What == EntrySettled) && Outcome(outcome) == Accepted {
			return e.At
		}
	}
	if p.Settled == Accepted {
		return p.SettledAt
	}
	return p.EndedAt
}
