package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// visitSite takes results for the app as it is by default: as visits of a page.
func visitSite(app *recordingApp, options string) string {
	return sandboxMerchant + "http://:9181 {\nhandle /galaxypay/result* {\ngalaxypay_result {\n" + options + "\n}\nreverse_proxy " + app.address + "\n}\n}\n"
}

// wantVisit checks that the app got the visit of a page, with nothing of a body.
func wantVisit(t *testing.T, got appRequest, method, target, kind, status, message string, m callback) {
	t.Helper()
	if got.method != method || got.target != target || got.body != "" || got.length != 0 {
		t.Errorf("the app got %s %s with %d bytes %q, want %s %s without a body", got.method, got.target, got.length, got.body, method, target)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding"} {
		if value, found := got.header[name]; found {
			t.Errorf("the app got %s: %q", name, value)
		}
	}
	provenCallback{kind: kind, status: status, message: message, from: m}.checkHeaders(t, got.header)
}

// wantRedirect checks that a browser is sent to the page that it is at, with the message, and returns the query.
func wantRedirect(t *testing.T, a httpAnswer, m callback) (query string) {
	t.Helper()
	query, relative := strings.CutPrefix(a.header.Get("Location"), "?")
	if a.status != http.StatusSeeOther || !relative || a.body != "" {
		t.Fatalf("HTTP %d, Location %q, body %q, want 303 to a query", a.status, a.header.Get("Location"), a.body)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	at := strings.Index(query, "data=") // behind the merchant's own parameters, whose spelling is his
	values, err := url.ParseQuery(query[max(at, 0):])
	if err != nil || len(values["data"]) != 1 || len(values["signature"]) != 1 || values.Get("data") != m.data || values.Get("signature") != m.signature {
		t.Errorf("the query is %q, error %v", query, err)
	}
	return query
}

// By default a result is the visit of a page: whatever way the gateway takes, the app gets GET, and loading the page again posts nothing.
func TestResultIsAPage(t *testing.T) {
	app := newApp(t)
	for _, options := range []string{"", "forward get"} {
		c := start(t, visitSite(app, options))
		for status, message := range map[string]string{"paid": paidMessage, "cancelled": cancelledMessage, "failed": failedMessage} {
			m := signedMessage(message, sandboxSalt)
			for _, way := range resultWays {
				t.Run(strings.Join([]string{options, status, way.name}, ", "), func(t *testing.T) {
					address := c.url("9181") + "/galaxypay/result"
					query := way.encode(m)
					if way.method == http.MethodPost {
						query = wantRedirect(t, c.do(t, http.MethodPost, address, strings.NewReader(query), "Content-Type", way.contentType), m)
						app.wantNothing(t)
					}
					for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
						a := c.do(t, method, address+"?"+query, nil, "Cookie", "sid=lax")
						if a.status != http.StatusOK || (method == http.MethodHead) != (a.body == "") {
							t.Errorf("%s: HTTP %d: %s", method, a.status, a.body)
						}
						got := app.only(t)
						wantVisit(t, got, method, "/galaxypay/result", way.ending(status), status, message, m)
						if got.header.Get("Cookie") != "sid=lax" {
							t.Errorf("the app got %v", got.header)
						}
					}
				})
			}
		}
	}
}

