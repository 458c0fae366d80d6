package wirelog

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// withoutCards replaces the digits of card numbers and CVVs in a body that is kept for
// people. The gateway's published test cards stay legible. A body that is not JSON may hide
// a number anywhere, so there every long run of digits goes too.
func withoutCards(body []byte) []byte {
	var kept bytes.Buffer
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	done, whole := int64(0), false
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			whole = len(bytes.TrimSpace(body[decoder.InputOffset():])) == 0
			break
		}
		if !isName(decoder) || !isCardField(token.String()) {
			continue
		}
		value, err := decoder.ReadValue()
		if err != nil {
			break
		}
		end := decoder.InputOffset()
		kept.Write(body[done : end-int64(len(value))])
		kept.WriteString(hideDigits(string(value)))
		done = end
	}
	kept.Write(body[done:])
	text := namedCard.ReplaceAllFunc(kept.Bytes(), hideNamed)
	if !whole {
		text = longNumber.ReplaceAllFunc(text, hideNamed)
	}
	return text
}

// isName reports whether what was read last is the name of an object's member.
func isName(decoder *jsontext.Decoder) bool {
	kind, length := decoder.StackIndex(decoder.StackDepth())
	return kind == '{' && length%2 == 1
}

func isCardField(name string) bool {
	return strings.EqualFold(name, "cardNumber") || strings.EqualFold(name, "cardVerificationValue")
}

var (
	// namedCard finds what the walk through the JSON does not see: JSON inside a text, and
	// whatever follows a mistake.
	namedCard  = regexp.MustCompile(`(?i)(?:cardNumber|cardVerificationValue)[^0-9,}&]{0,20}[0-9][0-9 .-]*`)
	longNumber = regexp.MustCompile(`[0-9]{12,}`)
	number     = regexp.MustCompile(`[0-9]+`)
)

func hideNamed(match []byte) []byte { return []byte(hideDigits(string(match))) }

// hideDigits leaves a published test card alone.
func hideDigits(text string) string {
	if card.IsTestCard(number.FindString(text)) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '•'
		}
		return r
	}, text)
}
