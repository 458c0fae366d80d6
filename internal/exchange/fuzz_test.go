package exchange

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzReply compares what connections of our own make of the bytes of a gateway with what net/http's transport makes of
// them. Our own may refuse more, and take nothing that net/http refuses.
func FuzzReply(f *testing.F) {
	for _, r := range replies {
		if len(r.text) < 1000 {
			f.Add([]byte(r.text))
		}
	}
	f.Add([]byte(ok + "Content-Encoding: GZIP\r\nContent-Length: 30\r\n\r\n" + zipped("")))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"))
	f.Add([]byte("HTTP/1.1  200 OK\nContent-Length: 1\n\nx"))
	f.Add([]byte(ok + "A: 1\r\n B: 2\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"))
	base := &url.URL{Scheme: "http", Host: "gateway.example"}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := newDirect(&http.Transport{}, base)
		if err != nil {
			t.Fatal(err)
		}
		message, err := d.newMessage(someRequest("{}"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := d.newConnection(answered(text), nil)
		ours, written, ourErr := c.exchange(ctx, message, 64<<10)
		c.abort()
		if !written {
			t.Errorf("nothing was written: %v", ourErr)
		}

		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return answered(text), nil }}
		defer transport.CloseIdleConnections()
		theirs, _, err := Over(transport, base, true, nil).Exchange(ctx, someRequest("{}"))
		if ourErr != nil {
			if err == nil && !isStricter(ourErr) {
				t.Errorf("refused with %v, but net/http reads %d %q", ourErr, theirs.Status, theirs.Body)
			}
			return
		}
		// net/http deletes what it has undone.
		if strings.EqualFold(ours.Header.Get("Content-Encoding"), "gzip") {
			ours.Header.Del("Content-Encoding")
			ours.Header.Del("Content-Length")
		}
		same := func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }
		if err != nil || ours.Status != theirs.Status || string(ours.Body) != string(theirs.Body) || !maps.EqualFunc(ours.Header, theirs.Header, same) {
			t.Errorf("%d %q %q, but net/http reads %d %q %q, %v", ours.Status, ours.Header, ours.Body, theirs.Status, theirs.Header, theirs.Body, err)
		}
	})
}

func isStricter(err error) bool {
	for _, reason := range []string{"another version of HTTP", "a status below 100", "a name with a space"} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}

// answered is a connection on which a request gets these bytes, and then the end.
func answered(text []byte) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		r, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			_, _ = far.Write(text)
		}
	}()
	return near
}
