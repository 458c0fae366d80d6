package galaxypay

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/quic-go/quic-go/http3"
)

// shortBodyTimeout takes the place of the 30 seconds.
const shortBodyTimeout = 500 * time.Millisecond

func init() {
	for name, module := range map[string]caddy.Module{"test_slow_app": slowApp{}, "test_read_ahead": readAhead{}} {
		caddy.RegisterModule(module)
		httpcaddyfile.RegisterHandlerDirective(name, func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
			return module.CaddyModule().New().(caddyhttp.MiddlewareHandler), nil
		})
	}
}

// slowApp is an app that takes longer than a body may, and fails if its client has hung up then.
type slowApp struct{}

func (slowApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_slow_app", New: func() caddy.Module { return new(slowApp) }}
}

func (slowApp) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	<-time.After(2 * shortBodyTimeout) // the app's time; only its answer waits for it
	if err := r.Context().Err(); err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	_, err := io.WriteString(w, "OK")
	return err
}

// readAhead is a module that reads the body before ours do.
type readAhead struct{}

func (readAhead) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_read_ahead", New: func() caddy.Module { return new(readAhead) }}
}

func (readAhead) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return next.ServeHTTP(w, r)
}

// site is a running Caddy with all of our handlers that read bodies.
type site struct {
	plain, secure string // addresses; HTTP/1 and HTTP/2 without TLS, and all three with it
	trusted       *x509.CertPool
}

// startSite runs Caddy with these options of its servers, and with our handlers behind these directives.
func startSite(t *testing.T, options, before string) site {
	t.Helper()
	was := bodyTimeout
	bodyTimeout = shortBodyTimeout
	certificate, key, trusted := certificateFiles(t)
	s := site{freePort(t), freePort(t), trusted}
	handlers := `{
		bind 127.0.0.1
		%s
		route {
			` + before + `
			handle_path /calls/* {
				galaxypay
			}
			handle /ipn {
				route {
					galaxypay_ipn
					test_slow_app
				}
			}
			handle /result {
				galaxypay_result
				respond "a page"
			}
		}
	}`
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(`{
		admin off
		auto_https off
		persist_config off
		storage_check off
		storage_clean_interval off
		grace_period 100ms
		log {
			output discard
		}
		servers {
			protocols h1 h2 h2c h3
			`+options+`
		}
		galaxypay {
			environment sandbox
		}
	}
	http://:`+port(s.plain)+` `+fmt.Sprintf(handlers, "")+`
	https://example.com:`+port(s.secure)+` `+fmt.Sprintf(handlers, "tls "+certificate+" "+key)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = caddy.Stop()
		bodyTimeout = was
	})
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	return s
}

// freePort returns an address of this machine at which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// certificateFiles writes the certificate that net/http has for tests, for example.com.
func certificateFiles(t *testing.T) (certificate, key string, trusted *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	server.Close()
	trusted = x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	private, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("certificate.pem", "CERTIFICATE", server.Certificate().Raw), write("key.pem", "PRIVATE KEY", private), trusted
}

// clients are clients of the site, one for each version of HTTP.
func (s site) clients(t *testing.T) map[string]func(path string) (*http.Client, string) {
	t.Helper()
	security := &tls.Config{RootCAs: s.trusted, ServerName: "example.com", MinVersion: tls.VersionTLS13}
	one, two := new(http.Protocols), new(http.Protocols)
	one.SetHTTP1(true)
	two.SetUnencryptedHTTP2(true)
	over := new(http.Protocols)
	over.SetHTTP2(true)
	three := &http3.Transport{TLSClientConfig: security}
	t.Cleanup(func() { three.Close() })
	client := func(address string, transport http.RoundTripper) func(string) (*http.Client, string) {
		return func(path string) (*http.Client, string) {
			return &http.Client{Transport: transport, Timeout: 20 * time.Second}, address + path
		}
	}
	plain, secure := "http://"+s.plain, "https://"+s.secure
	return map[string]func(string) (*http.Client, string){
		"HTTP/1":          client(plain, &http.Transport{Protocols: one}),
		"HTTP/1 over TLS": client(secure, &http.Transport{Protocols: one, TLSClientConfig: security.Clone()}),
		"HTTP/2":          client(plain, &http.Transport{Protocols: two}),
		"HTTP/2 over TLS": client(secure, &http.Transport{Protocols: over, TLSClientConfig: security.Clone()}),
		"HTTP/3":          client(secure, three),
	}
}

// servers are options of Caddy's servers that a limit of ours must not depend on.
var servers = map[string]string{
	"Caddy's timeouts":   "",
	"long timeouts":      "timeouts {\n read_body 10m\n read_body_idle 10m\n}",
	"no idle timeout":    "timeouts {\n read_body_idle -1s\n}",
	"only a body's time": "timeouts {\n read_body 10m\n read_body_idle -1s\n}",
}

// A body that is not complete in time is refused as that, whichever version of HTTP brings it, at which handler, and
// whatever the server's own timeouts are.
func TestBodyTimeout(t *testing.T) {
	for server, options := range servers {
		t.Run(server, func(t *testing.T) {
			s := startSite(t, options, "")
			for version, client := range s.clients(t) {
				for _, path := range []string{"/calls/pay", "/ipn", "/result"} {
					for kind, length := range map[string]int64{"announced": 1000, "in chunks": -1} {
						t.Run(version+" "+path+" "+kind, func(t *testing.T) {
							t.Parallel()
							c, address := client(path)
							wantBodyTimeout(t, c, address, length)
						})
					}
				}
			}
		})
	}
}

