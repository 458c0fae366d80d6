package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestOwnPageOnly(t *testing.T) {
	const own, other = http.StatusOK, http.StatusForbidden
	for name, test := range map[string]struct {
		origins []string
		want    int
	}{
		"program":              {nil, own},
		"own page":             {[]string{"http://localhost:9190"}, own},
		"page of another site": {[]string{"https://evil.example"}, other},
		"one right, one wrong": {[]string{"http://localhost:9190", "https://evil.example"}, other},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sandbox/transactions", nil)
			r.Host = "localhost:9190"
			r.Header["Origin"] = test.origins
			w := httptest.NewRecorder()
			ownPageOnly(func(http.ResponseWriter, *http.Request) {})(w, r)
			if w.Code != test.want {
				t.Errorf("HTTP %d, want %d", w.Code, test.want)
			}
		})
	}
}

// A page that points its own name at this machine reads nothing and changes nothing, whatever
// it requests: a browser names no Origin when a page gets something from its own site.
func TestOwnHostOnly(t *testing.T) {
	h := &Handler{Hosts: []string{"Sandbox.test"}}
	ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer release()
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Cleanup(); err != nil {
			t.Error(err)
		}
	}()
	for host, want := range map[string]int{
		"localhost:9190":     http.StatusOK,
		"127.0.0.1:9190":     http.StatusOK,
		"sandbox.TEST:9190":  http.StatusOK,
		"sandbox.test":       http.StatusOK,
		"evil.example:9190":  http.StatusMisdirectedRequest,
		"x.sandbox.test":     http.StatusMisdirectedRequest,
		"sandbox.test.evil.": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/sandbox/transactions", "/sandbox/exchanges", "/dashboard.js"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Host, r.RemoteAddr = host, "127.0.0.1:5678"
			w := httptest.NewRecorder()
			if err := h.ServeHTTP(w, r, nil); err != nil || w.Code != want {
				t.Errorf("%s at %s: HTTP %d, want %d; %v", path, host, w.Code, want, err)
			}
		}
		// A server may know the gateway by any name. This one has not signed.
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/transaction/pay", http.NoBody)
		r.Host, r.RemoteAddr = host, "127.0.0.1:5678"
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, r, nil); err != nil || !strings.Contains(w.Body.String(), "responseCode") {
			t.Errorf("the API at %s: HTTP %d %s; %v", host, w.Code, w.Body, err)
		}
	}
}
