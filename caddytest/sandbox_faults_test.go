package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
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

var faultRows = []faultRow{
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

	{"ipn_cancel_after_paid", "", wellEnded.told("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, ipn cancelled, result paid")},
	{"ipn_twice", "", wellEnded.told("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, the same ipn paid, result paid")},
	{"ipn_tampered_amount", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_wrong_salt", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_unsigned", "", wellEnded.told("403 signature_invalid", "result paid")},
	{"ipn_lost", "", wellEnded.told("", "result paid")},
}

// Every fault of the sandbox, through the sidecar, as the app and the gateway see it.
func TestSandboxFaults(t *testing.T) {
	for _, row := range faultRows {
		t.Run(row.fault, func(t *testing.T) {
			s := newFaultyShop(t, row.options)
			if got := s.buy(t, `"extraData":{"sandboxFault":"`+row.fault+`"}`); got != row.faultTrace {
				t.Errorf("options %q\n got %+v\nwant %+v", row.options, got, row.faultTrace)
			}
		})
	}
}

// Without a fault nothing goes wrong, so what goes wrong above is the faults' doing.
func TestSandboxWithoutFault(t *testing.T) {
	if got := newFaultyShop(t, "").buy(t, `"extraData":{}`); got != wellEnded {
		t.Errorf("\n got %+v\nwant %+v", got, wellEnded)
	}
}

// Whoever adds a fault to the sandbox says here what the app sees of it.
func TestSandboxFaultsAreCovered(t *testing.T) {
	known := newFaultyShop(t, "").knownFaults(t)
	for _, name := range known {
		if !slices.ContainsFunc(faultRows, func(row faultRow) bool { return row.fault == name }) {
			t.Errorf("%s has no row", name)
		}
	}
	for _, row := range faultRows {
		if !slices.Contains(known, row.fault) {
			t.Errorf("the sandbox does not know %s", row.fault)
		}
	}
}

// faultyShop is an app, its sidecar and a sandbox that may misbehave.
type faultyShop struct {
	*caddyServer
	app  *recordingApp
	wire *ipnWire
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

// faultyOrder is what the app orders, without its last fields.
const faultyOrder = `{"orderID":"ORDER-1","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260615190000",` +
	`"orderDescription":"Cà phê","paymentMethod":"DOMESTIC",`

// buy orders something with more fields, pays it as a customer if the gateway knows of it,
// and tells what everybody saw.
func (s faultyShop) buy(t *testing.T, more string) faultTrace {
	t.Helper()
	answer := s.post(t, s.url("9180")+"/pay", faultyOrder+more+`}`)
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
	s.customerPays(t, id)
	trace.ipns = s.wire.answers()
	trace.app = s.callbacks(t)
	trace.query = s.ask(t, id)
	return trace
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

var paymentPage = regexp.MustCompile(`/pay/([0-9]{25})"`)

// opened is the one payment that the sandbox has, "" if it has none.
func (s faultyShop) opened(t *testing.T) string {
	t.Helper()
	list := exchange(t, s.caddyServer, http.MethodGet, s.url("9190")+"/", nil)
	pages := paymentPage.FindAllStringSubmatch(list.body, -1)
	switch {
	case list.status != http.StatusOK || len(pages) > 1:
		t.Fatalf("HTTP %d, %d payments: %s", list.status, len(pages), list.body)
	case len(pages) == 1:
		return pages[0][1]
	}
	return ""
}

// customerPays presses the button on the payment page and follows the way back.
func (s faultyShop) customerPays(t *testing.T, id string) {
	t.Helper()
	button := exchange(t, s.caddyServer, http.MethodPost, s.url("9190")+"/pay/"+id, strings.NewReader("outcome=success"),
		"Content-Type", "application/x-www-form-urlencoded")
	if button.status != http.StatusSeeOther {
		t.Fatalf("HTTP %d from the payment page: %s", button.status, button.body)
	}
	exchange(t, s.caddyServer, http.MethodGet, button.header.Get("Location"), nil, "Accept", "text/html")
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

// knownFaults are the names that the sandbox gives to whoever names none of them.
func (s faultyShop) knownFaults(t *testing.T) []string {
	t.Helper()
	refusal := s.post(t, s.url("9180")+"/pay", faultyOrder+`"extraData":{"sandboxFault":"?"}}`).wantProblem(t, 400, "gateway_bad_request", "rejected")
	_, names, found := strings.Cut(refusal.ResponseMessage, " is not one of ")
	if !found {
		t.Fatalf("the sandbox lists no faults: %s", refusal.ResponseMessage)
	}
	return strings.Split(names, ", ")
}

// ipnWire carries the sandbox's IPNs to the callback site, and shows what only the
// gateway sees: the answers.
type ipnWire struct {
	url string

	mu   sync.Mutex
	told []string
}

func newIPNWire(t *testing.T, c *caddyServer, to string) *ipnWire {
	t.Helper()
	wire := new(ipnWire)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := c.try(r.Context(), http.MethodPost, to, http.Header{"Content-Type": r.Header["Content-Type"]}, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		wire.record(answer)
		w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	wire.url = server.URL
	return wire
}

func (wire *ipnWire) record(a answered) {
	var said struct {
		Code   string `json:"code"`
		Status string `json:"ipnStatus"`
	}
	_ = json.Unmarshal([]byte(a.body), &said) // what is not JSON says neither
	entry := fmt.Sprintf("%d %s", a.status, said.Code)
	if said.Status != "" {
		entry = fmt.Sprintf("%d ipnStatus %s", a.status, said.Status)
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	wire.told = append(wire.told, entry)
}

// answers lists the answers to all IPNs so far.
func (wire *ipnWire) answers() string {
	wire.mu.Lock()
	defer wire.mu.Unlock()
	return strings.Join(wire.told, ", ")
}
