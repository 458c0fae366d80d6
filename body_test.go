package galaxypay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadBody(t *testing.T) {
	errBroken := errors.New("the connection broke")
	const limit = 10
	for name, test := range map[string]struct {
		body     io.Reader
		length   int64 // announced; -1 for a chunked body
		encoding string
		want     string
		failure  string
	}{
		"empty":                  {body: strings.NewReader(""), length: 0},
		"empty, chunked":         {body: strings.NewReader(""), length: -1},
		"short":                  {body: strings.NewReader("{}"), length: 2, want: "{}"},
		"just fits":              {body: strings.NewReader("0123456789"), length: 10, want: "0123456789"},
		"just fits, chunked":     {body: strings.NewReader("0123456789"), length: -1, want: "0123456789"},
		"byte by byte":           {body: iotest.OneByteReader(strings.NewReader("0123456789")), length: 10, want: "0123456789"},
		"too large":              {body: strings.NewReader("0123456789x"), length: 11, failure: "body_too_large body_too_large"},
		"too large, chunked":     {body: strings.NewReader("0123456789x"), length: -1, failure: "body_too_large body_too_large"},
		"huge, announced":        {body: iotest.ErrReader(errors.New("read in spite of its length")), length: 1 << 60, failure: "body_too_large body_too_large"},
		"larger than announced":  {body: strings.NewReader(strings.Repeat("x", 100)), length: 5, failure: "body_too_large body_too_large"},
		"endless":                {body: endless{}, length: -1, failure: "body_too_large body_too_large"},
		"broken off":             {body: io.MultiReader(strings.NewReader("{"), iotest.ErrReader(errBroken)), length: 5, failure: "body_invalid body_unreadable"},
		"broken off by the peer": {body: iotest.ErrReader(io.ErrUnexpectedEOF), length: 5, failure: "body_invalid body_unreadable"},
		"identity":               {body: strings.NewReader("{}"), length: 2, encoding: "Identity", want: "{}"},
		"gzip":                   {body: strings.NewReader("{}"), length: 2, encoding: "gzip", failure: "content_type_unsupported content_encoding"},
		"two encodings":          {body: strings.NewReader("{}"), length: 2, encoding: "identity, gzip", failure: "content_type_unsupported content_encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", test.body)
			r.ContentLength = test.length
			if test.encoding != "" {
				r.Header.Set("Content-Encoding", test.encoding)
			}
			w := httptest.NewRecorder()
			body, f := readBody(w, r, limit, CodeBodyInvalid)
			if string(body) != test.want || outcomeOf(f) != test.failure {
				t.Errorf("read %q, failure %q", body, outcomeOf(f))
			}
			if got := w.Header().Get("Connection"); got != "" { // it could cost the client its answer
				t.Errorf("Connection: %s", got)
			}
			if f != nil && f.code == CodeBodyTooLarge && fmt.Sprint(f.args...) != "10" {
				t.Errorf("the limit is told as %v", f.args)
			}
		})
	}
	t.Run("broken off, of a callback", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(errBroken))
		if _, f := readBody(httptest.NewRecorder(), r, limit, CodeCallbackMalformed); outcomeOf(f) != "callback_malformed body_unreadable" {
			t.Errorf("failure %q", outcomeOf(f))
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestOnUnixSocket(t *testing.T) {
	for name, test := range map[string]struct {
		local any
		want  bool
	}{
		"none":         {nil, false},
		"no address":   {"unix", false},
		"TCP":          {&net.TCPAddr{}, false},
		"unix":         {&net.UnixAddr{Net: "unix"}, true},
		"unixpacket":   {&net.UnixAddr{Net: "unixpacket"}, true},
		"like udp":     {&net.UDPAddr{}, false},
		"IP over unix": {&net.IPAddr{Zone: "unix"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if test.local != nil {
				ctx = context.WithValue(ctx, http.LocalAddrContextKey, test.local)
			}
			r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
			if got := onUnixSocket(r); got != test.want {
				t.Errorf("%t", got)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"nothing":           {"", 5, `""`},
		"short":             {"abc", 5, `"abc"`},
		"just fits":         {"abcde", 5, `"abcde"`},
		"cut":               {"abcdef", 5, `"abcde"`},
		"cut by characters": {"ễễễễ", 3, `"ễễễ"`},
		"line ends":         {"a\r\nb: c\td", 50, `"ab: cd"`},
		"controls":          {"a\x00\x1b[31mb\x7f\u0085", 50, `"a[31mb"`},
		"hidden letters":    {"a\u200b\u202eb\ufeff", 50, `"ab"`},
		"no UTF-8":          {"a\xffb", 50, "\"a\ufffdb\""},
		"hidden, then cut":  {"\n\n\nabc", 3, `"abc"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quote(test.text, test.limit); got != test.want {
				t.Errorf("%s, expected %s", got, test.want)
			}
		})
	}
}
