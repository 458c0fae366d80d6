package caddytest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// An app that hangs up while its call is at work does not end it. Repeated, the call is answered from the record.
func TestLedgerAppHangsUp(t *testing.T) {
	for path, test := range map[string]struct {
		body  string
		reply func(*gateway, *call) []byte
	}{
		"/pay":     {payment, func(g *gateway, c *call) []byte { return g.success(c, paid) }},
		"/refund":  {refund, func(g *gateway, c *call) []byte { return g.success(c, "{}") }},
		"/capture": {`{"transactionID":"1"}`, func(g *gateway, c *call) []byte { return g.refusal(c, "400") }},
		"/void":    {`{"transactionID":"1"}`, func(*gateway, *call) []byte { return nil }},
	} {
		t.Run(path, func(t *testing.T) {
			g, gate := newGateway(t), newGate(t)
			g.replies(func(c *call) []byte {
				gate.pass()
				return test.reply(g, c)
			})
			s := sidecar{start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\n")), g}
			ctx, hangUp := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := s.tryPost(ctx, s.url("9180")+path, test.body, "Idempotency-Key", "k")
				done <- err
			}()
			<-gate.arrived
			hangUp()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the app got %v", err)
			}
			s.call(t, path, test.body, "Idempotency-Key", "k").wantProblem(t, http.StatusConflict, "in_progress", "unknown")
			gate.open()
			var again httpAnswer
			eventually(t, "the call has ended", func() bool {
				again = s.call(t, path, test.body, "Idempotency-Key", "k")
				return !strings.Contains(again.body, "in_progress")
			})
			switch path {
			case "/capture":
				again.wantProblem(t, http.StatusBadRequest, "gateway_bad_request", "rejected")
			case "/void":
				again.wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
			default:
				again.wantStatus(t, http.StatusOK)
			}
			if again.header.Get("Galaxypay-Replayed") != "true" {
				t.Error("it is not called a repetition")
			}
			g.wantCalls(t, 1)
		})
	}
}

// Two texts of one call are one call. Whatever changes what is paid makes another one.
func TestLedgerOtherTextSameCall(t *testing.T) {
	const body = `{"orderID":"A-1","orderAmount":100000,"orderCurrency":"VND","orderDateTime":"20260102030405","orderDescription":"x","paymentMethod":"DOMESTIC"}`
	replace := func(old, replacement string) string { return strings.Replace(body, old, replacement, 1) }
	s := newLedgerSidecar(t)
	first := s.call(t, "/pay", body, "Idempotency-Key", "k")
	first.wantOK(t, paid)
	for name, same := range map[string]string{
		"the amount as text":       replace(`100000`, `"100000"`),
		"with a fraction of zeros": replace(`100000`, `100000.00`),
		"the two together":         replace(`100000`, `"100000.0"`),
		"a member that is null":    replace(`{`, `{"subMerchant":null,`),
		"a member that is empty":   replace(`{`, `{"sourceType":"",`),
		"another text":             replace(`"x"`, `"y"`),
		"a date of its own":        replace("20260102030405", "20260102030406"),
		"an address of its own":    replace(`{`, `{"ipnURL":"https://shop.example/other",`),
		"another order of members": `{"paymentMethod":"DOMESTIC",` + strings.Replace(body[1:], `,"paymentMethod":"DOMESTIC"`, "", 1),
		"spaces":                   strings.ReplaceAll(body, ":", " : "),
		"escapes":                  replace(`A-1`, `\u0041-1`),
	} {
		t.Run(name, func(t *testing.T) { wantReplayed(t, s.call(t, "/pay", same, "Idempotency-Key", "k"), first) })
	}
	for name, other := range map[string]string{
		"another amount":    replace(`100000`, `100001`),
		"ten times as much": replace(`100000`, `"1000000"`),
		"another method":    replace("DOMESTIC", "INTERNATIONAL"),
		"not captured":      replace(`{`, `{"isAutoCapture":false,`),
		"another order":     replace(`A-1`, `a-1`),
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, "/pay", other, "Idempotency-Key", "k").wantProblem(t, http.StatusUnprocessableEntity, "idempotency_key_reused", "unknown")
		})
	}
	s.gateway.wantCalls(t, 1)
}
