package caddytest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// ledgerRow is what the app sees of faults of the sandbox where the sidecar has a store and an inbox. The second table in
// docs/sandbox.md is generated from these rows.
type ledgerRow struct {
	faults  string // separated by spaces
	inbox   string // options of the inbox
	advance string // by how much the sandbox's clock is advanced after the payment
	ipns    int    // how many reach the sidecar
	refused string // the log says this twice before anything else happens
	ledgerTrace
}

// ledgerTrace is what the app sees of one payment that its customer pays.
type ledgerTrace struct {
	pay   string // the answer to POST /pay: HTTP status, and of a problem code and outcome
	app   string // the callbacks: kind, payment status, whether it fits; IPNs before results before answers to queries
	query string // the answer to POST /query afterwards, in the same words
	again string // the answer to the same POST /pay again, without the faults
}

// replayed is a payment that is told as it is.
var replayed = ledgerTrace{"200", "ipn paid matched", "200 paid matched", "200 replayed paid"}

func (e ledgerTrace) withApp(app string) ledgerTrace {
	e.app = app
	return e
}

func (e ledgerTrace) withQuery(query string) ledgerTrace {
	e.query = query
	return e
}

func (e ledgerTrace) withPay(pay, again string) ledgerTrace {
	e.pay, e.again = pay, again
	return e
}

const (
	notAnswered  = "the gateway was asked about a payment, to no effect; it is asked again"
	notDelivered = "not delivered; another attempt follows"
)

var ledgerRows = []ledgerRow{
	{faults: "", ipns: 1, ledgerTrace: replayed},
	{faults: "ipn_lost", ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "ipn_before_answer", ipns: 1, ledgerTrace: replayed},
	{faults: "ipn_before_answer reset_after", ipns: 1, ledgerTrace: replayed.withPay("502 gateway_no_answer unknown", "502 gateway_no_answer unknown replayed paid")},
	{faults: "ipn_other_order", ipns: 1, ledgerTrace: replayed.withApp("ipn disputed mismatched, query paid matched")},
	{faults: "ipn_other_amount", ipns: 1, ledgerTrace: replayed.withApp("ipn disputed mismatched, query paid matched")},
	{faults: "ipn_other_currency", ipns: 1, ledgerTrace: replayed.withApp("ipn disputed mismatched, query paid matched")},
	{faults: "ipn_tampered_amount", ipns: 1, ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "ipn_wrong_salt", ipns: 1, ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "ipn_unsigned", ipns: 1, ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "ipn_twice", ipns: 2, ledgerTrace: replayed},
	{faults: "ipn_cancel_after_paid", ipns: 2, ledgerTrace: replayed},
	{faults: "ipn_paid_after_expired", ipns: 2, ledgerTrace: replayed.withApp("ipn expired matched, ipn paid matched")},
	{faults: "ipn_late", ipns: 1, ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "result_other_order", ipns: 1, ledgerTrace: replayed.withApp("ipn paid matched, result disputed mismatched")},
	{faults: "result_other_amount", ipns: 1, ledgerTrace: replayed.withApp("ipn paid matched, result disputed mismatched")},
	{faults: "result_other_currency", ipns: 1, ledgerTrace: replayed.withApp("ipn paid matched, result disputed mismatched")},
	{faults: "query_contradicts", ipns: 1, ledgerTrace: replayed},
	{faults: "query_contradicts ipn_lost", ledgerTrace: replayed.withApp("query failed matched").withQuery("200 failed matched").withPay("200", "200 replayed failed")},
	{faults: "query_contradicts", inbox: "confirm on", ipns: 1, refused: notDelivered, ledgerTrace: replayed.withApp("")},
	{faults: "query_lags", ipns: 1, ledgerTrace: replayed.withQuery("200 pending matched")},
	{faults: "query_lags ipn_lost", advance: "30s", ledgerTrace: replayed.withApp("query paid matched")},
	{faults: "query_lags", inbox: "confirm on", ipns: 1, refused: notDelivered, advance: "30s", ledgerTrace: replayed.withApp("ipn paid matched confirmed")},
	{faults: "query_other_amount", ipns: 1, ledgerTrace: replayed.withQuery("200 disputed mismatched")},
	{faults: "query_other_amount ipn_lost", ledgerTrace: replayed.withApp("query disputed mismatched").withQuery("200 disputed mismatched").withPay("200", "200 replayed open")},
	{faults: "query_other_amount", inbox: "confirm on", ipns: 1, refused: notDelivered, ledgerTrace: replayed.withApp("").withQuery("200 disputed mismatched")},
	{faults: "query_unknown", ipns: 1, ledgerTrace: replayed.withQuery("400 gateway_bad_request rejected")},
	{faults: "query_unknown ipn_lost", refused: notAnswered, ledgerTrace: replayed.withApp("").withQuery("400 gateway_bad_request rejected").withPay("200", "200 replayed open")},
	{faults: "query_unknown", inbox: "confirm on", ipns: 1, refused: notDelivered, ledgerTrace: replayed.withApp("").withQuery("400 gateway_bad_request rejected")},
}