// The address stays the one that the browser has, with the merchant's own parameters as they were spelled, whatever the site makes of it.
func TestResultRedirectKeepsTheAddress(t *testing.T) {
	app := newApp(t)
	m := signedMessage(plusMessage, sandboxSalt)
	const page = "galaxypay_result\nreverse_proxy APP\n"
	sites := map[string]struct{ site, prefix string }{
		"as it is":      {"handle /galaxypay/result {\n" + page + "}", ""},
		"handle_path":   {"handle_path /shop/* {\n" + page + "}", "/shop"},
		"strip_prefix":  {"uri strip_prefix /shop\nhandle /galaxypay/result {\n" + page + "}", "/shop"},
		"behind guard":  {"galaxypay_guard\nhandle /galaxypay/result {\n" + page + "}", ""},
		"encode":        {"encode\nhandle /galaxypay/result {\n" + page + "}", ""},
		"in a subroute": {"route {\nroute /galaxypay/* {\n" + page + "}\n}", ""},
	}
	queries := []string{
		"", "order=1", "order=1&x=a%20b+c", "a&b=&&c=%zz", "a=%E1%BB%85", "x=a/b:c@d?e", "x=a;b", "a==b", "to=//evil.example", "x=%0d%0aSet-Cookie:%20a=b",
	}
	for name, site := range sites {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandboxMerchant+"http://:9181 {\n"+strings.ReplaceAll(site.site, "APP", app.address)+"\n}\n")
			for _, own := range queries {
				address := c.url("9181") + site.prefix + "/galaxypay/result?" + own
				query := wantRedirect(t, c.post(t, address, m.json()), m)
				before, _, _ := strings.Cut(query, "data=")
				if got := strings.TrimSuffix(before, "&"); got != own {
					t.Errorf("the merchant's parameters are %q, want %q", got, own)
				}
				base, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				to, err := base.Parse("?" + query)
				if err != nil {
					t.Fatal(err)
				}
				if to.Host != base.Host || to.Path != base.Path || to.Scheme != base.Scheme {
					t.Errorf("the browser is sent to %s", to)
				}
				c.get(t, to.String())
				if target := strings.TrimSuffix("/galaxypay/result?"+own, "?"); app.only(t).target != target {
					t.Errorf("the app got another address than %s", target)
				}
			}
		})
	}
	t.Run("rewritten", func(t *testing.T) {
		c := start(t, sandboxMerchant+"http://:9181 {\nrewrite /galaxypay/result /index.php?page=result&{query}\ngalaxypay_result\nreverse_proxy "+app.address+"\n}\n")
		query := wantRedirect(t, c.post(t, c.url("9181")+"/galaxypay/result?order=1", m.json()), m)
		if !strings.HasPrefix(query, "order=1&data=") {
			t.Errorf("the query is %q", query)
		}
		c.get(t, c.url("9181")+"/galaxypay/result?"+query)
		if got := app.only(t).target; got != "/index.php?page=result&order=1" {
			t.Errorf("the app got %s", got)
		}
	})
}

// A browser is never sent elsewhere, and what it sends is never a header or another part of the address.
func TestResultRedirectOfStrangeRequests(t *testing.T) {
	app := newApp(t)
	c := start(t, sandboxMerchant+"http://:9181 {\ngalaxypay_result\nreverse_proxy "+app.address+"\n}\n")
	m := signedMessage(paidMessage, sandboxSalt)
	for name, test := range map[string]struct{ target, own string }{
		"a fragment":        {"/galaxypay/result?a=1#b", "a=1%23b&"},
		"letters":           {"/galaxypay/result?a=\xc4\x90\xff", "a=%C4%90%FF&"},
		"two slashes":       {"//evil.example/?a=1", "a=1&"},
		"a backslash":       {"/\\evil.example?\\", "\\&"},
		"another host":      {"http://evil.example/galaxypay/result?a=1", "a=1&"},
		"question marks":    {"/galaxypay/result???", "??&"},
		"nothing":           {"/galaxypay/result?", ""},
		"our fields":        {"/galaxypay/result?data=x&a=1&s%69gnature=y&data", "a=1&"},
		"quotation marks":   {"/galaxypay/result?\"<script>'", "\"<script>'&"},
		"an encoded end":    {"/galaxypay/result?a=%0D%0AX-Evil:%201", "a=%0D%0AX-Evil:%201&"},
		"a broken encoding": {"/galaxypay/result?a=%", "a=%&"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, c.ports["9181"])
			if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Host: evil.example\r\nContent-Length: %d\r\n\r\n%s",
				test.target, len(m.json()), m.json()); err != nil {
				t.Fatal(err)
			}
			a, err := readAnswer(bufio.NewReader(conn))
			if err != nil {
				t.Fatal(err)
			}
			query := wantRedirect(t, a, m)
			if !strings.HasPrefix(query, test.own+"data=") || strings.Contains(query, "#") || strings.Contains(query, "evil") && !strings.Contains(strings.ToLower(test.own), "evil") {
				t.Errorf("the browser is sent to ?%s", query)
			}
			if a.header.Get("X-Evil") != "" {
				t.Errorf("headers %v", a.header)
			}
			app.wantNothing(t)
		})
	}
}

