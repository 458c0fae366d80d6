package caddytest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// gateway is a fake of the gateway. It reads HTTP from the bare connection, so that a
// test sees what was on the wire and can answer with any bytes at all.
type gateway struct {
	url    string
	apiKey string
	salt   string

	mu          sync.Mutex
	takeOver    func(conn net.Conn, in *bufio.Reader, number int) bool
	handle      func(conn net.Conn, c *call) bool
	received    []*call
	connections int
	open        map[net.Conn]bool
	handlers    sync.WaitGroup
}

// newGateway runs a fake gateway that answers every request with success.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{
		url:    "http://" + listener.Addr().String(),
		apiKey: testAPIKey,
		salt:   testSalt,
		open:   make(map[net.Conn]bool),
	}
	g.replies(func(c *call) []byte { return g.success(c, `{"endpoint":"https://pay.example/1"}`) })
	g.handlers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.connections++
			number := g.connections
			g.open[conn] = true
			g.mu.Unlock()
			g.handlers.Go(func() { g.converse(conn, number) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		g.closeConnections()
		g.handlers.Wait()
	})
	return g
}

// merchant is the Caddyfile options of a merchant at this gateway. Its secrets, which
// a test may change before, come from environment variables named after the port.
func (g *gateway) merchant(t *testing.T) string {
	t.Helper()
	port := g.url[strings.LastIndexByte(g.url, ':')+1:]
	t.Setenv("TEST_API_KEY_"+port, g.apiKey)
	t.Setenv("TEST_SALT_"+port, g.salt)
	return "base_url " + g.url + "\napi_key {env.TEST_API_KEY_" + port + "}\nsalt {env.TEST_SALT_" + port + "}\n"
}

// handles lets f answer requests. It returns false to have the connection closed.
func (g *gateway) handles(f func(conn net.Conn, c *call) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handle = f
}

// answers lets f answer requests with the bytes of a whole HTTP answer; nil closes the
// connection instead.
func (g *gateway) replies(f func(c *call) []byte) {
	g.handles(func(conn net.Conn, c *call) bool {
		answer := f(c)
		if answer == nil {
			return false
		}
		_, err := conn.Write(answer)
		return err == nil
	})
}

// takesOver lets f see each connection, counted from 1, before anything is read from
// it. If f returns true, the connection goes on as usual, else it is closed.
func (g *gateway) takesOver(f func(conn net.Conn, in *bufio.Reader, number int) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.takeOver = f
}

// calls returns the requests that arrived whole.
func (g *gateway) calls() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*call(nil), g.received...)
}

// only returns the one request that arrived, and fails if there is another number.
func (g *gateway) only(t *testing.T) *call {
	t.Helper()
	calls := g.calls()
	if len(calls) != 1 {
		t.Fatalf("the gateway got %d requests, want 1", len(calls))
	}
	return calls[0]
}

// last is the latest request that the gateway got.
func (g *gateway) last(t *testing.T) *call {
	t.Helper()
	calls := g.calls()
	if len(calls) == 0 {
		t.Fatal("the gateway got nothing")
	}
	return calls[len(calls)-1]
}

// accepted counts the connections so far.
func (g *gateway) accepted() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections
}

// closeConnections closes what is open, kept-alive connections above all.
func (g *gateway) closeConnections() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.open {
		conn.Close()
	}
}

func (g *gateway) converse(conn net.Conn, number int) {
	defer func() {
		conn.Close()
		g.mu.Lock()
		delete(g.open, conn)
		g.mu.Unlock()
	}()
	in := bufio.NewReader(conn)
	g.mu.Lock()
	takeOver := g.takeOver
	g.mu.Unlock()
	if takeOver != nil && !takeOver(conn, in, number) {
		return
	}
	for {
		c, err := readCall(in)
		if err != nil {
			return
		}
		g.mu.Lock()
		g.received = append(g.received, c)
		c.number, c.connection = len(g.received), number
		handle := g.handle
		g.mu.Unlock()
		if !handle(conn, c) {
			return
		}
	}
}

// closingAfter is a handler that closes the connection after each answer.
func replyAndClose(answer func(c *call) []byte) func(net.Conn, *call) bool {
	return func(conn net.Conn, c *call) bool {
		_, _ = conn.Write(answer(c))
		return false
	}
}

// sign is the gateway's signature, written down a second time so that no test asks
// the product whether the product is right.
func sign(text, salt string) string {
	sum := sha256.Sum256([]byte(text + salt))
	return hex.EncodeToString(sum[:])
}

// envelope is the text of an answer. An empty requestID or responseData is left out.
func envelope(requestID, code, message, responseData string) string {
	var b strings.Builder
	b.WriteString("{")
	if requestID != "" {
		fmt.Fprintf(&b, `"requestID":%q,`, requestID)
	}
	fmt.Fprintf(&b, `"responseDateTime":"20260102030405","responseCode":%q,"responseMessage":%q`, code, message)
	if responseData != "" {
		b.WriteString(`,"responseData":` + responseData)
	}
	b.WriteString("}")
	return b.String()
}

// success is a signed answer with responseCode 200.
func (g *gateway) success(c *call, responseData string) []byte {
	return g.signed(envelope(c.requestID(), "200", "Success", responseData))
}

// signed is an HTTP answer with this body and its signature.
func (g *gateway) signed(body string, header ...string) []byte {
	return httpReply(http.StatusOK, body, append([]string{"signature", sign(body, g.salt)}, header...)...)
}

// httpAnswer is a whole HTTP answer, with further headers given as name, value ...
func httpReply(status int, body string, header ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}
