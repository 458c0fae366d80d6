package galaxypay

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // the handlers that deliver can name

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// newContext is the context in which Caddy provisions the handlers of a configuration, with
// more options of the global option, in JSON.
func newContext(t *testing.T, options ...string) caddy.Context {
	t.Helper()
	ctx, err := provisioned(options...)
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

func provisioned(options ...string) (caddy.Context, error) {
	merchants := `{"merchants": {"default": {"environment": "sandbox"}, "airline": {"environment": "sandbox"}}`
	return caddy.ProvisionContext(&caddy.Config{
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{WriterRaw: []byte(`{"output": "discard"}`)}}}},
		AppsRaw: caddy.ModuleMap{"galaxypay": []byte(merchants + strings.Join(options, "") + "}")},
	})
}

// blockOf is the block of an inbox, as Caddy loads it.
func blockOf(t *testing.T, i *Inbox) *block {
	t.Helper()
	b, err := i.provision(newContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// handlers are those of deliver { ... }, in JSON.
func handlers(t *testing.T, texts ...string) *caddyhttp.Subroute {
	t.Helper()
	var route caddyhttp.Route
	for _, text := range texts {
		route.HandlersRaw = append(route.HandlersRaw, json.RawMessage(text))
	}
	return &caddyhttp.Subroute{Routes: caddyhttp.RouteList{route}}
}

// recordOf is an event as it arrived at https://shop.example/galaxypay/ipn?shop=1.
func recordOf() inbox.Record {
	return inbox.Record{Event: inbox.Event{
		ID: "d1", Kind: "ipn", Queue: "default", PaymentStatus: "paid", Message: []byte(`{"a":1}`),
		Request: inbox.Request{Scheme: "https", Host: "shop.example", URI: "/galaxypay/ipn?shop=1&x=%41", RemoteAddr: "203.0.113.7:4711"},
	}}
}

// received is what an app got.
type received struct {
	*http.Request
	body string
}

// recordingApp is an app that takes everything and keeps it.
func recordingApp(t *testing.T) (*httptest.Server, chan received) {
	t.Helper()
	got := make(chan received, 10)
	server := httptest.NewServer(recorder(got))
	t.Cleanup(server.Close)
	return server, got
}

func recorder(got chan<- received) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r, string(body)}
	}
}

// handlerFunc is a handler of deliver that is not loaded by Caddy.
type handlerFunc func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error

func (f handlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return f(w, r, next)
}

