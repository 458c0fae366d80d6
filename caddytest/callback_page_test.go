package caddytest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// refusedCallbacks are one of each kind of refusal, for the tests of how a refusal is shown.
var refusedCallbacks = []struct {
	name   string
	method string
	query  string
	body   string
	header []string
	status int
	code   string
}{
	{"signature", http.MethodGet, "data=eyJ9&signature=00", "", nil, http.StatusForbidden, "signature_invalid"},
	{"malformed", http.MethodGet, "signature=00", "", nil, http.StatusBadRequest, "callback_malformed"},
	{"method", http.MethodPut, "", "", nil, http.StatusMethodNotAllowed, "method_not_allowed"},
	{"size", http.MethodPost, "", strings.Repeat(" ", 3000), []string{"Content-Type", "application/json"}, http.StatusRequestEntityTooLarge, "body_too_large"},
	{"compressed", http.MethodPost, "", "x", []string{"Content-Encoding", "gzip"}, http.StatusUnsupportedMediaType, "content_type_unsupported"},
}

// People get a page, in their language; programs get a problem. An IPN comes from a program,
// whatever its Accept header says.
func TestCallbackRefusalPage(t *testing.T) {
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	app := newApp(t)
	c := start(t, callbackSite(app, "max_body 2KiB"))
	languages := []struct{ name, accept, language, words string }{
		{"Vietnamese", "vi", "vi", "vui lòng không thanh toán lại"},
		{"Vietnamese first", "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", "vi", "vui lòng không thanh toán lại"},
		{"English", "en-US,en;q=0.5", "en", "do not pay again"},
		{"English first", "en,vi;q=0.5", "en", "do not pay again"},
		{"neither", "ja,fr;q=0.8", "en", "do not pay again"},
		{"none", "", "en", "do not pay again"},
	}
	for _, refusal := range refusedCallbacks {
		send := func(t *testing.T, path string, header ...string) httpAnswer {
			t.Helper()
			header = append(slices.Clone(refusal.header), header...)
			return c.do(t, refusal.method, c.url("9181")+path+"?"+refusal.query, strings.NewReader(refusal.body), header...)
		}
		for _, language := range languages {
			t.Run(refusal.name+", "+language.name, func(t *testing.T) {
				a := send(t, "/galaxypay/result", "Accept", browser, "Accept-Language", language.accept)
				if a.status != refusal.status || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Fatalf("HTTP %d, %s, want a page with %d: %s", a.status, a.header.Get("Content-Type"), refusal.status, a.body)
				}
				if !strings.Contains(a.body, `<html lang="`+language.language+`">`) || !strings.Contains(a.body, language.words) {
					t.Errorf("the page is not in %s: %s", language.language, a.body)
				}
				if refusal.code == "method_not_allowed" && a.header.Get("Allow") == "" {
					t.Error("no header Allow")
				}
				app.wantNothing(t)
			})
		}
		t.Run(refusal.name+", for a program", func(t *testing.T) {
			send(t, "/galaxypay/result", "Accept", "application/json").wantCallbackRefused(t, refusal.status, refusal.code)
			send(t, "/galaxypay/result", "Accept", "*/*").wantCallbackRefused(t, refusal.status, refusal.code)
		})
	}
	t.Run("an IPN that accepts pages", func(t *testing.T) {
		a := c.post(t, c.url("9181")+"/galaxypay/ipn", "{}", "Accept", browser, "Accept-Language", "vi")
		a.wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
		if got := a.problem(t).Detail; !strings.Contains(got, "Trường") {
			t.Errorf("detail %q is not Vietnamese", got)
		}
	})
	t.Run("nothing of the message is on the page", func(t *testing.T) {
		forged := callback{signedMessage(paidMessage, sandboxSalt).data, `"><script>alert(1)</script>`}
		a := resultQuery.send(t, c, forged, "Accept", browser)
		if a.status != http.StatusForbidden || strings.Contains(a.body, "script>alert") || strings.Contains(a.body, forged.data) {
			t.Errorf("HTTP %d: %s", a.status, a.body)
		}
	})
	app.wantNothing(t)
}

// handle_errors replaces the page where it covers the error. Where it does not, the customer does
// not get a blank page.
func TestCallbackRefusalErrorRoutes(t *testing.T) {
	const ours, theirs = "do not pay again", "the shop's own page"
	result := func(app *recordingApp) string {
		return "handle /galaxypay/result {\n galaxypay_result\n reverse_proxy " + app.address + "\n }\n"
	}
	page := func(codes string) string {
		return "handle_errors " + codes + " {\n respond \"" + theirs + " {err.status_code}\" {err.status_code}\n }\n"
	}
	tests := []struct {
		name  string
		sites func(app *recordingApp) string
		host  string
		want  string
	}{
		{"none", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + "}\n" }, "", ours},
		{"all", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("") + "}\n" }, "", theirs},
		{"403", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("403") + "}\n" }, "", theirs},
		{"4xx", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("4xx") + "}\n" }, "", theirs},
		{"404 only", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("404") + "}\n" }, "", ours},
		{"behind a guard, all", func(app *recordingApp) string {
			return "http://:9181 {\n galaxypay_guard\n" + result(app) + page("") + "}\n"
		}, "", theirs},
		{"behind a guard, 404 only", func(app *recordingApp) string {
			return "http://:9181 {\n galaxypay_guard\n" + result(app) + page("404") + "}\n"
		}, "", ours},
		{"5xx only", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("5xx") + "}\n" }, "", ours},
		{"this host's, all", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", theirs},
		{"this host's, 403", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("403") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", theirs},
		{"this host's, 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", ours},
		{"another host's", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + "}\n" + "http://other.example:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
		{"a site's for every host", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + "}\n" + "http://:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", theirs},
		{"a site's for every host, and this one's 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
		{"both hosts', this one's 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://other.example:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
	}
	app := newApp(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, sandboxMerchant+test.sites(app))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url("9181")+"/galaxypay/result?data=eyJ9&signature=00", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = test.host
			request.Header.Set("Accept", "text/html")
			a, err := c.roundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if a.status != http.StatusForbidden || !strings.Contains(a.body, test.want) {
				t.Errorf("HTTP %d, want 403 and %q: %s", a.status, test.want, a.body)
			}
			app.wantNothing(t)
		})
	}
}
