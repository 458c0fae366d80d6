package caddytest

import (
	"bufio"
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

// The default of max_body.
const maxBody = 64 << 10

// objectOf is a JSON object of exactly n bytes.
func objectOf(n int) string {
	if n < len(`{"a":""}`) {
		return "{" + strings.Repeat(" ", n-2) + "}"
	}
	return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}`
}

// pieces reads at most size bytes at a time, which makes an HTTP client of unknown
// length send chunks of that size.
type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.text)
	p.text = p.text[n:]
	return n, nil
}

func TestRequestSizes(t *testing.T) {
	for _, config := range []struct {
		option string
		limit  int
	}{{"", maxBody}, {"max_body 1KiB", 1 << 10}, {"max_body 100KB", 100_000}} {
		s := newSidecar(t, "validate off", config.option)
		for _, size := range []int{2, 3, 8, 1000, config.limit - 1, config.limit, config.limit + 1, config.limit + 2, 3 * config.limit} {
			body := objectOf(size)
			for framing, reader := range map[string]io.Reader{
				"announced":   strings.NewReader(body),
				"one chunk":   &pieces{body, size},
				"many chunks": &pieces{body, 1 + size/30},
			} {
				t.Run(fmt.Sprintf("%s/%d %s", config.option, size, framing), func(t *testing.T) {
					before := len(s.gateway.calls())
					a := s.do(t, http.MethodPost, s.url("9180")+"/query", http.Header{"Content-Type": {"application/json"}}, reader)
					if size > config.limit {
						p := a.wantProblem(t, http.StatusRequestEntityTooLarge, "body_too_large", "not_sent")
						if !strings.Contains(p.Detail, strconv.Itoa(config.limit)) {
							t.Errorf("detail %q does not name the limit", p.Detail)
						}
						if len(s.gateway.calls()) != before {
							t.Error("the gateway got a request")
						}
						return
					}
					a.wantOK(t, paid)
					if got := s.gateway.last(t).requestData(t); got != body {
						t.Errorf("requestData of %d bytes is not what was posted", len(got))
					}
				})
			}
		}
		s.stop()
	}
}

// An app that announces more than it sends, or breaks off between chunks, gets nothing
// signed.
func TestRequestBrokenOff(t *testing.T) {
	s := newSidecar(t)
	for name, sent := range map[string]string{
		"announced":        "Content-Length: 100\r\n\r\n" + payment,
		"announced, by 1":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payment)+1, payment),
		"chunked":          fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(payment), payment),
		"inside a chunk":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(payment)+1, payment),
		"no chunk at all":  "Transfer-Encoding: chunked\r\n\r\n",
		"bad chunk length": "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + payment,
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.ports["9180"])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+sent)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			// An answer is not owed to somebody who went away, but where there is one,
			// it is a refusal.
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return
			}
			defer response.Body.Close()
			if response.StatusCode/100 != 4 {
				t.Errorf("HTTP %d", response.StatusCode)
			}
		})
	}
	s.stop() // every request is through
	if n := len(s.gateway.calls()); n != 0 {
		t.Errorf("the gateway got %d requests", n)
	}
}

// framings are the ways to send the body of an answer.
var framings = map[string]func(body string, header ...string) []byte{
	"announced": func(body string, header ...string) []byte {
		return httpAnswer(http.StatusOK, body, header...)
	},
	"one chunk":   func(body string, header ...string) []byte { return chunked(body, len(body), header...) },
	"many chunks": func(body string, header ...string) []byte { return chunked(body, 1+len(body)/30, header...) },
	"gzip": func(body string, header ...string) []byte {
		return httpAnswer(http.StatusOK, packed(body), append(header, "Content-Encoding", "gzip")...)
	},
	"gzip in chunks": func(body string, header ...string) []byte {
		return chunked(packed(body), 17, append(header, "Content-Encoding", "gzip")...)
	},
	"until the connection ends": func(body string, header ...string) []byte {
		return []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n" + headerLines(header) + "\r\n" + body)
	},
}

func headerLines(header []string) string {
	var b strings.Builder
	for i := 0; i+1 < len(header); i += 2 {
		b.WriteString(header[i] + ": " + header[i+1] + "\r\n")
	}
	return b.String()
}

// chunked is an HTTP answer in chunks of at most size bytes.
func chunked(body string, size int, header ...string) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + headerLines(header) + "\r\n")
	for body != "" {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// packed is body as gzip.
func packed(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.String()
}

func TestAnswerSizes(t *testing.T) {
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
							t.Errorf("the answer has %d bytes, want %d", len(body), size)
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

// An answer without end costs the sidecar no more than max_body: it hangs up, and the
// gateway's writing fails.
func TestEndlessAnswers(t *testing.T) {
	const far = 256 << 20 // bytes; beyond every buffer between the two
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
			bomb := packed(strings.Repeat("0", 16<<20))
			_, _ = conn.Write(httpAnswer(http.StatusOK, bomb, "Content-Encoding", "gzip"))
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
				t.Error("the sidecar went on reading")
			}
			s.gateway.only(t)
		})
	}
}
