package galaxypay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// roundTrip is a transport to a gateway that does what the test says.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// limited is an outbound handler with two slots.
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
	p.transport = gateway
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
				if strings.Contains(line, "in_flight") && !strings.HasSuffix(line, " 0") {
					t.Errorf("counted %s", line)
				}
			}
		})
	}
}

// With every slot taken, a call is refused unread, and whoever may not call, or calls
// what is not there, hears that as before.
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

	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/query", unread{t})
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if err := p.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
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

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a refused call was read")
	return 0, errors.New("refused")
}
