// Package caddytest tests the product from outside: a real Caddy, configured by a
// Caddyfile as a user writes it, between a fake gateway and a fake app.
//
// A test reads like this:
//
//	g := newGateway(t)
//	c := start(t, `
//		{
//			galaxypay {
//				`+g.merchant(t)+`
//			}
//		}
//		http://:9180 {
//			galaxypay
//		}`)
//	a := c.post(t, c.url("9180")+"/pay", `{"orderID":"1"}`)
//
// There is one Caddy per process, so no test here calls t.Parallel. Nothing waits by
// sleeping: c.stop() returns when every request and every log line is through.
package caddytest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/goleak"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
)

// patience bounds everything that a test waits for. It decides no verdict of a test
// that passes; it only keeps a broken product from hanging the run.
const patience = 30 * time.Second

// The secrets of the tests' merchant. The salt is the one of the gateway's published
// examples; the key is a canary that must turn up nowhere but in the header apiKey.
const (
	testAPIKey = "canary-api-key-5f1d7c"
	testSalt   = "GO@2021"
)

// TestMain fails the run if a goroutine is left when every Caddy has been stopped. In a
// child it is Caddy.
func TestMain(m *testing.M) {
	if caddyfile := os.Getenv(caddyfileEnv); caddyfile != "" {
		runAsCaddy(caddyfile)
		return
	}
	goleak.VerifyTestMain(m, relayLeftovers...)
}

// sign is the gateway's signature, written down a second time so that no test asks
// the product whether the product is right.
func sign(text, salt string) string {
	sum := sha256.Sum256([]byte(text + salt))
	return hex.EncodeToString(sum[:])
}

// requireProgram returns the path of a program that a test needs. Where it is absent
// the test is skipped, or fails if REQUIRE_ALL=1 is set.
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("the program %s is needed and not installed: %v", name, err)
	}
	t.Skipf("the program %s is not installed", name)
	return ""
}

// ---- Caddy ----

// caddyServer is the running Caddy.
type caddyServer struct {
	client  *http.Client
	ports   map[string]string // port in the Caddyfile to real address
	listens int               // how many addresses the configuration has
	logFile string
	storage string
	stop    func() // ends Caddy after its last request; may be called early
}

// adapt turns a Caddyfile into JSON, as Caddy does, without running it.
func adapt(t *testing.T, caddyfile string) ([]byte, []caddyconfig.Warning, error) {
	t.Helper()
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(dedent(caddyfile)), map[string]any{"filename": "Caddyfile"})
}

// start runs Caddy with the given Caddyfile until the test ends. Ports in it, such as
// http://:9180, are only names: every site listens on a free port of 127.0.0.1, see
// caddyServer.url. The admin endpoint and the autosave are off unless the Caddyfile
// has a word on them; logs go to a file, at debug level.
func start(t *testing.T, caddyfile string) *caddyServer {
	t.Helper()
	c, err := tryStart(t, caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryStart is start for a Caddyfile that Caddy may refuse.
func tryStart(t *testing.T, caddyfile string) (*caddyServer, error) {
	t.Helper()
	dir := t.TempDir()
	transport := &http.Transport{DisableCompression: true}
	c := &caddyServer{
		client: &http.Client{
			Transport:     transport,
			Timeout:       patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		logFile: filepath.Join(dir, "caddy.log"),
		storage: filepath.Join(dir, "storage"),
	}
	c.stop = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		if n := listeners.wait(0); n != 0 {
			t.Errorf("%d listeners are still open", n)
		}
		if n := connections.wait(0); n != 0 {
			t.Errorf("%d connections are still being served", n)
		}
	})
	t.Cleanup(c.stop)
	err := c.load(t, caddyfile)
	for range 3 {
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			break
		}
		c.ports = nil // somebody else took a port that was free a moment ago
		err = c.load(t, caddyfile)
	}
	return c, err
}

// load replaces the running configuration. Sites keep the address that they have. When
// it returns, the old configuration takes no more requests: the test's idle connections
// to it are closed, and so are its listeners, for which caddy.Load alone does not wait.
func (c *caddyServer) load(t *testing.T, caddyfile string) error {
	t.Helper()
	c.client.CloseIdleConnections()
	adapted, _, err := adapt(t, caddyfile)
	if err != nil {
		return err
	}
	if err := caddy.Load(c.localise(t, adapted), true); err != nil {
		return err
	}
	if n := listeners.wait(c.listens); n != c.listens {
		t.Errorf("%d listeners are open, want %d", n, c.listens)
	}
	return nil
}

