package exchange

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// atOnce is how much of a message is written in one go: header and body of all usual ones. It is small enough for the
// buffers of the network, so that the write does not wait for a gateway that answers early instead of reading.
const atOnce = 16 << 10

// message is a request as bytes.
type message struct {
	start []byte // the header, and as much of the body as there is room for
	rest  []byte // of the body; it is not copied
}

func (d *direct) newMessage(r *Request) (message, error) {
	target, err := d.target(r.Path)
	if err != nil {
		return message{}, err
	}
	size := 256 + len(d.base) + len(r.Path)
	for _, f := range r.Header {
		if !isSafe(f.Name) || !isSafe(f.Value) {
			return message{}, errors.New("a header field for the gateway holds a control character")
		}
		size += len(f.Name) + len(f.Value) + len(": \r\n")
	}
	b := make([]byte, 0, max(size, min(size+len(r.Body), atOnce)))
	b = append(b, http.MethodPost+" "...)
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, d.host...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	for _, f := range r.Header {
		b = append(append(append(append(b, "\r\n"...), f.Name...), ": "...), f.Value...)
	}
	if !d.transport.DisableCompression {
		b = append(b, "\r\nAccept-Encoding: gzip"...)
	}
	b = append(b, "\r\n\r\n"...)
	n := min(len(r.Body), max(0, atOnce-len(b)))
	return message{append(b, r.Body[:n]...), r.Body[n:]}, nil
}

// target is the path of the request line. Paths of the catalogue need no escape, so nothing is parsed for them.
func (d *direct) target(path string) (string, error) {
	if isPlain(path) {
		return d.prefix + path, nil
	}
	u, err := url.Parse(d.base + path)
	if err != nil {
		return "", err
	}
	return u.RequestURI(), nil
}

// isPlain reports whether a path stands in a request line as it is.
func isPlain(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '/' && r != '-' && r != '_' && r != '.'
	})
}

// isSafe reports whether a text can stand in a line of a header.
func isSafe(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
