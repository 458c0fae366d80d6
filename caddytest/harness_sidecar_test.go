package caddytest

import (
	"strings"
	"testing"
)

// sidecar is a Caddy with one site, which sends the app's calls to a stand-in for the gateway.
type sidecar struct {
	*caddyServer
	gateway *gateway
}

// newSidecar runs the directive galaxypay with the given options.
func newSidecar(t *testing.T, options ...string) sidecar {
	t.Helper()
	return sidecarAt(t, newGateway(t), options...)
}

// sidecarAt is newSidecar for a gateway that runs already.
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

// call posts JSON to the sidecar, with further headers given as name, value ... The description must have the answer.
func (s sidecar) call(t *testing.T, path, body string, header ...string) httpAnswer {
	t.Helper()
	a := s.post(t, s.url("9180")+path, body, header...)
	s.wantDescribed(t, path, a)
	return a
}

// wantNotSent posts JSON that must not reach the gateway, and returns the refusal.
func (s sidecar) wantNotSent(t *testing.T, path, body string, header ...string) (httpAnswer, problem) {
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

// catalogued is an operation with its path and its fixed fields.
type catalogued struct{ name, path, fixed string }

// catalogue is the sixteen operations by short name, with the path that the gateway documents
// and the fields that make a request that operation, as the sidecar adds them to {}. It is
// copied by hand from the gateway's pages, so that a mistake in the product's catalogue shows.
var catalogue = []catalogued{
	{"pay", "/api/v1/transaction/pay", `{"apiOperation":"PAY"}`},
	{"payWithCreateToken", "/api/v1/transaction/pay", `{"apiOperation":"PAY_WITH_CREATE_TOKEN"}`},
	{"payWithToken", "/api/v1/transaction/pay", `{"apiOperation":"PAY","sourceOfFund":"TOKEN"}`},
	{"payWithOption", "/api/v1/transaction/payWithOption", `{}`},
	{"payWithQR", "/api/v1/transaction/payWithQR", `{"apiOperation":"PAY"}`},
	{"checkout", "/api/v1/transaction/checkout", `{}`},
	{"createPaymentLink", "/api/v1/transaction/createPaymentLink", `{}`},
	{"fastPay", "/api/v1/transaction/pay", `{"apiOperation":"FAST_PAY"}`},
	{"createToken", "/api/v1/tokenization/createToken", `{}`},
	{"deleteToken", "/api/v1/tokenization/deleteToken", `{}`},
	{"queryTokens", "/api/v1/tokenization/queryTokens", `{}`},
	{"removeToken", "/api/v1/tokenization/removeToken", `{}`},
	{"query", "/api/v1/transaction/query", `{}`},
	{"refund", "/api/v1/transaction/refund", `{}`},
	{"void", "/api/v1/transaction/void", `{}`},
	{"capture", "/api/v1/transaction/capture", `{}`},
}

// The default of max_body.
const maxBody = 64 << 10
