package galaxypay

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
)

// newSandbox is a gateway that proves signatures and reads envelopes with code of its
// own. Tests alone may know it.
func newSandbox(f *testing.F) *sandbox.Handler {
	f.Helper()
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		f.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = nowhere // where Caddy logs without a configuration
	defer func() { os.Stderr = stderr }()
	ctx, release := caddy.NewContext(caddy.Context{Context: f.Context()})
	h := new(sandbox.Handler)
	if err := h.Provision(ctx); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		_ = h.Cleanup() // nothing is left to report
		release()
		_ = nowhere.Close()
	})
	return h
}

// Sidecar and sandbox have nothing in common but the gateway's documents. What one
// signs and wraps, the other proves and reads, in both directions; and of a signature
// that an attacker made up both think the same.
func FuzzAgainstSandbox(f *testing.F) {
	for i, op := range operation.All() {
		f.Add(op.Name, []byte(op.Example), "key-"+op.Name, strings.Repeat("0", 64))
		f.Add(op.Name, []byte(" "+string(op.Example)+"\n"), "", plainSignature(op.Name, sandboxSalt)[i:])
	}
	f.Add("pay", []byte(`{"requestID":"own","requestDateTime":20260615190000,"requestData":{ "orderID":"\u0041" }}`), "", "")
	f.Add("query", []byte(`{"transactionID":1.0,"a":"\ud83d","b":{"c":[]}}`), "k", "ab")
	s := signer{salt: []byte(sandboxSalt)}
	p := &Proxy{metrics: freshMetrics(), merchant: &merchant{contact: newContact(), secrets: &secrets{apiKey: sandboxAPIKey, signer: s}}}
	h := newSandbox(f)
	ask := func(t *testing.T, path string, message []byte, signature string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(message)))
		r.URL.Path, r.RemoteAddr, r.Host = path, "127.0.0.1:1", "127.0.0.1:9190"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("apiKey", sandboxAPIKey)
		r.Header.Set("signature", signature)
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(nil)); err != nil {
			t.Fatal(err)
		}
		return w
	}
	ops := operation.All()
	f.Fuzz(func(t *testing.T, name string, body []byte, key, forged string) {
		for _, wish := range []string{"sandboxFault", "ipnURL", `\u00`} { // faults and calls back, if need be with escapes
			if strings.Contains(string(body), wish) || len(body) > defaultMaxBody {
				t.Skip("asks for more than an answer")
			}
		}
		req, fault := parseRequest(body)
		if fault != nil || req.checkEnvelope() != nil {
			t.Skip("not for the gateway")
		}
		x := &call{request: req, operation: &ops[0]}
		for i := range ops {
			if ops[i].Name == name {
				x.operation = &ops[i]
			}
		}
		p.complete(x)
		if !x.request.enveloped {
			x.request.key = key
		}
		p.wrap(x)

		w := ask(t, x.operation.Path, x.envelope, s.sign(x.envelope))
		x.reply = reply{status: w.Code, body: w.Body.Bytes()}
		for name, values := range w.Header() {
			if strings.EqualFold(name, "signature") {
				x.reply.signature = values[0]
			}
		}
		if failed := p.verify(x); failed != nil {
			t.Fatalf("%s\nis answered by HTTP %d, unproven: %s", x.envelope, w.Code, w.Body)
		}
		failed := p.unwrap(x)
		if failed != nil && failed.Code != problem.CodeGatewayBadRequest && failed.Code != problem.CodeTransactionDuplicate {
			t.Errorf("%s\nis answered by %s: %s", x.envelope, w.Body, outcomeOf(failed))
		}
		if said := x.opened.responseMessage(); said == "the body has a field twice" || said == "the body is not one JSON object in UTF-8" {
			t.Errorf("of %s the sandbox says: %s", x.envelope, said)
		}

		known := ask(t, "/api/v1/nowhere", x.envelope, forged).Code == http.StatusOK
		if verdict := s.verify(x.envelope, forged, today); known != verdict.isProven() {
			t.Errorf("the sandbox knows the signature %q: %t, here the verdict is %d", forged, known, verdict)
		}
	})
}
