package exchange

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// option is an option of the transport with a value, and what becomes of it.
type option struct {
	field    string // of the Go struct
	json     string // "" where after sets it
	after    func(*reverseproxy.HTTPTransport)
	obstacle string // "": connections of our own honour it
}

// options are all options of the transport. A field that is not listed fails the test: decide then who honours it.
func options(ca, caFile, certFile, keyFile string) []option {
	return []option{
		{field: "Resolver", json: `"resolver": {"addresses": ["127.0.0.1:53"]}`},
		{field: "KeepAlive.ProbeInterval", json: `"keep_alive": {"probe_interval": "7s"}`},
		{field: "KeepAlive.MaxIdleConns", json: `"keep_alive": {"max_idle_conns": 3}`},
		{field: "KeepAlive.MaxIdleConnsPerHost", json: `"keep_alive": {"max_idle_conns_per_host": 3}`},
		{field: "KeepAlive.MaxIdleConnsPerHost", json: `"keep_alive": {"max_idle_conns_per_host": -1}`, obstacle: "keep_alive"},
		{field: "KeepAlive.IdleConnTimeout", json: `"keep_alive": {"idle_timeout": "7s"}`},
		{field: "KeepAlive.Enabled", json: `"keep_alive": {"enabled": true}`},
		{field: "KeepAlive.Enabled", json: `"keep_alive": {"enabled": false}`, obstacle: "keep_alive"},
		{field: "Compression", json: `"compression": true`},
		{field: "Compression", json: `"compression": false`},
		{field: "MaxConnsPerHost", json: `"max_conns_per_host": 1`, obstacle: "max_conns_per_host"},
		{field: "ProxyProtocol", json: `"proxy_protocol": "v1"`, obstacle: "proxy_protocol"},
		{field: "ForwardProxyURL", json: `"forward_proxy_url": "http://127.0.0.1:1"`, obstacle: "network_proxy"},
		{field: "NetworkProxyRaw", json: `"network_proxy": {"from": "url", "url": "http://127.0.0.1:1"}`, obstacle: "network_proxy"},
		{field: "NetworkProxyRaw", json: `"network_proxy": {"from": "none"}`, obstacle: "network_proxy"},
		{field: "DialTimeout", json: `"dial_timeout": "1s"`},
		{field: "FallbackDelay", json: `"dial_fallback_delay": "1s"`},
		{field: "ResponseHeaderTimeout", json: `"response_header_timeout": "1s"`, obstacle: "response_header_timeout"},
		{field: "ExpectContinueTimeout", json: `"expect_continue_timeout": "1s"`}, // no request expects 100 Continue
		{field: "MaxResponseHeaderSize", json: `"max_response_header_size": 100`},
		{field: "WriteBufferSize", json: `"write_buffer_size": 100`, obstacle: "write_buffer_size"},
		{field: "ReadBufferSize", json: `"read_buffer_size": 100`},
		{field: "ReadTimeout", json: `"read_timeout": "1s"`, obstacle: "read_timeout"},
		{field: "WriteTimeout", json: `"write_timeout": "1s"`, obstacle: "write_timeout"},
		{field: "Versions", json: `"versions": ["1.1"]`},
		{field: "Versions", json: `"versions": ["1.1", "2"]`, obstacle: "versions"},
		{field: "Versions", json: `"versions": ["2"]`, obstacle: "versions"},
		{field: "Versions", json: `"versions": ["h2c"]`, obstacle: "versions"},
		{field: "Versions", json: `"versions": ["3"], "tls": {}`, obstacle: "versions"},
		{field: "Versions", json: `"versions": []`, obstacle: "versions"}, // Caddy's default is 1.1 and 2
		{field: "LocalAddress", json: `"local_address": "127.0.0.1"`},
		{field: "TLS.CARaw", json: `"tls": {"ca": {"provider": "file", "pem_files": ["` + caFile + `"]}}`},
		{field: "TLS.RootCAPool", json: `"tls": {"root_ca_pool": ["` + ca + `"]}`},
		{field: "TLS.RootCAPEMFiles", json: `"tls": {"root_ca_pem_files": ["` + caFile + `"]}`},
		{field: "TLS.ClientCertificateFile", json: `"tls": {"client_certificate_file": "` + certFile + `", "client_certificate_key_file": "` + keyFile + `"}`},
		{field: "TLS.ClientCertificateKeyFile", json: `"tls": {"client_certificate_file": "` + certFile + `", "client_certificate_key_file": "` + keyFile + `"}`},
		{field: "TLS.ClientCertificateAutomate", after: func(t *reverseproxy.HTTPTransport) {
			t.TLS = &reverseproxy.TLSConfig{ClientCertificateAutomate: "shop.example"} // it ends in the same tls.Config
		}},
		{field: "TLS.InsecureSkipVerify", json: `"tls": {"insecure_skip_verify": true}`},
		{field: "TLS.HandshakeTimeout", json: `"tls": {"handshake_timeout": "1s"}`},
		{field: "TLS.ServerName", json: `"tls": {"server_name": "gateway.example"}`},
		{field: "TLS.ServerName", json: `"tls": {"server_name": "{http.request.host}"}`, obstacle: "tls server_name"},
		{field: "TLS.Renegotiation", json: `"tls": {"renegotiation": "once"}`},
		{field: "TLS.ExceptPorts", json: `"tls": {"except_ports": ["443"]}`}, // for addresses without a scheme
		{field: "TLS.Curves", json: `"tls": {"curves": ["x25519"]}`},
		{field: "Transport", after: func(*reverseproxy.HTTPTransport) {}}, // what Caddy makes of all others
	}
}