func TestRetryAfterOf(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"1.5":                           0,
		"99999999999999999999":          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"tomorrow":                      0,
	} {
		t.Run(text, func(t *testing.T) {
			if got := retryAfterOf(http.Header{"Retry-After": {text}}, now); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// The app sees the gateway's request, and what the sidecar says of it.
func TestDeliverRepeatsTheGatewaysRequest(t *testing.T) {
	app, got := recordingApp(t)
	b := blockOf(t, &Inbox{DeliverTo: app.URL})
	if result := b.deliver(t.Context(), recordOf(), 3); !result.Delivered || result.Answer.Status != "200" {
		t.Fatalf("%+v", result)
	}
	r := <-got
	if r.Method != http.MethodPost || r.Host != "shop.example" || r.RequestURI != "/galaxypay/ipn?shop=1&x=%41" || r.body != `{"a":1}` {
		t.Errorf("%s %s to %s with %s", r.Method, r.RequestURI, r.Host, r.body)
	}
	want := map[string]string{
		"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example",
		"Content-Type": "application/json", "Content-Length": "7", "User-Agent": userAgent,
		"Galaxypay-Callback": "ipn", "Galaxypay-Merchant": "default", "Galaxypay-Payment-Status": "paid",
		"Galaxypay-Delivery-Id": "d1", "Galaxypay-Attempt": "3",
		"Accept-Encoding": "gzip", "Via": "1.1 Caddy", // of reverse_proxy and its transport
	}
	for name, want := range want {
		if !slices.Equal(r.Header[name], []string{want}) {
			t.Errorf("%s: %q, want %q", name, r.Header[name], want)
		}
	}
	for name := range r.Header {
		if want[name] == "" { // such as Early-Data, or the Idempotency-Key that is for the transport
			t.Errorf("the app got %s: %q", name, r.Header[name])
		}
	}
}

// Without TLS at the site, the app is told so.
func TestDeliverTellsTheScheme(t *testing.T) {
	app, got := recordingApp(t)
	record := recordOf()
	record.Request.Scheme = "http"
	blockOf(t, &Inbox{DeliverTo: app.URL}).deliver(t.Context(), record, 1)
	if r := <-got; r.Header.Get("X-Forwarded-Proto") != "http" {
		t.Errorf("%q", r.Header["X-Forwarded-Proto"])
	}
}

func TestDeliverTo(t *testing.T) {
	for name, test := range map[string]struct{ user, path, want, authorization string }{
		"no path":            {"", "", "/galaxypay/ipn?shop=1&x=%41", ""},
		"the root":           {"", "/", "/?shop=1&x=%41", ""},
		"path":               {"", "/payments/ipn", "/payments/ipn?shop=1&x=%41", ""},
		"encoded path":       {"", "/a/c%20d", "/a/c%20d?shop=1&x=%41", ""},
		"query alone":        {"", "?token=t", "/galaxypay/ipn?token=t&shop=1&x=%41", ""},
		"path and query":     {"", "/ipn?token=t%26", "/ipn?token=t%26&shop=1&x=%41", ""},
		"user":               {"shop:p%40ss@", "/ipn", "/ipn?shop=1&x=%41", "Basic c2hvcDpwQHNz"},
		"user, no password":  {"shop@", "", "/galaxypay/ipn?shop=1&x=%41", "Basic c2hvcDo="},
		"user, nothing else": {"shop:@", "", "/galaxypay/ipn?shop=1&x=%41", "Basic c2hvcDo="},
	} {
		t.Run(name, func(t *testing.T) {
			app, got := recordingApp(t)
			address := "http://" + test.user + strings.TrimPrefix(app.URL, "http://") + test.path
			if result := blockOf(t, &Inbox{DeliverTo: address}).deliver(t.Context(), recordOf(), 1); !result.Delivered {
				t.Fatalf("%+v", result)
			}
			r := <-got
			if r.RequestURI != test.want || r.Header.Get("Authorization") != test.authorization || r.Host != "shop.example" {
				t.Errorf("%s to %s with Authorization %q", r.RequestURI, r.Host, r.Header["Authorization"])
			}
		})
	}
}

// Where the gateway's request has no query, deliver_to's own is all there is.
func TestDeliverToWithAQueryOfItsOwn(t *testing.T) {
	app, got := recordingApp(t)
	record := recordOf()
	record.Request.URI = "/galaxypay/ipn"
	blockOf(t, &Inbox{DeliverTo: app.URL + "/ipn?token=t"}).deliver(t.Context(), record, 1)
	if r := <-got; r.URL.Path != "/ipn" || strings.TrimRight(r.URL.RawQuery, "&") != "token=t" {
		t.Error(r.RequestURI)
	}
}

// An app with a certificate of the company's own CA: through deliver, whose transport trusts it.
// Behind https, Caddy's reverse_proxy gives the app its own name as the Host, unless told otherwise.
func TestDeliverToAPrivateCA(t *testing.T) {
	got := make(chan received, 1)
	app := httptest.NewTLSServer(recorder(got))
	defer app.Close()
	app.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: app.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(app.URL, "https://")
	if result := blockOf(t, &Inbox{DeliverTo: app.URL}).deliver(t.Context(), recordOf(), 1); result.Delivered || !strings.Contains(result.Reason, "certificate") {
		t.Errorf("by deliver_to, which trusts the system's CAs: %+v", result)
	}
	trusting := handlers(t, `{"handler": "reverse_proxy", "upstreams": [{"dial": "`+address+`"}],
		"headers": {"request": {"set": {"Host": ["{http.request.host}"]}}},
		"transport": {"protocol": "http", "tls": {"server_name": "example.com", "ca": {"provider": "file", "pem_files": ["`+ca+`"]}}}}`)
	if result := blockOf(t, &Inbox{Deliver: trusting}).deliver(t.Context(), recordOf(), 1); !result.Delivered {
		t.Fatalf("by deliver: %+v", result)
	}
	if r := <-got; r.Host != "shop.example" || r.Header.Get("X-Forwarded-Host") != "shop.example" {
		t.Errorf("Host %s, X-Forwarded-Host %q", r.Host, r.Header["X-Forwarded-Host"])
	}
}

// Events go through the block where they arrived; where that is gone, through the first one.
func TestDeliverChoosesTheBlock(t *testing.T) {
	answering := func(name string) *block {
		return &block{name: name, handler: handlerFunc(func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_, err := io.WriteString(w, `{"ipnStatus":"200","ipnDescription":"`+name+`"}`)
			return err
		})}
	}
	all := blocks{answering("first"), answering("second")}
	for at, want := range map[string]string{"first": "first", "second": "second", "gone": "first", "": "first"} {
		record := recordOf()
		record.Block = at
		if got := all.deliver(t.Context(), record, 1); got.Answer.Description != want {
			t.Errorf("of %q: by %q, want %q", at, got.Answer.Description, want)
		}
	}
}

// A block keeps its name while nothing of its own changes, and the names of route groups are
// not its own: Caddy counts them through the whole file.
func TestBlockNames(t *testing.T) {
	name := func(group, body string) string {
		s := handlers(t, `{"handler": "subroute", "routes": [{"group": "`+group+`", "handle": [{"handler": "static_response", "body": "`+body+`"}]}]}`)
		s.Routes[0].Group = group
		return blockOf(t, &Inbox{Deliver: s}).name
	}
	if name("group1", "a") != name("group7", "a") {
		t.Error("another group is another block")
	}
	t.Setenv("APP_PASSWORD", "before")
	withPassword := func() string {
		return blockOf(t, &Inbox{DeliverTo: "http://shop:{env.APP_PASSWORD}@app:1/a"}).name
	}
	before := withPassword()
	t.Setenv("APP_PASSWORD", "after")
	if withPassword() != before {
		t.Error("another password is another block")
	}
	if name("group1", "a") == name("group1", "b") {
		t.Error("two blocks have one name")
	}
	if blockOf(t, &Inbox{DeliverTo: "http://app:1/a"}).name == blockOf(t, &Inbox{DeliverTo: "http://app:1/b"}).name {
		t.Error("two addresses have one name")
	}
}

// Handlers that answer nothing, or fail, or have a bug, have not taken an event.
func TestDeliverThroughHandlersThatFail(t *testing.T) {
	const secret = "canary"
	for name, test := range map[string]struct {
		handler handlerFunc
		want    string
	}{
		"nothing": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }, "no handler answered; expected " + expectedWord},
		"the next one": {func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
			return next.ServeHTTP(w, r)
		}, "no handler answered; expected " + expectedWord},
		"early hints alone": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(http.StatusEarlyHints)
			return nil
		}, "no handler answered; expected " + expectedWord},
		"error": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return errors.New(secret)
		}, "the app did not answer: the connection broke, or the app's answer was not HTTP"},
		"error of Caddy's": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return caddyhttp.Error(http.StatusForbidden, errors.New(secret))
		}, "the app did not answer: a handler failed with HTTP 403"},
		"a bug": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			panic(secret)
		}, "the app did not answer: a handler panicked"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_, _ = io.WriteString(w, "OK")
			panic(http.ErrAbortHandler)
		}, "the app did not answer: the connection ended before the answer was complete"},
		"error after an answer": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_, _ = io.WriteString(w, "OK")
			return caddyhttp.Error(http.StatusBadGateway, io.ErrUnexpectedEOF)
		}, "the app did not answer: the connection ended before the answer was complete"},
	} {
		t.Run(name, func(t *testing.T) {
			got := (&block{handler: test.handler}).deliver(t.Context(), recordOf(), 1)
			if got.Delivered || got.Answer != (inbox.Answer{}) || got.Reason != test.want {
				t.Errorf("%+v, want %q", got, test.want)
			}
		})
	}
}

