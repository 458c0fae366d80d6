package caddytest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// fault is one way for a gateway to fail in the middle of a request.
type fault struct {
	name string
	// play runs on a fresh connection; the connection is closed after it.
	play func(conn net.Conn, in *bufio.Reader)
}

// reset has the connection end with RST instead of FIN.
func reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// faults are what may go wrong after a connection was made. All of them leave it open
// whether the gateway has carried the request out.
func faults() []fault {
	var list []fault
	for _, k := range []int64{1, 10, 60, 200, 330, 380} { // in request line, headers and body
		list = append(list,
			fault{fmt.Sprintf("closed after %d bytes", k), func(_ net.Conn, in *bufio.Reader) {
				_, _ = io.CopyN(io.Discard, in, k)
			}},
			fault{fmt.Sprintf("reset after %d bytes", k), func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.CopyN(io.Discard, in, k)
				reset(conn)
			}},
		)
	}
	body := envelope("", "200", "Success", paid)
	whole := string(httpAnswer(http.StatusOK, body, "signature", sign(body, testSalt)))
	head := strings.TrimSuffix(whole, body)
	inChunks := string(chunked(body, 20, "signature", sign(body, testSalt)))
	for name, answer := range map[string]string{
		"no answer":               "",
		"one byte":                whole[:1],
		"part of the status line": "HTTP/1.1 20",
		"the status line":         "HTTP/1.1 200 OK\r\n",
		"part of the headers":     head[:len(head)-50],
		"the headers":             head,
		"part of the body":        whole[:len(whole)-10],
		"all but one byte":        whole[:len(whole)-1],
		"a chunk":                 strings.Replace(head, "Content-Length: "+fmt.Sprint(len(body)), "Transfer-Encoding: chunked", 1) + "5\r\n" + body[:5] + "\r\n",
		"all but the last chunk":  strings.TrimSuffix(inChunks, "0\r\n\r\n"),
		"part of a gzip stream":   string(httpAnswer(http.StatusOK, packed(body), "Content-Encoding", "gzip"))[:110],
		"100 Continue":            "HTTP/1.1 100 Continue\r\n\r\n",
		"early hints":             "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
		"no HTTP":                 "SSH-2.0-OpenSSH_9.7\r\n",
	} {
		list = append(list,
			fault{"request read, then closed after " + name, func(conn net.Conn, in *bufio.Reader) {
				_, _ = readCall(in)
				_, _ = io.WriteString(conn, answer)
			}},
			fault{"request read, then reset after " + name, func(conn net.Conn, in *bufio.Reader) {
				_, _ = readCall(in)
				_, _ = io.WriteString(conn, answer)
				reset(conn)
			}},
		)
	}
	return append(list, fault{"switched to another protocol", func(conn net.Conn, in *bufio.Reader) {
		_, _ = readCall(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, in) // it is the sidecar that hangs up
	}})
}

// Whatever happens after the first byte of a payment, it is not sent again, and the
// app learns that the outcome is unknown. query and queryTokens only read and are sent
// twice.
func TestFaultsAfterConnecting(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			s := newSidecar(t, "validate off")
			s.gateway.takesOver(func(conn net.Conn, in *bufio.Reader, _ int) bool {
				f.play(conn, in)
				return false
			})
			for operation, tries := range map[string]int{"pay": 1, "refund": 1, "fastPay": 1, "api/v1/other": 1, "query": 2, "queryTokens": 2} {
				before := s.gateway.accepted()
				a := s.call(t, "/"+operation, `{"transactionID":"T-1","padding":"`+strings.Repeat("x", 200)+`"}`, "Idempotency-Key", "once")
				p := a.wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
				if n := s.gateway.accepted() - before; n != tries {
					t.Errorf("%s: the gateway saw it %d times, want %d", operation, n, tries)
				}
				if p.RequestID != "once" || a.header.Get("Galaxypay-Request-Id") != "once" {
					t.Errorf("%s: requestID %q, Galaxypay-Request-Id %q; want once", operation, p.RequestID, a.header.Get("Galaxypay-Request-Id"))
				}
			}
		})
	}
}

// A whole answer that cannot be unpacked. Here the connection stays usable.
func TestAnswerInBadGzip(t *testing.T) {
	s := newSidecar(t)
	s.gateway.answers(func(c *call) []byte {
		body := envelope(c.requestID(), "200", "Success", paid)
		return httpAnswer(http.StatusOK, body, "Content-Encoding", "gzip", "signature", sign(body, testSalt))
	})
	if p := s.call(t, "/pay", payment).problem(t); p.Outcome != "unknown" || p.Status != http.StatusBadGateway {
		t.Errorf("HTTP %d, outcome %s; want 502, unknown", p.Status, p.Outcome)
	}
	s.gateway.only(t)
}

