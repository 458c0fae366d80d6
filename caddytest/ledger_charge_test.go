package caddytest

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// charge is a fast payment of the order of paidMessage.
var charge = strings.Replace(order, "DOMESTIC", "INTERNATIONAL", 1)

// The answer to a fast payment is held against the call. What does not fit is not told as paid, and the call is not sent again.
func TestLedgerFastPay(t *testing.T) {
	const right = `{"transactionID":"2601021234567890123456789","transactionStatus":"200","transactionStage":"SUCCESSFUL","orderID":"A-1","orderAmount":"109000","orderCurrency":"VND"}`
	replace := func(old, replacement string) string { return strings.Replace(right, old, replacement, 1) }
	for name, test := range map[string]struct{ answer, deferred, status, order, again string }{
		"right":               {right, "true", "paid", "matched", "paid"},
		"without an amount":   {replace(`"orderAmount":"109000",`, ""), "true", "paid", "matched", "paid"},
		"only a word":         {`{"transactionID":"2601021234567890123456789","transactionStatus":"200"}`, "true", "paid", "matched", "paid"},
		"another amount":      {replace("109000", "109001"), "true", "disputed", "mismatched", "disputed"},
		"another order":       {replace("A-1", "A-2"), "true", "disputed", "mismatched", "disputed"},
		"another currency":    {replace("VND", "USD"), "true", "disputed", "mismatched", "disputed"},
		"authorized":          {right, "false", "authorized", "matched", "authorized"},
		"authorized, as text": {right, `"false"`, "authorized", "matched", "authorized"},
		"pending":             {replace(`"transactionStatus":"200","transactionStage":"SUCCESSFUL"`, `"endpoint":"https://3ds.example/"`), "true", "pending", "matched", "open"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, test.answer) })
			body := strings.Replace(charge, "{", `{"isAutoCapture":`+test.deferred+`,`, 1)
			first := s.call(t, "/fastPay", body, "Idempotency-Key", orderKey)
			wantBound(t, first.header, test.status, test.order, "fastPay")
			for range 2 {
				again := s.call(t, "/fastPay", body, "Idempotency-Key", orderKey)
				wantReplayed(t, again, first)
				wantBound(t, again.header, test.again, test.order, "fastPay")
			}
			s.gateway.wantCalls(t, 1)
		})
	}
}

// With verify report, an answer without proof reaches the app. It is no proof later either: money is not sent a second time, and
// nothing is told as paid.
func TestLedgerVerifyReport(t *testing.T) {
	for path, body := range map[string]string{"/refund": refund, "/fastPay": charge, "/void": `{"transactionID":"1"}`} {
		t.Run(path, func(t *testing.T) {
			s := newLedgerSidecar(t, "verify report")
			for key, code := range map[string]string{"yes": "200", "no": "400", "401": "401", "409": "409"} {
				before := len(s.gateway.calls())
				s.gateway.replies(func(c *call) []byte {
					return httpResponse(200, envelope(c.requestID(), code, "m", `{"transactionStatus":"200","transactionStage":"SUCCESSFUL"}`))
				})
				s.call(t, path, body, "Idempotency-Key", key)
				s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, paid) })
				for range 2 {
					a := s.call(t, path, body, "Idempotency-Key", key)
					a.wantProblem(t, http.StatusBadGateway, "response_signature_invalid", "unknown")
					if got := a.header.Get("Galaxypay-Payment-Status"); got == "paid" {
						t.Errorf("%s: Galaxypay-Payment-Status %q", key, got)
					}
				}
				if n := len(s.gateway.calls()) - before; n != 1 {
					t.Errorf("%s: the gateway got it %d times", key, n)
				}
			}
		})
	}
}

// What stores or removes cards moves no money. It is sent again after an unknown outcome; its answer holds a token, and is given again
// only where the store has a key.
func TestLedgerTokens(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	const card = `{"paymentMethod":"INTERNATIONAL","cardNumber":"4012000033330026","cardHolderName":"A B","cardExpireDate":"12/30","cardVerificationValue":"123"}`
	for name, test := range map[string]struct {
		store string
		sent  int
	}{
		"without a key": {"", 4},
		"with a key":    {" {\nencrypt k1 " + inboxKey + "\n}", 2},
	} {
		t.Run(name, func(t *testing.T) {
			for path, body := range map[string]string{"/createToken": card, "/deleteToken": `{"token":"TOK-1"}`} {
				g := newGateway(t)
				s := sidecar{start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+test.store+"\nreconcile off\n")), g}
				g.handles(func(net.Conn, *call) bool { return false })
				s.call(t, path, body, "Idempotency-Key", "k").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
				g.replies(func(c *call) []byte { return g.success(c, `{"token":"TOK-1"}`) })
				first := s.call(t, path, body, "Idempotency-Key", "k")
				first.wantOK(t, `{"token":"TOK-1"}`)
				for range 2 {
					again := s.call(t, path, body, "Idempotency-Key", "k")
					again.wantOK(t, first.body)
					if replayed := again.header.Get("Galaxypay-Replayed"); (replayed == "true") != (test.store != "") {
						t.Errorf("%s: Galaxypay-Replayed %q", path, replayed)
					}
				}
				for _, c := range g.wantCalls(t, test.sent) {
					if c.requestID() != "k" {
						t.Errorf("%s: requestID %q", path, c.requestID())
					}
				}
			}
		})
	}
}