// What the app says counts by the same rules as without an inbox, and no redirect is followed.
func TestDeliverReadsTheAppsWord(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		body, want string
		delivered  bool
		reason     string
	}{
		"200":          {200, `{"ipnStatus":"200"}`, "200", true, ""},
		"409":          {409, `{"ipnStatus":"409"}`, "409", true, ""},
		"unknown":      {200, `{"ipnStatus":"404"}`, "404", false, "the app does not know the order"},
		"a page":       {200, `<html>`, "", false, "the app answered HTTP 200; expected " + expectedWord},
		"redirect":     {302, ``, "", false, "the app answered HTTP 302; expected " + expectedWord},
		"bare 404":     {404, ``, "", false, "the app answered HTTP 404; expected " + expectedWord},
		"server error": {500, `canary`, "", false, "the app answered HTTP 500; expected " + expectedWord},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer app.Close()
			got := blockOf(t, &Inbox{DeliverTo: app.URL}).deliver(t.Context(), recordOf(), 1)
			if got.Delivered != test.delivered || got.Answer.Status != test.want || got.Reason != test.reason || asked.Load() != 1 {
				t.Errorf("%+v after %d requests", got, asked.Load())
			}
			if wait := got.RetryAfter; wait != 0 && (test.delivered || wait != 7*time.Second) || wait == 0 && test.want == "" {
				t.Errorf("RetryAfter %s", wait)
			}
		})
	}
}

// raw answers with bytes that need not be HTTP, and leaves the connection open.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, answer)
		_, _ = conn.Read(make([]byte, 1)) // until the other side has had enough
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := w.(http.Hijacker).Hijack()
	_ = conn.Close()
}

