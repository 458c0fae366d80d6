package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// faultRow is what a fault of the sandbox looks like from the app's side of the sidecar.
// The table in docs/sandbox.md is made of these rows.
type faultRow struct {
	fault   string
	options string // of the directive galaxypay
	faultTrace
}

// faultTrace is everything that is left of one payment whose customer pays.
type faultTrace struct {
	pay    string // the answer to POST /pay: HTTP status, and of a problem code and outcome
	opened bool   // the gateway has the payment
	ipns   string // the answers that the gateway gets to its IPNs
	app    string // the callbacks that the app gets
	query  string // the answer to POST /query afterwards: HTTP status and payment status
}

// wellEnded is a payment that nothing goes wrong with.
var wellEnded = faultTrace{"200", true, "200 ipnStatus 200", "ipn paid, result paid", "200 paid"}

// but is this trace with another answer to POST /pay.
func (e faultTrace) but(pay string) faultTrace {
	e.pay = pay
	return e
}

// told is this trace with other IPNs.
func (e faultTrace) told(ipns, app string) faultTrace {
	e.ipns, e.app = ipns, app
	return e
}

// deliveries is how many IPNs reach the sidecar.
func (e faultTrace) deliveries() int {
	if e.ipns == "" {
		return 0
	}
	return 1 + strings.Count(e.ipns, ", ")
}

