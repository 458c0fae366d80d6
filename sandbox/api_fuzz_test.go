package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

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
			return // what it asks for is not an answer
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
