package caddytest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// caddyServer is the running Caddy, and a client of its sites.
type caddyServer struct {
	client
	ports   map[string]string // port in the Caddyfile to real address
	listens int               // how many addresses the configuration has
	logFile string
	storage string
	stop    func() // ends Caddy after its last request; a test may call it early
}

// start runs Caddy with the given Caddyfile until the test ends. Ports in it, such as
// http://:9180, are only names: every site listens on a free port of 127.0.0.1, see
// caddyServer.url. The admin endpoint and the autosave are off unless the Caddyfile
// sets them. The log goes to a file, at debug level.
func start(t *testing.T, caddyfile string) *caddyServer {
	t.Helper()
	c, err := tryStart(t, caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// startEmpty runs Caddy without any site. It sets up the log.
func startEmpty(t *testing.T) *caddyServer {
	t.Helper()
	return start(t, "{\n}\n")
}

// startSites runs Caddy with a site on each of these ports that answers 503. A test needs it
// when the addresses of sites are written in the configuration of other sites: it loads the real
// configuration afterwards.
func startSites(t *testing.T, ports ...string) *caddyServer {
	t.Helper()
	var sites strings.Builder
	for _, port := range ports {
		sites.WriteString("http://:" + port + " {\nrespond 503\n}\n")
	}
	return start(t, sites.String())
}

// tryStart is start for a Caddyfile that Caddy may refuse.
func tryStart(t *testing.T, caddyfile string) (*caddyServer, error) {
	t.Helper()
	dir := t.TempDir()
	c := &caddyServer{
		client:  newClient(),
		logFile: filepath.Join(dir, "caddy.log"),
		storage: filepath.Join(dir, "storage"),
	}
	c.stop = sync.OnceFunc(func() { c.end(t) })
	t.Cleanup(c.stop)
	err := c.load(t, caddyfile)
	for range 3 {
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			break
		}
		c.ports = nil // another program took a port that was free a moment ago
		err = c.load(t, caddyfile)
	}
	return c, err
}

// end stops Caddy and waits until all of its listeners and connections are closed.
func (c *caddyServer) end(t *testing.T) {
	t.Helper()
	c.CloseIdleConnections()
	if err := caddy.Stop(); err != nil {
		t.Errorf("stopping Caddy: %v", err)
	}
	if n := listeners.wait(0); n != 0 {
		t.Errorf("%d listeners are still open", n)
	}
	if n := connections.wait(0); n != 0 {
		t.Errorf("%d connections are still open", n)
	}
}

// load replaces the running configuration. Sites keep their addresses. When load returns, the
// old configuration takes no more requests: its listeners are closed, for which caddy.Load
// alone does not wait, and so are the test's idle connections to it.
func (c *caddyServer) load(t *testing.T, caddyfile string) error {
	t.Helper()
	c.CloseIdleConnections()
	adapted, _, err := adapt(t, caddyfile)
	if err != nil {
		return err
	}
	if err := c.loadJSON(t, adapted); err != nil {
		return err
	}
	if n := listeners.wait(c.listens); n != c.listens {
		t.Errorf("%d listeners are open, want %d", n, c.listens)
	}
	return nil
}

// mustLoad is load for a Caddyfile that must be right.
func (c *caddyServer) mustLoad(t *testing.T, caddyfile string) {
	t.Helper()
	if err := c.load(t, caddyfile); err != nil {
		t.Fatal(err)
	}
}

// loadJSON replaces the running configuration by an adapted one, and waits for nothing.
func (c *caddyServer) loadJSON(t *testing.T, config []byte) error {
	t.Helper()
	return caddy.Load(c.localise(t, config), true)
}

// adapt turns a Caddyfile into JSON, as Caddy does, without running it.
func adapt(t *testing.T, caddyfile string) ([]byte, []caddyconfig.Warning, error) {
	t.Helper()
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(dedent(caddyfile)), map[string]any{"filename": "Caddyfile"})
}

// mustAdapt is adapt for a Caddyfile that must be right.
func mustAdapt(t *testing.T, caddyfile string) []byte {
	t.Helper()
	config, _, err := adapt(t, caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// dedent removes the white space in front of lines, so that a Caddyfile may be
// indented like the test around it.
func dedent(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(l, " \t"))
	}
	return b.String()
}

// localise fits an adapted configuration to the test: real addresses instead of the
// ports that the Caddyfile names, and every file below the test's own folder.
func (c *caddyServer) localise(t *testing.T, adapted []byte) []byte {
	t.Helper()
	config := make(map[string]any)
	decoder := json.NewDecoder(bytes.NewReader(adapted))
	decoder.UseNumber() // durations would not survive as float64
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
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
	apps := object(config, "apps")
	object(apps, "tls")["disable_storage_clean"] = true // its lock outlives Caddy by seconds
	web, _ := apps["http"].(map[string]any)
	servers, _ := web["servers"].(map[string]any)
	c.listens = 0
	for _, server := range servers {
		c.localiseServer(t, server.(map[string]any))
	}
	localised, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return localised
}

// object returns the object under this key. Where there is none, it makes one.
func object(parent map[string]any, key string) map[string]any {
	child, _ := parent[key].(map[string]any)
	if child == nil {
		child = make(map[string]any)
		parent[key] = child
	}
	return child
}

// localiseServer gives a server its real addresses, and counts its connections.
func (c *caddyServer) localiseServer(t *testing.T, server map[string]any) {
	t.Helper()
	server["automatic_https"] = map[string]any{"disable": true}
	if access, ok := server["logs"].(map[string]any); ok { // into the same file as all the rest
		delete(access, "default_logger_name")
		delete(access, "logger_names")
	}
	listen := server["listen"].([]any)
	for i, l := range listen {
		if network, port, ok := splitTCP(l.(string)); ok { // else it is a unix socket
			listen[i] = network + c.address(t, port)
		}
	}
	if server["tls_connection_policies"] == nil { // above TLS, the counter would hide that there is TLS
		server["listener_wrappers"] = []any{map[string]any{"wrapper": "caddytest_counter"}}
		c.listens += len(listen)
	}
}

func splitTCP(listen string) (network, port string, ok bool) {
	address, err := caddy.ParseNetworkAddress(listen)
	if err != nil || !strings.HasPrefix(address.Network, "tcp") {
		return "", "", false
	}
	return address.Network + "/", strconv.Itoa(int(address.StartPort)), true
}

// address is the real address of a port of the Caddyfile. A free address is not taken before
// Caddy listens on it, so it may be found twice: two sites must not get the same one.
func (c *caddyServer) address(t *testing.T, port string) string {
	t.Helper()
	taken := slices.Collect(maps.Values(c.ports))
	for c.ports[port] == "" {
		if address := freeAddress(t); !slices.Contains(taken, address) {
			if c.ports == nil {
				c.ports = make(map[string]string)
			}
			c.ports[port] = address
		}
	}
	return c.ports[port]
}

// url is the base address of the site that the Caddyfile puts on this port.
func (c *caddyServer) url(port string) string { return "http://" + c.ports[port] }

// logs returns everything that Caddy has logged so far, one JSON object per line. The line
// of a handler is written before its answer; for access logs call stop first.
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

// metrics returns the metrics as a site with the directive metrics shows them.
func (c *caddyServer) metrics(t *testing.T, port string) string {
	t.Helper()
	a := c.get(t, c.url(port)+"/metrics")
	if a.status != http.StatusOK {
		t.Fatalf("metrics: HTTP %d: %s", a.status, a.body)
	}
	return a.body
}
