//go:build unix

package caddytest

import (
	"net/http"
	"testing"
)

// Without its database, at the start too, a sidecar sends nothing that it cannot record, believes no message, and goes on with what needs
// no record. When the database is there, the same call is sent.
func TestLedgerPostgresIsDown(t *testing.T) {
	server := newDatabase(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	g, app := newGateway(t), newApp(t)
	s := boundSidecar{sidecar{start(t, sidecarConfig(g.merchant(t)+"store "+databaseOption+"\nreconcile off\n")+`
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn
			galaxypay_result /galaxypay/result
			reverse_proxy `+app.address+`
		}
		http://:9183 {
			galaxypay {
				ledger off
			}
		}`), g}, app}
	isDown := func() {
		t.Helper()
		sent := len(g.calls())
		for path, body := range map[string]string{"/pay": order, "/refund": refund, "/createPaymentLink": link, "/void": `{"transactionID":"1"}`} {
			s.call(t, path, body, "Idempotency-Key", "down"+path[1:]).wantProblem(t, http.StatusServiceUnavailable, "store_unavailable", "not_sent")
		}
		g.wantCalls(t, sent)
		m := signedMessage(paidMessage, g.salt)
		ipnJSON.send(t, s.caddyServer, m).wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
		app.wantNothing(t)
		wantBound(t, s.tell(t, resultQuery, paidMessage), "pending", "", "")
		g.replies(func(c *call) []byte { return g.success(c, paidAnswer) })
		wantBound(t, s.call(t, "/query", `{"transactionID":"2601021234567890123456789"}`).header, "pending", "", "query")
		s.post(t, s.url("9183")+"/pay", order).wantStatus(t, http.StatusOK)
	}
	isDown()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.replies(func(c *call) []byte { return g.success(c, transactionAnswer) })
	var first httpAnswer
	eventually(t, "the call is recorded", func() bool {
		first = s.call(t, "/pay", order, "Idempotency-Key", orderKey)
		return first.status != http.StatusServiceUnavailable
	})
	first.wantOK(t, transactionAnswer)
	wantReplayed(t, s.call(t, "/pay", order, "Idempotency-Key", orderKey), first)
	wantBound(t, s.tell(t, ipnJSON, paidMessage), "paid", "matched", "pay")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	isDown()
}
