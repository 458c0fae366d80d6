package sandbox

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOwnPageOnly(t *testing.T) {
	const own, other = http.StatusOK, http.StatusForbidden
	for name, test := range map[string]struct {
		host    string
		origins []string
		want    int
	}{
		"program":                        {"shop.example:9190", nil, own},
		"localhost":                      {"localhost:9190", []string{"http://localhost:9190"}, own},
		"IPv4":                           {"127.0.0.1:9190", []string{"http://127.0.0.1:9190"}, own},
		"IPv6":                           {"[::1]:9190", []string{"http://[::1]:9190"}, own},
		"behind TLS":                     {"127.0.0.1", []string{"https://127.0.0.1"}, own},
		"page of another site":           {"localhost:9190", []string{"https://evil.example"}, other},
		"another port":                   {"localhost:9190", []string{"http://localhost:9191"}, other},
		"another spelling":               {"localhost:9190", []string{"http://127.0.0.1:9190"}, other},
		"no origin to speak of":          {"localhost:9190", []string{"null"}, other},
		"empty":                          {"localhost:9190", []string{""}, other},
		"empty host too":                 {"", []string{""}, other},
		"not a URL":                      {"localhost:9190", []string{"http://%"}, other},
		"name that points here":          {"evil.example:9190", []string{"http://evil.example:9190"}, other},
		"name that looks like localhost": {"localhost.evil.example", []string{"http://localhost.evil.example"}, other},
		"name that looks like an IP":     {"127.0.0.1.evil.example", []string{"http://127.0.0.1.evil.example"}, other},
		"one right, one wrong":           {"localhost:9190", []string{"http://localhost:9190", "https://evil.example"}, other},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sandbox/transactions", nil)
			r.Host = test.host
			r.Header["Origin"] = test.origins
			w := httptest.NewRecorder()
			ownPageOnly(func(http.ResponseWriter, *http.Request) {})(w, r)
			if w.Code != test.want {
				t.Errorf("HTTP %d, want %d", w.Code, test.want)
			}
		})
	}
}