// A connection that ends before anything was read from it is the one case where both
// is right: the sidecar may or may not have noticed before it wrote.
func TestFaultBeforeReading(t *testing.T) {
	for _, end := range []string{"closed", "reset"} {
		t.Run(end, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.takesOver(func(conn net.Conn, _ *bufio.Reader, _ int) bool {
				if end == "reset" {
					reset(conn)
				}
				return false
			})
			for range 20 {
				before := s.gateway.accepted()
				p := s.call(t, "/pay", payment).problem(t)
				if got := p.Code + " " + p.Outcome; got != "gateway_no_answer unknown" && got != "gateway_unreachable not_sent" {
					t.Errorf("code and outcome: %s", got)
				}
				if n := s.gateway.accepted() - before; n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			}
		})
	}
}

// The second try of a query may succeed; it carries the same requestID.
func TestSecondTryOfQuery(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.takesOver(func(conn net.Conn, in *bufio.Reader, number int) bool {
				if number == 1 {
					f.play(conn, in)
				}
				return number > 1
			})
			a := s.call(t, "/query", `{"transactionID":"T-1","padding":"`+strings.Repeat("x", 200)+`"}`)
			a.wantOK(t, paid)
			if id := s.gateway.only(t).requestID(); id != a.header.Get("Galaxypay-Request-Id") {
				t.Errorf("requestID %q, want %q", id, a.header.Get("Galaxypay-Request-Id"))
			}
		})
	}
}

// An answer that is merely bad is an answer: even a query is not sent again.
func TestNoSecondTryAfterAnAnswer(t *testing.T) {
	s := newSidecar(t)
	for name, answer := range map[string][]byte{
		"unsigned":  httpAnswer(http.StatusOK, "{}"),
		"HTML":      httpAnswer(http.StatusBadGateway, "<html></html>"),
		"empty 503": httpAnswer(http.StatusServiceUnavailable, ""),
		"too large": httpAnswer(http.StatusOK, strings.Repeat(" ", maxBody+1)),
		"redirect":  httpAnswer(http.StatusTemporaryRedirect, "", "Location", s.gateway.url+"/api/v1/elsewhere"),
		"408":       httpAnswer(http.StatusRequestTimeout, "", "Connection", "close"),
		"401":       httpAnswer(http.StatusUnauthorized, "", "WWW-Authenticate", "Basic"),
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(*call) []byte { return answer })
			for _, operation := range []string{"pay", "query"} {
				before := len(s.gateway.calls())
				a := s.call(t, "/"+operation, payment)
				if p := a.problem(t); p.Outcome != "unknown" {
					t.Errorf("%s: outcome %q, want unknown", operation, p.Outcome)
				}
				if n := len(s.gateway.calls()) - before; n != 1 {
					t.Errorf("%s: the gateway got it %d times, want once", operation, n)
				}
			}
		})
	}
}

