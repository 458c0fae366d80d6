package sandbox

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// A customer may sit before a page for longer than the sandbox remembers it.
func TestPaymentForgottenWhileItsPageIsOpen(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	id, page := g.pay(`,"ipnURL":"` + ipnURL + `"`)
	g.open(page, nil)
	for i := range ledger.MaxTransactions {
		if answer := g.ask("/api/v1/transaction/pay", envelope(fmt.Sprint("later-", i), purchase(""))); answer.ResponseCode != "200" {
			t.Fatalf("answer %+v", answer)
		}
	}
	for _, choice := range []string{"outcome=success", "otp=otp"} {
		if response := g.exchange(http.MethodPost, page, choice, form); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", choice, response.StatusCode)
		}
	}
	if len(ipns) != 0 {
		t.Error("the app got the IPN of a payment that is forgotten")
	}
	g.walk(id, []step{{"capture", "", "", "400", "transactionID is unknown"}, {"refund", "", back("1", "VND"), "400", "transactionID is unknown"}})
	if answer := g.ask("/api/v1/transaction/pay", envelope("pay-1", purchase(""))); answer.ResponseCode != "409" {
		t.Errorf("its requestID gets %s", answer.ResponseCode)
	}
}
