package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// mask takes the place of what must not be seen. It has one length: that of a short text says too much.
const mask = "•••"

// hidden are parts of the names of members that are masked, whatever is in them, in lower case.
var hidden = []string{
	"card", "token", "cvv", "cvc", "verification", "holder", "account", "source", "secret", "password", "otp", "salt", "key", "signature",
	"name", "phone", "mobile", "mail", "address", "payer", "customer", "description",
}

// digits is what may hold the number of a card.
var digits = regexp.MustCompile(`[0-9](?:[ .-]?[0-9]){12,}`)

// masked is a message to look at: indented JSON, in which what belongs to a card or a person is masked.
func masked(message []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(message))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", errors.New("the message is not JSON") // the decoder's error may quote it
	}
	var text bytes.Buffer
	encoder := newEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(maskedValue(value)); err != nil {
		return "", err
	}
	return text.String(), nil
}

func maskedValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = maskedMember(name, member)
		}
		return value
	case []any:
		for i := range value {
			value[i] = maskedValue(value[i])
		}
		return value
	case string:
		return maskedText(value)
	case json.Number:
		if text := maskedText(value.String()); text != value.String() {
			return text
		}
	}
	return value
}

// maskedMember masks what is in a member with a name that must not be seen: objects and lists too.
func maskedMember(name string, member any) any {
	name = strings.ToLower(name)
	for _, part := range hidden {
		if strings.Contains(name, part) {
			return mask
		}
	}
	return maskedValue(member)
}

// maskedText masks numbers of cards in a text. Longer runs of digits may hold one too.
func maskedText(text string) string {
	return digits.ReplaceAllStringFunc(text, func(run string) string {
		if holdsCard(run) {
			return mask
		}
		return run
	})
}

// longestCard is how many digits the number of a card has at most.
const longestCard = 19

// holdsCard reports whether neighbouring groups of digits are together the number of a card. One long group, such as a
// transactionID, is none.
func holdsCard(run string) bool {
	groups := strings.FieldsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
	for i := range groups {
		for j := i + 1; j <= len(groups); j++ {
			number := strings.Join(groups[i:j], "")
			if len(number) > longestCard {
				break
			}
			if secret.IsCardNumber(number) {
				return true
			}
		}
	}
	return false
}
