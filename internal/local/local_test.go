package local

import "testing"

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost":              true,
		"localhost:9190":         true,
		"LocalHost:9190":         true,
		"shop.localhost:9190":    true,
		"127.0.0.1:9190":         true,
		"127.0.0.1":              true,
		"[::1]:9190":             true,
		"[::1]":                  true,
		"192.0.2.7:9190":         true, // its page can only have come from there
		"evil.example:9190":      false,
		"localhost.evil.example": false,
		"evillocalhost":          false,
		"127.0.0.1.evil.example": false,
		"evil.example:127.0.0.1": false,
		"":                       false,
		":9190":                  false,
	} {
		if got := IsHost(host); got != want {
			t.Errorf("%q: %t, want %t", host, got, want)
		}
	}
}

func TestIsOrigin(t *testing.T) {
	for name, test := range map[string]struct {
		origin, host string
		want         bool
	}{
		"same":                  {"http://localhost:9190", "localhost:9190", true},
		"behind TLS":            {"https://127.0.0.1", "127.0.0.1", true},
		"IPv6":                  {"http://[::1]:9190", "[::1]:9190", true},
		"another site":          {"https://evil.example", "localhost:9190", false},
		"another port":          {"http://localhost:9191", "localhost:9190", false},
		"another spelling":      {"http://127.0.0.1:9190", "localhost:9190", false},
		"no origin to speak of": {"null", "localhost:9190", false},
		"null as a host":        {"null", "null", false},
		"empty":                 {"", "localhost:9190", false},
		"empty host too":        {"", "", false},
		"not a URL":             {"http://%", "localhost:9190", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsOrigin(test.origin, test.host); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}
