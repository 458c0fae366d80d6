package caddytest

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// deskSidecar has a ledger, an inbox, and an admin endpoint.
type deskSidecar struct {
	boundSidecar
	*inboxSidecar
	config string // its Caddyfile
}

// newDeskSidecar has these options in the global option.
func newDeskSidecar(t *testing.T, global string) deskSidecar {
	t.Helper()
	return newDeskSidecarWith(t, global, "10ms 1h", "")
}

// newDeskSidecarWith delivers by this schedule, and has more sites.
func newDeskSidecarWith(t *testing.T, global, retry, sites string) deskSidecar {
	t.Helper()
	store := "store sqlite " + inboxFile(t) + " {\nencrypt 2026 " + strings.Repeat("0f", 32) + "\n}\n"
	return newDeskSidecarAt(t, newGateway(t), store+global, retry, sites)
}

// newDeskSidecarAt has its gateway given, and its store in global.
func newDeskSidecarAt(t *testing.T, g *gateway, global, retry, sites string) deskSidecar {
	t.Helper()
	app := newApp(t)
	k := &inboxSidecar{socket: filepath.Join(shortTempDir(t), "admin.sock")}
	config := sidecarConfig(g.merchant(t)+global) + `
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				inbox {
					deliver_to http://` + app.address + `
					retry ` + retry + `
				}
			}
		}` + sites
	config = strings.Replace(config, "{", "{\nadmin unix/"+k.socket+"\npersist_config off\n", 1)
	k.caddyServer = start(t, config)
	t.Cleanup(func() {
		if err := k.load(t, "{\nadmin off\n}\n"); err != nil { // caddy.Stop does not end the admin endpoint
			t.Error(err)
		}
		k.stop()
	})
	return deskSidecar{boundSidecar{sidecar{k.caddyServer, g}, app}, k, config}
}

// operator runs "caddy galaxypay payments ...", which must succeed.
func (s deskSidecar) operator(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := s.command(t, "payments", args...)
	if err != nil {
		t.Fatalf("payments %q: %v; %s", args, err, printed)
	}
	return printed
}

// refused runs a command that must fail with an error that has these words.
func (s deskSidecar) refused(t *testing.T, want string, args ...string) {
	t.Helper()
	if printed, err := s.command(t, "payments", args...); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("payments %q: %v, want %q; %s", args, err, want, printed)
	}
}

// answers lets the gateway answer each operation with its data.
func (s deskSidecar) answers(data map[string]string) {
	s.gateway.replies(func(c *call) []byte {
		for operation, text := range data {
			if strings.HasSuffix(c.path(), "/"+operation) {
				return s.gateway.success(c, text)
			}
		}
		return s.gateway.refusal(c, "400")
	})
}

