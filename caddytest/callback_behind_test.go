package caddytest

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docBlock is the first block of a language on a page of docs/.
func docBlock(t *testing.T, page, language string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n```" + language + "\n(.*?)```\n").FindSubmatch(text)
	if block == nil {
		t.Fatalf("docs/%s has no block of %s", page, language)
	}
	return string(block[1])
}

// frontServer is a web server that stands before the sidecar and the app.
type frontServer struct {
	name, program string
	// config is the whole configuration around the file of examples/.
	config func(block, address, dir, program string) string
	args   string // DIR and CONFIG are replaced
}

var frontServers = []frontServer{
	{"nginx", "nginx", func(block, address, dir, _ string) string {
		block = strings.Replace(block, "listen 443 ssl;", "listen "+address+";", 1)
		temporary := ""
		for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			temporary += name + "_temp_path " + dir + "/" + name + ";\n"
		}
		return "pid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log " + dir + "/access.log;\n" + temporary + block + "}\n"
	}, "-p DIR -c CONFIG -e stderr -g 'daemon off; master_process off;'"},
	{"Apache", "apache2", func(block, address, dir, program string) string {
		block = strings.Replace(block, "*:443", address, 1)
		modules := ""
		for _, name := range []string{"mpm_event", "authz_core", "proxy", "proxy_http", "headers", "setenvif"} {
			modules += "LoadModule " + name + "_module " + filepath.Join(filepath.Dir(program), "../lib/apache2/modules/mod_"+name+".so") + "\n"
		}
		return "ServerRoot " + dir + "\nDefaultRuntimeDir " + dir + "\nPidFile " + dir + "/pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\nKeepAlive Off\n" +
			"ServerName shop.example\nDefine APACHE_LOG_DIR " + dir + "\n" + modules +
			"LogFormat \"%h %l %u %t \\\"%r\\\" %>s %O\" combined\nListen " + address + "\n" + block
	}, "-X -d DIR -f CONFIG"},
}

// start runs the server with the configuration of examples/ and returns its address.
func (f frontServer) start(t *testing.T, sidecar, app string) (address, dir string) {
	t.Helper()
	program := requireProgram(t, f.program)
	dir, address = t.TempDir(), freeAddress(t)
	block := readExampleFile(t, strings.ToLower(f.name)+"/shop.conf")
	block = strings.NewReplacer("127.0.0.1:9181", sidecar, "127.0.0.1:8000", app).Replace(block)
	config := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(config, []byte(f.config(block, address, dir, program)), 0o600); err != nil {
		t.Fatal(err)
	}
	args := strings.NewReplacer("DIR", dir, "CONFIG", config).Replace(f.args)
	startProgram(t, nil, "/bin/sh", "-c", "echo http://"+address+"; exec "+program+" "+args)
	eventually(t, f.name+" listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + address, dir
}

// sidecarBehind runs the sidecar of examples/nginx for an app.
func sidecarBehind(t *testing.T, app string) *caddyServer {
	t.Helper()
	caddyfile := readExampleFile(t, "nginx/Caddyfile")
	for _, line := range []string{"\t\tapi_key {env.GALAXYPAY_API_KEY}\n", "\t\tsalt {env.GALAXYPAY_SALT}\n"} {
		caddyfile = strings.Replace(caddyfile, line, "", 1)
	}
	return start(t, strings.NewReplacer("environment production", "environment sandbox", "127.0.0.1:8000", app).Replace(caddyfile))
}

// A shop behind another web server gets callbacks as it does behind Caddy, with the files of examples/.
func TestCallbacksBehindAnotherServer(t *testing.T) {
	for _, front := range frontServers {
		t.Run(front.name, func(t *testing.T) {
			app := newApp(t)
			c := sidecarBehind(t, app.address)
			address, dir := front.start(t, c.ports["9181"], app.address)
			host := func(header ...string) []string { return append([]string{"X-Forwarded-For", "203.0.113.9"}, header...) }
			long := signedMessage(strings.Replace(paidMessage, `"vi"`, `"`+strings.Repeat("x", 5000)+`"`, 1), sandboxSalt)
			m := signedMessage(paidMessage, sandboxSalt)

			t.Run("an IPN", func(t *testing.T) {
				c.post(t, address+"/galaxypay/ipn?shop=1", m.json(), host("Galaxypay.Attempt", "9")...).wantIPNStatus(t, "200")
				got := app.only(t)
				provenCallback{target: "/galaxypay/ipn?shop=1", kind: "ipn", status: "paid", message: paidMessage, from: m}.check(t, got)
				if got.header.Get("X-Forwarded-Proto") != "http" || !strings.Contains(got.header.Get("X-Forwarded-For"), "127.0.0.1") || got.host == c.ports["9181"] {
					t.Errorf("the app got Host %s and %v", got.host, got.header)
				}
			})
			for name, message := range map[string]callback{"a result": m, "a long result": long} {
				t.Run(name, func(t *testing.T) {
					query := wantRedirect(t, c.post(t, address+"/galaxypay/result?shop=1", message.json()), message)
					c.get(t, address+"/galaxypay/result?"+query, "Cookie", "sid=lax").wantStatus(t, http.StatusOK)
					got := app.only(t)
					if got.method != http.MethodGet || got.target != "/galaxypay/result?shop=1" || got.body != "" || got.header.Get("Galaxypay-Payment-Status") != "paid" || got.header.Get("Cookie") != "sid=lax" {
						t.Errorf("the app got %+v", got)
					}
				})
			}
			t.Run("a forged result", func(t *testing.T) {
				forged := callback{m.data, strings.Repeat("0", 64)}
				a := c.get(t, address+"/galaxypay/result?"+forged.form(), "Accept", "text/html")
				if a.status != http.StatusForbidden || !strings.Contains(a.body, "do not pay again") {
					t.Errorf("HTTP %d: %s", a.status, a.body)
				}
				app.wantNothing(t)
			})
			for _, path := range []string{"/", "/galaxypay/ipn/", "/galaxypay/result/", "/index.php/galaxypay/ipn"} {
				t.Run("forged headers, "+path, func(t *testing.T) {
					c.get(t, address+path).wantStatus(t, http.StatusOK)
					app.received()
					for _, forged := range forgedHeaders {
						c.get(t, address+path, forged.header...)
						for _, got := range app.received() {
							wantNoMarks(t, got.header)
						}
					}
				})
			}
			t.Run("no log has the message", func(t *testing.T) {
				logged, err := os.ReadFile(filepath.Join(dir, "access.log"))
				if err != nil || len(logged) == 0 {
					t.Fatalf("the access log is empty, error %v", err)
				}
				wantNoMessage(t, string(logged), m)
			})
			t.Run("the app is not there", func(t *testing.T) {
				c.mustLoad(t, strings.Replace(sandboxMerchant+"http://:9181 {\ngalaxypay_result\nreverse_proxy APP\n}\n", "APP", deadAddress(t), 1))
				a := c.get(t, address+"/galaxypay/result?"+m.form(), "Accept", "text/html", "Accept-Language", "vi")
				wantCalmPage(t, a, http.StatusBadGateway, "vi", true)
			})
		})
	}
}
