package caddytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serveFrom hands a request straight to the only server, as if it came from that
// address.
func serveFrom(t *testing.T, remote string, header ...string) answered {
	t.Helper()
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/pay", strings.NewReader(payment))
	r.RemoteAddr = remote
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	app.(*caddyhttp.App).Servers["srv0"].ServeHTTP(w, r)
	return answered{status: w.Code, header: w.Header(), body: w.Body.String()}
}

// Whoever may call can sign payments in the merchant's name.
func TestAllow(t *testing.T) {
	for option, remotes := range map[string]map[string]bool{
		"": {
			"127.0.0.1:5000":          true,
			"127.9.8.7:5000":          true,
			"[::1]:5000":              true,
			"[::ffff:127.0.0.1]:5000": true,
			"192.0.2.1:5000":          false,
			"10.0.0.1:5000":           false,
			"192.168.1.1:5000":        false,
			"172.17.0.1:5000":         false,
			"0.0.0.0:5000":            false,
			"[::]:5000":               false,
			"[fe80::1%eth0]:5000":     false,
			"[fd00::1]:5000":          false,
			"[::ffff:10.0.0.1]:5000":  false,
			"[2001:db8::1]:5000":      false,
			"":                        false,
			"@":                       false,
			"localhost:5000":          false,
			"127.0.0.1":               false, // no address of a connection
		},
		"allow 10.0.0.0/8 2001:db8::7": {
			"10.1.2.3:5000":           true,
			"[::ffff:10.0.0.1]:5000":  true,
			"[2001:db8::7]:5000":      true,
			"[2001:db8::8]:5000":      false,
			"127.0.0.1:5000":          false, // allow replaces the default
			"[::1]:5000":              false,
			"11.0.0.1:5000":           false,
			"[::ffff:127.0.0.1]:5000": false,
		},
		"allow private_ranges": {
			"10.1.2.3:5000":       true,
			"192.168.1.1:5000":    true,
			"172.16.0.1:5000":     true,
			"127.0.0.1:5000":      true,
			"[::1]:5000":          true,
			"[fd00::1]:5000":      true,
			"172.32.0.1:5000":     false,
			"192.0.2.1:5000":      false,
			"[2001:db8::1]:5000":  false,
			"100.64.0.1:5000":     false,
			"169.254.169.254:500": false,
		},
	} {
		t.Run(option, func(t *testing.T) {
			s := newSidecar(t, option)
			for remote, allowed := range remotes {
				before := len(s.gateway.calls())
				a := serveFrom(t, remote)
				if allowed {
					if a.status != http.StatusOK {
						t.Errorf("from %q: HTTP %d: %s", remote, a.status, a.body)
					}
					continue
				}
				a.wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
				if len(s.gateway.calls()) != before {
					t.Errorf("from %q: the gateway got a request", remote)
				}
			}
		})
	}

	// The same over a real connection, which comes from 127.0.0.1.
	t.Run("loopback refused", func(t *testing.T) {
		s := newSidecar(t, "allow 10.0.0.0/8")
		_, p := s.refused(t, "/pay", payment)
		if p.Status != http.StatusForbidden || p.Code != "caller_not_allowed" {
			t.Errorf("HTTP %d %s, want 403 caller_not_allowed", p.Status, p.Code)
		}
	})
}

// Headers that name another address can be set by anybody, so they neither let a
// stranger in nor keep the app out, even if Caddy trusts the proxy.
func TestForwardedAddressMeansNothing(t *testing.T) {
	g := newGateway(t)
	s := sidecar{start(t, `
		{
			galaxypay {
				`+g.merchant(t)+`
			}
			servers {
				trusted_proxies static 0.0.0.0/0
			}
		}
		http://:9180 {
			galaxypay
		}`), g}
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
		value := "127.0.0.1"
		if header == "Forwarded" {
			value = "for=127.0.0.1"
		}
		serveFrom(t, "192.0.2.1:5000", header, value).wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
	}
	if n := len(s.gateway.calls()); n != 0 {
		t.Errorf("the gateway got %d requests", n)
	}
	if a := serveFrom(t, "127.0.0.1:5000", "X-Forwarded-For", "192.0.2.1"); a.status != http.StatusOK {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// A web page that is open on this machine can post to localhost, but its browser adds
// Origin. Such a request is refused whatever the value is.
func TestOriginRefused(t *testing.T) {
	s := newSidecar(t)
	for _, origin := range []string{"https://evil.example", "null", "http://localhost:9180", "", "file://"} {
		t.Run(origin, func(t *testing.T) {
			_, p := s.refused(t, "/pay", payment, "Origin", origin)
			if p.Status != http.StatusForbidden || p.Code != "caller_not_allowed" {
				t.Errorf("HTTP %d %s, want 403 caller_not_allowed", p.Status, p.Code)
			}
		})
	}
	// The preflight request of such a page gets no leave either.
	a := s.do(t, http.MethodOptions, s.url("9180")+"/pay", http.Header{
		"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"},
	}, nil)
	a.wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("header %s in the answer to a web page", name)
		}
	}
}

