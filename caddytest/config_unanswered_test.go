package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// The beginnings of the warnings of sites and blocks in which a request can end without an answer.
const (
	warnOpen    = "what no route of this site takes gets Caddy's empty 200"
	warnAlone   = "nothing in this site answers behind galaxypay_ipn or galaxypay_result"
	warnDeliver = "an event can go through deliver without an answer"
)

// TestConfigWarningsOfEmptyAnswers also says what is not warned of: a wrong warning would teach people
// to overlook the right ones.
func TestConfigWarningsOfEmptyAnswers(t *testing.T) {
	const ipn = "handle /galaxypay/ipn {\ngalaxypay_ipn\nreverse_proxy 127.0.0.1:1\n}\n"
	named := func(body string) string { return "http://shop.example:9180 {\n" + body + "\n}\n" }
	unnamed := func(body string) string { return "http://:9180 {\n" + body + "\n}\n" }
	deliver := func(body string) string {
		return unnamed("galaxypay_ipn {\ninbox {\ndeliver {\n" + body + "\n}\n}\n}")
	}
	for name, test := range map[string]struct{ site, want string }{
		"closed by an error":             {named(ipn + "handle {\nerror 404\n}"), ""},
		"closed by the app":              {named(ipn + "handle {\nreverse_proxy 127.0.0.1:1\n}"), ""},
		"closed by a handler for all":    {named("galaxypay_ipn /galaxypay/ipn\nreverse_proxy 127.0.0.1:1"), ""},
		"closed by files":                {named(ipn + "root * /srv\nfile_server"), ""},
		"closed by PHP and files":        {named("galaxypay_ipn /ipn.php\nroot * /srv\nphp_fastcgi 127.0.0.1:1\nfile_server"), ""},
		"closed by PHP alone":            {named("galaxypay_ipn /ipn.php\nroot * /srv\nphp_fastcgi 127.0.0.1:1"), ""},
		"closed by a route":              {named("route {\n" + ipn + "respond 404\n}"), ""},
		"closed, with other directives":  {named("encode gzip\nheader X-A 1\ngalaxypay_guard\n" + ipn + "handle /static/* {\nfile_server\n}\nhandle {\nredir https://shop.example{uri}\n}"), ""},
		"closed for some, then for all":  {named("@old path /old/*\nrespond @old 410\n" + ipn + "handle {\nrespond 404\n}"), ""},
		"closed by every path":           {named(ipn + "handle /* {\nrespond 404\n}"), ""},
		"open":                           {named(ipn), warnOpen},
		"open, a result":                 {named("handle /galaxypay/result {\ngalaxypay_result\nreverse_proxy 127.0.0.1:1\n}"), warnOpen},
		"open to other paths":            {named("galaxypay_ipn /galaxypay/ipn\nreverse_proxy /galaxypay/* 127.0.0.1:1"), warnOpen},
		"open by a handle that is empty": {named(ipn + "handle /hooks/* {\nheader X-A 1\n}\nhandle {\nerror 404\n}"), warnOpen},
		"open, headers only":             {named(ipn + "handle {\nheader X-A 1\n}"), warnOpen},
		"open by passing on files":       {named(ipn + "file_server {\npass_thru\n}"), warnOpen},
		"of two sites, one is open":      {named(ipn+"handle {\nerror 404\n}") + "http://www.shop.example:9180 {\n" + ipn + "}\n", warnOpen},
		"another site is open":           {named(ipn+"handle {\nerror 404\n}") + "http://www.shop.example:9180 {\nheader X-A 1\n}\n", ""},
		"no name, nothing is left":       {unnamed(ipn), ""},
		"no callbacks":                   {unnamed("galaxypay"), ""},

		"nothing behind":                    {unnamed("galaxypay_ipn"), warnAlone},
		"nothing behind a result":           {unnamed("galaxypay_result"), warnAlone},
		"nothing behind but headers":        {unnamed("header X-A 1\ngalaxypay_ipn\nencode gzip"), warnAlone},
		"the app in another handle":         {unnamed("handle /galaxypay/ipn {\ngalaxypay_ipn\n}\nhandle {\nreverse_proxy 127.0.0.1:1\n}"), warnAlone},
		"the app in front":                  {unnamed("route {\nreverse_proxy 127.0.0.1:1\ngalaxypay_ipn\n}"), warnAlone},
		"the app behind, in a handle":       {unnamed("galaxypay_ipn /galaxypay/ipn\nhandle {\nreverse_proxy 127.0.0.1:1\n}"), ""},
		"the app behind, for its path only": {unnamed("galaxypay_ipn /galaxypay/ipn\nreverse_proxy /galaxypay/ipn 127.0.0.1:1"), ""},
		"PHP behind":                        {unnamed("galaxypay_ipn /ipn.php\nroot * /srv\nphp_fastcgi 127.0.0.1:1"), ""},
		"an inbox needs nothing behind":     {deliver("reverse_proxy 127.0.0.1:1"), ""},

		"deliver, no answer":            {deliver("rewrite * /payments/ipn"), warnDeliver},
		"deliver, for one path":         {deliver("reverse_proxy /galaxypay/ipn 127.0.0.1:1"), warnDeliver},
		"deliver, for one host":         {deliver("@shop host shop.example\nreverse_proxy @shop 127.0.0.1:1"), warnDeliver},
		"deliver, for GET":              {deliver("@get method GET\nreverse_proxy @get 127.0.0.1:1"), warnDeliver},
		"deliver, a handle of two":      {deliver("handle /a {\nreverse_proxy 127.0.0.1:1\n}\nhandle {\nheader X-A 1\n}"), warnDeliver},
		"deliver, rewrite and proxy":    {deliver("rewrite * /payments/ipn\nreverse_proxy 127.0.0.1:1"), ""},
		"deliver, rewrite to its path":  {deliver("rewrite * /payments/ipn\nreverse_proxy /payments/* 127.0.0.1:1"), ""},
		"deliver, for POST":             {deliver("@post method POST\nreverse_proxy @post 127.0.0.1:1"), ""},
		"deliver, path with a fallback": {deliver("reverse_proxy /galaxypay/ipn 127.0.0.1:1\nrespond 500"), ""},
		"deliver, two handles":          {deliver("handle /a {\nreverse_proxy 127.0.0.1:1\n}\nhandle {\nreverse_proxy 127.0.0.1:2\n}"), ""},
		"deliver, PHP":                  {deliver("root * /srv\nrewrite * /ipn.php\nphp_fastcgi 127.0.0.1:1"), ""},
		"deliver, PHP without rewrite":  {deliver("root * /srv\nphp_fastcgi 127.0.0.1:1"), ""},
		"deliver_to":                    {unnamed("galaxypay_ipn {\ninbox {\ndeliver_to http://127.0.0.1:1/ipn\n}\n}"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandboxMerchant+test.site)
			c.stop()
			var got []string
			for text := range strings.Lines(c.logs(t)) {
				for _, warning := range []string{warnOpen, warnAlone, warnDeliver} {
					if strings.Contains(text, warning) && strings.Contains(text, `"level":"warn"`) {
						got = append(got, warning)
					}
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("warned of %q, want %q", got, test.want)
			}
		})
	}
}

