package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// line is a moment of a story.
type line struct {
	At   time.Time `json:"at"`
	Kind lineKind  `json:"kind"`
	Of   string    `json:"of"` // the requestID of the call, or the id of the event
	Text string    `json:"text"`
	vi   string    // Text in Vietnamese
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

func newLine(at time.Time, kind lineKind, of string, text language.Text) line {
	return line{at, kind, of, text.En, text.Vi}
}

// linesOfCall are what has happened to a call.
func linesOfCall(p *ledger.Payment) (lines []line) {
	for _, e := range p.Entries() {
		kind, text := describeEntry(p, e)
		lines = append(lines, newLine(e.At, kind, p.RequestID, text))
	}
	return lines
}

// describeEntry says what an entry is about, in words for people.
func describeEntry(p *ledger.Payment, e ledger.Entry) (kind lineKind, text language.Text) {
	switch e.What {
	case ledger.EntrySent:
		return lineCall, language.Both(p.Operation+" signed and sent, number "+e.Detail, p.Operation+" đã ký và gửi, lần "+e.Detail)
	case ledger.EntryEnded:
		return lineCall, describeEnd(p, e)
	case ledger.EntryMoved:
		status, source, _ := strings.Cut(e.Detail, " ")
		by := sourceNames[ledger.Source(source)]
		return lineStatus, language.Both("payment "+status+", by "+by.En, "thanh toán: "+wordIn(status)+", do "+by.Vi)
	case ledger.EntryAsked:
		return lineQuestion, language.Both("the gateway was asked "+e.Detail, "đã hỏi cổng "+askedIn.Replace(e.Detail))
	case ledger.EntrySettled:
		reason := reasonOf(p, e)
		return lineCall, language.Both("settled by an operator as "+e.Detail+reason, "người vận hành ghi kết quả là "+wordIn(e.Detail)+reason)
	}
	text.En = string(e.What) + " " + e.Detail
	return lineCall, text
}

// describeEnd says how a call ended.
func describeEnd(p *ledger.Payment, e ledger.Entry) language.Text {
	outcome, code, hasCode := strings.Cut(e.Detail, " ")
	text := language.Both(p.Operation+" ended: "+outcome, p.Operation+" kết thúc: "+wordIn(outcome))
	if hasCode && code != "" {
		text.En += ", told to the app as " + code
		text.Vi += ", ứng dụng nhận mã " + code
	}
	return text
}

// askedIn translates who asked the gateway, and what came of it.
var askedIn = strings.NewReplacer(
	"by an operator:", "do người vận hành:", "by the schedule:", "theo lịch:", "no answer", "không trả lời", "answered", "đã trả lời")

// wordIn is a word of the ledger or the inbox in Vietnamese.
func wordIn(word string) string {
	if text, ok := pageWords[word]; ok {
		return text.Vi
	}
	return word
}

// sourceNames are the sources of a payment status, for people.
var sourceNames = map[ledger.Source]language.Text{
	ledger.FromCall:     language.Both("the end of the call", "lời gọi kết thúc"),
	ledger.FromRepeat:   language.Both("a repetition of the call", "lời gọi được gửi lại"),
	ledger.FromMessage:  language.Both("a message of the gateway", "thông điệp của cổng"),
	ledger.FromReversal: language.Both("refunds or a void", "hoàn tiền hoặc hủy giao dịch"),
	ledger.FromSchedule: language.Both("the last question", "lần hỏi cuối cùng"),
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
	what := language.Both("a callback of the gateway says ", "callback của cổng báo: ")
	if r.Kind == inbox.KindQuery {
		what = language.Both("the answer to a question says ", "câu trả lời của cổng báo: ")
	}
	what.En, what.Vi = what.En+r.PaymentStatus, what.Vi+wordIn(r.PaymentStatus)
	lines := []line{newLine(r.ReceivedAt.Truncate(time.Millisecond), lineCallback, r.ID, what)}
	for _, try := range r.Tries() {
		lines = append(lines, newLine(try.At, lineDelivery, r.ID, language.Both(try.What, reasonIn(try.What))))
	}
	return lines
}
