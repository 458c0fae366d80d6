package sandbox

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What is kept of an exchange, at most.
const (
	maxKeptBody    = 16 << 10
	maxKeptHeaders = 32
	maxKeptValue   = 512 // of a header or an address
)

// The kinds of exchange: the app asks the gateway, the gateway tells the app, and the
// gateway sends the customer's browser to the app.
const (
	kindRequest  = "request"
	kindIPN      = "ipn"
	kindRedirect = "redirect"
)

// exchange is one message and its answer as they went over the wire, kept for people. It
// is not changed once it is kept. It holds neither the salt nor an api key, and no card
// number but the published ones.
type exchange struct {
	Kind      string    `json:"kind"`
	At        time.Time `json:"at"`
	Operation string    `json:"operation,omitempty"`
	RequestID string    `json:"requestID,omitempty"`
	Attempt   int       `json:"attempt,omitempty"` // of an IPN, from 1
	Method    string    `json:"method"`
	Address   string    `json:"address"` // a path for a request, else a URL
	Headers   []header  `json:"headers,omitempty"`
	Body      *content  `json:"body,omitempty"`
	Message   *content  `json:"message,omitempty"` // what the data of a callback says
	Signature string    `json:"signature,omitempty"`
	Verdict   verdict   `json:"verdict,omitempty"` // on the signature
	Faults    []string  `json:"faults,omitempty"`
	Answer    *heard    `json:"answer,omitempty"` // nil: a redirect, which has none

	data string // of a callback: the text that is signed
}

// heard is the answer to a message.
type heard struct {
	Status    int      `json:"status,omitempty"` // 0: there was no answer
	Headers   []header `json:"headers,omitempty"`
	Signature string   `json:"signature,omitempty"`
	Body      *content `json:"body,omitempty"`
	Broken    bool     `json:"broken,omitempty"`  // the connection was broken off
	Failure   string   `json:"failure,omitempty"` // why there is no answer
}

// header is a line of a message's head.
type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// content is the beginning of a body.
type content struct {
	Text   string `json:"text"`
	Base64 bool   `json:"base64,omitempty"` // the body is not text, so Text is its Base64
	Length int    `json:"length"`           // of the whole body, in bytes
	Cut    bool   `json:"cut,omitempty"`    // there was more of it
}

// keepBody takes the beginning of a body of the given length.
func keepBody(body []byte, length int) *content {
	beginning := body[:min(len(body), maxKeptBody)]
	c := &content{Length: length, Cut: len(beginning) < len(body) || len(body) < length}
	if text := wholeRunes(beginning, c.Cut); utf8.Valid(text) {
		c.Text = string(text)
		return c
	}
	c.Text, c.Base64 = base64.StdEncoding.EncodeToString(beginning), true
	return c
}

// keepRequestBody is keepBody without the numbers of real cards.
func keepRequestBody(body []byte) *content {
	legible := withoutCards(body)
	c := keepBody(legible, len(legible))
	c.Length = len(body) // • is longer than the digit that it hides
	return c
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

// spelled has the names whose spelling in the documents net/http changes.
var spelled = map[string]string{"Apikey": "apiKey", "Signature": "signature"}

// keepHeaders takes the head of a message in alphabetical order, without its secrets.
func keepHeaders(head http.Header) []header {
	var lines []header
	for name, values := range head {
		if known := spelled[name]; known != "" {
			name = known
		}
		for _, value := range values {
			lines = append(lines, header{clip(name), withoutSecret(name, value)})
		}
	}
	slices.SortStableFunc(lines, func(a, b header) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return lines[:min(len(lines), maxKeptHeaders)]
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

// maskKey leaves enough of an api key to tell two of them apart.
func maskKey(key string) string {
	beginning := []rune(clip(key))
	return string(beginning[:min(4, len(beginning))]) + "••••"
}

// clip bounds what somebody else wrote.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxKeptValue {
		return text
	}
	return string(wholeRunes([]byte(text[:maxKeptValue]), true)) + "…"
}

// size is about how much memory an exchange takes.
func (e exchange) size() int {
	n := 1<<10 + len(e.Address) + len(e.data)
	for _, c := range []*content{e.Body, e.Message} {
		n += c.size()
	}
	if e.Answer != nil {
		n += e.Answer.Body.size()
	}
	return n
}

func (c *content) size() int {
	if c == nil {
		return 0
	}
	return len(c.Text)
}