var faultRows = []faultRow{
	{"answer_code_401", "", faultTrace{pay: "502 gateway_unauthorized rejected"}},
	{"answer_code_408", "", faultTrace{pay: "402 payment_expired rejected"}},
	{"answer_code_409", "", faultTrace{pay: "409 transaction_duplicate rejected"}},
	{"answer_code_499", "", faultTrace{pay: "402 payment_cancelled rejected"}},
	{"answer_code_502", "", faultTrace{pay: "502 provider_unreachable rejected"}},
	{"answer_code_503", "", faultTrace{pay: "503 provider_unavailable rejected"}},
	{"answer_code_504", "", faultTrace{pay: "504 provider_timeout unknown"}},
	{"answer_code_505", "", faultTrace{pay: "402 authentication_failed rejected"}},
	{"answer_code_00", "", wellEnded.but("502 response_code_unexpected unknown")},
	{"answer_other_request", "", wellEnded.but("502 response_malformed unknown")},
	{"answer_clock_skew", "", wellEnded},
	{"answer_extra_fields", "", wellEnded},
	{"answer_data_string", "", wellEnded},
	{"answer_numbers", "", wellEnded},
	{"answer_1mib", "", wellEnded.but("502 response_malformed unknown")},
	{"answer_1mib", "max_body 1MiB", wellEnded},
	{"answer_empty", "", wellEnded.but("502 response_malformed unknown")},
	{"answer_wrong_salt", "", wellEnded.but("502 response_signature_invalid unknown")},
	{"answer_unsigned", "", wellEnded.but("502 response_signature_missing unknown")},
	{"answer_tampered", "", wellEnded.but("502 response_signature_invalid unknown")},
	{"answer_gzip", "", wellEnded},
	{"answer_gzip", "transport http {\ncompression off\n}", wellEnded.but("502 response_signature_invalid unknown")},
	{"answer_slow", "", wellEnded},
	{"answer_slow", "timeout 1s", wellEnded.but("504 gateway_timeout unknown")},
	{"answer_cut", "", wellEnded.but("502 gateway_no_answer unknown")},
	{"answer_html_502", "", wellEnded.but("502 response_signature_missing unknown")},
	{"answer_hang", "timeout 1s", wellEnded.but("504 gateway_timeout unknown")},
	{"reset_after", "", wellEnded.but("502 gateway_no_answer unknown")},
	{"reset_before", "", faultTrace{pay: "502 gateway_no_answer unknown"}},

	{"ipn_paid_after_expired", "", wellEnded.told("200 ipnStatus 200, 200 ipnStatus 200", "ipn expired, ipn paid, result paid")},
	{"ipn_cancel_after_paid", "", wellEnded.told("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, ipn cancelled, result paid")},
	{"ipn_clock_skew", "", wellEnded},
	{"ipn_plus", "", wellEnded},
	{"ipn_twice", "", wellEnded.told("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, the same ipn paid, result paid")},
	{"ipn_tampered_amount", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_wrong_salt", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_unsigned", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_late", "", wellEnded.told("200 ipnStatus 200", "result paid, ipn paid")},
	{"ipn_lost", "", wellEnded.told("", "result paid")},

	{"result_plus", "", wellEnded},
}

// Every fault of the sandbox, through the sidecar, as the app and the gateway see it.
func TestSandboxFaults(t *testing.T) {
	for _, row := range faultRows {
		t.Run(row.fault, func(t *testing.T) {
			s := newFaultyShop(t, row.options)
			got := s.buy(t, orderWith(`"extraData":{"sandboxFault":"`+row.fault+`"}`), row.deliveries())
			if got != row.faultTrace {
				t.Errorf("options %q\n got %+v\nwant %+v", row.options, got, row.faultTrace)
			}
			s.repeat(t, row.opened)
		})
	}
}

// Without a fault nothing goes wrong, so what goes wrong above is the faults' doing.
func TestSandboxWithoutFault(t *testing.T) {
	if got := newFaultyShop(t, "").buy(t, orderWith(`"extraData":{}`), 1); got != wellEnded {
		t.Errorf("\n got %+v\nwant %+v", got, wellEnded)
	}
}

// waysToAsk are orders that ask for the fault ipn_twice.
var waysToAsk = map[string]string{
	"by name":                           orderWith(`"extraData":{"sandboxFault":"ipn_twice"}`),
	"by name, among several":            orderWith(`"extraData":{"sandboxFault":["answer_numbers","ipn_twice"]}`),
	"in the description":                strings.Replace(orderWith(`"extraData":{}`), "Cà phê", "Cà phê [fault:ipn_twice]", 1),
	"in the description, among several": strings.Replace(orderWith(`"extraData":{}`), "Cà phê", "[fault:ipn_twice][fault:answer_numbers]", 1),
}

func TestWaysToAskForAFault(t *testing.T) {
	want := rowOf("ipn_twice")
	for name, order := range waysToAsk {
		t.Run(name, func(t *testing.T) {
			if got := newFaultyShop(t, "").buy(t, order, want.deliveries()); got != want.faultTrace {
				t.Errorf("\n got %+v\nwant %+v", got, want.faultTrace)
			}
		})
	}
}

// A fault that is set for all strikes payments and queries that know nothing of it, until
// it is cleared.
func TestFaultForAll(t *testing.T) {
	s := newFaultyShop(t, "")
	unsigned := rowOf("answer_unsigned").pay
	s.strikeAll(t, `"answer_unsigned","ipn_twice"`)
	want := rowOf("ipn_twice")
	want.pay, want.query = unsigned, unsigned
	if got := s.buy(t, orderWith(`"extraData":{}`), want.deliveries()); got != want.faultTrace {
		t.Errorf("\n got %+v\nwant %+v", got, want.faultTrace)
	}
	s.strikeAll(t, "")
	if got := s.ask(t, s.opened(t)); got != "200 paid" {
		t.Errorf("after that the query says %s", got)
	}
}

// rowOf is the first row of this fault.
func rowOf(fault string) faultRow {
	return faultRows[slices.IndexFunc(faultRows, func(row faultRow) bool { return row.fault == fault })]
}

// Whoever adds a fault to the sandbox says here what the app sees of it.
func TestSandboxFaultsAreCovered(t *testing.T) {
	known := make(map[string]bool)
	for _, fault := range newFaultyShop(t, "").faultSettings(t).Known {
		known[fault.Name] = true
		if !slices.ContainsFunc(faultRows, func(row faultRow) bool { return row.fault == fault.Name }) {
			t.Errorf("%s has no row", fault.Name)
		}
	}
	for _, row := range faultRows {
		if !known[row.fault] {
			t.Errorf("the sandbox does not know %s", row.fault)
		}
	}
}

// faultyShop is an app, its sidecar and a sandbox that may misbehave.
type faultyShop struct {
	*caddyServer
	app  *recordingApp
	wire ipnWire
}

// newFaultyShop runs one Caddy for all of them, with these options of the directive
// galaxypay.
func newFaultyShop(t *testing.T, options string) faultyShop {
	t.Helper()
	app := newApp(t)
	// First the addresses, so that the sites can be told of each other.
	c := start(t, `
		http://:9180 {
			respond 503
		}
		http://:9181 {
			respond 503
		}
		http://:9190 {
			galaxypay_sandbox
		}`)
	s := faultyShop{c, app, newIPNWire(t, c, c.url("9181")+"/galaxypay/ipn")}
	if err := c.load(t, s.sites(options)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s faultyShop) sites(options string) string {
	return `
		{
			galaxypay {
				environment sandbox
				base_url ` + s.url("9190") + `
			}
		}
		http://:9180 {
			galaxypay {
				defaults {
					ipnURL ` + s.wire.url + `
					successURL ` + s.url("9181") + `/galaxypay/result
					failureURL ` + s.url("9181") + `/galaxypay/result
					cancelURL ` + s.url("9181") + `/galaxypay/result
				}
				` + options + `
			}
		}
		http://:9181 {
			handle /galaxypay/ipn {
				galaxypay_ipn
				reverse_proxy ` + s.app.address + `
			}
			handle /galaxypay/result {
				galaxypay_result
				reverse_proxy ` + s.app.address + `
			}
		}
		http://:9190 {
			galaxypay_sandbox
		}`
}

// orderWith is what the app orders, with more fields.
func orderWith(more string) string {
	return `{"orderID":"ORDER-1","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260615190000",` +
		`"orderDescription":"Cà phê","paymentMethod":"DOMESTIC",` + more + `}`
}

// buy orders something, pays it as a customer if the gateway knows of it,
// waits for so many IPNs, and tells what everybody saw.
func (s faultyShop) buy(t *testing.T, order string, ipns int) faultTrace {
	t.Helper()
	answer := s.order(t, order)
	trace := faultTrace{pay: answer.verdict(t)}
	id := s.opened(t)
	if answer.status == http.StatusOK && !strings.Contains(answer.body, s.url("9190")+"/pay/"+id+`"`) {
		t.Errorf("the app got %s for payment %s", answer.body, id)
	}
	if id == "" {
		trace.app = s.callbacks(t)
		return trace
	}
	trace.opened = true
	s.customerEnds(t, id, "success")
	trace.ipns = s.wire.answers(t, ipns)
	trace.app = s.callbacks(t)
	trace.query = s.ask(t, id)
	return trace
}

// order asks for the payment, each time under the same key.
func (s faultyShop) order(t *testing.T, order string) answered {
	t.Helper()
	return s.post(t, s.url("9180")+"/pay", order, "Idempotency-Key", "ORDER-1-pay-1")
}

// repeat demands that the same order under the same key, without a fault, ends in one
// payment, whether or not there has been one.
func (s faultyShop) repeat(t *testing.T, opened bool) {
	t.Helper()
	want := "200"
	if opened {
		want = "409 transaction_duplicate rejected"
	}
	if got := s.order(t, orderWith(`"extraData":{}`)).verdict(t); got != want {
		t.Errorf("the repetition was answered with %s, want %s", got, want)
	}
	if s.opened(t) == "" {
		t.Error("there is no payment after the repetition")
	}
}

// verdict is the HTTP status, and of a problem its code and outcome.
func (a answered) verdict(t *testing.T) string {
	t.Helper()
	if a.status == http.StatusOK {
		return "200"
	}
	p := a.problem(t)
	return fmt.Sprintf("%d %s %s", a.status, p.Code, p.Outcome)
}

// opened is the one payment that the sandbox has, "" if it has none.
func (s faultyShop) opened(t *testing.T) string {
	t.Helper()
	answer := exchange(t, s.caddyServer, http.MethodGet, s.url("9190")+"/sandbox/transactions?orderID=ORDER-1", nil)
	var list struct {
		Transactions []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil || answer.status != http.StatusOK {
		t.Fatalf("HTTP %d, %v: %s", answer.status, err, answer.body)
	}
	switch len(list.Transactions) {
	case 0:
		return ""
	case 1:
		return list.Transactions[0].ID
	}
	t.Fatalf("%d payments: %s", len(list.Transactions), answer.body)
	return ""
}

// customerEnds chooses an outcome on the payment page and follows the way back, if there
// is one.
func (s faultyShop) customerEnds(t *testing.T, id, outcome string) {
	t.Helper()
	page := exchange(t, s.caddyServer, http.MethodPost, s.url("9190")+"/pay/"+id, strings.NewReader("outcome="+outcome),
		"Content-Type", "application/x-www-form-urlencoded")
	switch page.status {
	case http.StatusSeeOther:
		exchange(t, s.caddyServer, http.MethodGet, page.header.Get("Location"), nil, "Accept", "text/html")
	case http.StatusOK:
	default:
		t.Fatalf("HTTP %d from the payment page: %s", page.status, page.body)
	}
}

// callbacks lists what the app was handed. Whatever a message says, it speaks of the
// order as it was placed.
func (s faultyShop) callbacks(t *testing.T) string {
	t.Helper()
	var told []string
	seen := make(map[string]bool)
	for _, call := range s.app.calls() {
		if !strings.Contains(call.body, `"orderID":"ORDER-1","orderAmount":"109000"`) {
			t.Errorf("the app was handed %s", call.body)
		}
		entry := call.header.Get("Galaxypay-Callback") + " " + call.header.Get("Galaxypay-Payment-Status")
		delivery := call.header.Get("Galaxypay-Callback") + call.header.Get("Galaxypay-Delivery-Id")
		if seen[delivery] {
			entry = "the same " + entry
		}
		seen[delivery] = true
		told = append(told, entry)
	}
	return strings.Join(told, ", ")
}

// ask asks the gateway what became of a payment.
func (s faultyShop) ask(t *testing.T, id string) string {
	t.Helper()
	answer := s.post(t, s.url("9180")+"/query", `{"transactionID":"`+id+`"}`)
	return strings.TrimSpace(answer.verdict(t) + " " + answer.header.Get("Galaxypay-Payment-Status"))
}

// faultSettings is what the sandbox says of its faults.
type faultSettings struct {
	Faults []string // those that strike every call
	Known  []struct{ Name, About string }
}

func (s faultyShop) faultSettings(t *testing.T) faultSettings {
	t.Helper()
	return exchange(t, s.caddyServer, http.MethodGet, s.url("9190")+"/sandbox/faults", nil).faultSettings(t)
}

// strikeAll sets the faults that strike every call.
func (s faultyShop) strikeAll(t *testing.T, names string) {
	t.Helper()
	got := exchange(t, s.caddyServer, http.MethodPut, s.url("9190")+"/sandbox/faults", strings.NewReader(`{"faults":[`+names+`]}`),
		"Content-Type", "application/json").faultSettings(t)
	if set, _ := json.Marshal(got.Faults); string(set) != "["+names+"]" {
		t.Fatalf("the sandbox says that %s strike every call, want %s", set, names)
	}
}

func (a answered) faultSettings(t *testing.T) faultSettings {
	t.Helper()
	var settings faultSettings
	if err := json.Unmarshal([]byte(a.body), &settings); err != nil || a.status != http.StatusOK {
		t.Fatalf("HTTP %d, %v: %s", a.status, err, a.body)
	}
	return settings
}

// ipnWire carries the sandbox's IPNs to the callback site, and shows what only the
// gateway sees: the answers.
type ipnWire struct {
	url  string
	told chan string
}

func newIPNWire(t *testing.T, c *caddyServer, to string) ipnWire {
	t.Helper()
	told := make(chan string, 10) // more than any payment has
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := c.try(r.Context(), http.MethodPost, to, http.Header{"Content-Type": r.Header["Content-Type"]}, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		told <- answer.toGateway()
		w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	return ipnWire{server.URL, told}
}

// toGateway is what the gateway gets to hear: HTTP status, and ipnStatus or the code of a
// problem.
func (a answered) toGateway() string {
	var said struct {
		Code   string `json:"code"`
		Status string `json:"ipnStatus"`
	}
	_ = json.Unmarshal([]byte(a.body), &said) // what is not JSON says neither
	if said.Status != "" {
		return fmt.Sprintf("%d ipnStatus %s", a.status, said.Status)
	}
	return fmt.Sprintf("%d %s", a.status, said.Code)
}

// answers waits for the answers to so many IPNs, and lists these and all that came
// besides.
func (wire ipnWire) answers(t *testing.T, n int) string {
	t.Helper()
	var list []string
	alarm := time.After(patience)
	for len(list) < n {
		select {
		case answer := <-wire.told:
			list = append(list, answer)
		case <-alarm:
			t.Fatalf("%d IPNs, want %d", len(list), n)
		}
	}
	for len(wire.told) > 0 {
		list = append(list, <-wire.told)
	}
	return strings.Join(list, ", ")
}
