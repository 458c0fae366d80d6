package secret

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// shortest is the least number of bytes of a secret that is looked for in hex and Base64: shorter
// ones would be found by chance.
const shortest = 8

// Repeats reports whether a text repeats one of the secrets: as it is, in another letter case, with
// other characters between, percent-encoded, in hex or in Base64. Empty secrets are in no text.
func Repeats(text string, secrets ...string) bool {
	spellings := []string{text, folded(text)}
	if plain, err := url.QueryUnescape(text); err == nil {
		spellings = append(spellings, plain, folded(plain))
	}
	for _, secret := range secrets {
		for _, form := range formsOf(secret) {
			for _, spelling := range spellings {
				if strings.Contains(spelling, form) {
					return true
				}
			}
		}
	}
	return false
}

// formsOf are the texts by which a secret is found, none of them empty.
func formsOf(secret string) []string {
	if secret == "" {
		return nil
	}
	forms := []string{secret}
	if plain := folded(secret); len(plain) >= 3 {
		forms = append(forms, plain)
	}
	if len(secret) < shortest {
		return forms
	}
	return append(forms,
		folded(hex.EncodeToString([]byte(secret))),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret)), "="))
}

// folded is a text without what is no letter or digit, in lower case.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r >= 0x80:
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, text)
}
