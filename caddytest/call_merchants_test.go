package caddytest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Two merchants share nothing: each signs with its own key pair at its own gateway, and a reply
// that is signed with the salt of the other one proves nothing.
func TestCallTwoMerchantsShareNothing(t *testing.T) {
	shop, airline, merchants := twoMerchants(t)
	c := start(t, merchants+`
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			galaxypay {
				merchant airline
			}
		}
		http://:9182 {
			galaxypay {
				merchant default
			}
		}`)
	for port, test := range map[string]struct {
		name string
		own  *gateway
	}{"9180": {"default", shop}, "9181": {"airline", airline}, "9182": {"default", shop}} {
		a := c.post(t, c.url(port)+"/pay", payment)
		a.wantOK(t, paid)
		if got := a.header.Get("Galaxypay-Merchant"); got != test.name {
			t.Errorf("Galaxypay-Merchant %q, want %q", got, test.name)
		}
		got := test.own.last(t)
		if got.value("apiKey") != test.own.apiKey || got.value("signature") != sign(got.body, test.own.salt) {
			t.Errorf("%s: apiKey %q or signature is not the merchant's", test.name, got.value("apiKey"))
		}
	}
	if len(shop.calls()) != 2 || len(airline.calls()) != 1 {
		t.Errorf("%d and %d requests, want 2 and 1", len(shop.calls()), len(airline.calls()))
	}

	airline.replies(func(c *call) []byte { return shop.success(c, paid) })
	c.post(t, c.url("9181")+"/pay", payment).wantProblem(t, http.StatusBadGateway, "response_signature_invalid", "unknown")
}

// twoMerchants runs a gateway for each of two merchants, default and airline. It returns the global
// option, too.
func twoMerchants(t *testing.T) (shop, airline *gateway, merchants string) {
	t.Helper()
	shop, airline = newGateway(t), newGateway(t)
	airline.apiKey, airline.salt = "airline-key", "airline-salt-of-32-characters-xx"
	return shop, airline, `
		{
			galaxypay {
				` + shop.merchant(t) + `
				merchant airline {
					` + airline.merchant(t) + `
				}
			}
		}
		`
}

// Calls at the same time do not mix their bytes: each gets its own answer, signed by and for its
// own merchant.
func TestCallsAtTheSameTimeStayApart(t *testing.T) {
	shop, airline, merchants := twoMerchants(t)
	for _, g := range []*gateway{shop, airline} {
		g.replies(func(c *call) []byte {
			if c.value("apiKey") != g.apiKey || c.value("signature") != sign(c.body, g.salt) {
				t.Errorf("request %s is not of this merchant", c.body)
			}
			m := madeEnvelope.FindStringSubmatch(c.body)
			if m == nil {
				t.Errorf("request %s", c.body)
				return nil
			}
			return g.success(c, m[3]) // what was posted
		})
	}
	c := start(t, merchants+`
		http://:9180 {
			galaxypay {
				validate off
			}
		}
		http://:9181 {
			galaxypay {
				validate off
				merchant airline
			}
		}`)
	const workers, calls = 12, 40
	c.transport().MaxIdleConnsPerHost = workers
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range calls {
				port := []string{"9180", "9181"}[(worker+i)%2]
				id := fmt.Sprintf("call-%d-%d", worker, i)
				body := fmt.Sprintf(`{"id":%q,"padding":%q}`, id, strings.Repeat(id, i*worker%70))
				a, err := c.tryPost(t.Context(), c.url(port)+"/query", body, "Idempotency-Key", id)
				if err != nil || a.status != http.StatusOK || a.body != body || a.header.Get("Galaxypay-Request-Id") != id {
					t.Errorf("%s: %v, HTTP %d: %s", id, err, a.status, a.body)
				}
			}
		})
	}
	group.Wait()
	if n := len(shop.calls()) + len(airline.calls()); n != workers*calls {
		t.Errorf("the gateways got %d requests, want %d", n, workers*calls)
	}
}

// After a rotation the gateway may use the old salt for a while. So a previous salt verifies until
// it expires, but it never signs.
func TestCallPreviousSaltsVerifyAndNeverSign(t *testing.T) {
	g := newGateway(t)
	t.Setenv("TEST_OLD", "old salt")
	t.Setenv("TEST_OLDER", "older salt")
	t.Setenv("TEST_EXPIRED", "expired salt")
	oldSalt := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(oldSalt, []byte("salt in a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	merchant := g.merchant(t) + `
		previous_salt {env.TEST_OLD}
		previous_salt {env.TEST_OLDER} until ` + time.Now().Add(time.Hour).Format(time.RFC3339) + `
		previous_salt {env.TEST_EXPIRED} until ` + time.Now().Add(-time.Second).UTC().Format(time.RFC3339) + `
		previous_salt {file.` + oldSalt + `} until 2999-12-31T00:00:00+07:00
		`
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	for salt, proven := range map[string]bool{
		testSalt:         true,
		"old salt":       true,
		"older salt":     true,
		"salt in a file": true,
		"expired salt":   false,
		"unknown salt":   false,
		"":               false,
	} {
		t.Run(salt, func(t *testing.T) {
			g.replies(func(c *call) []byte {
				body := envelope(c.requestID(), "200", "Success", paid)
				return httpResponse(200, body, "signature", sign(body, salt))
			})
			a := s.call(t, "/pay", payment)
			if proven {
				a.wantOK(t, paid)
			} else {
				a.wantProblem(t, http.StatusBadGateway, "response_signature_invalid", "unknown")
			}
			if got := g.last(t); got.value("signature") != sign(got.body, testSalt) {
				t.Error("the request was not signed with the current salt")
			}
		})
	}
	if warnings := fmt.Sprint(s.logLines(t, "a previous salt has expired and no longer verifies; remove it")); strings.Count(warnings, "default") != 1 {
		t.Errorf("warnings of an expired salt: %s", warnings)
	}
}
