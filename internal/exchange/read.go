package exchange

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
)

// posted tells http.ReadResponse to what method the reply is.
var posted = &http.Request{Method: http.MethodPost}

// readReply reads the reply and reports whether the connection can serve again: both sides want to, and nothing follows.
func (c *connection) readReply(maxReply int64) (reply Reply, isUsable bool, err error) {
	resp, err := c.readHeader() //nolint:bodyclose // the connection is closed instead, unless the body was read to its end
	if err != nil {
		return Reply{}, false, err
	}
	if c.unzips && strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		resp.Body, resp.ContentLength = &unzipped{packed: resp.Body}, -1 // as net/http, which sends the same Accept-Encoding
	}
	body, err := readBody(resp, maxReply)
	return Reply{resp.StatusCode, resp.Header, body}, err == nil && !resp.Close && c.in.Buffered() == 0, err
}

// readHeader reads the header of the final reply. Those before it count towards the same limit.
func (c *connection) readHeader() (*http.Response, error) {
	c.left = c.maxHeader
	defer func() { c.left = math.MaxInt64 }()
	for {
		resp, err := http.ReadResponse(c.in, posted)
		switch {
		case err != nil:
			return nil, err
		case resp.ProtoMajor != 1:
			return nil, errors.New("the reply is of another version of HTTP")
		case hasSpacedName(resp.Header):
			return nil, errors.New("the header of the reply has a name with a space in it")
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errSwitched
		case resp.StatusCode >= 200:
			return resp, nil
		case resp.StatusCode < 100:
			return nil, errors.New("the reply has a status below 100")
		}
	}
}

// hasSpacedName reports whether a name holds a space, such as "Content-Length ". net/http takes it for another name.
func hasSpacedName(h http.Header) bool {
	for name := range h {
		if strings.ContainsAny(name, " \t") {
			return true
		}
	}
	return false
}

// readBody reads at most limit bytes, whatever length the gateway announces and however small the reply was compressed.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, ErrReplyTooLarge
	}
	if resp.ContentLength >= 0 {
		body := make([]byte, resp.ContentLength)
		n, err := io.ReadFull(resp.Body, body)
		return body[:n], err
	}
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if n > limit {
		return nil, ErrReplyTooLarge
	}
	return body.Bytes(), err
}

// unzipped is a body that was compressed.
type unzipped struct {
	packed io.ReadCloser
	zip    *gzip.Reader
}

func (u *unzipped) Read(b []byte) (n int, err error) {
	if u.zip == nil {
		if u.zip, err = gzip.NewReader(u.packed); err != nil {
			return 0, err
		}
	}
	return u.zip.Read(b)
}

func (u *unzipped) Close() error { return u.packed.Close() }
