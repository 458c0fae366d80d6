package wirelog

import (
	"net/http"
	"slices"
	"strings"
)

// Header is a line of a message's head.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// documentedNames has the names whose spelling in the documents net/http changes.
var documentedNames = map[string]string{"Apikey": "apiKey", "Signature": "signature"}

// newHeaders keeps the head of a message in alphabetical order, without its secrets.
func newHeaders(head http.Header) []Header {
	var lines []Header
	for name, values := range head {
		if documented := documentedNames[name]; documented != "" {
			name = documented
		}
		for _, value := range values {
			lines = append(lines, Header{clip(name), withoutSecret(name, value)})
		}
	}
	slices.SortStableFunc(lines, func(a, b Header) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return lines[:min(len(lines), maxHeaders)]
}

func withoutSecret(name, value string) string {
	switch strings.ToLower(name) {
	case "apikey":
		return maskKey(value)
	case "authorization", "proxy-authorization", "cookie", "set-cookie":
		return "••••"
	}
	return clip(value)
}

// maskKey leaves enough of an api key to distinguish two of them.
func maskKey(key string) string {
	beginning := []rune(clip(key))
	return string(beginning[:min(4, len(beginning))]) + "••••"
}

// signatureIn reads the header as it is spelled on the wire, which Get would not find.
func signatureIn(head http.Header) string {
	return strings.Join(head["signature"], ", ") //nolint:staticcheck // SA1008: the spelling is meant
}
