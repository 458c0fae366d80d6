package desk

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// at is a line of a history, some seconds behind noon.
func at(seconds int, text string) string {
	return noon.Add(time.Duration(seconds)*time.Second).Format("2006-01-02T15:04:05.000Z") + " " + text
}

// Each entry is said in words for people; the reason of an operator stands with the settlement that counts.
func TestLinesOfCall(t *testing.T) {
	p := ledger.Payment{RequestID: "R1", Operation: "refund", Reason: "ticket 4711", SettledAt: noon.Add(9*time.Second + 400*time.Microsecond), History: []string{
		at(1, "sent 1"), at(2, "ended unknown gateway_no_answer"), at(3, "status unknown call"), at(4, "asked by the schedule: no answer"),
		at(5, "status paid message"), at(6, "status reversed reversal"), at(7, "settled not_sent"), "not a line", at(9, "settled rejected"), at(10, "later kind"),
	}}
	want := []line{
		{Kind: lineCall, Text: "refund signed and sent, number 1"},
		{Kind: lineCall, Text: "refund ended: unknown, told to the app as gateway_no_answer"},
		{Kind: lineStatus, Text: "payment unknown, by the end of the call"},
		{Kind: lineQuestion, Text: "the gateway was asked by the schedule: no answer"},
		{Kind: lineStatus, Text: "payment paid, by a message of the gateway"},
		{Kind: lineStatus, Text: "payment reversed, by refunds or a void"},
		{Kind: lineCall, Text: "settled by an operator as not_sent"},
		{Kind: lineCall, Text: "settled by an operator as rejected: ticket 4711"},
		{Kind: lineCall, Text: "later kind"},
	}
	got := linesOfCall(&p)
	if len(got) != len(want) {
		t.Fatalf("%d lines: %v", len(got), got)
	}
	for i, l := range got {
		if l.Of != "R1" || l.Kind != want[i].Kind || l.Text != want[i].Text {
			t.Errorf("%+v, want %+v", l, want[i])
		}
	}
	for _, m := range ledger.Moves() {
		if sourceNames[m.Source].En == "" || sourceNames[m.Source].Vi == "" {
			t.Errorf("the source %s has no name", m.Source)
		}
	}
}

// What happened in one moment is in the order of cause and effect.
func TestOrderOfLines(t *testing.T) {
	var lines []line
	for _, kind := range slices.Backward(lineKinds) {
		lines = append(lines, line{At: noon, Kind: kind}, line{At: noon.Add(-time.Second), Kind: lineDelivery, Text: "before"})
	}
	slices.SortStableFunc(lines, compareLines)
	for i, l := range lines[len(lineKinds):] {
		if l.Kind != lineKinds[i] || l.Text != "" {
			t.Errorf("line %d is %+v", i, l)
		}
	}
}

// An event has a line for its arrival and for each attempt. Its message, its address and the words of the app are in none.
func TestLinesOfEvent(t *testing.T) {
	r := inbox.Record{State: inbox.Dead, Answer: inbox.Answer{Description: "secret"}, History: []string{at(2, "attempt 1: HTTP 500"), at(3, "attempt 2: HTTP 500")}}
	r.ID, r.Kind, r.PaymentStatus, r.ReceivedAt, r.Message = "e1", inbox.KindQuery, "paid", noon.Add(time.Second), []byte("secret")
	r.Request = inbox.Request{URI: "/?secret"}
	s := story{Merchant: "m\x1b", Gateway: "g", Events: []told{tellOf(&r)}, Lines: linesOfEvent(&r), More: true}
	var page bytes.Buffer
	if err := writeStory(&page, &s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the answer to a question says paid", "attempt 1: HTTP 500", "attempt 2: HTTP 500", "dead", "No order", "more than this page"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q:\n%s", want, page.String())
		}
	}
	if strings.Contains(page.String(), "secret") || strings.Contains(page.String(), "\x1b") {
		t.Errorf("the page is\n%s", page.String())
	}
}