// paidOrder plays an order: paid, told by an IPN, and refunded in part under a key and an order of its own.
func (s deskSidecar) paidOrder(t *testing.T) {
	t.Helper()
	s.answers(map[string]string{"pay": transactionAnswer, "refund": `{"transactionID":"R-77"}`})
	s.boundSidecar.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	ipnJSON.send(t, s.boundSidecar.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.boundSidecar.app.only(t)
	s.boundSidecar.call(t, "/refund", `{"transactionID":"2601021234567890123456789","orderID":"BACK-1","orderAmount":9000,"orderCurrency":"VND",`+
		`"orderDateTime":"20260615190000","orderDescription":"=1+1"}`, "Idempotency-Key", "refund-1").wantOK(t, `{"transactionID":"R-77"}`)
}

// The story of an order has everything, in the order of time, whichever of its names is given; and nothing of another order.
func TestStory(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	s.paidOrder(t)
	const elsewhere = `{"transactionID":"88","endpoint":"https://pay.example/2"}`
	s.answers(map[string]string{"pay": elsewhere})
	s.boundSidecar.call(t, "/pay", strings.Replace(order, `"A-1"`, `"A-2"`, 1), "Idempotency-Key", "another").wantOK(t, elsewhere)
	page := s.operator(t, "show", orderKey)
	for _, want := range []string{
		"Order A-1, BACK-1, default at http", "pay signed and sent, number 1", "pay ended: accepted", "a callback of the gateway says paid",
		"payment paid, by a message of the gateway", "attempt 1: delivered, the app said 200", "refund signed and sent, number 1", "refund ended: accepted",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the story has no %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "https://pay.example") || strings.Contains(page, s.gateway.apiKey) {
		t.Errorf("the story has what is sealed:\n%s", page)
	}
	var shown struct {
		Lines []struct {
			At         time.Time
			Kind, Text string
		}
	}
	if err := json.Unmarshal([]byte(s.operator(t, "show", "--json", orderKey)), &shown); err != nil {
		t.Fatal(err)
	}
	var times []time.Time
	for _, l := range shown.Lines {
		times = append(times, l.At)
	}
	if len(times) != 7 || !slices.IsSortedFunc(times, time.Time.Compare) {
		t.Errorf("the lines are %v", shown.Lines)
	}
	for _, name := range []string{"refund-1", "BACK-1", "R-77", orderKey[:8], "refu"} {
		if other := s.operator(t, "show", name); other != page {
			t.Errorf("by %s it is another page:\n%s", name, other)
		}
	}
	if other := s.operator(t, "show", "A-2"); strings.Contains(other, "A-1") || !strings.Contains(other, "88") {
		t.Errorf("the story of another order:\n%s", other)
	}
	s.refused(t, "no call with this", "show", "A-")
	s.refused(t, "no call with this", "show", "A-1", "--merchant", "airline")
}

// An export has every call that the flags pick, as CSV that a spreadsheet reads and as JSON lines.
func TestExportPayments(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	s.paidOrder(t)
	s.boundSidecar.call(t, "/void", `{"transactionID":"@7"}`, "Idempotency-Key", "void-1").wantProblem(t, http.StatusBadRequest, "gateway_bad_request", "rejected")
	printed := s.operator(t, "export", "--csv")
	rows, err := csv.NewReader(strings.NewReader(printed)).ReadAll()
	if err != nil || strings.Count(printed, "\r\n") != 4 {
		t.Fatalf("%v in %q", err, printed)
	}
	column := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	for row, want := range []map[string]string{
		1: {"merchant": "default", "operation": "pay", "orderID": "A-1", "requestID": orderKey, "transactionIDs": "2601021234567890123456789", "amount": "109000",
			"currency": "VND", "paymentStatus": "paid", "outcome": "accepted", "code": ""},
		2: {"operation": "refund", "orderID": "BACK-1", "transactionIDs": "R-77", "amount": "9000", "paymentStatus": "", "aboutTransactionID": "2601021234567890123456789"},
		3: {"operation": "void", "requestID": "void-1", "outcome": "rejected", "code": "gateway_bad_request", "aboutTransactionID": "'@7", "amount": ""},
	} {
		for name, text := range want {
			if got := column(row, name); got != text {
				t.Errorf("%s of row %d is %q, want %q", name, row, got, text)
			}
		}
	}
	for _, name := range []string{"recordedAt", "endedAt", "paymentStatusAt"} {
		if _, err := time.Parse(time.RFC3339, column(1, name)); err != nil {
			t.Error(name, err)
		}
	}
	if lines := s.operator(t, "export"); strings.Count(lines, "\n") != 3 || !strings.HasPrefix(lines, `{"merchant":"default"`) {
		t.Errorf("as JSON: %s", lines)
	}
	for flags, want := range map[string]int{
		"--payment-status paid": 1, "--operation refund": 1, "--merchant default": 3, "--merchant airline": 0, "--merchant defaul": 0, "--limit 2": 2, "--until 2020-01-01T00:00:00Z": 0,
		"--transaction 2601021234567890123456789": 2, "--since 2020-01-01T00:00:00Z --outcome rejected": 1,
	} {
		if lines := s.operator(t, append([]string{"export"}, strings.Fields(flags)...)...); strings.Count(lines, "\n") != want {
			t.Errorf("%s: %s", flags, lines)
		}
		if lines := s.operator(t, append([]string{"export", "--csv"}, strings.Fields(flags)...)...); strings.Count(lines, "\n") != want+1 {
			t.Errorf("%s as CSV: %s", flags, lines)
		}
	}
	s.refused(t, "outcome: unknown value", "export", "--outcome", "lost")
	if status := sendToAdmin(t, s.socket, http.MethodGet, "/galaxypay/payments/export?format=xlsx", "").status; status != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", status)
	}
	if status := sendToAdmin(t, s.socket, http.MethodPost, "/galaxypay/payments/export", "").status; status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
}

