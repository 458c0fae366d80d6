package caddytest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// shortTimeout replaces each of the timeouts in Caddyfile.example.
const shortTimeout = 500 * time.Millisecond

var timeoutLine = regexp.MustCompile(`(?m)^(\s*)(read_header|read_body|write_idle|idle) \S+$`)

// exampleTimeouts is the option servers of Caddyfile.example with this value for each timeout.
func exampleTimeouts(t *testing.T, timeout time.Duration) string {
	t.Helper()
	_, rest, _ := strings.Cut(readExample(t), "\n\tservers {\n")
	block, _, found := strings.Cut(rest, "\n\t}\n")
	if n := len(timeoutLine.FindAllString(block, -1)); !found || n != 4 {
		t.Fatalf("the example has %d of the four timeouts:\n%s", n, block)
	}
	return "servers {\n" + timeoutLine.ReplaceAllString(block, "$1$2 "+timeout.String()) + "\n}\n"
}

// startShort runs both of the sidecar's listeners with the timeouts of the example, all of this
// length.
func startShort(t *testing.T, g *gateway, timeout time.Duration) *caddyServer {
	t.Helper()
	c := start(t, `
		{
			`+exampleTimeouts(t, timeout)+`
			galaxypay {
				`+g.merchant(t)+`
			}
		}
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			handle /galaxypay/ipn {
				galaxypay_ipn
				respond 200
			}
			handle {
				respond "`+strings.Repeat("a page of the shop ", 5000)+`"
			}
		}`)
	c.transport().DisableKeepAlives = true // else idle connections would be cut
	return c
}

// postUncut posts JSON until there is an answer. A busy machine can make this client slower than the
// timeout, and then the server rightly cuts it. No client may be cut before its timeout.
func (c *caddyServer) postUncut(t *testing.T, address, body string) httpAnswer {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		c.CloseIdleConnections()
		begun := time.Now()
		a, err := c.tryPost(t.Context(), address, body)
		if err == nil {
			return a
		}
		if time.Since(begun) < shortTimeout || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// trickle sends the text and then single bytes, more slowly than the timeout allows, until the
// connection is cut.
func trickle(conn net.Conn, text string) {
	if _, err := io.WriteString(conn, text); err != nil {
		return
	}
	pace := time.NewTicker(shortTimeout / 10)
	defer pace.Stop()
	for range pace.C {
		if _, err := io.WriteString(conn, "a"); err != nil {
			return
		}
	}
}

// Connections that are slow on purpose are cut, on either listener. Other clients are served at the
// same time.
func TestSlowClientsAreCut(t *testing.T) {
	const many = 50
	for _, site := range []struct{ port, post, get string }{
		{"9180", "/pay", "/openapi.json"},
		{"9181", "/galaxypay/ipn", "/"},
	} {
		head := "POST " + site.post + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		fetch := "GET " + site.get + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
		for name, attack := range map[string]func(net.Conn){
			"nothing":      func(net.Conn) {},
			"slow headers": func(conn net.Conn) { trickle(conn, head+"X-Slow: ") },
			"slow body":    func(conn net.Conn) { trickle(conn, head+"Content-Length: 60000\r\n\r\n{\"") },
			"slow chunks":  func(conn net.Conn) { trickle(conn, head+"Transfer-Encoding: chunked\r\n\r\nfff0\r\n{\"") },
			"idle":         func(conn net.Conn) { _, _ = io.WriteString(conn, fetch) },
			"not reading":  func(conn net.Conn) { notReading(conn, fetch) },
		} {
			t.Run(site.port+" "+name, func(t *testing.T) {
				c := startShort(t, newGateway(t), shortTimeout)
				var attackers sync.WaitGroup
				for range many {
					conn := dial(t, c.ports[site.port])
					attackers.Go(func() {
						defer conn.Close()
						_ = conn.SetDeadline(time.Now().Add(patience))
						sent := make(chan bool)
						go func() {
							defer close(sent)
							attack(conn)
						}()
						if name != "not reading" {
							_, _ = io.Copy(io.Discard, conn)
						}
						<-sent
						if _, err := conn.Write(nil); errors.Is(err, os.ErrDeadlineExceeded) {
							t.Error("the connection was not cut")
						}
					})
				}
				for range 20 {
					c.postUncut(t, c.url("9180")+"/pay", payment).wantOK(t, paid)
					c.postUncut(t, c.url("9181")+"/galaxypay/ipn", "{}").wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
				}
				attackers.Wait()
				if n := connections.wait(0); n != 0 {
					t.Errorf("%d connections are still being served", n)
				}
				c.postUncut(t, c.url("9180")+"/pay", payment).wantOK(t, paid)
			})
		}
	}
}

// notReading sends requests and reads no answers, so that every buffer on the way is full, until the
// connection is cut.
func notReading(conn net.Conn, request string) {
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	requests := strings.Repeat(request, 100)
	for {
		if _, err := io.WriteString(conn, requests); err != nil {
			return
		}
	}
}

// None of the timeouts includes the gateway's time: an app that waits for a payment gets its answer.
func TestTimeoutsLeaveTheGatewayItsTime(t *testing.T) {
	// Long enough for an honest client on a busy machine.
	const timeout = 4 * shortTimeout
	g := newGateway(t)
	reply := g.handle
	g.handles(func(conn net.Conn, c *call) bool {
		<-time.After(timeout * 3 / 2) // the gateway's time; only the call waits for it
		return reply(conn, c)
	})
	c := startShort(t, g, timeout)
	var calls sync.WaitGroup
	for _, body := range []io.Reader{strings.NewReader(payment), &pieces{payment, 10}} {
		calls.Go(func() {
			a, err := c.try(t.Context(), http.MethodPost, c.url("9180")+"/pay", body, asJSON(nil)...)
			if err != nil || a.status != http.StatusOK {
				t.Errorf("HTTP %d: %s, error %v", a.status, a.body, err)
			}
		})
	}
	calls.Wait()
	g.wantCalls(t, 2)
}