// With a store and an inbox the app sees of every fault what its row says.
func TestSandboxFaultsWithLedger(t *testing.T) {
	for _, row := range ledgerRows {
		t.Run(cmp.Or(row.faults, "none")+" "+row.inbox, func(t *testing.T) {
			s := newSandboxShopWith(t, paymentSites{
				store: "store sqlite " + inboxFile(t) + "\nreconcile " + everySecond(60),
				inbox: "retry" + strings.Repeat(" 100ms", 100) + "\n" + row.inbox,
			})
			if got := s.playWithLedger(t, row); got != row.ledgerTrace {
				t.Errorf("\n got %+v\nwant %+v", got, row.ledgerTrace)
			}
		})
	}
}

// everySecond is the delays of so many questions about a payment, one in each second.
func everySecond(n int) string {
	delays := make([]string, n)
	for i := range delays {
		delays[i] = (time.Duration(i+1) * time.Second).String()
	}
	return strings.Join(delays, " ")
}

// playWithLedger makes a payment with the faults of a row, pays it, and returns what the app saw. The customer closes the browser
// after it, except where a result is what is wrong.
func (s sandboxShop) playWithLedger(t *testing.T, row ledgerRow) ledgerTrace {
	t.Helper()
	named := `"` + strings.ReplaceAll(row.faults, " ", `","`) + `"`
	if row.faults == "" {
		named = ""
	}
	var got ledgerTrace
	got.pay = s.order(t, orderWith(`"extraData":{"sandboxFault":[`+named+`]}`)).summary(t)
	id := s.payment(t)
	switch {
	case strings.Contains(row.faults, "ipn_before_answer"):
	case strings.HasPrefix(row.faults, "result_"):
		s.customerEnds(t, id, "success")
	default:
		s.control(t, "/transactions/"+id+"/complete", "")
	}
	if row.refused != "" {
		eventually(t, "the log says it twice: "+row.refused, func() bool { return len(s.logLines(t, row.refused)) >= 2 })
	}
	if row.advance != "" {
		s.control(t, "/clock", `{"advance":"`+row.advance+`"}`)
	}
	s.ipns.await(t, row.ipns)
	got.app = s.boundCallbacks(t, row.app)
	query := s.post(t, s.url("9180")+"/query", `{"transactionID":"`+id+`"}`)
	got.query = strings.TrimSpace(query.summary(t) + " " + boundWords(query.header))
	again := s.order(t, orderWith(`"extraData":{}`))
	got.again = again.summary(t)
	if again.header.Get("Galaxypay-Replayed") == "true" {
		got.again = strings.TrimSpace(got.again + " replayed " + again.header.Get("Galaxypay-Payment-Status"))
	}
	return got
}