// A server with a handler of the sidecar has no empty 200 for a host or a path that nothing in it takes:
// an app or the gateway would take it for a yes.
func TestUnmatchedRequestsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		site       string
		host, path string
		want       int
	}{
		"calls, another name":         {"http://localhost:9180 {\ngalaxypay\n}", "127.0.0.1", "/pay", 404},
		"calls, its name":             {"http://localhost:9180 {\ngalaxypay\n}", "localhost", "/nothing", 404},
		"IPN, another name":           {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}", "www.shop.example", "/", 404},
		"IPN, its name":               {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}", "shop.example", "/", 400},
		"IPN, its name in capitals":   {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}", "SHOP.example", "/", 400},
		"IPN, no name":                {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}", "", "/", 404},
		"IPN, another path":           {"http://:9180 {\nhandle /ipn {\ngalaxypay_ipn\nrespond OK\n}\n}", "shop.example", "/ipn/", 404},
		"result, another name":        {"http://shop.example:9180 {\ngalaxypay_result\nrespond OK\n}", "backend", "/", 404},
		"a site behind it":            {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}\nhttp://www.shop.example:9180 {\nrespond 418\n}", "www.shop.example", "/", 418},
		"a site for all names":        {"http://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}\nhttp://:9180 {\nrespond 418\n}", "backend", "/", 418},
		"a site before it":            {"http://a.shop.example:9180 {\nrespond 418\n}\nhttp://shop.example:9180 {\ngalaxypay_ipn\nrespond OK\n}", "a.shop.example", "/", 418},
		"handlers after the handler":  {"http://:9180 {\nhandle /ipn {\ngalaxypay_ipn\nrespond OK\n}\nhandle /later {\nrespond 418\n}\n}", "x", "/later", 418},
		"a server without the module": {"http://:9180 {\nheader X-A 1\n}\nhttp://:9181 {\ngalaxypay\n}", "x", "/", 200},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandboxMerchant+test.site+"\n")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9180")+test.path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if test.host != "" {
				r.Host = test.host
			}
			response, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != test.want {
				t.Errorf("HTTP %d, want %d", response.StatusCode, test.want)
			}
		})
	}
}
