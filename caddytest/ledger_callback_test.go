package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// boundSidecar is a sidecar that records its calls, with a site for callbacks in front of an app.
type boundSidecar struct {
	sidecar
	app *recordingApp
}

// newBoundSidecar has these options in galaxypay_ipn and galaxypay_result, and those of global in the global option.
func newBoundSidecar(t *testing.T, options, global string) boundSidecar {
	t.Helper()
	g, app := newGateway(t), newApp(t)
	c := start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\n"+global)+`
		http://:9181 {
			galaxypay_guard
			handle /galaxypay/ipn {
				galaxypay_ipn {
					`+options+`
				}
				reverse_proxy `+app.address+`
			}
			handle /galaxypay/result {
				galaxypay_result {
					`+options+`
				}
				reverse_proxy `+app.address+`
			}
		}`)
	return boundSidecar{sidecar{c, g}, app}
}

// order is a payment that fits paidMessage, under the key of that message.
const (
	order    = `{"orderID":"A-1","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260102030405","orderDescription":"x","paymentMethod":"DOMESTIC"}`
	orderKey = "0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b"
)

// pay signs an order. The gateway names it as paidMessage does.
func (s boundSidecar) pay(t *testing.T, order string) {
	t.Helper()
	const answer = `{"transactionID":"2601021234567890123456789","endpoint":"https://pay.example/1"}`
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, answer) })
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, answer)
}

// tell sends a callback, and returns what the app gets of it.
func (s boundSidecar) tell(t *testing.T, w way, message string) http.Header {
	t.Helper()
	w.send(t, s.caddyServer, signedMessage(message, s.gateway.salt))
	return s.app.only(t).header
}

func wantBound(t *testing.T, header http.Header, status, order, operation string) {
	t.Helper()
	for name, want := range map[string]string{"Galaxypay-Payment-Status": status, "Galaxypay-Order": order, "Galaxypay-Operation": operation} {
		if got := header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

// A message is believed only if it fits what was signed under its requestID.
func TestLedgerBindsMessages(t *testing.T) {
	replace := func(old, replacement string) string { return strings.Replace(paidMessage, old, replacement, 1) }
	for name, test := range map[string]struct {
		message, status, order, operation string
	}{
		"the same":                   {paidMessage, "paid", "matched", "pay"},
		"the amount in another way":  {replace(`"109000"`, `109000.00`), "paid", "matched", "pay"},
		"another amount":             {replace(`"109000"`, `"1"`), "disputed", "mismatched", "pay"},
		"an amount of equal length":  {replace(`"109000"`, `"109001"`), "disputed", "mismatched", "pay"},
		"another order":              {replace(`"A-1"`, `"A-2"`), "disputed", "mismatched", "pay"},
		"another currency":           {replace(`"VND"`, `"USD"`), "disputed", "mismatched", "pay"},
		"failed, of another amount":  {strings.Replace(replace(`"109000"`, `"1"`), `"responseCode":"200"`, `"responseCode":"505"`, 1), "disputed", "mismatched", "pay"},
		"cancelled":                  {cancelledMessage, "cancelled", "matched", "pay"},
		"without an amount":          {replace(`"orderAmount":"109000",`, ""), "paid", "unknown", "pay"},
		"without order and currency": {strings.Replace(replace(`"orderID":"A-1",`, ""), `"orderCurrency":"VND",`, "", 1), "paid", "matched", "pay"},
		"about what was not signed":  {replace(orderKey, "another"), "paid", "unknown", ""},
		"without a requestID":        {replace(`"requestID":"`+orderKey+`",`, ""), "paid", "unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.pay(t, order)
			for _, w := range []way{ipnJSON, resultQuery} {
				wantBound(t, s.tell(t, w, test.message), test.status, test.order, test.operation)
			}
			if test.status == "disputed" && len(s.logLines(t, "a proven message does not fit what was signed, so it is disputed: compare the order, the amount and the currency, and whether the key pair is used elsewhere")) == 0 {
				t.Error("the log does not say so")
			}
		})
	}
}

// With orders strict, what was not signed here is not paid.
func TestLedgerStrict(t *testing.T) {
	s := newBoundSidecar(t, "orders strict", "reconcile off\n")
	s.pay(t, order)
	unsigned := strings.Replace(paidMessage, orderKey, "another", 1)
	for _, w := range []way{ipnJSON, resultQuery} {
		wantBound(t, s.tell(t, w, unsigned), "disputed", "unknown", "")
		wantBound(t, s.tell(t, w, paidMessage), "paid", "matched", "pay")
	}
}

// A payment that is authorized only is not paid, until it is captured.
func TestLedgerAuthorized(t *testing.T) {
	for name, test := range map[string]struct{ deferred, method, status string }{
		"deferred":             {`false`, "INTERNATIONAL", "authorized"},
		"deferred, as text":    {`"false"`, "INTERNATIONAL", "authorized"},
		"deferred, not a card": {`false`, "DOMESTIC", "paid"},
		"captured at once":     {`true`, "INTERNATIONAL", "paid"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.pay(t, strings.Replace(order, `"paymentMethod":"DOMESTIC"`, `"paymentMethod":"`+test.method+`","isAutoCapture":`+test.deferred, 1))
			wantBound(t, s.tell(t, ipnJSON, paidMessage), test.status, "matched", "pay")
			if test.status != "authorized" {
				return
			}
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, `{}`) })
			s.call(t, "/capture", `{"transactionID":"2601021234567890123456789"}`, "Idempotency-Key", "c").wantOK(t, "{}")
			wantBound(t, s.tell(t, ipnJSON, paidMessage), "paid", "matched", "pay")
		})
	}
}

// A payment that was refunded in full, or voided, is reversed everywhere. A message about the refund says nothing of the payment.
func TestLedgerReversed(t *testing.T) {
	part := func(key, amount string) [3]string {
		return [3]string{"/refund", `{"transactionID":"2601021234567890123456789","orderID":"A-1","orderAmount":` + amount +
			`,"orderCurrency":"VND","orderDateTime":"20260102030405","orderDescription":"x"}`, key}
	}
	for name, test := range map[string]struct {
		calls  [][3]string
		status string
	}{
		"in full":     {[][3]string{part("r1", "109000")}, "reversed"},
		"in parts":    {[][3]string{part("r1", "100000"), part("r2", "9000.00")}, "reversed"},
		"a part":      {[][3]string{part("r1", "100000")}, "paid"},
		"a part once": {[][3]string{part("r1", "60000"), part("r1", "60000")}, "paid"},
		"voided":      {[][3]string{{"/void", `{"transactionID":"2601021234567890123456789"}`, "v"}}, "reversed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.pay(t, order)
			wantBound(t, s.tell(t, ipnJSON, paidMessage), "paid", "matched", "pay")
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, `{}`) })
			for _, c := range test.calls {
				s.call(t, c[0], c[1], "Idempotency-Key", c[2]).wantOK(t, "{}")
			}
			wantBound(t, s.tell(t, ipnJSON, paidMessage), test.status, "matched", "pay")
			s.gateway.replies(func(c *call) []byte {
				return s.gateway.success(c, `{"transactionID":"2601021234567890123456789","transactionStatus":"200","transactionStage":"SUCCESSFUL","orderID":"A-1","orderAmount":"109000","orderCurrency":"VND"}`)
			})
			a := s.call(t, "/query", `{"transactionID":"2601021234567890123456789"}`)
			wantBound(t, a.header, test.status, "matched", "query")
			if test.calls[0][2] == "r1" && len(test.calls) == 1 {
				about := strings.Replace(strings.Replace(paidMessage, orderKey, "r1", 1), `"orderAmount":"109000",`, "", 1)
				wantBound(t, s.tell(t, ipnJSON, about), "none", "unknown", "refund")
			}
		})
	}
}

// The answer to a query is held against what was signed, and must be about the transaction that was asked about.
func TestLedgerBindsQueries(t *testing.T) {
	const right = `{"transactionID":"2601021234567890123456789","transactionStatus":"200","transactionStage":"SUCCESSFUL","orderID":"A-1","orderAmount":"109000","orderCurrency":"VND"}`
	for name, test := range map[string]struct{ answer, status, order string }{
		"right":               {right, "paid", "matched"},
		"another amount":      {strings.Replace(right, `"109000"`, `"109001"`, 1), "disputed", "mismatched"},
		"another order":       {strings.Replace(right, "A-1", "A-2", 1), "disputed", "mismatched"},
		"another transaction": {strings.Replace(right, "456789", "456780", 1), "disputed", "mismatched"},
		"no transaction":      {strings.Replace(right, `"transactionID":"2601021234567890123456789",`, "", 1), "disputed", "mismatched"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.pay(t, order)
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, test.answer) })
			a := s.call(t, "/query", `{"transactionID":"2601021234567890123456789"}`)
			wantBound(t, a.header, test.status, test.order, "query")
		})
	}
}

// An IPN gets the query parameters that were signed, whatever its address has: they are not proven.
func TestLedgerSignedQuery(t *testing.T) {
	for name, test := range map[string]struct{ signed, want string }{
		"signed":                 {`"https://shop.example/galaxypay/ipn?shop=7"`, "/galaxypay/ipn?shop=7"},
		"signed without a query": {`"https://shop.example/galaxypay/ipn"`, "/galaxypay/ipn"},
		"none signed":            {`null`, "/galaxypay/ipn?shop=evil"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.pay(t, strings.Replace(order, "{", `{"ipnURL":`+test.signed+`,`, 1))
			m := signedMessage(paidMessage, s.gateway.salt)
			s.post(t, s.url("9181")+"/galaxypay/ipn?shop=evil", m.json()).wantStatus(t, http.StatusOK)
			if got := s.app.only(t).target; got != test.want {
				t.Errorf("the app got %s, want %s", got, test.want)
			}
		})
	}
}