// Two payments of one order that are both paid are said so, however each of them came to be paid.
func TestLedgerPaidTwice(t *testing.T) {
	const right = `{"transactionID":"2601021234567890123456700","transactionStatus":"200","transactionStage":"SUCCESSFUL","orderID":"A-1","orderAmount":"109000","orderCurrency":"VND"}`
	const twice = "an order is paid twice: two payments of it are paid; refund one"
	s := newBoundSidecar(t, "", "reconcile off\n")
	s.pay(t, order)
	wantBound(t, s.tell(t, ipnJSON, paidMessage), "paid", "matched", "pay")
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, right) })
	second := s.call(t, "/fastPay", charge, "Idempotency-Key", "second")
	wantBound(t, second.header, "paid", "matched", "fastPay")
	wantReplayed(t, s.call(t, "/fastPay", charge, "Idempotency-Key", "second"), second)
	if n := len(s.logLines(t, twice)); n != 1 {
		t.Errorf("the log says %d times that the order is paid twice", n)
	}
	wantBound(t, s.tell(t, ipnJSON, paidMessage), "paid", "matched", "pay")
	if n := len(s.logLines(t, twice)); n != 1 {
		t.Errorf("after a repeated message the log says it %d times", n)
	}
}

// A capture may take less than was authorized. Only the gateway's word makes the payment paid after it.
func TestLedgerCaptureOfLess(t *testing.T) {
	const capture = `{"transactionID":"2601021234567890123456789","orderAmount":50000,"orderCurrency":"VND"}`
	s := newAskingSidecar(t, "", "reconcile 24h\n")
	s.answersQueries(paidAnswer)
	body := strings.Replace(charge, "{", `{"isAutoCapture":false,`, 1)
	s.call(t, "/pay", body, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt))
	wantBound(t, s.app.only(t).header, "authorized", "matched", "pay")
	wantBound(t, s.call(t, "/query", `{"transactionID":"2601021234567890123456789"}`).header, "authorized", "matched", "query")
	wantReplayedStatus := func(status string) {
		t.Helper()
		a := s.call(t, "/pay", body, "Idempotency-Key", orderKey)
		if got := a.header.Get("Galaxypay-Payment-Status"); got != status {
			t.Errorf("the payment is told as %q, want %q", got, status)
		}
	}
	wantReplayedStatus("authorized")
	asked := s.queries()
	s.call(t, "/capture", capture, "Idempotency-Key", "c").wantStatus(t, http.StatusOK)
	var got []appRequest
	eventually(t, "the app is told", func() bool {
		got = append(got, s.app.received()...)
		return len(got) > 0
	})
	wantBound(t, got[0].header, "paid", "matched", "pay")
	if kind := got[0].header.Get("Galaxypay-Callback"); kind != "query" || s.queries() == asked {
		t.Errorf("it is told by %q", kind)
	}
	wantReplayedStatus("paid")
}

// A void and a capture have no currency. Their amounts go by that of the payment in the ledger; of a payment that it does not have,
// only what is wrong in nearly every currency is refused.
func TestLedgerCurrencyOfThePayment(t *testing.T) {
	inDollars := strings.NewReplacer(`"orderCurrency":"VND"`, `"orderCurrency":"USD"`, "109000", "20.00").Replace(order)
	for name, test := range map[string]struct {
		pay, amount string
		isRefused   bool
	}{
		"in VND, a fraction":        {order, `"12.50"`, true},
		"in VND, zeros":             {order, `"109000.00"`, false},
		"in USD, a fraction":        {inDollars, `"12.50"`, false},
		"in USD, three digits":      {inDollars, `"12.505"`, true},
		"not known":                 {"", `"12.50"`, false},
		"not known, with a dot":     {"", `"109.000"`, true},
		"not known, in VND":         {"", `"12.50","orderCurrency":"VND"`, true},
		"in VND, said to be in USD": {order, `"12.50","orderCurrency":"USD"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			if test.pay != "" {
				s.pay(t, test.pay)
			}
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, "{}") })
			for _, path := range []string{"/capture", "/void"} {
				a := s.call(t, path, `{"transactionID":"2601021234567890123456789","orderAmount":`+test.amount+`}`)
				if test.isRefused {
					a.wantProblem(t, http.StatusUnprocessableEntity, "fields_invalid", "not_sent")
				} else {
					a.wantOK(t, "{}")
				}
			}
		})
	}
}
