package caddytest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// A gateway, or what stands before it, that repeats what it refuses must not bring a key or card data into an app's log. Secrets that
// the test knows are published ones.
func TestCallRefusalRepeatsSecrets(t *testing.T) {
	const card, body = "9704000000000018", `{"orderID":"1","sourceOfFund":"CARD","cardNumber":"9704000000000018","cardVerificationValue":"100","extra":{"token":"canary-token-1","tokens":["canary-token-2",{"token":"canary-token-3"}]}}`
	s := newSidecar(t, "validate off")
	const key = testAPIKey
	for name, text := range map[string]string{
		"the api key":           "Invalid API key " + key,
		"the api key, capitals": strings.ToUpper(key),
		"the api key in hex":    hex.EncodeToString([]byte(key)),
		"the api key in Base64": base64.StdEncoding.EncodeToString([]byte(key)),
		"the salt":              "salt " + testSalt,
		"the card":              "Bad request: " + body,
		"the card in groups":    "card 9704 0000 0000 0018",
		"a token deep inside":   "no such token: canary-token-1",
		"a token of a list":     "no such token: canary-token-2",
		"a token in a list":     "no such token: canary-token-3",
	} {
		for _, signed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s.gateway.replies(func(c *call) []byte {
					reply := `{"requestID":"` + c.requestID() + `","responseCode":"400","responseMessage":` + jsonText(text) + `}`
					if signed {
						return s.gateway.signed(reply)
					}
					return httpResponse(http.StatusBadRequest, reply)
				})
				a := s.call(t, "/pay", body)
				if !strings.Contains(a.body, "***") || strings.Contains(strings.ToLower(a.body), strings.ToLower(text)) || strings.Contains(a.body, card) {
					t.Errorf("the problem is %s", a.body)
				}
			})
		}
	}
	t.Run("the card as the code", func(t *testing.T) {
		s.gateway.replies(func(c *call) []byte { return s.gateway.signed(envelope(c.requestID(), card, "No", `{}`)) })
		a := s.call(t, "/pay", body)
		if a.problem(t).ResponseCode != "***" || strings.Contains(a.body, card) || a.header.Get("Galaxypay-Response-Code") != "***" {
			t.Errorf("the problem is %s with %v", a.body, a.header)
		}
		if strings.Contains(s.logs(t), card) {
			t.Error("the card is in the log")
		}
	})
	t.Run("nothing of it", func(t *testing.T) {
		s.gateway.replies(func(c *call) []byte { return s.gateway.signed(envelope(c.requestID(), "400", "No such shop", `{}`)) })
		if a := s.call(t, "/pay", body); !strings.Contains(a.body, "No such shop") {
			t.Errorf("the problem is %s", a.body)
		}
	})
}