// A message that does not fit an address, or is longer than what is taken as a query, comes as an IPN does.
func TestResultTooLongForAnAddress(t *testing.T) {
	app := newApp(t)
	pad := func(n int) callback {
		return signedMessage(strings.Replace(paidMessage, `"vi"`, `"`+strings.Repeat("x", n)+`"`, 1), sandboxSalt)
	}
	for name, test := range map[string]struct {
		options string
		m       callback
		own     string
		posted  bool
	}{
		"short":                     {"", pad(0), "", false},
		"long":                      {"", pad(5000), "", false},
		"too long":                  {"", pad(7000), "", true},
		"far too long":              {"", pad(40000), "", true},
		"long parameters":           {"", pad(3000), strings.Repeat("x", 5000), true},
		"within max_body":           {"max_body 1KiB", pad(0), "", false},
		"more than max_body":        {"max_body 1KiB", signedMessage(strings.Replace(plusMessage, "~~~???", strings.Repeat("~~~???", 95), 1), sandboxSalt), "", true},
		"parameters, more than it":  {"max_body 1KiB", pad(0), strings.Repeat("x", 500), true},
		"parameters, less than max": {"max_body 2KiB", pad(0), strings.Repeat("x", 500), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, visitSite(app, test.options))
			address := c.url("9181") + "/galaxypay/result?" + test.own
			a := c.post(t, address, test.m.json())
			if !test.posted {
				query := wantRedirect(t, a, test.m)
				if length := len(c.url("9181")+"/galaxypay/result?") + len(query); length > 8<<10 {
					t.Errorf("the address has %d bytes", length)
				}
				c.get(t, c.url("9181")+"/galaxypay/result?"+query).wantStatus(t, http.StatusOK)
				if got := app.only(t); got.method != http.MethodGet {
					t.Errorf("the app got %s", got.method)
				}
				return
			}
			a.wantStatus(t, http.StatusOK)
			if got := app.only(t); got.method != http.MethodPost || !strings.HasPrefix(got.body, "{") || got.header.Get("Galaxypay-Payment-Status") != "paid" {
				t.Errorf("the app got %+v", got)
			}
		})
	}
}

// With forward post the app gets the message as body, in whatever way it comes.
func TestResultForwardPost(t *testing.T) {
	app := newApp(t)
	c := start(t, visitSite(app, "forward post"))
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range resultWays {
		t.Run(way.name, func(t *testing.T) {
			way.send(t, c, m).wantStatus(t, http.StatusOK)
			way.wantInApp(t, app, "paid", paidMessage, m)
		})
	}
}

// What is not proven goes to no other address and to no app.
func TestResultRefusedIsNotRedirected(t *testing.T) {
	app := newApp(t)
	c := start(t, visitSite(app, ""))
	forged := callback{signedMessage(paidMessage, sandboxSalt).data, strings.Repeat("0", 64)}
	for _, way := range resultWays {
		t.Run(way.name, func(t *testing.T) {
			a := way.send(t, c, forged)
			a.wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
			if a.header.Get("Location") != "" {
				t.Errorf("Location: %s", a.header.Get("Location"))
			}
			app.wantNothing(t)
		})
	}
	t.Run("HEAD", func(t *testing.T) {
		a := c.do(t, http.MethodHead, c.url("9181")+"/galaxypay/result?"+forged.form(), nil)
		if a.status != http.StatusForbidden || a.body != "" {
			t.Errorf("HTTP %d: %s", a.status, a.body)
		}
		app.wantNothing(t)
	})
}

