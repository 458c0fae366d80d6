package caddytest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// resultSite takes results with these lines behind the directive, and these after its handle.
func resultSite(options, then, after string) string {
	return sandboxMerchant + "http://:9181 {\nhandle /galaxypay/result {\ngalaxypay_result {\n" + options + "\n}\n" + then + "\n}\n" + after + "\n}\n"
}

// wantCalmPage checks the page for a customer whose result is proven and whose shop does not answer.
func wantCalmPage(t *testing.T, a httpAnswer, status int, language string, paid bool) {
	t.Helper()
	words := map[string][]string{
		"en": {"do not pay again", "confirms that you have paid", "We have your payment&#39;s result"},
		"vi": {"không thanh toán lại", "xác nhận bạn đã thanh toán", "Đã nhận được kết quả thanh toán"},
	}[language]
	if a.status != status || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("HTTP %d, %s, want a page with %d: %s", a.status, a.header.Get("Content-Type"), status, a.body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Content-Language": language, "Content-Encoding": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if (a.header.Get("Retry-After") != "") != (status >= 502 && status <= 504) {
		t.Errorf("HTTP %d with Retry-After %q", status, a.header.Get("Retry-After"))
	}
	for _, word := range []string{`<html lang="` + language + `">`, `content="noindex"`, "prefers-color-scheme:dark", words[0], words[2]} {
		if !strings.Contains(a.body, word) {
			t.Errorf("%q is missing in %s", word, a.body)
		}
	}
	if strings.Contains(a.body, words[1]) != paid {
		t.Errorf("the page claims that the order is paid: %t, want %t", !paid, paid)
	}
	for name, values := range a.header {
		if strings.Contains(strings.Join(values, " ")+name, "canary") {
			t.Errorf("the app's header %s: %q", name, values)
		}
	}
	if strings.Contains(a.body, "127.0.0.1") || strings.Contains(a.body, "refused") || strings.Contains(a.body, "canary") {
		t.Errorf("the page tells of the app: %s", a.body)
	}
}

// A customer who may have paid gets a calm page where the shop has none, whatever its reason.
func TestResultWithoutPage(t *testing.T) {
	app := newApp(t)
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Canary", "canary")
		w.Header().Set("Set-Cookie", "canary=1")
		switch r.URL.RawQuery {
		case "empty500":
			w.WriteHeader(http.StatusInternalServerError)
		case "empty503":
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "flushed502":
			w.WriteHeader(http.StatusBadGateway)
			_ = http.NewResponseController(w).Flush()
		case "cut":
			breakOff(w, "HTTP/1.1 ")
		}
	})
	down := "reverse_proxy " + deadAddress(t)
	const shown = "text/html,application/xhtml+xml,*/*;q=0.8"
	for name, test := range map[string]struct {
		then, after, query string
		status             int
	}{
		"not there":                      {then: down, status: 502},
		"not there, behind encode":       {then: "encode\n" + down, status: 502},
		"not there, guarded":             {then: down, after: "galaxypay_guard", status: 502},
		"no upstream":                    {then: "reverse_proxy", status: 503},
		"no time to connect":             {then: "reverse_proxy 127.0.0.1:1 {\ntransport http {\ndial_timeout 1ns\n}\n}", status: 502},
		"broken off":                     {then: "reverse_proxy " + app.address, query: "cut", status: 502},
		"an error":                       {then: "error canary 503", status: 503},
		"an error 404":                   {then: "error canary 404", status: 404},
		"an error 500":                   {then: "error canary", status: 500},
		"an empty 500 of the app":        {then: "reverse_proxy " + app.address, query: "empty500", status: 500},
		"an empty 503 of the app":        {then: "reverse_proxy " + app.address, query: "empty503", status: 503},
		"a flushed 502 of the app":       {then: "reverse_proxy " + app.address + " {\nflush_interval -1\n}", query: "flushed502", status: 502},
		"an empty 503 of the site":       {then: "respond 503", status: 503},
		"no file":                        {then: "root /nowhere\nfile_server", status: 404},
		"nothing answers":                {status: 404},
		"an error page for others":       {then: down, after: "handle_errors 404 {\nrespond theirs\n}", status: 502},
		"an error page that fails":       {then: down, after: "handle_errors {\n" + down + "\n}", status: 502},
		"an error page that is not one":  {then: down, after: "handle_errors {\nheader X-Mine 1\n}", status: 502},
		"an error page without a body":   {then: down, after: "handle_errors {\nrespond 503\n}", status: 503},
		"an error page, file is missing": {then: down, after: "handle_errors {\nroot /nowhere\nrewrite * /{err.status_code}.html\nfile_server\n}", status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			for _, forward := range []string{"get", "post"} {
				c := start(t, resultSite("forward "+forward, test.then, test.after))
				for status, message := range map[string]string{"paid": paidMessage, "cancelled": cancelledMessage, "failed": failedMessage} {
					for _, language := range []string{"en", "vi"} {
						m := signedMessage(message, sandboxSalt)
						a := c.get(t, c.url("9181")+"/galaxypay/result?"+test.query+"&"+m.form(), "Accept", shown, "Accept-Language", language)
						wantCalmPage(t, a, test.status, language, status == "paid")
						if !strings.Contains(a.body, "<small>A-1</small>") {
							t.Errorf("the order is not on the page: %s", a.body)
						}
						wantNoMessage(t, a.body, m)
					}
				}
				for _, accept := range []string{"application/json", "*/*", ""} {
					m := signedMessage(paidMessage, sandboxSalt)
					a := c.get(t, c.url("9181")+"/galaxypay/result?"+test.query+"&"+m.form(), "Accept", accept)
					if p := a.problem(t); a.status != test.status || p.Code != "app_unavailable" || p.Status != test.status || !strings.Contains(p.Detail, "Do not pay again") {
						t.Errorf("HTTP %d: %s", a.status, a.body)
					}
				}
				head := c.do(t, http.MethodHead, c.url("9181")+"/galaxypay/result?"+test.query+"&"+signedMessage(paidMessage, sandboxSalt).form(), nil, "Accept", shown)
				if head.status != test.status || head.body != "" || head.header.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Errorf("HEAD: HTTP %d, %v", head.status, head.header)
				}
				c.stop()
				logs := c.logs(t)
				wantNoMessage(t, strings.Join(slices.DeleteFunc(strings.Split(logs, "\n"), func(line string) bool {
					return strings.Contains(line, `"level":"debug"`)
				}), "\n"), signedMessage(paidMessage, sandboxSalt))
			}
		})
	}
}

