package caddytest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Every caller that is let in can sign payments in the merchant's name, so admission goes by the
// address of the connection.
func TestCallAdmissionByAddress(t *testing.T) {
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
		_, p := s.wantNotSent(t, "/pay", payment)
		if p.Status != http.StatusForbidden || p.Code != "caller_not_allowed" {
			t.Errorf("HTTP %d %s, want 403 caller_not_allowed", p.Status, p.Code)
		}
	})
}

// serveFrom gives a request straight to the only server, as if it came from this address.
func serveFrom(t *testing.T, remote string, header ...string) httpAnswer {
	t.Helper()
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/pay", strings.NewReader(payment))
	r.RemoteAddr = remote
	r.Header = headerOf(asJSON(header))
	w := httptest.NewRecorder()
	app.(*caddyhttp.App).Servers["srv0"].ServeHTTP(w, r)
	return httpAnswer{status: w.Code, header: w.Header(), body: w.Body.String()}
}

// Any client can set headers that name another address. So they neither let a stranger in nor
// keep the app out, even if Caddy trusts the proxy.
func TestCallAdmissionIgnoresForwardedAddresses(t *testing.T) {
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
	s.gateway.wantCalls(t, 0)
	if a := serveFrom(t, "127.0.0.1:5000", "X-Forwarded-For", "192.0.2.1"); a.status != http.StatusOK {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// A web page that is open on this machine can post to localhost, but its browser adds
// Origin. The sidecar refuses such a request, whatever the value is.
func TestCallAdmissionRefusesWebPages(t *testing.T) {
	s := newSidecar(t)
	for _, origin := range []string{"https://evil.example", "null", "http://localhost:9180", "", "file://"} {
		t.Run(origin, func(t *testing.T) {
			_, p := s.wantNotSent(t, "/pay", payment, "Origin", origin)
			if p.Status != http.StatusForbidden || p.Code != "caller_not_allowed" {
				t.Errorf("HTTP %d %s, want 403 caller_not_allowed", p.Status, p.Code)
			}
		})
	}
	// The preflight request of such a page gets no permission either.
	a := s.do(t, http.MethodOptions, s.url("9180")+"/pay", nil,
		"Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	a.wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("header %s in the answer to a web page", name)
		}
	}
}

// The file mode of a unix socket decides who may call, so allow does not apply.
func TestCallAdmissionThroughUnixSocket(t *testing.T) {
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
