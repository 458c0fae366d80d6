package galaxypay

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// readBody reads a request's body of at most limit bytes. A body that breaks off
// is reported under the code that unreadable names.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, unreadable Code) ([]byte, *failure) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, fail(CodeContentTypeUnsupported, msgContentEncoding)
	}
	if r.ContentLength > limit {
		// Without Connection: close, which would reset the connection under a client
		// that is still sending and has yet to read why it was refused.
		return nil, fail(CodeBodyTooLarge, msgBodyTooLarge, limit)
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, fail(CodeBodyTooLarge, msgBodyTooLarge, limit)
	}
	if err != nil {
		return nil, fail(unreadable, msgBodyUnreadable)
	}
	return body.Bytes(), nil
}

// quote prepares text that somebody else wrote for a sentence of ours: printable
// characters only, and at most limit of them.
func quote(text string, limit int) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text))
	if len(clean) > limit {
		clean = clean[:limit]
	}
	return `"` + string(clean) + `"`
}