// The order's id is shown as text.
func TestResultWithoutPageEscapes(t *testing.T) {
	c := start(t, resultSite("", "error 503", ""))
	m := signedMessage(strings.Replace(paidMessage, `"A-1"`, `"<script>alert(1)</script>"`, 1), sandboxSalt)
	a := c.get(t, c.url("9181")+"/galaxypay/result?"+m.form(), "Accept", "text/html")
	wantCalmPage(t, a, http.StatusServiceUnavailable, "en", true)
	if strings.Contains(a.body, "<script") || !strings.Contains(a.body, "&lt;script&gt;") {
		t.Errorf("%s", a.body)
	}
}

// Every page that the shop does have is the customer's, its error pages too.
func TestResultPagesOfTheShopStay(t *testing.T) {
	app := newApp(t)
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "500":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "theirs")
		case "flushed":
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "theirs")
		case "404":
			w.WriteHeader(http.StatusNotFound)
		case "204":
			w.WriteHeader(http.StatusNoContent)
		case "redirect":
			w.Header().Set("Location", "/orders/A-1")
			w.WriteHeader(http.StatusSeeOther)
		case "empty":
		default:
			_, _ = io.WriteString(w, strings.Repeat("theirs", 10000))
		}
	})
	down := "reverse_proxy " + deadAddress(t)
	for name, test := range map[string]struct {
		then, after, query string
		status             int
		body               string
	}{
		"a page":                {query: "1", status: 200, body: "theirs"},
		"a page with a 500":     {query: "500", status: 500, body: "theirs"},
		"a flushed 503":         {query: "flushed", status: 503, body: "theirs"},
		"an empty 404":          {query: "404", status: 404},
		"no content":            {query: "204", status: 204},
		"an empty 200":          {query: "empty", status: 200},
		"a redirect":            {query: "redirect", status: 303},
		"all errors":            {then: down, after: "handle_errors {\nrespond theirs {err.status_code}\n}", status: 502, body: "theirs"},
		"502":                   {then: down, after: "handle_errors 502 {\nrespond theirs 200\n}", status: 200, body: "theirs"},
		"5xx, guarded":          {then: down, after: "galaxypay_guard\nhandle_errors 5xx {\nrespond theirs 503\n}", status: 503, body: "theirs"},
		"an error redirects":    {then: down, after: "handle_errors {\nredir * /orders\n}", status: 302},
		"a page of the app":     {then: down, after: "handle_errors {\nreverse_proxy " + app.address + "\n}", query: "1", status: 200, body: "theirs"},
		"a 500 page of the app": {then: down, after: "handle_errors {\nreverse_proxy " + app.address + "\n}", query: "500", status: 500, body: "theirs"},
	} {
		for _, forward := range []string{"get", "post"} {
			for _, way := range resultWays {
				t.Run(name+", "+forward+", "+way.name, func(t *testing.T) {
					then := test.then
					if then == "" {
						then = "reverse_proxy " + app.address
					}
					c := start(t, resultSite("forward "+forward, then, test.after))
					m := signedMessage(paidMessage, sandboxSalt)
					query := "?" + test.query
					if way.method == http.MethodGet {
						query += "&" + m.form()
					}
					a := c.do(t, way.method, c.url("9181")+"/galaxypay/result"+query, strings.NewReader(bodyOf(way, m)), "Content-Type", way.contentType, "Accept", "text/html")
					if location := a.header.Get("Location"); strings.HasPrefix(location, "?") {
						a = c.get(t, c.url("9181")+"/galaxypay/result"+location, "Accept", "text/html")
					}
					if a.status != test.status || !strings.Contains(a.body, test.body) || strings.Contains(a.body, "pay again") {
						t.Errorf("HTTP %d: %.300s", a.status, a.body)
					}
				})
			}
		}
	}
}

func bodyOf(w way, m callback) string {
	if w.method == http.MethodGet {
		return ""
	}
	return w.encode(m)
}
