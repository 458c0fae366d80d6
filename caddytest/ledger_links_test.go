package caddytest

import (
	"strings"
	"testing"
)

const (
	link = `{"orderID":"A-1","orderName":"x","orderAmount":109000,"orderCurrency":"VND","orderDescription":"x","expiryDuration":1,"expiryUnit":"DAY",` +
		`"paymentMethods":["QRPAY"],"paymentFields":["email"]}`
	linkAnswer  = `{"orderNo":"555","paymentLink":"https://pay.example/l/555"}`
	linkMessage = `{"requestID":"` + orderKey + `","responseDateTime":"20260102030405","responseCode":"200","responseMessage":"Success",` +
		`"responseData":{"orderNo":"555","orderAmount":"109000","orderCurrency":"VND","orderDescription":"x"}}`
)

// A payment link has no transactionID. Its messages name the gateway's orderNo, and are found by their requestID; the app is told its
// own orderID.
func TestLedgerPaymentLink(t *testing.T) {
	replace := func(old, replacement string) string { return strings.Replace(linkMessage, old, replacement, 1) }
	for name, test := range map[string]struct{ message, status, order, orderID string }{
		"the same":         {linkMessage, "paid", "matched", "A-1"},
		"another amount":   {replace(`"109000"`, `"109001"`), "disputed", "mismatched", "A-1"},
		"another currency": {replace(`"VND"`, `"USD"`), "disputed", "mismatched", "A-1"},
		"no amount":        {replace(`"orderAmount":"109000",`, ""), "paid", "unknown", "A-1"},
		"cancelled":        {replace(`"responseCode":"200"`, `"responseCode":"499"`), "cancelled", "matched", "A-1"},
		"not signed here":  {replace(orderKey, "another"), "paid", "unknown", "555"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBoundSidecar(t, "", "reconcile off\n")
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, linkAnswer) })
			first := s.call(t, "/createPaymentLink", link, "Idempotency-Key", orderKey)
			first.wantOK(t, linkAnswer)
			for _, w := range []way{ipnJSON, resultQuery} {
				header := s.tell(t, w, test.message)
				operation := "createPaymentLink"
				if test.orderID == "555" {
					operation = ""
				}
				wantBound(t, header, test.status, test.order, operation)
				if got := header.Get("Galaxypay-Order-Id"); got != test.orderID {
					t.Errorf("Galaxypay-Order-Id %q, want %q", got, test.orderID)
				}
			}
			again := s.call(t, "/createPaymentLink", link, "Idempotency-Key", orderKey)
			if test.status == "cancelled" {
				again.wantProblem(t, 402, "payment_cancelled", "rejected")
				return
			}
			wantReplayed(t, again, first)
		})
	}
}
