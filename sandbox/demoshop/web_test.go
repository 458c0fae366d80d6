package demoshop

import "testing"

// Of all web pages only the shop's own may buy, opened under localhost or an address.
func TestIsHere(t *testing.T) {
	for name, test := range map[string]struct {
		origin, host string
		want         bool
	}{
		"localhost":                 {"http://localhost:9182", "localhost:9182", true},
		"address":                   {"http://127.0.0.1:9182", "127.0.0.1:9182", true},
		"address, version 6":        {"http://[::1]:9182", "[::1]:9182", true},
		"another port":              {"http://localhost:9190", "localhost:9182", false},
		"another site":              {"http://evil.example", "localhost:9182", false},
		"a name that leads to here": {"http://evil.example:9182", "evil.example:9182", false},
		"a name like localhost":     {"http://localhost.evil.example", "localhost.evil.example", false},
		"a sandboxed frame":         {"null", "null", false},
		"nothing":                   {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isHere(test.origin, test.host); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}

func TestDong(t *testing.T) {
	for amount, want := range map[int64]string{0: "0 ₫", 999: "999 ₫", 1000: "1.000 ₫", 1_890_000: "1.890.000 ₫"} {
		if got := dong(amount); got != want {
			t.Errorf("%d is %q, want %q", amount, got, want)
		}
	}
}
