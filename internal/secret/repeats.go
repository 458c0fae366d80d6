package secret

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// shortest is the least number of bytes of a secret that is looked for in hex and Base64: shorter
// ones would be found by chance.
const shortest = 8

// Repeats reports whether a text repeats one of the secrets: as it is, in another letter case, with
// other characters between, in full width, escaped as in addresses, JSON or HTML, in hex or in
// Base64, alone or among other text. Empty secrets are in no text.
func Repeats(text string, secrets ...string) bool {
	spellings := spellingsOf(text)
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

// spellingsOf are a text as it is, and without the escapes in it, which may be escaped too.
func spellingsOf(text string) (spellings []string) {
	const deepest = 3
	for range deepest {
		spellings = append(spellings, text, folded(text))
		plain := html.UnescapeString(escaped.ReplaceAllStringFunc(text, unescape))
		if plain == text {
			break
		}
		text = plain
	}
	return spellings
}

// escaped is a byte as addresses (%2F), JSON (\u002f) and programs (\x2f) write it.
var escaped = regexp.MustCompile(`(?:%|\\u00|\\x)[0-9A-Fa-f]{2}`)

func unescape(escape string) string {
	plain, _ := hex.DecodeString(escape[len(escape)-2:])
	return string(plain)
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
	forms = append(forms, folded(hex.EncodeToString([]byte(secret))))
	for before := range 3 {
		form := inBase64(secret, before)
		forms = append(forms, form, strings.NewReplacer("+", "-", "/", "_").Replace(form))
	}
	return forms
}

// inBase64 is what is always the same of a secret in the Base64 of a longer text, with so many bytes
// of a group of three before it.
func inBase64(secret string, before int) string {
	form := base64.RawStdEncoding.EncodeToString([]byte("xx"[:before] + secret))
	if (before+len(secret))%3 != 0 {
		form = form[:len(form)-1]
	}
	return form[(before*8+5)/6:]
}

// folded is a text without what is no letter or digit, in lower case.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // full width
			r += '!' - '！'
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
