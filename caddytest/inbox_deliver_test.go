package caddytest

import (
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// deliverSite is a site at 9181 whose inbox delivers through these directives.
func deliverSite(file, deliver string) string {
	return `
		{
			galaxypay {
				environment sandbox
				store sqlite ` + file + `
			}
		}
		http://:9181 {
			galaxypay_ipn {
				inbox {
					` + deliver + `
					retry` + strings.Repeat(" 20ms", 60) + `
				}
			}
		}`
}

// sendTo posts an IPN to a path, under a name of the site.
func sendTo(t *testing.T, c *caddyServer, path, host string, m callback) httpAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181")+path, strings.NewReader(m.json()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	a, err := c.roundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// strictApp is an app that knows its public name, as Django and Rails do, and redirects what does
// not come as the gateway's request came.
func strictApp(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != "shop.example":
		answering(http.StatusBadRequest, "Invalid HTTP_HOST header")(w, r)
	case r.Header.Get("X-Forwarded-Proto") != "http" || r.Header.Get("X-Forwarded-For") != "127.0.0.1":
		answering(http.StatusMovedPermanently, "", "Location", "https://shop.example/")(w, r)
	default:
		answering(http.StatusOK, "")(w, r)
	}
}

// Behind the inbox, the app sees what it sees behind the site: the Host, the scheme, the path and
// the client of the gateway's request.
func TestInboxAppThatChecksHost(t *testing.T) {
	app := newApp(t)
	app.answers(strictApp)
	socket := filepath.Join(shortTempDir(t), "app.sock")
	serveUnix(t, socket, app)
	for name, test := range map[string]struct{ deliver, target string }{
		"deliver_to":                {"deliver_to http://" + app.address, "/galaxypay/ipn?shop=1"},
		"deliver_to a path":         {"deliver_to http://" + app.address + "/payments/ipn", "/payments/ipn?shop=1"},
		"reverse_proxy":             {"deliver {\nreverse_proxy " + app.address + "\n}", "/galaxypay/ipn?shop=1"},
		"rewrite and reverse_proxy": {"deliver {\nreverse_proxy " + app.address + "\nrewrite * /payments/ipn\n}", "/payments/ipn?shop=1"},
		"handle_path":               {"deliver {\nhandle_path /galaxypay/* {\nreverse_proxy " + app.address + "\n}\n}", "/ipn?shop=1"},
		"unix socket":               {"deliver {\nreverse_proxy unix/" + socket + "\n}", "/galaxypay/ipn?shop=1"},
		"options of reverse_proxy":  {"deliver {\nreverse_proxy " + deadAddress(t) + " " + app.address + " {\nlb_policy first\nlb_retries 1\nfail_duration 30s\n}\n}", "/galaxypay/ipn?shop=1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, deliverSite(inboxFile(t), test.deliver))
			m := signedMessage(paidMessage, sandboxSalt)
			sendTo(t, c, "/galaxypay/ipn?shop=1", "shop.example", m).wantIPNStatus(t, "200")
			c.stop()
			got := app.only(t)
			if got.header.Get("Galaxypay-Attempt") != "1" {
				t.Errorf("attempt %s", got.header.Get("Galaxypay-Attempt"))
			}
			if order := got.header.Get("Galaxypay-Order"); order != "unknown" { // the payment was not made through this sidecar
				t.Errorf("order %s", order)
			}
			got.header.Del("Galaxypay-Attempt")
			got.header.Del("Galaxypay-Order")
			provenCallback{target: test.target, kind: "ipn", status: "paid", message: paidMessage, from: m}.check(t, got)
		})
	}
}

func serveUnix(t *testing.T, socket string, h http.Handler) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.Server{Listener: listener, Config: &http.Server{Handler: h, ReadHeaderTimeout: patience}}
	server.Start()
	t.Cleanup(server.Close)
}

