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

// sandboxShop is an app, its sidecar and the sandbox, in one Caddy.
type sandboxShop struct {
	*caddyServer
	app  *recordingApp
	ipns ipnRecorder
}

// newSandboxShop runs one, with these options of the directive galaxypay.
func newSandboxShop(t *testing.T, options string) sandboxShop {
	t.Helper()
	return newSandboxShopWith(t, paymentSites{options: options})
}

// newSandboxShopWith runs one with these sites.
func newSandboxShopWith(t *testing.T, sites paymentSites) sandboxShop {
	t.Helper()
	app := newApp(t)
	c := startSites(t, "9180", "9181", "9190")
	s := sandboxShop{c, app, newIPNRecorder(t, c.client, c.url("9181")+"/galaxypay/ipn")}
	sites.app, sites.ipnURL, sites.resultBlock = s.app.address, s.ipns.url, "forward post"
	c.mustLoad(t, sites.caddyfile(c))
	return s
}

// orderWith is what the app posts for its order, with further fields.
func orderWith(more string) string {
	return `{"orderID":"ORDER-1","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260615190000",` +
		`"orderDescription":"Cà phê","paymentMethod":"DOMESTIC",` + more + `}`
}

// trace is everything that app and gateway see of one payment whose customer pays.
type trace struct {
	pay    string // the answer to POST /pay: HTTP status, and of a problem code and outcome
	opened bool   // the gateway has the payment
	ipns   string // the answers that the gateway gets to its IPNs
	app    string // the callbacks that the app gets
	query  string // the answer to POST /query afterwards: HTTP status and payment status
}

// buy makes a payment, pays it as the customer does if the gateway has it, waits for so many IPNs,
// and returns what app and gateway saw.
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
	trace.ipns = s.ipns.await(t, ipns)
	trace.app = s.callbacks(t)
	trace.query = s.query(t, id)
	return trace
}

// order makes the payment, each time under the same key.
func (s sandboxShop) order(t *testing.T, order string) httpAnswer {
	t.Helper()
	return s.post(t, s.url("9180")+"/pay", order, "Idempotency-Key", "ORDER-1-pay-1")
}

// payment is the transactionID of the one payment that the sandbox has, "" if it has none.
func (s sandboxShop) payment(t *testing.T) string {
	t.Helper()
	answer := s.get(t, s.url("9190")+"/sandbox/transactions?orderID=ORDER-1")
	var list struct {
		Transactions []struct{ ID string }
	}
	answer.decode(t, &list)
	switch len(list.Transactions) {
	case 0:
		return ""
	case 1:
		return list.Transactions[0].ID
	}
	t.Fatalf("%d payments: %s", len(list.Transactions), answer.body)
	return ""
}

// customerEnds chooses an outcome on the payment page and follows the redirect to the shop, if there
// is one.
func (s sandboxShop) customerEnds(t *testing.T, id, outcome string) {
	t.Helper()
	page := s.postForm(t, s.url("9190")+"/pay/"+id, "outcome="+outcome)
	switch page.status {
	case http.StatusSeeOther:
		s.get(t, page.header.Get("Location"), "Accept", "text/html")
	case http.StatusOK:
	default:
		t.Fatalf("HTTP %d from the payment page: %s", page.status, page.body)
	}
}

// callbacks lists the callbacks that the app got. One that does not hold the order as it was made is "of something else".
func (s sandboxShop) callbacks(t *testing.T) string {
	t.Helper()
	var list []string
	seen := make(map[string]bool)
	for _, call := range s.app.received() {
		entry := call.header.Get("Galaxypay-Callback") + " " + call.header.Get("Galaxypay-Payment-Status")
		delivery := call.header.Get("Galaxypay-Callback") + call.header.Get("Galaxypay-Delivery-Id")
		if seen[delivery] {
			entry = "the same " + entry
		}
		if !strings.Contains(call.body, `"orderID":"ORDER-1","orderAmount":"109000","orderCurrency":"VND"`) {
			entry += " of something else"
		}
		seen[delivery] = true
		list = append(list, entry)
	}
	return strings.Join(list, ", ")
}

// query is the app's query of a payment: HTTP status and payment status.
func (s sandboxShop) query(t *testing.T, id string) string {
	t.Helper()
	answer := s.post(t, s.url("9180")+"/query", `{"transactionID":"`+id+`"}`)
	return strings.TrimSpace(answer.summary(t) + " " + answer.header.Get("Galaxypay-Payment-Status"))
}

// control posts to the sandbox's control API.
func (s sandboxShop) control(t *testing.T, path, body string) {
	t.Helper()
	s.post(t, s.url("9190")+"/sandbox"+path, body).wantStatus(t, http.StatusOK)
}

// faultSettings is the sandbox's list of faults.
type faultSettings struct {
	Faults []string // those that are set for all calls
	Known  []struct{ Name, About string }
}

// faultSettings is the list of faults as the sandbox has it now.
func (c *caddyServer) faultSettings(t *testing.T) (settings faultSettings) {
	t.Helper()
	c.get(t, c.url("9190")+"/sandbox/faults").decode(t, &settings)
	return settings
}

// setFaults sets faults for all calls. names is a list of JSON strings.
func (c *caddyServer) setFaults(t *testing.T, names string) {
	t.Helper()
	var settings faultSettings
	c.do(t, http.MethodPut, c.url("9190")+"/sandbox/faults", strings.NewReader(`{"faults":[`+names+`]}`), asJSON(nil)...).decode(t, &settings)
	if set, _ := json.Marshal(settings.Faults); string(set) != "["+names+"]" {
		t.Fatalf("the sandbox has set the faults %s, want %s", set, names)
	}
}

// ipnRecorder passes the sandbox's IPNs on to the callback site, and keeps the answers, which only
// the gateway sees.
type ipnRecorder struct {
	url     string
	answers chan string // see httpAnswer.ipnSummary
}

func newIPNRecorder(t *testing.T, c client, to string) ipnRecorder {
	t.Helper()
	answers := make(chan string, 10) // more than any payment has
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := c.try(r.Context(), http.MethodPost, to, r.Body, "Content-Type", r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
			return
		}
		answers <- answer.ipnSummary()
		w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	return ipnRecorder{server.URL, answers}
}

// await waits for the answers to n IPNs, and lists them and any further ones.
func (r ipnRecorder) await(t *testing.T, n int) string {
	t.Helper()
	var list []string
	alarm := time.After(patience)
	for len(list) < n {
		select {
		case answer := <-r.answers:
			list = append(list, answer)
		case <-alarm:
			t.Fatalf("%d IPNs, want %d", len(list), n)
		}
	}
	for len(r.answers) > 0 {
		list = append(list, <-r.answers)
	}
	return strings.Join(list, ", ")
}

// ipnSummary is an answer to an IPN: the HTTP status, and ipnStatus or the code of a problem.
func (a httpAnswer) ipnSummary() string {
	var fields struct {
		Code   string `json:"code"`
		Status string `json:"ipnStatus"`
	}
	_ = json.Unmarshal([]byte(a.body), &fields) // what is not JSON has neither
	if fields.Status != "" {
		return fmt.Sprintf("%d ipnStatus %s", a.status, fields.Status)
	}
	return fmt.Sprintf("%d %s", a.status, fields.Code)
}
