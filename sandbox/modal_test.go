package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

// checkout opens a payment for a frame.
func (g gateway) checkout(more string) (id, page string) {
	g.Helper()
	data := purchase(`,"orderNetAmount":12.50,"orderFeeAmount":0,"orderDiscountAmount":0` + more)
	answer := g.ask("/api/v1/transaction/checkout", envelope("checkout-1", data))
	if answer.ResponseCode != "200" {
		g.Fatalf("payment refused: %+v", answer)
	}
	return answer.ResponseData["transactionID"], answer.ResponseData["endpoint"]
}

// Only a payment of checkout may be framed, before and after its end.
func TestFrames(t *testing.T) {
	for name, test := range map[string]struct {
		open func(gateway) (id, page string)
		want string
	}{
		"checkout": {func(g gateway) (string, string) { return g.checkout("") }, "frame-ancestors *"},
		"pay":      {func(g gateway) (string, string) { return g.pay("") }, "frame-ancestors 'none'"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, page := test.open(g)
			_, opened := g.open(page, nil)
			refused := g.send(page, typed(""))
			pressed := g.press(page, "success")
			for when, response := range map[string]*http.Response{"open": opened, "refused": refused, "settled": pressed} {
				if policy := response.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; "+test.want) {
					t.Errorf("%s: policy %q", when, policy)
				}
			}
		})
	}
}

// The frame has nowhere to go: it says how the payment ended, and the page around it acts.
func TestCheckoutTellsItsFrame(t *testing.T) {
	for outcome, status := range map[string]string{"success": "200", "cancel": "499", "failure": "505"} {
		t.Run(outcome, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, page := g.checkout(`,"successURL":"http://shop.example","failureURL":"http://shop.example","cancelURL":"http://shop.example"`)
			if text, _ := g.open(page, nil); strings.Contains(text, ` data-status="`) {
				t.Error("an open payment reports its end")
			}
			response := g.press(page, outcome)
			if text := read(t, response); response.StatusCode != http.StatusOK ||
				!strings.Contains(text, ` data-transaction="`+id+`" data-status="`+status+`"`) || strings.Contains(text, "shop.example") {
				t.Errorf("HTTP %d: %s", response.StatusCode, text)
			}
		})
	}
}

func TestModalScript(t *testing.T) {
	g := serve(t, new(Handler))
	for _, path := range []string{"/checkout/script-modal.js?version=20230710", "/checkout/vietjet/script-modal.js"} {
		text, response := g.open(path, nil)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
			!strings.Contains(text, "globalThis.galaxyPaySubmitPayment = (endpoint, onResult, onClose, options) =>") {
			t.Errorf("%s: HTTP %d, %s", path, response.StatusCode, response.Header.Get("Content-Type"))
		}
	}
	if _, response := g.open("/checkout/other.js", nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("another script: HTTP %d", response.StatusCode)
	}
}