// The report of today has the payment and the refund; that of another day has neither.
func TestReportOfADay(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	s.paidOrder(t)
	s.gateway.handles(func(net.Conn, *call) bool { return false })
	s.boundSidecar.call(t, "/refund", refund, "Idempotency-Key", "unclear").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	ipnJSON.send(t, s.boundSidecar.caddyServer, signedMessage(strings.Replace(paidMessage, `"109000"`, `"1"`, 1), s.gateway.salt))
	today := time.Now().UTC().Format(time.DateOnly) // a test at midnight may miss it: then both days are looked at
	report := s.operator(t, "report", "--day", today, "--zone", "Z")
	if now := time.Now().UTC().Format(time.DateOnly); now != today {
		report += s.operator(t, "report", "--day", now, "--zone", "Z")
	}
	for _, want := range []string{",paid,default,A-1,", ",109000,VND,109000,", ",refund,default,BACK-1,", ",9000,VND,-9000,", ",check,default,ORDER-1,", ",refund unknown,", ",disputed event "} {
		if strings.Count(report, want) != 1 {
			t.Errorf("%q is there %d times:\n%s", want, strings.Count(report, want), report)
		}
	}
	if totals := s.operator(t, "report", "--day", today, "--zone", "Z", "--totals", "--merchant", "default"); !strings.Contains(totals, "default,VND,paid,1,109000,0,") ||
		!strings.Contains(totals, "default,VND,refund,1,-9000,0,") {
		t.Errorf("the totals are\n%s", totals)
	}
	if other := s.operator(t, "report", "--day", "2020-01-01"); strings.Count(other, "\n") != 1 {
		t.Errorf("of another day:\n%s", other)
	}
	s.refused(t, "day: expected a day", "report")
	s.refused(t, "zone: expected an offset", "report", "--day", today, "--zone", "VN")
}

// An operator has the gateway asked at once; what it says reaches the app like an IPN, and stands in the story.
func TestQueryNow(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	s.answers(map[string]string{"pay": transactionAnswer, "query": paidAnswer, "refund": "{}", "createPaymentLink": "{}"})
	s.boundSidecar.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	s.boundSidecar.call(t, "/refund", refund, "Idempotency-Key", "refund-1").wantOK(t, "{}")
	said := s.operator(t, "query", orderKey[:9])
	if !strings.HasPrefix(said, `{"said":"paid","order":"matched","payment":{`) || !strings.Contains(said, `"paymentStatus":"paid"`) {
		t.Errorf("said %s", said)
	}
	told := s.boundSidecar.app.only(t)
	wantBound(t, told.header, "paid", "matched", "pay")
	if told.header.Get("Galaxypay-Callback") != "query" {
		t.Errorf("the app got %v", told.header)
	}
	if page := s.operator(t, "show", "A-1"); !strings.Contains(page, "the gateway was asked by an operator: answered") || !strings.Contains(page, "the answer to a question says paid") {
		t.Errorf("the story is\n%s", page)
	}
	s.operator(t, "query", orderKey) // it is no news
	s.boundSidecar.app.wantNothing(t)
	s.refused(t, "can only be asked about a payment", "query", "refund-1")
	s.refused(t, "no call with this requestID", "query", "none")
	s.refused(t, "expected a requestID", "query")
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "404") })
	s.refused(t, "no answer that counts", "query", orderKey)
	if page := s.operator(t, "show", "A-1"); !strings.Contains(page, "asked by an operator: no answer") {
		t.Errorf("the story is\n%s", page)
	}
}

// Four questions are asked at once at most, an operator's among them. One more waits for nothing.
func TestQueryNowIsBounded(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	pay := func(i int) (key string) {
		answer := strings.Replace(transactionAnswer, "2601021234567890123456789", fmt.Sprint("T", i), 1)
		s.answers(map[string]string{"pay": answer})
		key = fmt.Sprint("key", i)
		s.boundSidecar.call(t, "/pay", strings.Replace(order, "A-1", fmt.Sprint("A-", i), 1), "Idempotency-Key", key).wantOK(t, answer)
		return key
	}
	var keys []string
	for i := range 5 {
		keys = append(keys, pay(i))
	}
	asked, answer := make(chan struct{}), make(chan struct{})
	s.gateway.replies(func(c *call) []byte {
		asked <- struct{}{}
		<-answer
		return s.gateway.success(c, `{"transactionID":"T0","transactionStatus":"","transactionStage":"PROCESSING"}`)
	})
	var asking sync.WaitGroup
	for _, key := range keys[:4] {
		asking.Go(func() { sendToAdmin(t, s.socket, http.MethodPost, "/galaxypay/payments/query?request="+key, "") })
		<-asked
	}
	s.refused(t, "as many questions are being asked as may be at once", "query", keys[4])
	s.refused(t, "being asked about this payment already", "query", keys[0])
	if status := sendToAdmin(t, s.socket, http.MethodPost, "/galaxypay/payments/query?request="+keys[4], "").status; status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	close(answer)
	asking.Wait()
	go func() { <-asked }()
	s.operator(t, "query", keys[0])
	if status := sendToAdmin(t, s.socket, http.MethodGet, "/galaxypay/payments/query?request="+keys[0], "").status; status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
}
