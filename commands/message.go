package commands

import (
	"bytes"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// message is an HTTP message as a user has it: the body of one, a saved one with its headers, the address of a browser, or a
// command line of curl.
type message struct {
	headers [][2]string // name and value
	query   string      // of the address
	body    []byte
}

// header returns the value of a header, and whether it is there, whatever the case of its name.
func (m *message) header(name string) (string, bool) {
	for _, h := range m.headers {
		if strings.EqualFold(h[0], name) {
			return h[1], true
		}
	}
	return "", false
}

// parseMessage takes apart a saved HTTP message: the line of a request or of a reply, headers, an empty line, and the body. A
// text without such a line is a body alone, or the address that a browser was sent to.
func parseMessage(text []byte) *message {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	line := strings.TrimRight(string(first), "\r")
	if !isStartLine(line) {
		return bodyOrAddress(text)
	}
	m := &message{query: queryOf(line)}
	for len(rest) > 0 {
		var next []byte
		next, rest, _ = bytes.Cut(rest, []byte("\n"))
		next = bytes.TrimRight(next, "\r")
		if len(next) == 0 {
			break
		}
		m.addHeader(string(next))
	}
	m.body = rest
	return m
}

// isStartLine reports whether a line is the first one of a request or a reply.
func isStartLine(line string) bool {
	if strings.HasPrefix(line, "HTTP/") {
		return true
	}
	words := strings.Split(line, " ")
	return len(words) == 3 && strings.HasPrefix(words[2], "HTTP/")
}

// queryOf is the query string of the first line of a request.
func queryOf(line string) string {
	words := strings.Split(line, " ")
	if len(words) != 3 || strings.HasPrefix(line, "HTTP/") {
		return ""
	}
	_, query, _ := strings.Cut(words[1], "?")
	return query
}

func bodyOrAddress(text []byte) *message {
	address := strings.TrimSpace(string(text))
	if strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
		if u, err := url.Parse(address); err == nil && u.RawQuery != "" {
			return &message{query: u.RawQuery}
		}
	}
	return &message{body: text}
}

func (m *message) addHeader(line string) {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return
	}
	m.headers = append(m.headers, [2]string{strings.TrimSpace(name), textproto.TrimString(value)})
}

// signedText is what is signed in a message, and its signature.
type signedText struct {
	text      []byte
	signature string
	what      language.Text // is proven, or is not
	callback  bool          // text is the data of one
	lookalike string        // a header, or a field, whose name is nearly signature
}

// signedIn finds what is signed in a message: the data of a callback, in its body or its query string, else the body.
func (core Core) signedIn(m *message, in language.Tag) (signedText, error) {
	contentType, _ := m.header("Content-Type")
	signature, inHeader := m.header("signature")
	if m.query != "" {
		if data, inQuery, err := core.Read([]byte(m.query), "", in); err == nil {
			return callbackOf(data, inQuery, m.query), nil
		}
	}
	data, inBody, err := core.Read(m.body, contentType, in)
	if err == nil && !inHeader {
		return callbackOf(data, inBody, string(m.body)), nil
	}
	if len(m.body) == 0 && err != nil {
		return signedText{}, err
	}
	what := language.Both("the body", "phần nội dung")
	return signedText{text: m.body, signature: signature, what: what, lookalike: nearHeader(m.headers)}, nil
}

func callbackOf(data []byte, signature, form string) signedText {
	s := signedText{text: data, signature: signature, what: language.Both("the callback", "callback"), callback: true}
	for _, name := range misspelled {
		if signature == "" && (strings.Contains(form, `"`+name+`"`) || strings.Contains("&"+form, "&"+name+"=")) {
			s.lookalike = name
		}
	}
	return s
}

// misspelled are names that stand where signature should.
var misspelled = []string{"Signature", "SIGNATURE", "x-signature", "X-Signature", "sign", "Sign", "sig", "checksum", "hash", "signatrue", "signture"}

// nearHeader is the first header whose name is nearly signature.
func nearHeader(headers [][2]string) string {
	for _, h := range headers {
		plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(h[0]))
		if plain != "signature" && (slices.Contains(misspelled, plain) || strings.Contains(plain, "signature")) ||
			plain == "signature" && !strings.EqualFold(h[0], "signature") {
			return h[0]
		}
	}
	return ""
}