// Who may open a unix socket is decided by its file mode, so allow has no say.
func TestUnixSocket(t *testing.T) {
	g := newGateway(t)
	socket := filepath.Join(shortTempDir(t), "sidecar.sock")
	c := start(t, `
		{
			galaxypay {
				`+g.merchant(t)+`
			}
		}
		http://:9180 {
			bind unix/`+socket+`
			galaxypay
		}`)
	c.throughSocket(socket)
	c.post(t, "http://localhost/pay", payment).wantOK(t, paid)
	if _, err := os.Stat(socket); err != nil {
		t.Error(err)
	}
}

// shortTempDir is for unix sockets, whose paths may not be longer than about a hundred
// bytes.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddy") //nolint:usetesting // t.TempDir has the test's name in its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// throughSocket sends all further requests to a unix socket.
func (c *caddyServer) throughSocket(path string) {
	c.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// Two merchants share nothing: each signs with his own pair at his own gateway, and an
// answer signed with the other's salt proves nothing.
func TestTwoMerchants(t *testing.T) {
	shop, airline := newGateway(t), newGateway(t)
	airline.apiKey, airline.salt = "airline-key", "airline-salt-of-32-characters-xx"
	c := start(t, `
		{
			galaxypay {
				`+shop.merchant(t)+`
				merchant airline {
					`+airline.merchant(t)+`
				}
			}
		}
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

	airline.answers(func(c *call) []byte { return shop.success(c, paid) })
	c.post(t, c.url("9181")+"/pay", payment).wantProblem(t, http.StatusBadGateway, "response_signature_invalid", "unknown")
}

// Calls at the same time do not get into each other's bytes: each gets its own answer,
// signed by and for its own merchant.
func TestConcurrentCalls(t *testing.T) {
	shop, airline := newGateway(t), newGateway(t)
	airline.apiKey, airline.salt = "airline-key", "airline-salt-of-32-characters-xx"
	for _, g := range []*gateway{shop, airline} {
		g.answers(func(c *call) []byte {
			if c.value("apiKey") != g.apiKey || c.value("signature") != sign(c.body, g.salt) {
				t.Errorf("request %s is not of this merchant", c.body)
			}
			m := wrapped.FindStringSubmatch(c.body)
			if m == nil {
				t.Errorf("request %s", c.body)
				return nil
			}
			return g.success(c, m[3]) // what was posted
		})
	}
	c := start(t, `
		{
			galaxypay {
				`+shop.merchant(t)+`
				merchant airline {
					`+airline.merchant(t)+`
				}
			}
		}
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
	c.client.Transport.(*http.Transport).MaxIdleConnsPerHost = workers
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range calls {
				port := []string{"9180", "9181"}[(worker+i)%2]
				id := fmt.Sprintf("call-%d-%d", worker, i)
				body := fmt.Sprintf(`{"id":%q,"padding":%q}`, id, strings.Repeat(id, i*worker%70))
				header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {id}}
				a, err := c.try(t.Context(), http.MethodPost, c.url(port)+"/query", header, strings.NewReader(body))
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

// After a rotation the gateway may go on for a while with the old salt: it verifies
// until it expires, and never signs.
func TestPreviousSalts(t *testing.T) {
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
			g.answers(func(c *call) []byte {
				body := envelope(c.requestID(), "200", "Success", paid)
				return httpAnswer(200, body, "signature", sign(body, salt))
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