// On a connection that has served a request before, Go's transport is readier to send
// again. It must not be with a payment of which the gateway has seen a single byte.
func TestFaultsOnKeptAliveConnection(t *testing.T) {
	for _, k := range []int64{1, 10, 200, -1} {
		for _, end := range []string{"closed", "reset"} {
			t.Run(fmt.Sprintf("%s after %d bytes", end, k), func(t *testing.T) {
				s := newSidecar(t)
				reached := make(chan int64, 2)
				s.gateway.takesOver(func(conn net.Conn, in *bufio.Reader, _ int) bool {
					c, err := readCall(in)
					if err != nil {
						return false
					}
					_, _ = conn.Write(s.gateway.success(c, paid))

					var n int64
					if k < 0 { // the whole request
						if _, err = readCall(in); err == nil {
							n = k
						}
					} else {
						n, _ = io.CopyN(io.Discard, in, k)
					}
					if n != 0 {
						reached <- n
					}
					if end == "reset" {
						reset(conn)
					}
					return false
				})
				s.call(t, "/pay", payment).wantOK(t, paid)
				s.call(t, "/pay", payment, "Idempotency-Key", "second").
					wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
				if got := <-reached; got != k {
					t.Errorf("the gateway read %d bytes, want %d", got, k)
				}
				if n := s.gateway.accepted(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		}
	}
}

// A kept-alive connection that the gateway closes while the next payment is on its way
// is the classic cause of double payments. Each payment may arrive once at most; one
// that is reported as paid has arrived, one that is not is reported as unknown unless
// it did not arrive.
func TestKeptAliveConnectionCloses(t *testing.T) {
	for name, test := range map[string]struct {
		keep   bool
		before func(g *gateway) // each call but the first
	}{
		"right after the answer": {false, func(*gateway) {}},
		"before the next call":   {true, func(g *gateway) { g.closeConnections() }},
		"during the next call":   {true, func(g *gateway) { g.handlers.Go(g.closeConnections) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.handles(func(conn net.Conn, c *call) bool {
				_, err := conn.Write(s.gateway.success(c, paid))
				return err == nil && test.keep
			})
			outcomes := make(map[string]string)
			for i := range 200 {
				if i > 0 {
					test.before(s.gateway)
				}
				id := fmt.Sprintf("payment-%d", i)
				a := s.call(t, "/pay", payment, "Idempotency-Key", id)
				outcomes[id] = "ok"
				if a.status != http.StatusOK {
					outcomes[id] = a.problem(t).Outcome
				}
			}
			arrived := make(map[string]int)
			for _, c := range s.gateway.calls() {
				arrived[c.requestID()]++
			}
			succeeded := 0
			for id, outcome := range outcomes {
				switch n := arrived[id]; {
				case n > 1:
					t.Errorf("%s reached the gateway %d times", id, n)
				case outcome == "ok" && n != 1, outcome == "not_sent" && n != 0, outcome == "rejected":
					t.Errorf("%s: outcome %s, but it reached the gateway %d times", id, outcome, n)
				case outcome == "ok":
					succeeded++
				}
			}
			if succeeded == 0 {
				t.Error("not one payment succeeded")
			}
		})
	}
}

// The gateway has the request and says nothing more.
func TestGatewayHangs(t *testing.T) {
	for name, sent := range map[string]string{
		"no answer":   "",
		"in a header": "HTTP/1.1 200 OK\r\nContent-Le",
		"in the body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
		"in a chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t, "timeout 500ms")
			s.gateway.handles(func(conn net.Conn, _ *call) bool {
				_, _ = io.WriteString(conn, sent)
				return true
			})
			// The timeout is for both tries of a query, so there is no time for a second.
			for _, operation := range []string{"pay", "query"} {
				s.call(t, "/"+operation, payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
			}
			if n := len(s.gateway.calls()); n != 2 {
				t.Errorf("the gateway got %d requests, want one of each", n)
			}
		})
	}
	t.Run("transport's own timeout", func(t *testing.T) {
		s := newSidecar(t, "transport http {", "response_header_timeout 100ms", "}")
		s.gateway.handles(func(net.Conn, *call) bool { return true })
		s.call(t, "/pay", payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
		s.gateway.only(t)
		s.call(t, "/query", payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
		if n := len(s.gateway.calls()); n != 3 {
			t.Errorf("the gateway got %d requests, want 1 payment and 2 queries", n)
		}
	})
}

// Where not a byte of the request was written, the app may try again at will.
func TestNotSent(t *testing.T) {
	g := newGateway(t)
	t.Setenv("TEST_API_KEY", testAPIKey)
	t.Setenv("TEST_SALT", testSalt)

	var served atomic.Int32
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	secure.Config.ErrorLog = zap.NewStdLog(zap.NewNop()) // about the handshakes that must fail
	secure.StartTLS()
	t.Cleanup(secure.Close)

	silent := newGateway(t)
	silent.takesOver(func(conn net.Conn, _ *bufio.Reader, _ int) bool {
		_, _ = io.Copy(io.Discard, conn)
		return false
	})
	closing := newGateway(t)
	closing.takesOver(func(net.Conn, *bufio.Reader, int) bool { return false })

	for name, test := range map[string]struct {
		base    string
		options []string
	}{
		"connection refused":      {"http://" + freeAddress(t), nil},
		"no such host":            {"https://gateway.invalid", nil},
		"no TLS at the other end": {strings.Replace(g.url, "http", "https", 1), nil},
		"closed in the handshake": {strings.Replace(closing.url, "http", "https", 1), nil},
		"silent in the handshake": {strings.Replace(silent.url, "http", "https", 1), nil},
		"unknown authority":       {secure.URL, nil},
		"certificate of another":  {secure.URL, []string{"transport http {", "tls_trust_pool file " + certificateOf(t, secure), "tls_server_name other.test", "}"}},
	} {
		t.Run(name, func(t *testing.T) {
			merchant := "base_url " + test.base + "\napi_key {env.TEST_API_KEY}\nsalt {env.TEST_SALT}"
			s := sidecar{start(t, sidecarConfig(merchant, append(test.options, "timeout 500ms")...)), g}
			for _, operation := range []string{"pay", "query"} {
				s.call(t, "/"+operation, payment).wantProblem(t, http.StatusBadGateway, "gateway_unreachable", "not_sent")
			}
		})
	}
	if n := len(g.calls()) + len(silent.calls()) + len(closing.calls()) + int(served.Load()); n != 0 {
		t.Errorf("the gateways got %d requests, want none", n)
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

// A gateway behind TLS, with the options of reverse_proxy's transport, over both
// versions of HTTP. Over HTTP/2 a payment is not sent again either.
func TestTLS(t *testing.T) {
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

			t.Setenv("TEST_API_KEY", testAPIKey)
			t.Setenv("TEST_SALT", testSalt)
			options := append([]string{"transport http {", "tls_trust_pool file " + certificateOf(t, server), "tls_server_name example.com"}, test.options...)
			s := sidecar{caddyServer: start(t, sidecarConfig("base_url "+server.URL+"\napi_key {env.TEST_API_KEY}\nsalt {env.TEST_SALT}", append(options, "}")...))}
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

// ---- the app hangs up ----

// clientGone receives a value when the client of a request that passed the directive
// caddytest_watch has gone, as the server sees it.
var clientGone = make(chan struct{}, 8)

type watch struct{}

func init() {
	caddy.RegisterModule(watch{})
	httpcaddyfile.RegisterHandlerDirective("caddytest_watch", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return watch{}, nil
	})
}

func (watch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.caddytest_watch", New: func() caddy.Module { return new(watch) }}
}

func (watch) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	unwatch := context.AfterFunc(r.Context(), func() { clientGone <- struct{}{} })
	defer unwatch()
	return next.ServeHTTP(w, r)
}

// A payment on the wire cannot be taken back: when the app hangs up, the exchange is
// finished all the same, and its result is in the log.
func TestAppHangsUp(t *testing.T) {
	for name, test := range map[string]struct {
		answer  func(g *gateway, c *call) []byte
		outcome string
		code    string // responseCode in the log
	}{
		"success": {func(g *gateway, c *call) []byte { return g.success(c, paid) }, "ok", "200"},
		"refusal": {func(g *gateway, c *call) []byte { return g.signed(envelope(c.requestID(), "409", "Duplicate", "")) }, "rejected", "409"},
		"nothing": {func(*gateway, *call) []byte { return nil }, "unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			arrived, release := make(chan struct{}), make(chan struct{})
			letGo := sync.OnceFunc(func() { close(release) })
			t.Cleanup(letGo)
			g.answers(func(c *call) []byte {
				close(arrived)
				<-release
				return test.answer(g, c)
			})
			s := sidecar{start(t, `
				{
					galaxypay {
						`+g.merchant(t)+`
					}
				}
				http://:9180 {
					log
					route {
						caddytest_watch
						galaxypay
					}
				}`), g}

			ctx, hangUp := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"order-1"}}
				_, err := s.try(ctx, http.MethodPost, s.url("9180")+"/pay", header, strings.NewReader(payment))
				done <- err
			}()
			<-arrived
			hangUp()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the app got %v", err)
			}
			<-clientGone
			letGo()
			s.stop() // the exchange is through

			g.only(t)
			lines := s.logLines(t, "call")
			if len(lines) != 1 {
				t.Fatalf("%d log lines of calls, want 1:\n%s", len(lines), s.logs(t))
			}
			for field, want := range map[string]any{
				"app_hung_up":   true,
				"request_id":    "order-1",
				"outcome":       test.outcome,
				"response_code": test.code,
				"operation":     "pay",
				"merchant":      "default",
			} {
				if got := lines[0][field]; got != want {
					t.Errorf("log: %s is %v, want %v", field, got, want)
				}
			}
			if level := lines[0]["level"]; level != "warn" && level != "error" {
				t.Errorf("logged at level %v, where nobody looks", level)
			}
			access := s.logLines(t, "handled request")
			if len(access) != 1 || access[0]["status"] != 499.0 {
				t.Errorf("access log %v, want one line with status 499", access)
			}
		})
	}
}

// An app that closes its sending side only looks as if it had gone, but still reads:
// it is told the requestID under which it may ask.
func TestAppClosesItsSendingSide(t *testing.T) {
	g := newGateway(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo)
	g.answers(func(c *call) []byte {
		close(arrived)
		<-release
		return g.success(c, paid)
	})
	c := start(t, `
		{
			galaxypay {
				`+g.merchant(t)+`
			}
		}
		http://:9180 {
			route {
				caddytest_watch
				galaxypay
			}
		}`)
	conn, err := net.Dial("tcp", c.ports["9180"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: order-1\r\nContent-Length: %d\r\n\r\n%s", len(payment), payment)
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-clientGone
	letGo()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 499 || response.Header.Get("Galaxypay-Request-Id") != "order-1" {
		t.Errorf("HTTP %d, Galaxypay-Request-Id %q; want 499, order-1", response.StatusCode, response.Header.Get("Galaxypay-Request-Id"))
	}
	g.only(t)
}
