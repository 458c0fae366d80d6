package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
)

// Whatever happens after the first byte of a payment, the sidecar does not send it again, and
// answers the app that the outcome is unknown. query and queryTokens only read, so they are sent
// twice.
func TestCallOnceAfterConnecting(t *testing.T) {
	for _, f := range brokenGateways() {
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

// A connection may end before the gateway has read anything from it. Only here two outcomes are
// right, because the sidecar may or may not notice the end before it writes.
func TestCallOnceBeforeReading(t *testing.T) {
	for _, end := range []string{"closed", "reset"} {
		t.Run(end, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.takesOver(func(conn net.Conn, _ *bufio.Reader, _ int) bool {
				if end == "reset" {
					resetOnClose(conn)
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

// The second try of a query may succeed. It carries the same requestID.
func TestCallOnceButQueryIsTriedTwice(t *testing.T) {
	for _, f := range brokenGateways() {
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

// A reply that is bad is still a reply: not even a query is sent again.
func TestCallOnceAfterAReply(t *testing.T) {
	s := newSidecar(t)
	for name, reply := range map[string][]byte{
		"unsigned":  httpResponse(http.StatusOK, "{}"),
		"HTML":      httpResponse(http.StatusBadGateway, "<html></html>"),
		"empty 503": httpResponse(http.StatusServiceUnavailable, ""),
		"too large": httpResponse(http.StatusOK, strings.Repeat(" ", maxBody+1)),
		"redirect":  httpResponse(http.StatusTemporaryRedirect, "", "Location", s.gateway.url+"/api/v1/elsewhere"),
		"408":       httpResponse(http.StatusRequestTimeout, "", "Connection", "close"),
		"401":       httpResponse(http.StatusUnauthorized, "", "WWW-Authenticate", "Basic"),
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.replies(func(*call) []byte { return reply })
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

// On a connection that has served a request before, Go's transport may send a request again. It
// must not do so with a payment of which the gateway has seen a single byte.
func TestCallOnceOnKeptAliveConnection(t *testing.T) {
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
						resetOnClose(conn)
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

// A kept-alive connection that the gateway closes while the next payment is on its way is the
// classic cause of double payments. Each payment may arrive once at most. One that is answered
// with success has arrived; one that is answered with not_sent has not.
func TestCallOnceWhenKeptAliveConnectionCloses(t *testing.T) {
	for name, test := range map[string]struct {
		keep   bool
		before func(g *gateway) // runs before each call but the first
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

// The gateway has the request and sends no more bytes.
func TestCallOnceWhenTheGatewayHangs(t *testing.T) {
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
			// The timeout covers both tries of a query, so there is no time for a second one.
			for _, operation := range []string{"pay", "query"} {
				s.call(t, "/"+operation, payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
			}
			s.gateway.wantCalls(t, 2) // one of each
		})
	}
	t.Run("transport's own timeout", func(t *testing.T) {
		s := newSidecar(t, "transport http {", "response_header_timeout 100ms", "}")
		s.gateway.handles(func(net.Conn, *call) bool { return true })
		s.call(t, "/pay", payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
		s.gateway.only(t)
		s.call(t, "/query", payment).wantProblem(t, http.StatusGatewayTimeout, "gateway_timeout", "unknown")
		s.gateway.wantCalls(t, 3) // one payment and two queries
	})
}

// Where not a byte of the request was written, the outcome is not_sent: the app may try again.
func TestCallNotSent(t *testing.T) {
	g := newGateway(t)
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
		"connection refused":      {"http://" + deadAddress(t), nil},
		"no such host":            {"https://gateway.invalid", nil},
		"no TLS at the other end": {strings.Replace(g.url, "http", "https", 1), nil},
		"closed in the handshake": {strings.Replace(closing.url, "http", "https", 1), nil},
		"silent in the handshake": {strings.Replace(silent.url, "http", "https", 1), nil},
		"unknown authority":       {secure.URL, nil},
		"certificate of another":  {secure.URL, []string{"transport http {", "tls_trust_pool file " + certificateOf(t, secure), "tls_server_name other.test", "}"}},
	} {
		t.Run(name, func(t *testing.T) {
			merchant := merchantAt(t, test.base, testAPIKey, testSalt)
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

// brokenGateway is one way for a gateway to fail in the middle of a request.
type brokenGateway struct {
	name string
	// play runs on a fresh connection. The connection is closed after it.
	play func(conn net.Conn, in *bufio.Reader)
}

// brokenGateways are the ways to fail after a connection was made. After any of them the app
// cannot know whether the gateway has carried the request out.
func brokenGateways() []brokenGateway {
	var list []brokenGateway
	for _, k := range []int64{1, 10, 60, 200, 330, 380} { // in request line, headers and body
		list = append(list,
			brokenGateway{fmt.Sprintf("closed after %d bytes", k), func(_ net.Conn, in *bufio.Reader) {
				_, _ = io.CopyN(io.Discard, in, k)
			}},
			brokenGateway{fmt.Sprintf("reset after %d bytes", k), func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.CopyN(io.Discard, in, k)
				resetOnClose(conn)
			}},
		)
	}
	body := envelope("", "200", "Success", paid)
	whole := string(httpResponse(http.StatusOK, body, "signature", sign(body, testSalt)))
	head := strings.TrimSuffix(whole, body)
	inChunks := string(chunked(body, 20, "signature", sign(body, testSalt)))
	for name, reply := range map[string]string{
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
		"part of a gzip stream":   string(httpResponse(http.StatusOK, gzipped(body), "Content-Encoding", "gzip"))[:110],
		"100 Continue":            "HTTP/1.1 100 Continue\r\n\r\n",
		"early hints":             "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
		"no HTTP":                 "SSH-2.0-OpenSSH_9.7\r\n",
	} {
		list = append(list,
			brokenGateway{"request read, then closed after " + name, func(conn net.Conn, in *bufio.Reader) {
				_, _ = readCall(in)
				_, _ = io.WriteString(conn, reply)
			}},
			brokenGateway{"request read, then reset after " + name, func(conn net.Conn, in *bufio.Reader) {
				_, _ = readCall(in)
				_, _ = io.WriteString(conn, reply)
				resetOnClose(conn)
			}},
		)
	}
	return append(list, brokenGateway{"switched to another protocol", func(conn net.Conn, in *bufio.Reader) {
		_, _ = readCall(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, in) // the sidecar closes the connection
	}})
}
