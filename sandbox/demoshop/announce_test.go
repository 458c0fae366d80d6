package demoshop

import "testing"

func TestAddressFor(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9182":    "http://localhost:9182/",
		":9182":             "http://localhost:9182/",
		"0.0.0.0:80":        "http://localhost:80/",
		"[::1]:9182":        "http://localhost:9182/",
		"192.0.2.7:9182":    "http://192.0.2.7:9182/",
		"shop.example:9182": "http://shop.example:9182/",
		"127.0.0.1:0":       "",
		"unix//run/shop":    "",
	} {
		if got, ok := addressFor([]string{listen}); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", listen, got, ok, want)
		}
	}
	if got, _ := addressFor([]string{"unix//run/shop", "127.0.0.1:9182"}); got != "http://localhost:9182/" {
		t.Errorf("of a socket and a port: %q", got)
	}
}
