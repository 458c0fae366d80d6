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

// caddyServer is the running Caddy.
type caddyServer struct {
	client  *http.Client
	ports   map[string]string // port in the Caddyfile to real address
	listens int               // how many addresses the configuration has
	logFile string
	storage string
	stop    func() // ends Caddy after its last request; may be called early
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

// adapt turns a Caddyfile into JSON, as Caddy does, without running it.
func adapt(t *testing.T, caddyfile string) ([]byte, []caddyconfig.Warning, error) {
	t.Helper()
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(dedent(caddyfile)), map[string]any{"filename": "Caddyfile"})
}

// adapted is the JSON of a Caddyfile that must be right.
func mustAdapt(t *testing.T, caddyfile string) []byte {
	t.Helper()
	config, _, err := adapt(t, caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	return config
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

// dedent removes the white space in front of lines, so that a Caddyfile may be
// indented like the test around it.
func dedent(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(l, " \t"))
	}
	return b.String()
}
