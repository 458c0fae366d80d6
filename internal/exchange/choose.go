package exchange

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func isOnlyHTTP1(t *reverseproxy.HTTPTransport) bool {
	return slices.Equal(t.Versions, []string{"1.1"})
}

// obstacle names the first option that connections of our own cannot honour, or returns "". The transport is provisioned,
// so that its defaults are filled in, and the modules that were written in it are gone.
func obstacle(t, written *reverseproxy.HTTPTransport, base *url.URL) string {
	for _, o := range []struct {
		name   string
		stands bool
	}{
		{"the operating system", !canLook},
		{"versions", !isOnlyHTTP1(t)},
		{"network_proxy", t.ForwardProxyURL != "" || len(written.NetworkProxyRaw) > 0 || usesProxy(t.Transport, base)},
		{"proxy_protocol", t.ProxyProtocol != ""},
		{"max_conns_per_host", t.MaxConnsPerHost != 0},
		{"response_header_timeout", t.ResponseHeaderTimeout != 0},
		{"write_buffer_size", t.WriteBufferSize != 0},
		{"read_timeout", t.ReadTimeout != 0}, // Caddy's connections then set deadlines themselves
		{"write_timeout", t.WriteTimeout != 0},
		{"keep_alive", t.Transport.DisableKeepAlives || t.Transport.MaxIdleConnsPerHost < 0},
		{"tls server_name", t.Transport.DialTLSContext != nil}, // with a placeholder
		{"the gateway's address", strings.ContainsFunc(base.Host, func(r rune) bool { return r == '%' || r <= ' ' || r > '~' })},
	} {
		if o.stands {
			return o.name
		}
	}
	return ""
}

// usesProxy reports whether the environment names a proxy for the gateway.
func usesProxy(t *http.Transport, base *url.URL) bool {
	if t.Proxy == nil {
		return false
	}
	proxy, err := t.Proxy(&http.Request{Method: http.MethodPost, URL: base})
	return proxy != nil || err != nil
}
