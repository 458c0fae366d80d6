package caddytest

import (
	"bufio"
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

// client sends requests, as an app, a browser or the gateway does.
type client struct{ *http.Client }

// newClient returns a client that shows answers as they are: it unpacks nothing and follows
// no redirect.
func newClient() client {
	return client{&http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newFreshClient returns a client that makes a new connection for each request.
func newFreshClient() client {
	c := newClient()
	c.transport().DisableKeepAlives = true
	return c
}

func (c client) transport() *http.Transport { return c.Transport.(*http.Transport) }

// throughSocket makes the client connect to a unix socket, whatever the address says.
func (c client) throughSocket(path string) client {
	c.transport().DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return c
}

// do sends a request and returns the whole answer. Headers are given as name, value, name,
// value ... and go out as spelled.
func (c client) do(t *testing.T, method, address string, body io.Reader, header ...string) httpAnswer {
	t.Helper()
	a, err := c.try(t.Context(), method, address, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (c client) get(t *testing.T, address string, header ...string) httpAnswer {
	t.Helper()
	return c.do(t, http.MethodGet, address, nil, header...)
}

// post sends JSON.
func (c client) post(t *testing.T, address, body string, header ...string) httpAnswer {
	t.Helper()
	return c.do(t, http.MethodPost, address, strings.NewReader(body), asJSON(header)...)
}

// postForm sends form fields that are encoded already.
func (c client) postForm(t *testing.T, address, fields string, header ...string) httpAnswer {
	t.Helper()
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return c.do(t, http.MethodPost, address, strings.NewReader(fields), header...)
}

// try sends a request that may fail. Other goroutines than the test's own may call it.
func (c client) try(ctx context.Context, method, address string, body io.Reader, header ...string) (httpAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return httpAnswer{}, err
	}
	request.Header = headerOf(header)
	return c.roundTrip(request)
}

// tryPost sends JSON. The request may fail.
func (c client) tryPost(ctx context.Context, address, body string, header ...string) (httpAnswer, error) {
	return c.try(ctx, http.MethodPost, address, strings.NewReader(body), asJSON(header)...)
}

// roundTrip sends a request that the test has made itself.
func (c client) roundTrip(request *http.Request) (httpAnswer, error) {
	response, err := c.Do(request)
	if err != nil {
		return httpAnswer{}, err
	}
	return readBody(response)
}

// readAnswer reads an answer from a bare connection.
func readAnswer(in *bufio.Reader) (httpAnswer, error) {
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return httpAnswer{}, err
	}
	return readBody(response)
}

func readBody(response *http.Response) (httpAnswer, error) {
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return httpAnswer{status: response.StatusCode, header: response.Header, body: string(text)}, err
}

// headerOf keeps the spelling of names.
func headerOf(pairs []string) http.Header {
	header := make(http.Header)
	for i := 0; i+1 < len(pairs); i += 2 {
		header[pairs[i]] = append(header[pairs[i]], pairs[i+1])
	}
	return header
}

func asJSON(header []string) []string {
	return append([]string{"Content-Type", "application/json"}, header...)
}

// dial opens a bare connection. The test closes it at the latest when it ends.
func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// resetOnClose makes the connection end with RST instead of FIN.
func resetOnClose(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// headerLines are the lines of a message's head.
func headerLines(pairs []string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(pairs[i] + ": " + pairs[i+1] + "\r\n")
	}
	return b.String()
}

// httpResponse is a whole HTTP response, byte for byte.
func httpResponse(status int, body string, header ...string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		status, http.StatusText(status), len(body), headerLines(header), body)
}

// chunked is an HTTP response in chunks of at most size bytes.
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

// gzipped is the body as gzip.
func gzipped(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.String()
}

// pieces reads at most size bytes at a time. An HTTP client does not know the length of such a
// body, so it sends chunks of that size.
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

// sendToAdmin sends a request to the admin endpoint at a unix socket. A load restarts the endpoint,
// even if the load fails, and an endpoint that ends may close a connection without an answer. So
// the request may need several tries.
func sendToAdmin(t *testing.T, socket, method, path, body string, header ...string) (a httpAnswer) {
	t.Helper()
	admin := newFreshClient().throughSocket(socket)
	var err error
	for range 10 {
		if a, err = admin.try(t.Context(), method, "http://localhost"+path, strings.NewReader(body), header...); err == nil {
			return a
		}
	}
	t.Fatal(err)
	return a
}
