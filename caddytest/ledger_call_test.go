package caddytest

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// newLedgerSidecar is a sidecar that records its calls in a file. options are those of its handler.
func newLedgerSidecar(t *testing.T, options ...string) sidecar {
	t.Helper()
	g := newGateway(t)
	return sidecar{start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\n", options...)), g}
}

const refund = `{"transactionID":"2306154612216981190343178","orderID":"ORDER-1","orderAmount":12.50,"orderCurrency":"USD",` +
	`"orderDateTime":"20260615190000","orderDescription":"Refund"}`

// wantReplayed checks that the answer is the recorded one.
func wantReplayed(t *testing.T, a, first httpAnswer) {
	t.Helper()
	if a.header.Get("Galaxypay-Replayed") != "true" || a.status != first.status || a.body != first.body {
		t.Errorf("HTTP %d, Galaxypay-Replayed %q, %s; want HTTP %d %s", a.status, a.header.Get("Galaxypay-Replayed"), a.body, first.status, first.body)
	}
}

// The same call twice is one payment: the gateway gets it once, and the app the same bytes twice.
func TestLedgerSameCallTwice(t *testing.T) {
	s := newLedgerSidecar(t)
	for path, body := range map[string]string{"/pay": payment, "/refund": refund, "/createPaymentLink": `{"orderID":"L-1","orderName":"x","orderAmount":1,` +
		`"orderDescription":"x","expiryDuration":1,"expiryUnit":"DAY","paymentMethods":["QRPAY"],"paymentFields":["email"]}`} {
		key := "key" + path[1:]
		first := s.call(t, path, body, "Idempotency-Key", key)
		first.wantOK(t, paid)
		if got := first.header.Get("Galaxypay-Replayed"); got != "" {
			t.Errorf("%s: the first answer has Galaxypay-Replayed %q", path, got)
		}
		before := len(s.gateway.calls())
		wantReplayed(t, s.call(t, path, strings.Replace(body, "20260615190000", "20260615190001", 1), "Idempotency-Key", key), first)
		if n := len(s.gateway.calls()) - before; n != 0 {
			t.Errorf("%s: the gateway got the repeated call %d times", path, n)
		}
	}
	for name, body := range map[string]string{
		"another amount":    strings.Replace(payment, "12.50", "12.51", 1),
		"another order":     strings.Replace(payment, "ORDER-1", "ORDER-2", 1),
		"another currency":  strings.Replace(payment, "USD", "EUR", 1),
		"another operation": refund,
	} {
		path := "/pay"
		if body == refund {
			path = "/refund"
		}
		a := s.call(t, path, body, "Idempotency-Key", "keypay")
		a.wantProblem(t, http.StatusUnprocessableEntity, "idempotency_key_reused", "unknown")
		if a.header.Get("Galaxypay-Replayed") != "" {
			t.Errorf("%s: it is called a repetition", name)
		}
	}
	s.gateway.wantCalls(t, 3)
}

// A proven refusal is repeated as well, and the headers say what it was.
func TestLedgerRefusedCallTwice(t *testing.T) {
	s := newLedgerSidecar(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "400") })
	first := s.call(t, "/pay", payment, "Idempotency-Key", "k")
	first.wantProblem(t, http.StatusBadRequest, "gateway_bad_request", "rejected")
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, paid) })
	wantReplayed(t, s.call(t, "/pay", payment, "Idempotency-Key", "k"), first)
	s.gateway.wantCalls(t, 1)
	a := s.call(t, "/pay", strings.Replace(payment, "12.50", "12.51", 1), "Idempotency-Key", "k")
	a.wantProblem(t, http.StatusUnprocessableEntity, "idempotency_key_reused", "rejected")
}

// What never reached the gateway, or what it could not know, is sent again as if it was new.
func TestLedgerNotSentIsSentAgain(t *testing.T) {
	s := newLedgerSidecar(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "401") })
	s.call(t, "/refund", refund, "Idempotency-Key", "k").wantProblem(t, http.StatusBadGateway, "gateway_unauthorized", "rejected")
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, paid) })
	other := strings.Replace(refund, "12.50", "10.00", 1)
	s.call(t, "/refund", other, "Idempotency-Key", "k").wantOK(t, paid)
	s.gateway.wantCalls(t, 2)
}

