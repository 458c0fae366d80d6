package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// halfRequest is a POST of JSON that announces so many bytes, and the part of the body that comes.
func halfRequest(path string, announced int, part string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, announced, part)
}

// beginHalf opens a connection and sends the text.
func (c *caddyServer) beginHalf(t *testing.T, port, text string) net.Conn {
	t.Helper()
	conn := dial(t, c.ports[port])
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Requests whose bodies do not come take no slot: every payment beside them is made, even if there is only one slot.
func TestHalfRequestsTakeNoSlot(t *testing.T) {
	for name, text := range map[string]string{
		"nothing of the body": halfRequest("/pay", 1000, ""),
		"a part of it":        halfRequest("/pay", 1000, payment[:20]),
		"all but a byte":      halfRequest("/pay", len(payment), payment[:len(payment)-1]),
		"asks first":          strings.Replace(halfRequest("/pay", 1000, ""), "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1),
		"chunks":              "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t, "max_in_flight 1")
			for range 100 {
				s.beginHalf(t, "9180", text)
			}
			for range 20 {
				s.call(t, "/pay", payment).wantOK(t, paid)
			}
		})
	}
}

// Many bodies that are announced and do not come cost what has come of them, and no slot.
func TestAnnouncedBodiesCostNoMemory(t *testing.T) {
	const many, bound = 400, 20 << 20
	s := newSidecar(t, "max_body 1MiB")
	before := heapInUse()
	for range many {
		s.beginHalf(t, "9180", halfRequest("/pay", 1<<20, strings.Repeat(" ", 100)))
	}
	for range 20 {
		s.call(t, "/pay", payment).wantOK(t, paid)
	}
	eventually(t, "all connections are open", func() bool { return connections.wait(many+1) >= many })
	if grown := heapInUse() - before; grown > bound {
		t.Errorf("%d bodies that did not come hold %d bytes", many, grown)
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far from overflowing
}

// Unfinished bodies may hold a bounded number of bytes together. One more is refused at once, until one of
// them has ended; a body that comes whole is taken all the same. Calls and callbacks have bounds of their own.
func TestUnfinishedBodiesAreBounded(t *testing.T) {
	const maxBody, maxInFlight = 1000, 2
	part := "{" + strings.Repeat(" ", maxBody-2)
	for name, site := range map[string]struct {
		port, path string
		fit        int // how many parts fit
	}{
		"calls":     {"9180", "/pay", maxInFlight * maxBody / (maxBody - 1)},
		"callbacks": {"9181", "/galaxypay/ipn", 256 * maxBody / (maxBody - 1)},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, fmt.Sprintf(`
				{
					galaxypay {
						%s
					}
				}
				http://:9180 {
					galaxypay {
						max_in_flight %d
						max_body %d
					}
				}
				http://:9181 {
					handle /galaxypay/ipn {
						galaxypay_ipn {
							max_body %[3]d
						}
						respond OK
					}
				}`, newGateway(t).merchant(t), maxInFlight, maxBody))
			const more = 10
			open := make(map[net.Conn]bool)
			answers := make(chan answerTo)
			for range site.fit + more {
				conn := c.beginHalf(t, site.port, halfRequest(site.path, maxBody, part))
				open[conn] = true
				go func() {
					a, err := readAnswer(bufio.NewReader(conn))
					answers <- answerTo{conn, a, err}
				}()
			}
			for range more {
				refused := <-answers
				delete(open, refused.conn)
				refused.wantOverloaded(t, name == "calls")
			}
			if a := c.post(t, c.url(site.port)+site.path, "{}"); a.status >= 500 {
				t.Errorf("a whole body: HTTP %d: %s", a.status, a.body)
			}
			for conn := range open {
				if _, err := io.WriteString(conn, "}"); err != nil { // the last byte
					t.Fatal(err)
				}
			}
			for range open {
				if a := <-answers; a.err != nil || a.status >= 500 || a.status == http.StatusRequestTimeout {
					t.Errorf("a body that became complete: HTTP %d: %s, error %v", a.status, a.body, a.err)
				}
			}
		})
	}
}

// answerTo is what came on a connection.
type answerTo struct {
	conn net.Conn
	httpAnswer
	err error
}

func (a answerTo) wantOverloaded(t *testing.T, isCall bool) {
	t.Helper()
	if a.err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, `"code":"overloaded"`) {
		t.Errorf("HTTP %d, %v: %s, error %v", a.status, a.header, a.body, a.err)
	}
	if got := strings.Contains(a.body, `"outcome":"not_sent"`); got != isCall {
		t.Errorf("outcome not_sent is %v in %s", got, a.body)
	}
}

// A body that ends badly is answered as such, not as one that came too late, and the sidecar serves on.
func TestBodiesThatEndBadly(t *testing.T) {
	const head = "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	s := newSidecar(t, "max_in_flight 1")
	for name, text := range map[string]string{
		"the client stops sending": halfRequest("/pay", 1000, "{"),
		"no size of a chunk":       head + "x\r\n{}\r\n",
		"a chunk without its end":  head + "2\r\n{}x",
		"chunks end too early":     head + "2\r\n{}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.beginHalf(t, "9180", text)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			a, err := readAnswer(bufio.NewReader(conn))
			if err != nil {
				t.Fatal(err)
			}
			a.wantProblem(t, http.StatusBadRequest, "body_invalid", "not_sent")
			s.call(t, "/pay", payment).wantOK(t, paid)
		})
	}
}
