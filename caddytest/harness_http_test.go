package caddytest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// throughSocket sends all further requests to a unix socket.
func (c *caddyServer) throughSocket(path string) {
	c.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// do sends a request and reads the whole answer. Header names go out as spelled.
func (c *caddyServer) do(t *testing.T, method, address string, header http.Header, body io.Reader) httpAnswer {
	t.Helper()
	a, err := c.try(t.Context(), method, address, header, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is do for a request that may fail; it may be called from other goroutines.
func (c *caddyServer) try(ctx context.Context, method, address string, header http.Header, body io.Reader) (httpAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return httpAnswer{}, err
	}
	if header != nil {
		request.Header = header
	}
	response, err := c.client.Do(request)
	if err != nil {
		return httpAnswer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return httpAnswer{status: response.StatusCode, header: response.Header, body: string(text)}, err
}

// post sends JSON, with further headers given as name, value, name, value ...
func (c *caddyServer) post(t *testing.T, address, body string, header ...string) httpAnswer {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	return c.do(t, http.MethodPost, address, h, strings.NewReader(body))
}

// exchange sends a request with headers given as name, value, name, value ...
func exchange(t *testing.T, c *caddyServer, method, address string, body io.Reader, header ...string) httpAnswer {
	t.Helper()
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	return c.do(t, method, address, h, body)
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

// objectOf is a JSON object of exactly n bytes.
func objectOf(n int) string {
	if n < len(`{"a":""}`) {
		return "{" + strings.Repeat(" ", n-2) + "}"
	}
	return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}`
}

// jsonText is a text as a JSON string.
func jsonText(text string) string {
	literal, _ := json.Marshal(text) // a string cannot fail
	return string(literal)
}

// reset has the connection end with RST instead of FIN.
func reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