// A PHP app has no HTTP server of its own.
func TestInboxDeliversByFastCGI(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := newApp(t)
	environment := make(chan map[string]string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = fcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			env := fcgi.ProcessEnv(r)
			env["REMOTE_ADDR"], _, _ = net.SplitHostPort(r.RemoteAddr) // the library puts it there
			environment <- env
			r.RequestURI = r.URL.RequestURI()
			app.ServeHTTP(w, r)
		}))
	}()
	defer func() {
		_ = listener.Close()
		<-ended
	}()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "index.php"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, deliverSite(inboxFile(t), "deliver {\nroot "+root+"\nphp_fastcgi "+listener.Addr().String()+"\n}"))
	m := signedMessage(paidMessage, sandboxSalt)
	sendTo(t, c, "/galaxypay/ipn?shop=1", "shop.example", m).wantIPNStatus(t, "200")
	c.stop()
	got := app.only(t)
	if got.host != "shop.example" || got.target != "/galaxypay/ipn?shop=1" || got.body != paidMessage || got.header.Get("Galaxypay-Payment-Status") != "paid" {
		t.Errorf("PHP got %s of %s with %v: %s", got.target, got.host, got.header, got.body)
	}
	if env := <-environment; env["SCRIPT_FILENAME"] != filepath.Join(root, "index.php") || env["REMOTE_ADDR"] != "127.0.0.1" {
		t.Errorf("its environment: %v", env)
	}
}

// Two sites of one merchant have handlers of their own. An event goes through those where it
// arrived, also after a reload that changes another site; and through the first ones when its own
// are gone.
func TestInboxDeliversThroughTheBlockOfItsSite(t *testing.T) {
	first, second := newApp(t), newApp(t)
	block := func(path, app string) string {
		return "handle " + path + " {\ngalaxypay_ipn {\ninbox {\ndeliver {\nhandle {\nreverse_proxy " + app + "\n}\n}\nretry" + strings.Repeat(" 20ms", 60) + "\n}\n}\n}\n"
	}
	head, sites := sandboxHead(inboxFile(t)), block("/first", first.address)+block("/second", second.address)
	c := start(t, head+"http://:9181 {\n"+sites+"}")
	for path, app := range map[string]*recordingApp{"/first": first, "/second": second} {
		sendTo(t, c, path, "shop.example", signedMessage(news("A-1", path), sandboxSalt)).wantIPNStatus(t, "200")
		if got := app.only(t); got.target != path {
			t.Errorf("%s got %s", path, got.target)
		}
	}
	first.wantNothing(t)

	second.answers(isDown)
	sendTo(t, c, "/second", "shop.example", signedMessage(ofTransaction(11, paidMessage), sandboxSalt)).wantIPNStatus(t, "200")
	taken := second.answersWithSignal(takesIt)
	// The site in front has handlers that are counted, so the groups of those behind get other names.
	c.mustLoad(t, head+"http://:9180 {\nhandle /a {\nrespond a\n}\nhandle {\nrespond b\n}\n}\nhttp://:9181 {\n"+sites+"}")
	await(t, taken, "the delivery after a reload")
	first.wantNothing(t)

	second.answers(isDown)
	sendTo(t, c, "/second", "shop.example", signedMessage(ofTransaction(12, paidMessage), sandboxSalt)).wantIPNStatus(t, "200")
	taken = first.answersWithSignal(takesIt)
	c.mustLoad(t, head+"http://:9181 {\n"+block("/first", first.address)+"}")
	await(t, taken, "the delivery through the first block")
}

// sandboxHead is the global option with a store in a file.
func sandboxHead(file string) string {
	return "{\ngalaxypay {\nenvironment sandbox\nstore sqlite " + file + "\n}\n}\n"
}

// A Caddy in front of the app whose sites do not match answers an empty 200. No app has seen the
// payment, so it must not be taken for a confirmation.
func TestInboxCaddyThatMatchesNothing(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	c := startSites(t, "9181", "9182", "9183")
	inner := strings.Replace(c.url("9183"), "127.0.0.1", "localhost", 1)
	site := sandboxHead(file) + `
		http://:9181 {
			galaxypay_ipn {
				inbox {
					deliver {
						reverse_proxy ` + inner + ` {
							header_up Host other.example
						}
					}
					retry 1ms
				}
			}
		}
		http://:9182 {
			galaxypay_ipn
			reverse_proxy ` + inner + ` {
				header_up Host other.example
			}
		}
		http://shop.example:9183 {
			reverse_proxy ` + app.address + `
		}`
	c.mustLoad(t, site)
	m := signedMessage(paidMessage, sandboxSalt)
	c.post(t, c.url("9182")+"/ipn", m.json()).wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
	c.post(t, c.url("9181")+"/ipn", m.json()).wantIPNStatus(t, "200")
	eventually(t, "the event is given up", func() bool {
		return len(c.logLines(t, "the last attempt failed: the event is a dead letter until it is replayed")) == 1
	})
	c.stop()
	app.wantNothing(t)
	if records := recordsIn(t, file); len(records) != 1 || records[0].State != inbox.Dead || !strings.Contains(records[0].LastError, "HTTP 200") {
		t.Errorf("kept %+v", records)
	}
}
