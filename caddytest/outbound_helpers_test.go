package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// sidecar is a Caddy whose one site takes the app's calls for a fake gateway.
type sidecar struct {
	*caddyServer
	gateway *gateway
}

// newSidecar runs the directive galaxypay with the given options.
func newSidecar(t *testing.T, options ...string) sidecar {
	t.Helper()
	return sidecarAt(t, newGateway(t), options...)
}

// sidecarAt is newSidecar for a gateway that exists already.
func sidecarAt(t *testing.T, g *gateway, options ...string) sidecar {
	t.Helper()
	return sidecar{start(t, sidecarConfig(g.merchant(t), options...)), g}
}

// sidecarConfig is the Caddyfile of a sidecar.
func sidecarConfig(merchant string, options ...string) string {
	return `
		{
			galaxypay {
				` + merchant + `
			}
		}
		http://:9180 {
			galaxypay {
				` + strings.Join(options, "\n") + `
			}
		}
		`
}

// call posts JSON to the sidecar, with further headers given as name, value ...
func (s sidecar) call(t *testing.T, path, body string, header ...string) answered {
	t.Helper()
	return s.post(t, s.url("9180")+path, body, header...)
}

// refused posts JSON that must not get through to the gateway.
func (s sidecar) refused(t *testing.T, path, body string, header ...string) (answered, problem) {
	t.Helper()
	before := len(s.gateway.calls())
	a := s.call(t, path, body, header...)
	if n := len(s.gateway.calls()) - before; n != 0 {
		t.Fatalf("the gateway got %d requests, want none", n)
	}
	p := a.problem(t)
	if p.Outcome != "not_sent" {
		t.Errorf("outcome %q, want not_sent", p.Outcome)
	}
	return a, p
}

// wantOK checks a success and its body.
func (a answered) wantOK(t *testing.T, body string) {
	t.Helper()
	if a.status != http.StatusOK || a.body != body {
		t.Fatalf("HTTP %d: %s; want 200: %s", a.status, a.body, body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q, want application/json", got)
	}
}

// wantProblem checks a refusal's status, code and outcome.
func (a answered) wantProblem(t *testing.T, status int, code, outcome string) problem {
	t.Helper()
	p := a.problem(t)
	if a.status != status || p.Code != code || p.Outcome != outcome {
		t.Fatalf("HTTP %d, code %s, outcome %s; want %d, %s, %s: %s", a.status, p.Code, p.Outcome, status, code, outcome, a.body)
	}
	return p
}

// payment is a body that the tests post where its content does not matter.
const payment = `{"orderID":"ORDER-1","orderAmount":12.50,"orderCurrency":"VND","orderDateTime":"20260615190000",` +
	`"orderDescription":"Cà phê","paymentMethod":"DOMESTIC","transactionID":"2306154612216981190343178"}`

// paid is the responseData of the gateway fake's default answer.
const paid = `{"endpoint":"https://pay.example/1"}`

// requestData takes the posted bytes out of an envelope of the sidecar's, whose
// shape it checks by hand.
func (c *call) requestData(t *testing.T) string {
	t.Helper()
	m := wrapped.FindStringSubmatch(c.body)
	if m == nil {
		t.Fatalf("the gateway got %q, want the sidecar's envelope", c.body)
	}
	return m[3]
}
