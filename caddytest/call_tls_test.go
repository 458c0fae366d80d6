package caddytest

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
)

// A gateway behind TLS is reached with the options of reverse_proxy's transport, over both
// versions of HTTP. Over HTTP/2 a payment is not sent again either.
func TestCallOverTLS(t *testing.T) {
	for name, test := range map[string]struct {
		options []string
		proto   string
	}{
		"HTTP/1.1 unless said otherwise": {nil, "HTTP/1.1"},
		"HTTP/2":                         {[]string{"versions 2"}, "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int32
			var broken atomic.Bool
			proto := make(chan string, 10)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				proto <- r.Proto
				text, err := io.ReadAll(r.Body)
				if err != nil || r.Header.Get("signature") != sign(string(text), testSalt) || r.Header.Get("apiKey") != testAPIKey {
					t.Errorf("signature %q, apiKey %q, error %v", r.Header.Get("signature"), r.Header.Get("apiKey"), err)
				}
				if broken.Load() {
					panic(http.ErrAbortHandler)
				}
				body := envelope((&call{body: string(text)}).requestID(), "200", "Success", paid)
				w.Header().Set("signature", sign(body, testSalt))
				_, _ = io.WriteString(w, body)
			}))
			server.EnableHTTP2 = true
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
			server.StartTLS()
			t.Cleanup(server.Close)

			options := append([]string{"transport http {", "tls_trust_pool file " + certificateOf(t, server), "tls_server_name example.com"}, test.options...)
			s := sidecar{caddyServer: start(t, sidecarConfig(merchantAt(t, server.URL, testAPIKey, testSalt), append(options, "}")...))}
			s.call(t, "/pay", payment).wantOK(t, paid)
			if got := <-proto; got != test.proto {
				t.Errorf("%s, want %s", got, test.proto)
			}
			broken.Store(true)
			s.call(t, "/pay", payment).wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
			if n := served.Load(); n != 2 {
				t.Errorf("the gateway got %d requests, want 2", n)
			}
			s.stop()
		})
	}
}

// tls_insecure_skip_verify works in the sandbox, where it is allowed.
func TestCallTLSSkipVerifyInSandbox(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := envelope(r.Header.Get("X"), "200", "Success", "{}")
		w.Header().Set("signature", sign(body, testSalt))
		_, _ = w.Write([]byte(body))
	}))
	server.Config.ErrorLog = zap.NewStdLog(zap.NewNop()) // about the handshake that must fail
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, skip := range []bool{true, false} {
		option := ""
		if skip {
			option = "tls_insecure_skip_verify"
		}
		c := start(t, sidecarConfig("environment sandbox\nbase_url "+server.URL, "transport http {", option, "}"))
		a := c.post(t, c.url("9180")+"/pay", payment)
		if skip {
			a.wantProblem(t, http.StatusBadGateway, "response_malformed", "unknown") // the call got through, to a reply without its requestID
		} else {
			a.wantProblem(t, http.StatusBadGateway, "gateway_unreachable", "not_sent")
		}
		c.stop()
	}
}

// certificateOf writes the server's certificate to a file.
func certificateOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