// wantBodyTimeout sends half of a body.
func wantBodyTimeout(t *testing.T, c *http.Client, address string, length int64) {
	t.Helper()
	body, half := io.Pipe()
	defer time.AfterFunc(10*time.Second, func() { half.Close() }).Stop() // net/http waits for it after the client's own timeout
	defer half.Close()
	go func() { _, _ = io.WriteString(half, `{"data":"`) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength, r.Host = length, "example.com"
	r.Header.Set("Content-Type", "application/json")
	started := time.Now()
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if took := time.Since(started); took < shortBodyTimeout || took > 8*time.Second {
		t.Errorf("answered after %v", took)
	}
	wantBodyTimeoutAnswer(t, answer, string(text), strings.HasSuffix(address, "pay"))
}

func wantBodyTimeoutAnswer(t *testing.T, answer *http.Response, text string, isCall bool) {
	t.Helper()
	if answer.StatusCode != http.StatusRequestTimeout || !strings.Contains(text, `"code":"body_timeout"`) {
		t.Errorf("HTTP %d: %s", answer.StatusCode, text)
	}
	if got := strings.Contains(text, `"outcome":"not_sent"`); got != isCall {
		t.Errorf("outcome not_sent is %v in %s", got, text)
	}
	if closes := answer.Close; closes != (answer.ProtoMajor == 1) {
		t.Errorf("%s, the connection is closed: %v", answer.Proto, closes)
	}
}

// The limit is one for the whole body: bytes that keep coming do not push it out. A client that sends nothing, or that waits
// to be asked for the body, is cut too.
func TestBodyTimeoutOfConnections(t *testing.T) {
	s := startSite(t, "", "")
	const head = "POST /calls/pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for name, test := range map[string]struct {
		head, next string
	}{
		"nothing":            {head + "Content-Length: 5\r\n\r\n", ""},
		"a byte too few":     {head + "Content-Length: 3\r\n\r\n{}", ""},
		"asks first":         {head + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", ""},
		"trickles":           {head + "Content-Length: 60000\r\n\r\n{", " "},
		"chunks trickle":     {head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "1\r\n \r\n"},
		"one chunk trickles": {head + "Transfer-Encoding: chunked\r\n\r\nffff\r\n{", " "},
		"a size trickles":    {head + "Transfer-Encoding: chunked\r\n\r\n1", "0"},
		"no last chunk":      {head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", ""},
		"a trailer trickles": {head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-End: ", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.plain)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.WriteString(conn, test.head); err != nil {
				t.Fatal(err)
			}
			answered := make(chan struct{})
			go trickleUntil(answered, conn, test.next)
			in := bufio.NewReader(conn)
			answer, err := http.ReadResponse(in, nil)
			if err == nil && answer.StatusCode == http.StatusContinue {
				answer, err = http.ReadResponse(in, nil)
			}
			close(answered)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, _ := io.ReadAll(answer.Body)
			wantBodyTimeoutAnswer(t, answer, string(text), true)
		})
	}
}

// trickleUntil sends the text again and again.
func trickleUntil(end <-chan struct{}, conn net.Conn, text string) {
	pace := time.NewTicker(shortBodyTimeout / 20)
	defer pace.Stop()
	for {
		select {
		case <-end:
			return
		case <-pace.C:
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// When the body has come, its deadline ends: the app has its own time, and the connection serves the next request. It
// does not matter whether another module has read the body before, or which timeouts the server has.
func TestBodyTimeoutEndsWithTheBody(t *testing.T) {
	data := base64.StdEncoding.EncodeToString([]byte(`{"requestID":"1","responseCode":"200","responseData":{"transactionID":"1"}}`))
	message := fmt.Sprintf(`{"data":%q,"signature":%q}`, data, plainSignature(data, sandboxSalt))
	short := fmt.Sprintf("timeouts {\n read_body %v\n}", shortBodyTimeout)
	for server, options := range map[string]string{"Caddy's timeouts": "", "no idle timeout": servers["no idle timeout"], "a short read_body": short} {
		for module, before := range map[string]string{"": "", ", read ahead": "test_read_ahead"} {
			t.Run(server+module, func(t *testing.T) {
				s := startSite(t, options, before)
				for version, client := range s.clients(t) {
					t.Run(version, func(t *testing.T) {
						t.Parallel()
						c, address := client("/ipn")
						for range 2 {
							wantConfirmed(t, c, address, message)
						}
					})
				}
			})
		}
	}
}

// wantConfirmed sends an IPN in two pieces.
func wantConfirmed(t *testing.T, c *http.Client, address, message string) {
	t.Helper()
	body := io.MultiReader(strings.NewReader(message[:20]), strings.NewReader(message[20:]))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength, r.Host = int64(len(message)), "example.com"
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || !strings.Contains(string(text), `"ipnStatus":"200"`) {
		t.Errorf("HTTP %d: %s", answer.StatusCode, text)
	}
}
