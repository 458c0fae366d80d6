package galaxypay

import (
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/exchange"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func TestReadBody(t *testing.T) {
	errBroken := errors.New("the connection broke")
	const limit = 10
	for name, test := range map[string]struct {
		body     io.Reader
		length   int64 // announced; -1 for a chunked body
		encoding string
		want     string
		failure  string
	}{
		"empty":                  {body: strings.NewReader(""), length: 0},
		"empty, chunked":         {body: strings.NewReader(""), length: -1},
		"short":                  {body: strings.NewReader("{}"), length: 2, want: "{}"},
		"just fits":              {body: strings.NewReader("0123456789"), length: 10, want: "0123456789"},
		"just fits, chunked":     {body: strings.NewReader("0123456789"), length: -1, want: "0123456789"},
		"byte by byte":           {body: iotest.OneByteReader(strings.NewReader("0123456789")), length: 10, want: "0123456789"},
		"too large":              {body: strings.NewReader("0123456789x"), length: 11, failure: "body_too_large body_too_large"},
		"too large, chunked":     {body: strings.NewReader("0123456789x"), length: -1, failure: "body_too_large body_too_large"},
		"huge, announced":        {body: iotest.ErrReader(errors.New("read in spite of its length")), length: 1 << 60, failure: "body_too_large body_too_large"},
		"larger than announced":  {body: strings.NewReader(strings.Repeat("x", 100)), length: 5, failure: "body_too_large body_too_large"},
		"endless":                {body: endless{}, length: -1, failure: "body_too_large body_too_large"},
		"broken off":             {body: io.MultiReader(strings.NewReader("{"), iotest.ErrReader(errBroken)), length: 5, failure: "body_invalid body_unreadable"},
		"broken off by the peer": {body: iotest.ErrReader(io.ErrUnexpectedEOF), length: 5, failure: "body_invalid body_unreadable"},
		"identity":               {body: strings.NewReader("{}"), length: 2, encoding: "Identity", want: "{}"},
		"gzip":                   {body: strings.NewReader("{}"), length: 2, encoding: "gzip", failure: "content_type_unsupported content_encoding"},
		"two encodings":          {body: strings.NewReader("{}"), length: 2, encoding: "identity, gzip", failure: "content_type_unsupported content_encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", test.body)
			r.ContentLength = test.length
			if test.encoding != "" {
				r.Header.Set("Content-Encoding", test.encoding)
			}
			w := httptest.NewRecorder()
			body, f := readBody(w, r, bodies.New(limit, 1), problem.CodeBodyInvalid)
			if string(body) != test.want || outcomeOf(f) != test.failure {
				t.Errorf("read %q, failure %q", body, outcomeOf(f))
			}
			wantClose := ""
			if f != nil && f.Code != problem.CodeBodyInvalid { // the rest is not read
				wantClose = "close"
			}
			if got := w.Header().Get("Connection"); got != wantClose {
				t.Errorf("Connection: %q, want %q", got, wantClose)
			}
			if f != nil && f.Code == problem.CodeBodyTooLarge && !strings.Contains(f.Body(language.English).Detail, " 10 bytes") {
				t.Errorf("%s", f.Body(language.English).Detail)
			}
		})
	}
	t.Run("broken off, of a callback", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(errBroken))
		if _, f := readBody(httptest.NewRecorder(), r, bodies.New(limit, 1), problem.CodeCallbackMalformed); outcomeOf(f) != "callback_malformed body_unreadable" {
			t.Errorf("failure %q", outcomeOf(f))
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// roundTrip is a transport to a gateway that does what the test says.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// limited is a handler of calls with two slots.
func limited(t *testing.T, gateway roundTrip) (*Proxy, caddy.Context) {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{
		"galaxypay": []byte(`{"merchants": {"default": {"environment": "sandbox"}}}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	module, err := ctx.LoadModuleByID("http.handlers.galaxypay", []byte(`{"max_in_flight": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := module.(*Proxy)
	if !ok {
		t.Fatal("no *Proxy")
	}
	p.gateway = exchange.Over(gateway, p.merchant.baseURL, true, ctx.Done())
	return p, ctx
}

// query calls the handler as an app on this machine does.
func query(t *testing.T, p *Proxy, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/query", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if err := p.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

const someQuery = `{"transactionID":"1"}`

// However a call ends, its slot is free afterwards, and so the next call is not refused.
func TestSlotsAreGivenBack(t *testing.T) {
	var answer roundTrip
	p, ctx := limited(t, func(r *http.Request) (*http.Response, error) { return answer(r) })
	for name, test := range map[string]struct {
		gateway roundTrip
		body    string
		header  []string
	}{
		"no connection":     {gateway: func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }},
		"unsigned":          {gateway: func(*http.Request) (*http.Response, error) { return httptest.NewRecorder().Result(), nil }},
		"panic":             {gateway: func(*http.Request) (*http.Response, error) { panic("in the transport") }},
		"abort":             {gateway: func(*http.Request) (*http.Response, error) { panic(http.ErrAbortHandler) }},
		"body invalid":      {body: "no JSON"},
		"fields invalid":    {body: "{}"},
		"body too large":    {body: strings.Repeat(" ", defaultMaxBody+1)},
		"wrong type":        {header: []string{"Content-Type", "text/plain"}},
		"not allowed there": {header: []string{"Origin", "https://evil.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer = test.gateway
			body := someQuery
			if test.body != "" {
				body = test.body
			}
			for range 3 * cap(p.slots) {
				func() {
					defer func() { _ = recover() }()
					if w := query(t, p, body, test.header...); w.Code == http.StatusServiceUnavailable {
						t.Errorf("refused: %s", w.Body)
					}
				}()
			}
			if n := len(p.slots); n != 0 {
				t.Errorf("%d slots were not given back", n)
			}
			for _, line := range counted(t, ctx.GetMetricsRegistry()) {
				if strings.Contains(line, "in_flight{") && !strings.HasSuffix(line, " 0") {
					t.Errorf("counted %s", line)
				}
			}
		})
	}
}

// With every slot taken, a call is refused when its body is here. A caller that is not allowed, or that
// calls an unknown path, is answered as before.
func TestOverloaded(t *testing.T) {
	started, end := make(chan bool), make(chan bool)
	p, ctx := limited(t, func(*http.Request) (*http.Response, error) {
		started <- true
		<-end
		return nil, errors.New("refused")
	})
	done := make(chan bool)
	for range cap(p.slots) {
		go func() {
			defer func() { done <- true }()
			query(t, p, someQuery)
		}()
		<-started
	}

	w := query(t, p, someQuery)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" ||
		!strings.Contains(w.Body.String(), `"code":"overloaded","outcome":"not_sent","operation":"query"`) {
		t.Errorf("HTTP %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	if w := query(t, p, someQuery, "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("HTTP %d to a web page", w.Code)
	}
	metrics := strings.Join(counted(t, ctx.GetMetricsRegistry()), "\n")
	for _, want := range []string{
		"caddy_galaxypay_requests_in_flight{merchant=default} 2",
		"caddy_galaxypay_requests_total{merchant=default,operation=query,outcome=not_sent} 1",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}

	close(end)
	for range cap(p.slots) {
		<-done
	}
	if n := len(p.slots); n != 0 {
		t.Errorf("%d slots were not given back", n)
	}
}

// What can be refused without the body is refused before it is read, even if it is announced as small.
func TestRefusedUnread(t *testing.T) {
	p, _ := limited(t, nil)
	for name, test := range map[string]struct {
		path   string
		length int64
		header []string
		status int
	}{
		"a web page":        {"/query", 10, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"an unknown path":   {"/nothing", 10, nil, http.StatusNotFound},
		"another type":      {"/query", 10, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"compressed":        {"/query", 10, []string{"Content-Encoding", "gzip"}, http.StatusUnsupportedMediaType},
		"a byte too many":   {"/query", defaultMaxBody + 1, nil, http.StatusRequestEntityTooLarge},
		"the longest there": {"/query", math.MaxInt64, nil, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, unread{t})
			r.RemoteAddr, r.ContentLength = "127.0.0.1:1", test.length
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			w := httptest.NewRecorder()
			if err := p.ServeHTTP(w, r, nil); err != nil || w.Code != test.status {
				t.Errorf("HTTP %d, error %v: %s", w.Code, err, w.Body)
			}
		})
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a refused call was read")
	return 0, errors.New("refused")
}