// After an unknown outcome, a call that moves money is never sent again; one that only opens a page is, under the same requestID.
func TestLedgerUnknown(t *testing.T) {
	s := newLedgerSidecar(t)
	s.gateway.handles(func(net.Conn, *call) bool { return false })
	for path, body := range map[string]string{
		"/refund": refund, "/fastPay": strings.Replace(payment, "DOMESTIC", "INTERNATIONAL", 1),
		"/capture": `{"transactionID":"1"}`, "/void": `{"transactionID":"1"}`, "/payWithToken": strings.Replace(payment, `"paymentMethod"`, `"token":"TOK","paymentMethod"`, 1),
	} {
		before := len(s.gateway.calls())
		for range 3 {
			s.call(t, path, body, "Idempotency-Key", "u"+path[1:]).wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
		}
		if n := len(s.gateway.calls()) - before; n != 1 {
			t.Errorf("%s: the gateway got it %d times", path, n)
		}
	}
	s.call(t, "/pay", payment, "Idempotency-Key", "page").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, paid) })
	first := s.call(t, "/pay", payment, "Idempotency-Key", "page")
	first.wantOK(t, paid)
	if got := s.gateway.last(t).requestID(); got != "page" {
		t.Errorf("requestID %q", got)
	}
	wantReplayed(t, s.call(t, "/pay", payment, "Idempotency-Key", "page"), first)
}

// A page that was opened by a try of which no answer came back is lost: the app needs a new key.
func TestLedgerPageLost(t *testing.T) {
	s := newLedgerSidecar(t)
	s.gateway.handles(func(net.Conn, *call) bool { return false })
	s.call(t, "/pay", payment, "Idempotency-Key", "k").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "409") })
	for range 2 {
		s.call(t, "/pay", payment, "Idempotency-Key", "k").wantProblem(t, http.StatusConflict, "page_lost", "rejected")
	}
	s.gateway.wantCalls(t, 2)
}

// While a call is at work, the same call is told so, and is not sent.
func TestLedgerInProgress(t *testing.T) {
	s := newLedgerSidecar(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	s.gateway.replies(func(c *call) []byte {
		close(arrived)
		<-answer
		return s.gateway.success(c, paid)
	})
	answers := make(chan httpAnswer, 1)
	go func() {
		a, err := s.tryPost(t.Context(), s.url("9180")+"/pay", payment, "Idempotency-Key", "k")
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-arrived
	a := s.call(t, "/pay", payment, "Idempotency-Key", "k")
	a.wantProblem(t, http.StatusConflict, "in_progress", "unknown")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(answer)
	first := <-answers
	first.wantOK(t, paid)
	wantReplayed(t, s.call(t, "/pay", payment, "Idempotency-Key", "k"), first)
	s.gateway.wantCalls(t, 1)
}

// A recorded answer is shaped by the handler that gives it; ledger off records nothing, and queries are never recorded.
func TestLedgerHandlers(t *testing.T) {
	g := newGateway(t)
	c := start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\n")+`
		http://:9183 {
			galaxypay {
				response envelope
			}
		}
		http://:9184 {
			galaxypay {
				ledger off
			}
		}`)
	post := func(port, path, body string) httpAnswer {
		t.Helper()
		return c.post(t, c.url(port)+path, body, "Idempotency-Key", "k")
	}
	post("9180", "/pay", payment).wantOK(t, paid)
	if a := post("9183", "/pay", payment); a.header.Get("Galaxypay-Replayed") != "true" || !strings.Contains(a.body, `"responseData":`+paid) {
		t.Errorf("with response envelope: %v %s", a.header, a.body)
	}
	g.wantCalls(t, 1)
	for range 2 {
		post("9184", "/pay", payment).wantOK(t, paid)
		post("9180", "/query", `{"transactionID":"1"}`)
	}
	g.wantCalls(t, 5)
}

func TestLedgerOptions(t *testing.T) {
	merchant := "environment sandbox\n"
	store := merchant + "store sqlite " + inboxFile(t) + "\n"
	for name, test := range map[string]struct{ config, want string }{
		"on without a store": {sidecarConfig(merchant, "ledger on"), "ledger on: there is nowhere to record calls"},
		"strict without a store": {sidecarConfig(merchant) + `
			http://:9181 {
				galaxypay_ipn {
					orders strict
				}
				respond "ok"
			}`, "orders strict: nothing is recorded without a store"},
		"strict beside off": {sidecarConfig(store, "ledger off") + `
			http://:9181 {
				galaxypay_result {
					orders strict
				}
				respond "ok"
			}`, "has ledger off"},
		"another word":       {sidecarConfig(store, "ledger yes"), "ledger: unknown value"},
		"reconcile backward": {sidecarConfig(store + "reconcile 10m 5m\n"), "each longer than the one before"},
		"reconcile nothing":  {sidecarConfig(store + "reconcile\n"), "reconcile: expected durations"},
		"reconcile a word":   {sidecarConfig(store + "reconcile soon\n"), `reconcile: "soon" is not a duration`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryStart(t, test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}
