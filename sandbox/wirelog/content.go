package wirelog

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// What is kept of an exchange, at most.
const (
	maxBody    = 16 << 10
	maxHeaders = 32
	maxValue   = 512 // of a header or an address
)

// Content is the beginning of a body.
type Content struct {
	Text   string `json:"text"`
	Base64 bool   `json:"base64,omitempty"` // the body is not text, so Text is its Base64
	Length int    `json:"length"`           // of the whole body, in bytes
	Cut    bool   `json:"cut,omitempty"`    // there was more of it
}

// NewContent keeps the beginning of a body of the given length.
func NewContent(body []byte, length int) *Content {
	beginning := body[:min(len(body), maxBody)]
	c := &Content{Length: length, Cut: len(beginning) < len(body) || len(body) < length}
	if text := wholeRunes(beginning, c.Cut); utf8.Valid(text) {
		c.Text = string(text)
		return c
	}
	c.Text, c.Base64 = base64.StdEncoding.EncodeToString(beginning), true
	return c
}

// newRequestContent is NewContent without the numbers of real cards.
func newRequestContent(body []byte) *Content {
	masked := withoutCards(body)
	c := NewContent(masked, len(masked))
	c.Length = len(body) // • is longer than the digit that it hides
	return c
}

func (c *Content) size() int {
	if c == nil {
		return 0
	}
	return len(c.Text)
}

// wholeRunes drops the letter that a cut went through.
func wholeRunes(text []byte, cut bool) []byte {
	for i := 1; cut && i <= min(utf8.UTFMax, len(text)); i++ {
		if last := text[len(text)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return text[:len(text)-i]
			}
			break
		}
	}
	return text
}

// clip bounds a text that another program wrote.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxValue {
		return text
	}
	return string(wholeRunes([]byte(text[:maxValue]), true)) + "…"
}
