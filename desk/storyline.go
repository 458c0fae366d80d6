package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// line is a moment of a story.
type line struct {
	At   time.Time `json:"at"`
	Kind lineKind  `json:"kind"`
	Of   string    `json:"of"` // the requestID of the call, or the id of the event
	Text string    `json:"text"`
}

type lineKind string

// The kinds of lines. Those of one moment are in this order.
const (
	lineCall     lineKind = "call"     // the app's call: signed, answered, settled
	lineCallback lineKind = "callback" // an event arrived
	lineQuestion lineKind = "question" // the gateway was asked
	lineStatus   lineKind = "status"   // the payment status moved
	lineDelivery lineKind = "delivery" // an attempt to deliver an event
)

var lineKinds = []lineKind{lineCall, lineCallback, lineQuestion, lineStatus, lineDelivery}

func compareLines(a, b line) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(lineKinds, a.Kind), slices.Index(lineKinds, b.Kind)))
}

// linesOfCall are what has happened to a call.
func linesOfCall(p *ledger.Payment) (lines []line) {
	for _, e := range p.Entries() {
		kind, text := describeEntry(p, e)
		lines = append(lines, line{e.At, kind, p.RequestID, text})
	}
	return lines
}

// describeEntry says what an entry is about, in words for people.
func describeEntry(p *ledger.Payment, e ledger.Entry) (kind lineKind, text string) {
	switch e.What {
	case ledger.EntrySent:
		return lineCall, fmt.Sprintf("%s signed and sent, number %s", p.Operation, e.Detail)
	case ledger.EntryEnded:
		outcome, code, _ := strings.Cut(e.Detail, " ")
		if code != "" {
			code = ", told to the app as " + code
		}
		return lineCall, p.Operation + " ended: " + outcome + code
	case ledger.EntryMoved:
		status, source, _ := strings.Cut(e.Detail, " ")
		return lineStatus, "payment " + status + ", by " + sourceNames[ledger.Source(source)]
	case ledger.EntryAsked:
		return lineQuestion, "the gateway was asked " + e.Detail
	case ledger.EntrySettled:
		return lineCall, "settled by an operator as " + e.Detail + reasonOf(p, e)
	}
	return lineCall, string(e.What) + " " + e.Detail
}

// sourceNames are the sources of a payment status, for people.
var sourceNames = map[ledger.Source]string{
	ledger.FromCall:     "the end of the call",
	ledger.FromRepeat:   "a repetition of the call",
	ledger.FromMessage:  "a message of the gateway",
	ledger.FromReversal: "refunds or a void",
	ledger.FromSchedule: "the last question",
}

// reasonOf is the reason of the settlement that counts.
func reasonOf(p *ledger.Payment, e ledger.Entry) string {
	if p.SettledAt.Truncate(time.Millisecond).Equal(e.At) {
		return ": " + p.Reason
	}
	return ""
}

// told is an event in a story.
type told struct {
	ID            string      `json:"id"`
	Kind          string      `json:"kind"`
	Transaction   string      `json:"transaction,omitempty"`
	OrderID       string      `json:"orderID,omitempty"`
	RequestID     string      `json:"requestID,omitempty"`
	PaymentStatus string      `json:"paymentStatus"`
	ReceivedAt    time.Time   `json:"receivedAt"`
	State         inbox.State `json:"state"`
	Attempts      int         `json:"attempts"`
	Due           time.Time   `json:"due,omitzero"`
	LastError     string      `json:"lastError,omitempty"`
}

func tellOf(r *inbox.Record) told {
	return told{
		r.ID, r.Kind, r.Transaction, r.OrderID, r.RequestID, r.PaymentStatus, r.ReceivedAt, r.State, r.Attempts, r.Due, r.LastError,
	}
}

// linesOfEvent are the arrival of an event and each attempt to deliver it.
func linesOfEvent(r *inbox.Record) []line {
	what := "a callback of the gateway says "
	if r.Kind == inbox.KindQuery {
		what = "the answer to a question says "
	}
	lines := []line{{r.ReceivedAt.Truncate(time.Millisecond), lineCallback, r.ID, what + r.PaymentStatus}}
	for _, try := range r.Tries() {
		lines = append(lines, line{try.At, lineDelivery, r.ID, try.What})
	}
	return lines
}
