package caddytest

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// No order of lines in a site lets an unverified message past the directive, at the
// address where it is written.
func TestCallbackDirectiveComesFirst(t *testing.T) {
	app := newApp(t)
	app.answers(answering(http.StatusOK, "reached"))
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "galaxypay"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ipn", "result"} {
		if err := os.WriteFile(filepath.Join(root, "galaxypay", name), []byte("reached"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forged := callback{signedMessage(paidMessage, sandboxSalt).data, strings.Repeat("0", 64)}
	proven := signedMessage(paidMessage, sandboxSalt)

	check := func(t *testing.T, path string, lines []string) {
		t.Helper()
		fill := strings.NewReplacer("PATH", path, "APP", app.address, "ROOT", root)
		site := fill.Replace(strings.Join(lines, "\n"))
		c := start(t, sandboxMerchant+"&(shop) {\n respond reached\n}\nhttp://:9181 {\n"+site+"\n}\n")
		defer c.stop()
		send := func(method, query, body string) {
			t.Helper()
			a := c.do(t, method, c.url("9181")+path+query, strings.NewReader(body), "Content-Type", "application/json", "Galaxypay-Payment-Status", "paid")
			if a.status != http.StatusForbidden && a.status != http.StatusBadRequest && a.status != http.StatusMethodNotAllowed || strings.Contains(a.body, "reached") {
				t.Errorf("%s %s%s: HTTP %d: %s", method, path, query, a.status, a.body)
			}
			app.wantNothing(t)
		}
		send(http.MethodPost, "", forged.json())
		send(http.MethodPost, "", "{}")
		send(http.MethodPost, "?"+forged.form(), "")
		send(http.MethodGet, "?"+forged.form(), "")
		send(http.MethodGet, "", "")
		send(http.MethodPut, "", proven.json())

		// A proven one does get past it, so the site is not just closed.
		a := c.post(t, c.url("9181")+path, proven.json())
		if a.status == http.StatusForbidden || a.status == http.StatusBadRequest {
			t.Errorf("a proven message: HTTP %d: %s", a.status, a.body)
		}
		app.received()
	}

	for directive, path := range map[string]string{"galaxypay_ipn": "/galaxypay/ipn", "galaxypay_result": "/galaxypay/result"} {
		for _, ours := range []string{directive + " PATH", directive} {
			for _, neighbour := range neighbours {
				t.Run(ours+", then "+neighbour.name, func(t *testing.T) {
					check(t, path, []string{ours, neighbour.lines})
				})
				t.Run(neighbour.name+", then "+ours, func(t *testing.T) {
					check(t, path, []string{neighbour.lines, ours})
				})
			}
		}

		// All of the common ones together, in every order.
		lines := []string{
			directive + " PATH", "respond PATH reached", "handle PATH {\n respond reached\n }",
			"file_server {\n root ROOT\n }", "reverse_proxy APP",
		}
		for order := range permutations(lines) {
			t.Run(directive+" among all, in another order", func(t *testing.T) {
				check(t, path, order)
			})
		}
	}
}

// neighbours are directives that answer requests. Each is beside ours in a site, for the
// address PATH. A request has got past ours if the answer holds the word reached or if the app got
// it.
var neighbours = []struct{ name, lines string }{
	{"respond", "respond PATH reached"},
	{"respond everywhere", "respond reached"},
	{"handle", "handle PATH {\n respond reached\n }"},
	{"handle everywhere", "handle {\n respond reached\n }"},
	{"handle_path", "handle_path PATH {\n respond reached\n }"},
	{"handle with the app", "handle PATH {\n reverse_proxy APP\n }"},
	{"route", "route PATH {\n respond reached\n }"},
	{"route with the app", "route {\n reverse_proxy APP\n }"},
	{"invoke", "invoke PATH shop"},
	{"file_server", "file_server {\n root ROOT\n }"},
	{"reverse_proxy", "reverse_proxy PATH APP"},
	{"reverse_proxy everywhere", "reverse_proxy APP"},
	{"error", "error PATH reached 418"},
	{"metrics", "metrics PATH"},
	{"templates and file_server", "templates\nroot ROOT\nfile_server"},
	{"encode and reverse_proxy", "encode\nreverse_proxy APP"},
	{"php_fastcgi", "php_fastcgi APP {\n root ROOT\n }"},
}

// permutations yields every order of the lines.
func permutations(lines []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		var place func(prefix, rest []string) bool
		place = func(prefix, rest []string) bool {
			if len(rest) == 0 {
				return yield(prefix)
			}
			for i := range rest {
				others := slices.Concat(rest[:i], rest[i+1:])
				if !place(append(slices.Clone(prefix), rest[i]), others) {
					return false
				}
			}
			return true
		}
		place(nil, lines)
	}
}

// The address may be spelled in other ways. Where Caddy takes such a spelling for the same address,
// so does the directive's matcher.
func TestCallbackDirectiveComesFirstInOtherSpellings(t *testing.T) {
	app := newApp(t)
	app.answers(answering(http.StatusOK, "reached"))
	c := start(t, sandboxMerchant+`
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn
			reverse_proxy /galaxypay/ipn `+app.address+`
		}`)
	for _, path := range []string{"/GALAXYPAY/IPN", "/Galaxypay/Ipn", "//galaxypay//ipn", "/galaxypay/%69pn", "/galaxypay/./ipn", "/x/../galaxypay/ipn"} {
		t.Run(path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181"), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			request.URL.Opaque = path // as it is, without cleaning
			if strings.HasPrefix(path, "//") {
				request.URL.Opaque = c.url("9181") + path
			}
			a, err := c.roundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(a.body, "reached") {
				t.Errorf("HTTP %d: %s", a.status, a.body)
			}
			app.wantNothing(t)
		})
	}
}
