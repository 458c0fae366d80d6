package desk

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// escapingWriter escapes control characters in JSON, and those that change the direction of text or are not
// seen: a text from the network must neither steer the operator's terminal nor look like another one there. The
// JSON means the same. Each Write must be whole, as those of json.Encoder are.
type escapingWriter struct{ io.Writer }

// Write implements io.Writer.
func (w escapingWriter) Write(text []byte) (int, error) {
	if bytes.IndexFunc(text, mustEscape) < 0 {
		return w.Writer.Write(text)
	}
	var escaped bytes.Buffer
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case !mustEscape(r):
			escaped.Write(rest[:size])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&escaped, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	if _, err := w.Writer.Write(escaped.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// mustEscape is false for line ends and tabs, which are white space between the members of JSON; inside
// texts JSON has them escaped.
func mustEscape(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