// boundCallbacks waits until the app has got as many callbacks as are wanted, and lists all: IPNs, then results, then answers to
// queries.
func (s sandboxShop) boundCallbacks(t *testing.T, want string) string {
	t.Helper()
	var list []string
	eventually(t, "the app gets "+want, func() bool {
		for _, call := range s.app.received() {
			list = append(list, call.header.Get("Galaxypay-Callback")+" "+boundWords(call.header))
		}
		return want == "" || len(list) > strings.Count(want, ", ")
	})
	order := []string{"ipn", "result", "query"}
	slices.SortStableFunc(list, func(a, b string) int {
		kindOf := func(entry string) int { return slices.Index(order, strings.Fields(entry)[0]) }
		return cmp.Compare(kindOf(a), kindOf(b))
	})
	return strings.Join(list, ", ")
}

// boundWords is what the headers of a message say of its payment.
func boundWords(header http.Header) string {
	words := header.Get("Galaxypay-Payment-Status") + " " + header.Get("Galaxypay-Order")
	if header.Get("Galaxypay-Confirmed") == "true" {
		words += " confirmed"
	}
	return strings.TrimSpace(words)
}

// Every fault that a message or a query can have is played with the ledger.
func TestSandboxLedgerFaultsAreCovered(t *testing.T) {
	same := []string{"ipn_clock_skew", "ipn_plus", "result_plus"} // the spelling alone is another one
	for _, fault := range newSandboxShop(t, "").faultSettings(t).Known {
		kind, _, _ := strings.Cut(fault.Name, "_")
		if !slices.Contains([]string{"ipn", "result", "query"}, kind) || slices.Contains(same, fault.Name) {
			continue
		}
		if !slices.ContainsFunc(ledgerRows, func(row ledgerRow) bool { return slices.Contains(strings.Fields(row.faults), fault.Name) }) {
			t.Errorf("%s has no row", fault.Name)
		}
	}
}

// A payment whose query the gateway never answers ends as silent, and an IPN that comes after all still counts.
func TestSandboxSilent(t *testing.T) {
	s := newSandboxShopWith(t, paymentSites{store: "store sqlite " + inboxFile(t) + "\nreconcile 300ms 600ms"})
	s.order(t, orderWith(`"extraData":{"sandboxFault":["ipn_lost","query_unknown"]}`)).wantStatus(t, http.StatusOK)
	id := s.payment(t)
	s.control(t, "/transactions/"+id+"/complete", "")
	const last = "the last question about a payment is asked, and it is not paid: abandoned where the gateway said that it is open, silent where it never answered"
	eventually(t, "the last question is asked", func() bool { return len(s.logLines(t, last)) == 1 })
	if status := s.logLines(t, last)[0]["payment_status"]; status != "silent" {
		t.Errorf("the payment is %v", status)
	}
	s.control(t, "/transactions/"+id+"/resend-ipn", "{}")
	if got := s.boundCallbacks(t, "one"); got != "ipn paid matched" {
		t.Errorf("the app got %s", got)
	}
}

// The second table in docs/sandbox.md shows what TestSandboxFaultsWithLedger proves.
func TestSandboxLedgerFaultsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| faults | answer to `POST /pay` | callbacks to the app | `POST /query` | the same `POST /pay` again |\n|---|---|---|---|---|\n")
	for _, row := range ledgerRows {
		b.WriteString("| " + strings.Join(row.cells(), " | ") + " |\n")
	}
	wantTable(t, "sandbox.md", "TestSandboxLedgerFaultsPage", "<!-- end of the second table -->\n", b.String())
}

func (row ledgerRow) cells() []string {
	faults := "`" + strings.ReplaceAll(row.faults, " ", "`, `") + "`"
	if row.faults == "" {
		faults = "none"
	}
	if row.inbox != "" {
		faults += "<br>with `" + row.inbox + "`"
	}
	if row.advance != "" {
		faults += "<br>after " + row.advance
	}
	cells := []string{faults, codes(row.pay), row.app, codes(row.query), codes(row.again)}
	for i := range cells {
		cells[i] = cmp.Or(cells[i], "–")
	}
	return cells
}
