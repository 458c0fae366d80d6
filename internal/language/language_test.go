package language_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

func TestLanguageOf(t *testing.T) {
	const english, vietnamese = language.English, language.Vietnamese
	for name, test := range map[string]struct {
		accept []string
		want   language.Tag
	}{
		"no wish":                {nil, english},
		"empty":                  {[]string{""}, english},
		"Vietnamese":             {[]string{"vi"}, vietnamese},
		"of Vietnam":             {[]string{"vi-VN"}, vietnamese},
		"upper case":             {[]string{"VI-vn"}, vietnamese},
		"a browser in Vietnam":   {[]string{"vi-VN,vi;q=0.9,fr-FR;q=0.8,fr;q=0.7,en-US;q=0.6,en;q=0.5"}, vietnamese},
		"a browser in America":   {[]string{"en-US,en;q=0.9"}, english},
		"English first":          {[]string{"en,vi;q=0.9"}, english},
		"English first, by q":    {[]string{"vi;q=0.5,en;q=0.9"}, english},
		"Vietnamese first, by q": {[]string{"en;q=0.5,vi;q=0.9"}, vietnamese},
		"two headers":            {[]string{"fr", "vi"}, vietnamese},
		"none of ours":           {[]string{"fr,de;q=0.5"}, english},
		"none of ours, then vi":  {[]string{"ja,vi;q=0.5"}, vietnamese},
		"anything":               {[]string{"*"}, english},
		"refused":                {[]string{"vi;q=0"}, english},
		"nonsense":               {[]string{"\x00;;;q=vi,,,"}, english},
		"long nonsense":          {[]string{strings.Repeat("a-", 10000)}, english},
		"long list":              {[]string{strings.Repeat("fr,", 10000) + "vi"}, vietnamese},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{Header: http.Header{"Accept-Language": test.accept}}
			if got := language.Of(r); got != test.want {
				t.Errorf("%s, expected %s", got, test.want)
			}
		})
	}
}

func TestTextIn(t *testing.T) {
	text := language.Both("order", "đơn hàng")
	for tag, want := range map[language.Tag]string{
		language.English: "order", language.Vietnamese: "đơn hàng", "": "order", "fr": "order",
	} {
		if got := text.In(tag); got != want {
			t.Errorf("in %q: %q, expected %q", tag, got, want)
		}
	}
}
