package caddytest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestCallReplySizes(t *testing.T) {
	for _, config := range []struct {
		option string
		limit  int
	}{{"", maxBody}, {"max_body 1KiB", 1 << 10}} {
		s := newSidecar(t, "validate off", config.option)
		smallest := len(envelope(strings.Repeat("0", 32), "200", "Success", "{}"))
		for _, size := range []int{smallest, smallest + 1, 1000, config.limit - 1, config.limit, config.limit + 1, 2 * config.limit} {
			for framing, frame := range framings {
				t.Run(fmt.Sprintf("%s/%d %s", config.option, size, framing), func(t *testing.T) {
					data := objectOf(size - smallest + len("{}"))
					s.gateway.handles(func(conn net.Conn, c *call) bool {
						body := envelope(c.requestID(), "200", "Success", data)
						if len(body) != size {
							t.Errorf("the reply has %d bytes, want %d", len(body), size)
						}
						_, _ = conn.Write(frame(body, "signature", sign(body, testSalt))) // it may be cut short
						return framing != "until the connection ends"
					})
					a := s.call(t, "/pay", `{}`)
					if size <= config.limit {
						a.wantOK(t, data)
						return
					}
					p := a.wantProblem(t, http.StatusBadGateway, "response_malformed", "unknown")
					if !strings.Contains(p.Detail, strconv.Itoa(config.limit)) {
						t.Errorf("detail %q does not name the limit", p.Detail)
					}
				})
			}
		}
		s.stop()
	}
}

// framings are the ways to send the body of a reply.
var framings = map[string]func(body string, header ...string) []byte{
	"announced": func(body string, header ...string) []byte {
		return httpResponse(http.StatusOK, body, header...)
	},
	"one chunk":   func(body string, header ...string) []byte { return chunked(body, len(body), header...) },
	"many chunks": func(body string, header ...string) []byte { return chunked(body, 1+len(body)/30, header...) },
	"gzip": func(body string, header ...string) []byte {
		return httpResponse(http.StatusOK, gzipped(body), append(header, "Content-Encoding", "gzip")...)
	},
	"gzip in chunks": func(body string, header ...string) []byte {
		return chunked(gzipped(body), 17, append(header, "Content-Encoding", "gzip")...)
	},
	"until the connection ends": func(body string, header ...string) []byte {
		return []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n" + headerLines(header) + "\r\n" + body)
	},
}

// A reply without end costs the sidecar no more than max_body: it closes the connection, and the
// gateway cannot write any more.
func TestCallReplyWithoutEnd(t *testing.T) {
	const far = 256 << 20 // bytes; more than every buffer between the two holds
	zeros := bytes.Repeat([]byte("0"), 32<<10)

	// upTo writes piece after piece until that fails, and returns how much it wrote.
	upTo := func(w io.Writer, piece []byte) int {
		for n := 0; n < far; n += len(piece) {
			if _, err := w.Write(piece); err != nil {
				return n
			}
		}
		return far
	}
	for name, test := range map[string]struct {
		code  string
		write func(conn net.Conn) int
	}{
		"announced": {"response_malformed", func(conn net.Conn) int {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 2*far)
			return upTo(conn, zeros)
		}},
		"announced as 1 MiB": {"response_malformed", func(conn net.Conn) int {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<20)
			for range 1 << 20 / len(zeros) {
				if _, err := conn.Write(zeros); err != nil {
					break
				}
			}
			return 0
		}},
		"chunked": {"response_malformed", func(conn net.Conn) int {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			return upTo(conn, fmt.Appendf(nil, "%x\r\n%s\r\n", len(zeros), zeros))
		}},
		"until the connection ends": {"response_malformed", func(conn net.Conn) int {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			return upTo(conn, zeros)
		}},
		"gzip bomb": {"response_malformed", func(conn net.Conn) int {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
			w := gzip.NewWriter(conn)
			defer w.Close()
			return upTo(w, zeros)
		}},
		"gzip bomb, announced small": {"response_malformed", func(conn net.Conn) int {
			bomb := gzipped(strings.Repeat("0", 16<<20))
			_, _ = conn.Write(httpResponse(http.StatusOK, bomb, "Content-Encoding", "gzip"))
			return 0
		}},
		"headers": {"gateway_no_answer", func(conn net.Conn) int {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			return upTo(conn, fmt.Appendf(nil, "X-Long: %s\r\n", zeros))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			written := make(chan int, 1)
			s.gateway.handles(func(conn net.Conn, _ *call) bool {
				written <- test.write(conn)
				return false
			})
			s.call(t, "/pay", payment).wantProblem(t, http.StatusBadGateway, test.code, "unknown")
			if n := <-written; n >= far {
				t.Error("the sidecar did not stop reading")
			}
			s.gateway.only(t)
		})
	}
}
