package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// faultyShop is an app, its sidecar and a sandbox that may misbehave.
type sandboxShop struct {
	*caddyServer
	app  *recordingApp
	ipns ipnRecorder
}

// newFaultyShop runs one Caddy for all of them, with these options of the directive
// galaxypay.
func newSandboxShop(t *testing.T, options string) sandboxShop {
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
	s := sandboxShop{c, app, newIPNRecorder(t, c, c.url("9181")+"/galaxypay/ipn")}
	if err := c.load(t, s.sites(options)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s sandboxShop) sites(options string) string {
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
					ipnURL ` + s.ipns.url + `
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

// faultTrace is everything that is left of one payment whose customer pays.
type trace struct {
	pay    string // the answer to POST /pay: HTTP status, and of a problem code and outcome
	opened bool   // the gateway has the payment
	ipns   string // the answers that the gateway gets to its IPNs
	app    string // the callbacks that the app gets
	query  string // the answer to POST /query afterwards: HTTP status and payment status
}

// buy orders something, pays it as a customer if the gateway knows of it,
// waits for so many IPNs, and tells what everybody saw.
func (s sandboxShop) buy(t *testing.T, order string, ipns int) trace {
	t.Helper()
	answer := s.order(t, order)
	trace := trace{pay: answer.summary(t)}
	id := s.payment(t)
	if answer.status == http.StatusOK && !strings.Contains(answer.body, s.url("9190")+"/pay/"+id+`"`) {
		t.Errorf("the app got %s for payment %s", answer.body, id)
	}
	if id == "" {
		trace.app = s.callbacks(t)
		return trace
	}
	trace.opened = true
	s.customerEnds(t, id, "success")
	trace.ipns = s.ipns.answers(t, ipns)
	trace.app = s.callbacks(t)
	trace.query = s.query(t, id)
	return trace
}

// order asks for the payment, each time under the same key.
func (s sandboxShop) order(t *testing.T, order string) httpAnswer {
	t.Helper()
	return s.post(t, s.url("9180")+"/pay", order, "Idempotency-Key", "ORDER-1-pay-1")
}

// opened is the one payment that the sandbox has, "" if it has none.
func (s sandboxShop) payment(t *testing.T) string {
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
func (s sandboxShop) customerEnds(t *testing.T, id, outcome string) {
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
func (s sandboxShop) callbacks(t *testing.T) string {
	t.Helper()
	var told []string
	seen := make(map[string]bool)
	for _, call := range s.app.received() {
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
func (s sandboxShop) query(t *testing.T, id string) string {
	t.Helper()
	answer := s.post(t, s.url("9180")+"/query", `{"transactionID":"`+id+`"}`)
	return strings.TrimSpace(answer.summary(t) + " " + answer.header.Get("Galaxypay-Payment-Status"))
}

// control tells the sandbox what happens.
func (s sandboxShop) control(t *testing.T, path, body string) {
	t.Helper()
	answer := exchange(t, s.caddyServer, http.MethodPost, s.url("9190")+"/sandbox"+path, strings.NewReader(body),
		"Content-Type", "application/json")
	if answer.status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", answer.status, answer.body)
	}
}

// faultSettings is what the sandbox says of its faults.
type faultSettings struct {
	Faults []string // those that strike every call
	Known  []struct{ Name, About string }
}

func (s sandboxShop) faultSettings(t *testing.T) faultSettings {
	t.Helper()
	return exchange(t, s.caddyServer, http.MethodGet, s.url("9190")+"/sandbox/faults", nil).faultSettings(t)
}

// strikeAll sets the faults that strike every call.
func (s sandboxShop) strikeAll(t *testing.T, names string) {
	t.Helper()
	got := exchange(t, s.caddyServer, http.MethodPut, s.url("9190")+"/sandbox/faults", strings.NewReader(`{"faults":[`+names+`]}`),
		"Content-Type", "application/json").faultSettings(t)
	if set, _ := json.Marshal(got.Faults); string(set) != "["+names+"]" {
		t.Fatalf("the sandbox says that %s strike every call, want %s", set, names)
	}
}

func (a httpAnswer) faultSettings(t *testing.T) faultSettings {
	t.Helper()
	var settings faultSettings
	if err := json.Unmarshal([]byte(a.body), &settings); err != nil || a.status != http.StatusOK {
		t.Fatalf("HTTP %d, %v: %s", a.status, err, a.body)
	}
	return settings
}

// ipnWire carries the sandbox's IPNs to the callback site, and shows what only the
// gateway sees: the answers.
type ipnRecorder struct {
	url         string
	answersSeen chan string
}

func newIPNRecorder(t *testing.T, c *caddyServer, to string) ipnRecorder {
	t.Helper()
	told := make(chan string, 10) // more than any payment has
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := c.try(r.Context(), http.MethodPost, to, http.Header{"Content-Type": r.Header["Content-Type"]}, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		told <- answer.summaryForGateway()
		w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	return ipnRecorder{server.URL, told}
}

// answers waits for the answers to so many IPNs, and lists these and all that came
// besides.
func (wire ipnRecorder) answers(t *testing.T, n int) string {
	t.Helper()
	var list []string
	alarm := time.After(patience)
	for len(list) < n {
		select {
		case answer := <-wire.answersSeen:
			list = append(list, answer)
		case <-alarm:
			t.Fatalf("%d IPNs, want %d", len(list), n)
		}
	}
	for len(wire.answersSeen) > 0 {
		list = append(list, <-wire.answersSeen)
	}
	return strings.Join(list, ", ")
}

// toGateway is what the gateway gets to hear: HTTP status, and ipnStatus or the code of a
// problem.
func (a httpAnswer) summaryForGateway() string {
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
