package caddytest

import (
	"fmt"
	"net/http"
	"testing"
)

// publishedRequests are the gateway's published requests with their signatures, from its PDFs v3.5
// to v3.6.1 and v3.0 to v3.4. utf8 is our own, computed outside of this project's code.
var publishedRequests = []struct{ name, body, signature string }{
	{
		name:      "request-current",
		body:      `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}}`,
		signature: "b4b7cb5596680bb343f399922fc32e63fd69191c573e83c0383fd734531eab03",
	},
	{
		name:      "request-v3.0",
		body:      `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","cardType":"atm","bank":"970437","otp":"on","request":"purchase","token":"","language":"vi"}}`,
		signature: "ca1421b4227600b2ef1803d9401625a36e8e37fe8ef285268ce02192a954d7e9",
	},
	{
		name:      "utf8",
		body:      `{"requestID":"1","requestDateTime":"20240101000000","requestData":{"orderDescription":"Hồ Chí Minh"}}`,
		signature: "2286f6540987546da52a389c0a2a50b96aa5c4a12570c6a82432b2245699765b",
	},
}

func TestCallVectorsOfRequests(t *testing.T) {
	s := newSidecar(t, "validate off")
	for i, v := range publishedRequests {
		t.Run(v.name, func(t *testing.T) {
			s.call(t, "/pay", v.body).wantOK(t, paid)
			got := s.gateway.calls()[i]
			if got.body != v.body {
				t.Errorf("the gateway got\n%s, want\n%s", got.body, v.body)
			}
			if got.value("signature") != v.signature {
				t.Errorf("signature %s, want %s", got.value("signature"), v.signature)
			}
		})
	}
}

// The other two vectors are not requests, but can be replies: the same object in two layouts. Only
// the bytes that are hashed differ.
func TestCallVectorsOfReplies(t *testing.T) {
	const (
		pretty  = "{\n  \"requestID\": \"1\"\n}"
		compact = `{"requestID":"1"}`
	)
	signatures := map[string]string{
		pretty:  "689e0559e1cba2391c1307e94333f103203d518cf440ce9da0ce8326a275d4d5",
		compact: "60ed813f0af862cd8a7f31c372b51a91d6d26676f190c00a69b26675cb77a965",
	}
	s := newSidecar(t, "validate off")
	for _, sent := range []string{pretty, compact} {
		for _, signed := range []string{pretty, compact} {
			t.Run(fmt.Sprintf("%d bytes signed as %d", len(sent), len(signed)), func(t *testing.T) {
				s.gateway.replies(func(*call) []byte {
					return httpResponse(http.StatusOK, sent, "signature", signatures[signed])
				})
				code := "response_signature_invalid"
				if sent == signed {
					code = "response_code_unexpected" // proven, and without a responseCode
				}
				s.call(t, "/pay", publishedRequests[2].body).wantProblem(t, http.StatusBadGateway, code, "unknown")
			})
		}
	}
}