// An app that takes the request for the beginning of another protocol, and then says
// nothing, must not hold an attempt for ever.
func TestDeliverEndsWithAnotherProtocol(t *testing.T) {
	server := httptest.NewServer(raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
	defer server.Close()
	b := blockOf(t, &Inbox{DeliverTo: server.URL})
	ended := make(chan inbox.Result, 1)
	go func() { ended <- b.deliver(t.Context(), recordOf(), 1) }()
	select {
	case got := <-ended:
		if got.Delivered || got.Reason == "" {
			t.Errorf("%+v", got)
		}
	case <-time.After(time.Minute):
		t.Error("the attempt does not end")
	}
}

// An app may close an idle connection at any time, so also when it is just used again.
func TestDeliverOnAConnectionThatIsGone(t *testing.T) {
	var asked atomic.Int32
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Idempotency-Key"] != nil {
			t.Error("a header was sent that is for the transport alone")
		}
		body, _ := io.ReadAll(r.Body)
		if asked.Add(1) == 2 {
			hangUp(w, r)
			return
		}
		bodies = append(bodies, string(body))
	}))
	defer server.Close()
	b := blockOf(t, &Inbox{DeliverTo: server.URL})
	for range 2 {
		if got := b.deliver(t.Context(), recordOf(), 1); !got.Delivered {
			t.Errorf("%+v", got)
		}
	}
	if asked.Load() != 3 || !slices.Equal(bodies, []string{`{"a":1}`, `{"a":1}`}) {
		t.Errorf("asked %d times; it took %q", asked.Load(), bodies)
	}
}

// What is said of an attempt that failed quotes neither the address nor the app.
func TestDeliverTellsNothing(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "canary")
		},
		"page":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>canary") },
		"hangs up":  hangUp,
		"no HTTP":   raw("canary\r\n\r\n"),
		"no header": raw("HTTP/1.1 200 OK\r\ncanary\r\n\r\n"),
		"no length": raw("HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n"),
		"no end":    raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			address := strings.Replace(server.URL, "http://", "http://canary:canary@", 1) + "/canary?token=canary"
			record := recordOf()
			record.Message, record.Request.URI = []byte("canary"), "/canary?canary"
			got := blockOf(t, &Inbox{DeliverTo: address}).deliver(t.Context(), record, 1)
			if got.Delivered || got.Reason == "" || strings.Contains(got.Reason, "canary") {
				t.Errorf("%+v", got)
			}
			if name == "error" && got.RetryAfter != 7*time.Second {
				t.Errorf("RetryAfter %s", got.RetryAfter)
			}
		})
	}
}

// An app that is not there, one that is too slow, and a sidecar that ends: the reasons say it.
func TestDeliverSaysWhyThereIsNoAnswer(t *testing.T) {
	app, _ := recordingApp(t)
	gone := app.URL
	app.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer slow.Close()
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, test := range map[string]struct {
		ctx           context.Context
		address, want string
	}{
		"not there": {t.Context(), gone, "connection refused"},
		"too slow":  {late, slow.URL, "it took longer than 30s"},
		"ended":     {ended, slow.URL, "the inbox was closed during the attempt"},
	} {
		t.Run(name, func(t *testing.T) {
			got := blockOf(t, &Inbox{DeliverTo: test.address}).deliver(test.ctx, recordOf(), 1)
			if got.Delivered || !strings.Contains(got.Reason, test.want) {
				t.Errorf("%+v, want %q", got, test.want)
			}
		})
	}
}

// A body without end is not read to its end, and is no word.
func TestDeliverReadsABoundedAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 16<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	b := blockOf(t, &Inbox{DeliverTo: server.URL})
	ended := make(chan inbox.Result, 1)
	go func() { ended <- b.deliver(t.Context(), recordOf(), 1) }()
	select {
	case got := <-ended:
		if got.Delivered || !strings.Contains(got.Reason, "longer than") {
			t.Errorf("%+v", got)
		}
	case <-time.After(attemptTimeout / 2):
		t.Error("the attempt does not end")
	}
}

// A record that was kept without a readable address is not delivered somewhere else.
func TestDeliverWithAnAddressThatCannotBeRead(t *testing.T) {
	record := recordOf()
	record.Request.URI = "canary"
	app, got := recordingApp(t)
	result := blockOf(t, &Inbox{DeliverTo: app.URL}).deliver(t.Context(), record, 1)
	if result.Delivered || len(got) != 0 || !strings.Contains(result.Reason, "address") || strings.Contains(result.Reason, "canary") {
		t.Errorf("%+v", result)
	}
}
