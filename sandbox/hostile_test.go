package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// What one merchant has is unknown to every other one.
func TestMerchantsAreApart(t *testing.T) {
	one, other := serve(t, &Handler{APIKey: "one"}), serve(t, &Handler{APIKey: "other"})
	id, page := one.pay("")
	token := one.createToken("create-1")
	one.press(page, "success")
	for name, s := range map[string]struct{ path, data, want string }{
		"query":          {"transaction/query", `{"transactionID":"` + id + `"}`, "transactionID is unknown"},
		"refund":         {"transaction/refund", `{"transactionID":"` + id + `"` + back("1", "VND") + `}`, "transactionID is unknown"},
		"pay with token": {"transaction/pay", charging(token), "token is unknown or ended"},
		"fast pay":       {"transaction/pay", fast(`,"token":"` + token + `"`), "token is unknown or ended"},
		"delete token":   {"tokenization/deleteToken", `{"token":"` + token + `"}`, "token is unknown or ended"},
	} {
		if answer := other.ask("/api/v1/"+s.path, envelope(name, s.data)); answer.ResponseCode != "400" || answer.ResponseMessage != s.want {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	if _, response := other.open("/pay/"+id, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("page: HTTP %d", response.StatusCode)
	}
	if cards := other.cards(); len(cards) != 0 {
		t.Errorf("cards %v", cards)
	}
	other.pay("") // under the same requestID
}

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
		t.Error("the app was told of a payment that is forgotten")
	}
	g.walk(id, []step{{"capture", "", "", "400", "transactionID is unknown"}, {"refund", "", back("1", "VND"), "400", "transactionID is unknown"}})
	if answer := g.ask("/api/v1/transaction/pay", envelope("pay-1", purchase(""))); answer.ResponseCode != "409" {
		t.Errorf("its requestID gets %s", answer.ResponseCode)
	}
}

// Whatever a merchant signs, the answer is signed and has a code.
func FuzzAPI(f *testing.F) {
	for _, op := range operation.All() {
		f.Add(op.Path, envelope("1", string(op.Example)))
		f.Add(op.Path, envelope("1", override(string(op.Example), `,"apiOperation":"FAST_PAY","orderAmount":"1e-99","token":{},"cardNumber":[1]`)))
	}
	f.Add("/api/v1/transaction/pay", requestCurrent)
	f.Add("/api/v1/transaction/pay", `{"requestID":{},"requestDateTime":[],"requestData":{"extraData":[]}}`)
	f.Add("/api/v1/transaction/pay", `{"requestData":`+strings.Repeat(`{"a":[`, 5000)+strings.Repeat(`]}`, 5000)+`}`)
	ctx, release := caddy.NewContext(caddy.Context{Context: f.Context()})
	f.Cleanup(release)
	h := new(Handler)
	if err := h.Provision(ctx); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = h.Cleanup() })
	h.Silence()
	f.Fuzz(func(t *testing.T, path, body string) {
		if strings.Contains(body, "sandboxFault") || strings.Contains(body, `\u00`) {
			return // what it asks for is no answer
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/", strings.NewReader(body))
		request.URL.Path = path
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Apikey", defaultAPIKey)
		request.Header.Set("Signature", hash(body, defaultSalt))
		recorder := httptest.NewRecorder()
		h.api.serve(recorder, request)
		answer := recorder.Body.String()
		if len(body) > maxRequestBody {
			return
		}
		if code := decode[answered](t, answer).ResponseCode; recorder.Code != http.StatusOK || code != "200" && code != "400" && code != "409" {
			t.Errorf("HTTP %d: %s", recorder.Code, answer)
		}
		if signed := recorder.Header()["signature"]; len(signed) != 1 || signed[0] != hash(answer, defaultSalt) { //nolint:staticcheck // SA1008: spelled as on the wire
			t.Errorf("signed %q: %s", signed, answer)
		}
	})
}