// No header of an outsider passes for one of ours in a visit either.
func TestResultVisitHeadersCannotBeForged(t *testing.T) {
	app := newApp(t)
	m := signedMessage(cancelledMessage, sandboxSalt)
	c := start(t, strings.Replace(visitSite(app, ""), "{", "{\nservers {\nexpected_underscore_headers galaxypay_*\nexpected_dot_headers galaxypay.*\n}", 1))
	for _, forged := range forgedHeaders {
		for _, way := range resultWays {
			t.Run(forged.name+", "+way.name, func(t *testing.T) {
				way.send(t, c, m, forged.header...).wantStatus(t, http.StatusOK)
				wantVisit(t, app.only(t), http.MethodGet, "/galaxypay/result", "cancel", "cancelled", cancelledMessage, m)
			})
		}
	}
}

// Every part of Caddy sees the visit and not the request that brought it.
func TestResultVisitHandlersSeeNoMessage(t *testing.T) {
	c := start(t, sandboxMerchant+`
		http://:9181 {
			handle /galaxypay/result {
				galaxypay_result
				respond "{http.request.method} {http.request.uri} [{http.request.body}] {http.request.header.Galaxypay-Payment-Status}"
			}
		}`)
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range resultWays {
		if a := way.send(t, c, m); a.body != "GET /galaxypay/result [] paid" {
			t.Errorf("%s: %q", way.name, a.body)
		}
	}
}

// Error pages that are handed to an app get a request that is whole: the body of a refused one was read, and is gone.
func TestResultErrorPageOfAnApp(t *testing.T) {
	proven := signedMessage(paidMessage, sandboxSalt)
	forged := callback{proven.data, strings.Repeat("0", 64)}
	app := newApp(t)
	for name, test := range map[string]struct {
		options, then string
		m             callback
		marked        bool
	}{
		"refused":                      {"", "respond hi", forged, false},
		"refused, forward post":        {"forward post", "respond hi", forged, false},
		"the app failed":               {"", "error 500", proven, true},
		"the app failed, forward post": {"forward post", "reverse_proxy " + deadAddress(t), proven, true},
	} {
		c := start(t, sandboxMerchant+"http://:9181 {\nhandle /galaxypay/result {\ngalaxypay_result {\n"+test.options+"\n}\n"+test.then+"\n}\nhandle_errors {\nreverse_proxy "+app.address+"\n}\n}\n")
		for _, way := range resultWays {
			t.Run(name+", "+way.name, func(t *testing.T) {
				way.send(t, c, test.m, "Galaxypay-Payment-Status", "paid", "Galaxypay_Callback", "ipn", "X-Mine", "1").wantStatus(t, http.StatusOK)
				got := app.only(t)
				if got.header.Get("X-Mine") != "1" {
					t.Errorf("the app got %v", got.header)
				}
				if !test.marked {
					wantNoMarks(t, got.header)
				}
				want := ""
				if test.marked && test.options != "" && way.method == http.MethodPost {
					want = paidMessage
				}
				if got.body != want || got.length != int64(len(want)) {
					t.Errorf("the app got %d bytes, %q; want %q", got.length, got.body, want)
				}
				wantNoMessage(t, got.target, test.m)
			})
		}
	}
	t.Run("refused, a forged trailer", func(t *testing.T) {
		c := start(t, sandboxMerchant+"http://:9181 {\ngalaxypay_result\nhandle_errors {\nreverse_proxy "+app.address+"\n}\n}\n")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181")+"/", struct{ io.Reader }{strings.NewReader(forged.json())})
		if err != nil {
			t.Fatal(err)
		}
		request.Trailer = http.Header{"Galaxypay-Payment-Status": {"paid"}}
		if _, err := c.roundTrip(request); err != nil {
			t.Fatal(err)
		}
		got := app.only(t)
		wantNoMarks(t, got.header)
		wantNoMarks(t, got.trailer)
	})
}