// fieldsOf lists the exported fields of the struct, with those of the structs inside.
func fieldsOf(of reflect.Type, prefix string) []string {
	var list []string
	for f := range of.Fields() {
		switch {
		case !f.IsExported():
		case f.Type == reflect.TypeFor[*reverseproxy.TLSConfig](), f.Type == reflect.TypeFor[*reverseproxy.KeepAlive]():
			list = append(list, fieldsOf(f.Type.Elem(), f.Name+".")...)
		default:
			list = append(list, prefix+f.Name)
		}
	}
	return list
}

func TestEveryOptionIsHonoured(t *testing.T) {
	ca, caFile, certFile, keyFile := certificate(t)
	seen := make(map[string]bool)
	for _, o := range options(ca, caFile, certFile, keyFile) {
		seen[o.field] = true
		t.Run(o.field+" "+o.json, func(t *testing.T) {
			ctx, transport, raw := provisioned(t, o.json)
			if o.after != nil {
				o.after(transport)
			}
			base := &url.URL{Scheme: "https", Host: "127.0.0.1:1"}
			if got := obstacle(transport, asWritten(t, raw), base); got != o.obstacle {
				t.Errorf("the obstacle is %q, want %q", got, o.obstacle)
			}
			e, err := New(ctx, transport, raw, base)
			if _, ok := e.(*direct); err != nil || ok != (o.obstacle == "") {
				t.Errorf("%T, %v", e, err)
			}
		})
	}
	for _, f := range fieldsOf(reflect.TypeFor[reverseproxy.HTTPTransport](), "") {
		if !seen[f] {
			t.Errorf("the transport has an option %s, of which this test says nothing", f)
		}
	}
}

func TestAddressesThatCaddyTakes(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1": "", "[::1]:8080": "", "gateway.example:443": "",
		"b\u00fccher.example": "the gateway's address", "[fe80::1%25eth0]": "the gateway's address",
	} {
		_, transport, raw := provisioned(t, "")
		base, err := url.Parse("https://" + host)
		if err != nil {
			t.Fatal(err)
		}
		if got := obstacle(transport, asWritten(t, raw), base); got != want {
			t.Errorf("%s: the obstacle is %q, want %q", host, got, want)
		}
	}
}

// The environment is read once in a process, so a function stands in for it.
func TestProxyOfTheEnvironment(t *testing.T) {
	_, transport, raw := provisioned(t, "")
	proxy, err := url.Parse("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	transport.Transport.Proxy = http.ProxyURL(proxy)
	if got := obstacle(transport, asWritten(t, raw), &url.URL{Scheme: "https", Host: "gateway.example"}); got != "network_proxy" {
		t.Errorf("the obstacle is %q", got)
	}
}

// provisioned is a transport with the options, and HTTP/1.1 unless they say otherwise, as the handler loads it.
func provisioned(t *testing.T, options string) (caddy.Context, *reverseproxy.HTTPTransport, json.RawMessage) {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(ctx)
	t.Cleanup(cancel)
	if options != "" {
		options = ", " + options
	}
	raw := []byte(`{"versions": ["1.1"]` + options + `}`)
	module, err := ctx.LoadModuleByID("http.reverse_proxy.transport.http", raw)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, module.(*reverseproxy.HTTPTransport), raw
}

func asWritten(t *testing.T, raw json.RawMessage) *reverseproxy.HTTPTransport {
	t.Helper()
	written := new(reverseproxy.HTTPTransport)
	if err := json.Unmarshal(raw, written); err != nil {
		t.Fatal(err)
	}
	return written
}

// certificate is that of httptest's servers, in Base64 and as files, and one for clients.
func certificate(t *testing.T) (ca, caFile, certFile, keyFile string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	der := server.Certificate().Raw
	folder := t.TempDir()
	caFile, certFile, keyFile = filepath.Join(folder, "ca.pem"), filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	write(t, caFile, "CERTIFICATE", der)
	writePair(t, certFile, keyFile)
	return base64.StdEncoding.EncodeToString(der), caFile, certFile, keyFile
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
