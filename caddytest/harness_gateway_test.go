package caddytest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

// gateway is a stand-in for the gateway. It reads HTTP from the bare connection, so that a
// test sees what was on the wire and can reply with any bytes at all.
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

// newGateway runs a gateway that replies to every request with success.
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
	g.replies(func(c *call) []byte { return g.success(c, paid) })
	g.handlers.Go(func() { g.accept(listener) })
	t.Cleanup(func() {
		listener.Close()
		g.closeConnections()
		g.handlers.Wait()
	})
	return g
}

func (g *gateway) accept(listener net.Listener) {
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
		g.handlers.Go(func() { g.serve(conn, number) })
	}
}

// merchant is the Caddyfile options of a merchant at this gateway. A test may change the
// secrets before.
func (g *gateway) merchant(t *testing.T) string {
	t.Helper()
	return merchantAt(t, g.url, g.apiKey, g.salt)
}

// merchantAt is the Caddyfile options of a merchant at this base URL. The secrets are in
// environment variables that are named after the URL.
func merchantAt(t *testing.T, base, apiKey, salt string) string {
	t.Helper()
	name := strings.NewReplacer(":", "_", "/", "_", ".", "_").Replace(base)
	t.Setenv("TEST_API_KEY_"+name, apiKey)
	t.Setenv("TEST_SALT_"+name, salt)
	return "base_url " + base + "\napi_key {env.TEST_API_KEY_" + name + "}\nsalt {env.TEST_SALT_" + name + "}\n" + inTransport("")
}

// inTransport writes options of a transport. The promises of a call hold over connections of the sidecar's own and over Caddy's transport:
// where TEST_CADDYS_TRANSPORT is set, calls take the second way, for an option that only it can honour. Its value is the default.
func inTransport(options string) string {
	if os.Getenv("TEST_CADDYS_TRANSPORT") != "" {
		options += "write_buffer 4KiB\n"
	}
	if options == "" {
		return ""
	}
	return "transport http {\n" + options + "}\n"
}

// handles lets f reply to requests. f returns false to close the connection.
func (g *gateway) handles(f func(conn net.Conn, c *call) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handle = f
}

// replies lets f reply to requests with the bytes of a whole HTTP response. nil closes the
// connection instead.
func (g *gateway) replies(f func(c *call) []byte) {
	g.handles(func(conn net.Conn, c *call) bool {
		reply := f(c)
		if reply == nil {
			return false
		}
		_, err := conn.Write(reply)
		return err == nil
	})
}

// takesOver gives f each connection, counted from 1, before anything is read from it. Where f
// returns true, the gateway serves the connection as usual, else it closes it.
func (g *gateway) takesOver(f func(conn net.Conn, in *bufio.Reader, number int) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.takeOver = f
}

// replyAndClose is a handler that closes the connection after each reply.
func replyAndClose(reply func(c *call) []byte) func(net.Conn, *call) bool {
	return func(conn net.Conn, c *call) bool {
		_, _ = conn.Write(reply(c))
		return false
	}
}

// calls returns the requests that arrived whole.
func (g *gateway) calls() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*call(nil), g.received...)
}

// wantCalls checks how many requests arrived.
func (g *gateway) wantCalls(t *testing.T, n int) []*call {
	t.Helper()
	calls := g.calls()
	if len(calls) != n {
		t.Fatalf("the gateway got %d requests, want %d", len(calls), n)
	}
	return calls
}

// only returns the one request that arrived.
func (g *gateway) only(t *testing.T) *call {
	t.Helper()
	return g.wantCalls(t, 1)[0]
}

// last returns the latest request.
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

// closeConnections closes all open connections, idle ones too.
func (g *gateway) closeConnections() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.open {
		conn.Close()
	}
}

func (g *gateway) serve(conn net.Conn, number int) {
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
		handle := g.handle
		g.mu.Unlock()
		if !handle(conn, c) {
			return
		}
	}
}

// sign is the gateway's signature. It is written down a second time here, so that no test
// uses the product to judge the product.
func sign(text, salt string) string {
	sum := sha256.Sum256([]byte(text + salt))
	return hex.EncodeToString(sum[:])
}

// success is a signed reply with responseCode 200.
func (g *gateway) success(c *call, responseData string) []byte {
	return g.signed(envelope(c.requestID(), "200", "Success", responseData))
}

// refusal is a signed reply with this responseCode and without responseData.
func (g *gateway) refusal(c *call, code string) []byte {
	return g.signed(envelope(c.requestID(), code, "m", ""))
}

// signed is a reply with this body and its signature.
func (g *gateway) signed(body string, header ...string) []byte {
	return httpResponse(http.StatusOK, body, append([]string{"signature", sign(body, g.salt)}, header...)...)
}

// envelope is the body of a reply. An empty requestID or responseData is left out.
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
