package galaxypay

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// An attempt repeats the gateway's request as it was sent, whatever the site has made of it,
// without the fields that are ours.
func TestAsSent(t *testing.T) {
	const ours = "data=YQ%3D%3D&signature=ab"
	for name, test := range map[string]struct {
		original, uri string // as sent, and after the site's rewrites
		isTLS         bool
		want          inbox.Request
	}{
		"as it is":         {"/galaxypay/ipn", "/galaxypay/ipn", false, inbox.Request{Scheme: "http", URI: "/galaxypay/ipn"}},
		"over TLS":         {"/galaxypay/ipn", "/galaxypay/ipn", true, inbox.Request{Scheme: "https", URI: "/galaxypay/ipn"}},
		"with a query":     {"/ipn?shop=1&x=%41", "/ipn?shop=1&x=%41", false, inbox.Request{Scheme: "http", URI: "/ipn?shop=1&x=%41"}},
		"with our fields":  {"/ipn?shop=1&" + ours, "/ipn", false, inbox.Request{Scheme: "http", URI: "/ipn?shop=1"}},
		"our fields alone": {"/ipn?" + ours, "/ipn", false, inbox.Request{Scheme: "http", URI: "/ipn"}},
		"behind a rewrite": {"/galaxypay/ipn?a=1", "/ipn?b=2", false, inbox.Request{Scheme: "http", URI: "/galaxypay/ipn?a=1"}},
		"no original":      {"", "/ipn?shop=1&" + ours, false, inbox.Request{Scheme: "http", URI: "/ipn?shop=1"}},
		"an escaped slash": {"/a%2Fb/ipn", "/a%2Fb/ipn", false, inbox.Request{Scheme: "http", URI: "/a%2Fb/ipn"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, test.uri, nil)
			r.Host, r.RemoteAddr = "shop.example", "203.0.113.7:4711"
			if test.isTLS {
				r.TLS = new(tls.ConnectionState)
			}
			if test.original != "" {
				u, err := url.Parse(test.original)
				if err != nil {
					t.Fatal(err)
				}
				r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, http.Request{URL: u}))
			}
			test.want.Host, test.want.RemoteAddr = "shop.example", "203.0.113.7:4711"
			if got := asSent(r); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// A name that a store does not take must not keep the event out of it.
func TestNameOf(t *testing.T) {
	longest := strings.Repeat("a", inbox.MaxName)
	for text, want := range map[string]string{"": "", "DH-1": "DH-1", longest: longest, longest + "a": ""} {
		if got := nameOf(text); got != want {
			t.Errorf("%.10s of %d bytes became %.10s", text, len(text), got)
		}
	}
}
