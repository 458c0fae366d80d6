package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// A message under the requestID of another merchant's call does not fit, whichever key pair has signed it: the callback address, or
// the key pair, is the other one's.
func TestLedgerMessageOfAnotherMerchant(t *testing.T) {
	g, app := newGateway(t), newApp(t)
	c := start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\nreconcile off\nmerchant airline {\n"+g.merchant(t)+"}\n")+`
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				merchant airline
			}
			galaxypay_result /galaxypay/result {
				merchant airline
			}
			reverse_proxy `+app.address+`
		}
		http://:9183 {
			galaxypay {
				merchant airline
			}
		}`)
	s := boundSidecar{sidecar{c, g}, app}
	s.pay(t, order)
	for _, w := range []way{ipnJSON, resultQuery} {
		wantBound(t, s.tell(t, w, paidMessage), "disputed", "mismatched", "")
	}
	// The airline may use the same requestID for a call of its own.
	s.post(t, s.url("9183")+"/pay", strings.Replace(order, "A-1", "B-1", 1), "Idempotency-Key", orderKey).wantStatus(t, http.StatusOK)
	for _, w := range []way{ipnJSON, resultQuery} {
		wantBound(t, s.tell(t, w, paidMessage), "disputed", "mismatched", "pay")
		wantBound(t, s.tell(t, w, strings.Replace(paidMessage, "A-1", "B-1", 1)), "paid", "matched", "pay")
	}
}
