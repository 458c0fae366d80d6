package describe

import (
	"net/url"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// The patterns of addresses say what Validate says, which asks net/url, of whatever looks like an address. They do not
// look into the brackets of an IPv6 address.
func TestPropertyAddressPatterns(t *testing.T) {
	for kind, field := range map[operation.Kind]string{operation.KindURL: "ipnURL", operation.KindLink: "successURL"} {
		pattern := regexp.MustCompile(filled(variantsOf(&operation.Field{Kind: kind}))[0].Pattern)
		if right := "https://shop.example/ipn?a=1"; !pattern.MatchString(right) || verdict(t, "pay", field, kind, right) != "" {
			t.Errorf("%s: %s is wrong", kind, right)
		}
		rapid.Check(t, func(r *rapid.T) {
			scheme := rapid.SampledFrom([]string{"http", "https", "HTTP", "Https", "h", "ht", "htt", "httpx", "httpss", "ftp", "shop", "s1.-+", "1", ""}).Draw(r, "scheme")
			start := rapid.SampledFrom([]string{"://", ":/", ":", ":///", "", "//"}).Draw(r, "start")
			host := rapid.StringMatching(`([a-z0-9.@:%_ "<>\\^|ệ-]|%[0-9a-fA-F]{2}|\[::1\]){0,6}`).Draw(r, "host")
			rest := rapid.StringMatching(`(/([a-zé%/ {}|\\^"\[\]:@-]|%[0-9a-f]{2}){0,4})?(\?([a-z%&=é /?]|%41){0,3})?(#([a-z%é#?]|%41){0,3})?`).Draw(r, "rest")
			text := scheme + start + host + rest
			if text == "" {
				return // nothing is sent
			}
			code := verdict(t, "pay", field, kind, text)
			if matched := pattern.MatchString(text); matched != (code == "") {
				_, err := url.Parse(text)
				r.Fatalf("%s %q: the pattern matches: %t; Validate: %q, net/url: %v", kind, text, matched, code, err)
			}
		})
	}
}