// localise fits an adapted configuration to the test: real addresses instead of the
// ports that the Caddyfile names, and every file below the test's own folder.
func (c *caddyServer) localise(t *testing.T, adapted []byte) []byte {
	t.Helper()
	var config map[string]any
	decoder := json.NewDecoder(bytes.NewReader(adapted))
	decoder.UseNumber() // durations would not survive as float64
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	if c.ports == nil {
		c.ports = make(map[string]string)
	}
	if config["admin"] == nil {
		config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	}
	config["storage"] = map[string]any{"module": "file_system", "root": c.storage}
	config["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"level":   "DEBUG",
		"encoder": map[string]any{"format": "json"},
		"writer":  map[string]any{"output": "file", "filename": c.logFile, "roll": false},
	}}}
	apps, _ := config["apps"].(map[string]any)
	if apps == nil {
		apps = make(map[string]any)
		config["apps"] = apps
	}
	certificates, _ := apps["tls"].(map[string]any)
	if certificates == nil {
		certificates = make(map[string]any)
		apps["tls"] = certificates
	}
	certificates["disable_storage_clean"] = true // its lock outlives Caddy by seconds
	web, _ := apps["http"].(map[string]any)
	servers, _ := web["servers"].(map[string]any)
	c.listens = 0
	for _, s := range servers {
		server := s.(map[string]any)
		server["automatic_https"] = map[string]any{"disable": true}
		if access, ok := server["logs"].(map[string]any); ok { // into the same file as all the rest
			delete(access, "default_logger_name")
			delete(access, "logger_names")
		}
		for i, l := range server["listen"].([]any) {
			network, port, ok := splitTCP(l.(string))
			if !ok {
				continue // a unix socket
			}
			if c.ports[port] == "" {
				c.ports[port] = c.newAddress(t)
			}
			server["listen"].([]any)[i] = network + c.ports[port]
		}
		if server["tls_connection_policies"] == nil { // above TLS, it would hide that there is TLS
			server["listener_wrappers"] = []any{map[string]any{"wrapper": "caddytest_counter"}}
			c.listens += len(server["listen"].([]any))
		}
	}
	localised, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return localised
}

func splitTCP(listen string) (network, port string, ok bool) {
	address, err := caddy.ParseNetworkAddress(listen)
	if err != nil || !strings.HasPrefix(address.Network, "tcp") {
		return "", "", false
	}
	return address.Network + "/", strconv.Itoa(int(address.StartPort)), true
}

// newAddress is a free address that no site has: one that was found free is free still,
// and may be found again, until Caddy listens on it.
func (c *caddyServer) newAddress(t *testing.T) string {
	t.Helper()
	taken := slices.Collect(maps.Values(c.ports))
	for {
		if address := freeAddress(t); !slices.Contains(taken, address) {
			return address
		}
	}
}

// freeAddress finds a port that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// url is the base address of the site that the Caddyfile puts on this port.
func (c *caddyServer) url(port string) string { return "http://" + c.ports[port] }

// logs returns everything that Caddy has logged so far, one JSON object per line. A
// handler's own line is there when its answer is; for access logs call stop first.
func (c *caddyServer) logs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(c.logFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logLines returns the log lines with this message, decoded.
func (c *caddyServer) logLines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(c.logs(t)) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %q: %v", text, err)
		}
		if line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

// listeners counts the addresses that Caddy listens on, connections those that it is
// serving. caddy.Load and caddy.Stop return while the old listeners are about to close
// and requests are still running; a connection that is closed has no request and no
// access log to come.
var listeners, connections = newCounter(), newCounter()

type counter struct {
	mu      sync.Mutex
	changed sync.Cond
	n       int
}

func newCounter() *counter {
	c := new(counter)
	c.changed.L = &c.mu
	return c
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	c.changed.Broadcast()
}

// wait returns when there are no more than limit, or when patience is at its end, and
// how many there are then.
func (c *counter) wait(limit int) int {
	expired := false
	alarm := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		expired = true
		c.changed.Broadcast()
	})
	defer alarm.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n > limit && !expired {
		c.changed.Wait()
	}
	return c.n
}

// countingWrapper is the listener wrapper that feeds connections.
type countingWrapper struct{}

func init() { caddy.RegisterModule(countingWrapper{}) }

func (countingWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.caddytest_counter", New: func() caddy.Module { return new(countingWrapper) }}
}

func (countingWrapper) WrapListener(l net.Listener) net.Listener {
	listeners.add(1)
	return &countingListener{Listener: l}
}

type countingListener struct {
	net.Listener
	once sync.Once
}

func (l *countingListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() { listeners.add(-1) })
	return err
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	connections.add(1)
	return &countedConn{Conn: conn}, nil
}

