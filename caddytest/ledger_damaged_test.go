package caddytest

import (
	"net/http"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// spoil damages a store in a file that no Caddy has open.
func spoil(t *testing.T, file, sql string) {
	t.Helper()
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, sql, nil); err != nil {
		t.Fatal(err)
	}
}

// The record of a payment is damaged. Its call is not sent again, and may have been carried out. It is not believed to be paid,
// whatever says so, and a refund of it is recorded like any other.
func TestLedgerDamagedRecord(t *testing.T) {
	g, app, file := newGateway(t), newApp(t), inboxFile(t)
	config := sidecarConfig(g.merchant(t)+"store sqlite "+file+"\nreconcile off\n") + `
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn
			galaxypay_result /galaxypay/result
			reverse_proxy ` + app.address + `
		}`
	s := boundSidecar{sidecar{start(t, config), g}, app}
	s.pay(t, order)
	s.stop()
	spoil(t, file, "UPDATE galaxypay_payments SET amount = '1'")

	s = boundSidecar{sidecar{start(t, config), g}, app}
	sent := len(g.calls())
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantProblem(t, http.StatusServiceUnavailable, "store_unavailable", "unknown")
	g.wantCalls(t, sent)

	m := signedMessage(paidMessage, g.salt)
	ipnJSON.send(t, s.caddyServer, m).wantStatus(t, http.StatusServiceUnavailable)
	app.wantNothing(t)
	wantBound(t, s.tell(t, resultQuery, paidMessage), "pending", "", "")
	g.replies(func(c *call) []byte { return g.success(c, paidAnswer) })
	wantBound(t, s.call(t, "/query", `{"transactionID":"2601021234567890123456789"}`).header, "pending", "", "query")

	const back = `{"transactionID":"2601021234567890123456789","orderID":"A-1","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260102030405","orderDescription":"x"}`
	g.replies(func(c *call) []byte { return g.success(c, "{}") })
	first := s.call(t, "/refund", back, "Idempotency-Key", "r1")
	first.wantOK(t, "{}")
	wantReplayed(t, s.call(t, "/refund", back, "Idempotency-Key", "r1"), first)
	const unfelt = "a call was accepted, and the record of the payment that it is about is damaged, so the payment status does not show it; ask the gateway with query"
	if n := len(s.logLines(t, unfelt)); n != 1 {
		t.Errorf("the log says %d times that the refund does not show", n)
	}
}