type countedConn struct {
	net.Conn
	once sync.Once
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { connections.add(-1) })
	return err
}

// ---- the app's side ----

// answered is an answer that was read whole.
type answered struct {
	status int
	header http.Header
	body   string
}

// problem is the body of a refusal.
type problem struct {
	Type            string `json:"type"`
	Title           string `json:"title"`
	Status          int    `json:"status"`
	Detail          string `json:"detail"`
	Code            string `json:"code"`
	Outcome         string `json:"outcome"`
	Operation       string `json:"operation"`
	RequestID       string `json:"requestID"`
	ResponseCode    string `json:"responseCode"`
	ResponseMessage string `json:"responseMessage"`
	Errors          []struct {
		Field  string `json:"field"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"errors"`
}

// problem decodes a refusal and checks what holds for every one of them.
func (a answered) problem(t *testing.T) problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type %q, want application/problem+json; HTTP %d: %s", got, a.status, a.body)
	}
	var p problem
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("problem %s: %v", a.body, err)
	}
	if p.Status != a.status || p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" {
		t.Fatalf("incomplete problem with HTTP %d: %s", a.status, a.body)
	}
	return p
}

// do sends a request and reads the whole answer. Header names go out as spelled.
func (c *caddyServer) do(t *testing.T, method, address string, header http.Header, body io.Reader) answered {
	t.Helper()
	a, err := c.try(t.Context(), method, address, header, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is do for a request that may fail; it may be called from other goroutines.
func (c *caddyServer) try(ctx context.Context, method, address string, header http.Header, body io.Reader) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return answered{}, err
	}
	if header != nil {
		request.Header = header
	}
	response, err := c.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answered{status: response.StatusCode, header: response.Header, body: string(text)}, err
}

// post sends JSON, with further headers given as name, value, name, value ...
func (c *caddyServer) post(t *testing.T, address, body string, header ...string) answered {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	return c.do(t, http.MethodPost, address, h, strings.NewReader(body))
}

// ---- the gateway's side ----

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

// call is one request as it came over the wire.
type call struct {
	number     int    // among all requests, from 1
	connection int    // on which it came, from 1
	line       string // such as POST /api/v1/transaction/pay HTTP/1.1
	header     []line // in their order and spelling
	body       string
}

// line is one header line.
type line struct{ name, value string }

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
	g.answers(func(c *call) []byte { return g.success(c, `{"endpoint":"https://pay.example/1"}`) })
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
func (g *gateway) answers(f func(c *call) []byte) {
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

// closingAfter is a handler that closes the connection after each answer.
func closingAfter(answer func(c *call) []byte) func(net.Conn, *call) bool {
	return func(conn net.Conn, c *call) bool {
		_, _ = conn.Write(answer(c))
		return false
	}
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

// readCall reads one request with a Content-Length; the sidecar sends no other.
func readCall(in *bufio.Reader) (*call, error) {
	c := new(call)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		text = strings.TrimSuffix(text, "\r\n")
		if text == "" && c.line != "" {
			break
		}
		if c.line == "" {
			c.line = text
			continue
		}
		name, value, _ := strings.Cut(text, ": ")
		c.header = append(c.header, line{name, value})
	}
	length, _ := strconv.Atoi(c.value("Content-Length"))
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	c.body = string(body)
	return c, nil
}

// value returns the first header of that name, in any spelling.
func (c *call) value(name string) string {
	for _, h := range c.header {
		if strings.EqualFold(h.name, name) {
			return h.value
		}
	}
	return ""
}

// path is the request's target.
func (c *call) path() string {
	_, rest, _ := strings.Cut(c.line, " ")
	path, _, _ := strings.Cut(rest, " ")
	return path
}

// requestID is the one in the envelope.
func (c *call) requestID() string {
	var envelope struct {
		RequestID any `json:"requestID"`
	}
	_ = json.Unmarshal([]byte(c.body), &envelope)
	return fmt.Sprint(envelope.RequestID)
}

// success is a signed answer with responseCode 200.
func (g *gateway) success(c *call, responseData string) []byte {
	return g.signed(envelope(c.requestID(), "200", "Success", responseData))
}

// signed is an HTTP answer with this body and its signature.
func (g *gateway) signed(body string, header ...string) []byte {
	return httpAnswer(http.StatusOK, body, append([]string{"signature", sign(body, g.salt)}, header...)...)
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

// httpAnswer is a whole HTTP answer, with further headers given as name, value ...
func httpAnswer(status int, body string, header ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// ---- small things ----

// dedent removes the white space in front of lines, so that a Caddyfile may be
// indented like the test around it.
func dedent(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(l, " \t"))
	}
	return b.String()
}
