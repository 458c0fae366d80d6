package exchange

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// served reads one request and writes an answer to it.
func served(conn net.Conn, in *bufio.Reader, answer string) error {
	r, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	_, err = io.WriteString(conn, answer)
	return err
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

const ok = "HTTP/1.1 200 OK\r\n"

// replies are what gateways send, and what becomes of it on both ways.
var replies = []struct {
	name, text string
	closes     bool // the gateway closes the connection after it
	body       string
	fails      bool
	stricter   bool // connections of our own refuse what net/http takes
	isKept     bool // the connection, for the next exchange
}{
	{name: "with a length", text: ok + "Content-Length: 2\r\n\r\n{}", body: "{}", isKept: true},
	{name: "in chunks", text: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", body: "{}", isKept: true},
	{name: "chunks with extensions", text: ok + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n", body: "{}", isKept: true},
	{name: "trailers", text: ok + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: 1\r\n\r\n", body: "{}", isKept: true},
	{name: "compressed", text: ok + "Content-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(zipped("{}"))) + "\r\n\r\n" + zipped("{}"), body: "{}", isKept: true},
	{name: "compressed in chunks", text: ok + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(zipped("{}"))), 16) + "\r\n" + zipped("{}") + "\r\n0\r\n\r\n", body: "{}", isKept: true},
	{name: "not compressed as it says", text: ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", fails: true},
	{name: "no body", text: "HTTP/1.1 204 No Content\r\n\r\n", isKept: true},
	{name: "after hints", text: "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\n{}", body: "{}", isKept: true},
	{name: "Connection: close", text: ok + "Connection: close\r\nContent-Length: 2\r\n\r\n{}", body: "{}"},
	{name: "HTTP/1.0", text: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", body: "{}"},
	{name: "without a length", text: ok + "\r\n{}", closes: true, body: "{}"},
	{name: "more than was asked for", text: ok + "Content-Length: 2\r\n\r\n{}" + ok + "Content-Length: 2\r\n\r\n[]", body: "{}"},
	{name: "one byte more", text: ok + "Content-Length: 2\r\n\r\n{}\n", body: "{}"},
	{name: "two lengths", text: ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", fails: true},
	{name: "a negative length", text: ok + "Content-Length: -2\r\n\r\n{}", fails: true},
	{name: "a length with a sign", text: ok + "Content-Length: +2\r\n\r\n{}", fails: true},
	{name: "a length that is no number", text: ok + "Content-Length: 2x\r\n\r\n{}", fails: true},
	{name: "cut", text: ok + "Content-Length: 3\r\n\r\n{}", closes: true, fails: true},
	{name: "chunks cut", text: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", closes: true, fails: true},
	{name: "a chunk of no number", text: ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n", fails: true},
	{name: "an unknown encoding", text: ok + "Transfer-Encoding: rot13\r\n\r\n{}", fails: true},
	{name: "chunked twice", text: ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", fails: true},
	{name: "a line without a colon", text: ok + "Content-Length 2\r\n\r\n{}", fails: true},
	{name: "a space before the colon", text: ok + "Content-Length : 2\r\n\r\n{}", closes: true, fails: true, stricter: true},
	{name: "another protocol", text: "SSH-2.0-OpenSSH_9.7\r\n", closes: true, fails: true},
	{name: "a status of two digits", text: "HTTP/1.1 20 OK\r\n\r\n", fails: true},
	{name: "a status of zero", text: "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", fails: true, stricter: true},
	{name: "HTTP/2.0", text: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", fails: true, stricter: true},
	{name: "switched", text: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", fails: true},
	{name: "hints without end", text: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 1000)+"\r\n\r\n", 11000), fails: true},
	{name: "a header without end", text: ok + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 11000), fails: true},
	{name: "nothing", closes: true, fails: true},
}

func TestReplies(t *testing.T) {
	for _, r := range replies {
		t.Run(r.name, func(t *testing.T) {
			p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
				for served(conn, in, r.text) == nil && !r.closes {
				}
			})
			for name, e := range map[string]Exchanger{"own": newExchanger(t, p.base(), ""), "over": newOver(t, p.base())} {
				before := p.accepted()
				for range 2 {
					reply, written, err := e.Exchange(within(t, 20*time.Second), someRequest("{}"))
					fails := r.fails && (name == "own" || !r.stricter)
					if !written || (err != nil) != fails || err == nil && !r.stricter && string(reply.Body) != r.body {
						t.Errorf("%s: %d %q, written: %t, %v", name, reply.Status, reply.Body, written, err)
					}
				}
				want := map[bool]int{true: 1, false: 2}[r.isKept]
				if n := p.accepted() - before; name == "own" && n != want {
					t.Errorf("%d connections, want %d", n, want)
				}
			}
		})
	}
}

func TestReplyIsBounded(t *testing.T) {
	large := strings.Repeat("x", 64<<10+1)
	for name, text := range map[string]string{
		"announced":        ok + "Content-Length: 65537\r\n\r\n" + large,
		"in chunks":        ok + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + large + "\r\n0\r\n\r\n",
		"without a length": ok + "\r\n" + large,
		"compressed":       ok + "Content-Encoding: gzip\r\n\r\n" + zipped(large),
	} {
		p := newPeer(t, func(conn net.Conn, in *bufio.Reader) { _ = served(conn, in, text) })
		_, written, err := newExchanger(t, p.base(), "").Exchange(within(t, 20*time.Second), someRequest("{}"))
		if !written || !errors.Is(err, ErrReplyTooLarge) {
			t.Errorf("%s: written: %t, %v", name, written, err)
		}
	}
}

// The gateway answers after the header, and reads no more of a message that is larger than all buffers on the way.
func TestEarlyAnswer(t *testing.T) {
	done := make(chan struct{})
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
		}
		<-done
	})
	defer close(done)
	e := newExchanger(t, p.base(), "")
	reply, written, err := e.Exchange(within(t, 20*time.Second), someRequest(strings.Repeat("x", 32<<20)))
	if err != nil || !written || reply.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, written: %t, %v", reply.Status, written, err)
	}
	if e.pool.take() != nil {
		t.Error("the connection was kept, with a message of which a part was never sent")
	}
}

// A large message arrives whole, and its connection serves again.
func TestLargeMessages(t *testing.T) {
	for _, size := range []int{0, 1, atOnce - 300, atOnce, atOnce + 1, 1 << 20} {
		p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				n, _ := io.Copy(io.Discard, r.Body)
				text := strconv.FormatInt(n, 10)
				_, _ = io.WriteString(conn, ok+"Content-Length: "+strconv.Itoa(len(text))+"\r\n\r\n"+text)
			}
		})
		e := newExchanger(t, p.base(), "")
		for range 3 {
			reply, _, err := e.Exchange(within(t, 20*time.Second), someRequest(strings.Repeat("x", size)))
			if err != nil || string(reply.Body) != strconv.Itoa(size) {
				t.Errorf("%d bytes: %q, %v", size, reply.Body, err)
			}
		}
		if n := p.accepted(); n != 1 {
			t.Errorf("%d bytes: %d connections, want 1", size, n)
		}
	}
}

// The context ends an exchange, by its time or before.
func TestContextEndsAnExchange(t *testing.T) {
	arrived, done := make(chan struct{}, 1), make(chan struct{})
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		_ = served(conn, in, "HTTP/1.1 200 OK\r\nContent-Le")
		arrived <- struct{}{}
		<-done
	})
	defer close(done)
	e := newExchanger(t, p.base(), "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, written, err := e.Exchange(ctx, someRequest("{}")); !written || !errors.Is(err, context.Canceled) {
		t.Errorf("written: %t, %v", written, err)
	}
	if _, written, err := e.Exchange(within(t, 100*time.Millisecond), someRequest("{}")); !written || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("written: %t, %v", written, err)
	}
	if _, written, err := e.Exchange(ctx, someRequest("{}")); written || err == nil {
		t.Errorf("after the end: written: %t, %v", written, err)
	}
}

// The deadline ends an exchange of a context that has no end, and the next one has a deadline of its own.
func TestDeadlineEndsAnExchange(t *testing.T) {
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			if string(body) == "silence" {
				continue
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	})
	endless := context.WithoutCancel(t.Context())
	for name, e := range map[string]Exchanger{"own connections": newExchanger(t, p.base(), ""), "transport": newOver(t, p.base())} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{"{}", "silence", "{}", "{}"} {
				r := someRequest(body)
				r.Deadline = time.Now().Add(20 * time.Second)
				if body == "silence" {
					r.Deadline = time.Now().Add(50 * time.Millisecond)
				}
				reply, written, err := e.Exchange(endless, r)
				if isLate := errors.Is(err, context.DeadlineExceeded); !written || isLate != (body == "silence") || !isLate && string(reply.Body) != "{}" {
					t.Fatalf("%s: written: %t, %v", body, written, err)
				}
			}
			r := someRequest("{}")
			r.Deadline = time.Now().Add(-time.Second)
			if _, written, err := e.Exchange(endless, r); written || err == nil {
				t.Errorf("after the deadline: written: %t, %v", written, err)
			}
		})
	}
}

// A connection from the pool outlives the deadline of the exchange before: nothing is dialled for the next one.
func TestPooledConnectionOutlivesDeadline(t *testing.T) {
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		for served(conn, in, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") == nil {
		}
	})
	e := newExchanger(t, p.base(), "")
	for range 3 {
		r := someRequest("{}")
		r.Deadline = time.Now().Add(300 * time.Millisecond)
		if _, _, err := e.Exchange(context.WithoutCancel(t.Context()), r); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Until(r.Deadline)) // the deadline itself is what is tested
	}
	if n := p.accepted(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// What stands in the request line is what net/url makes of the address, parsed or not.
func TestTarget(t *testing.T) {
	for _, base := range []string{"http://gateway.example", "http://gateway.example/", "http://gateway.example/prefix", "http://gateway.example/pre%20fix/%C3%A9"} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDirect(new(http.Transport), u)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			"/api/v1/transaction/pay", "/", "//x", "/a/../b", "/a b", "/%41", "/é", "/a?b=c", "/a%2Fb", "/a;b", "/a:b", "/a\"b", "/A-Z_0.9", "", "/a#b",
		} {
			whole, err := url.Parse(u.String() + path)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := d.target(path); err != nil || got != whole.RequestURI() {
				t.Errorf("%s and %s: %q, %v, expected %q", base, path, got, err, whole.RequestURI())
			}
		}
	}
}

// A text with a line end would be a line of its own to the gateway.
func TestHeaderFieldsAreOneLine(t *testing.T) {
	p := newPeer(t, func(net.Conn, *bufio.Reader) {})
	for _, f := range []Field{{"A\r\nB", "x"}, {"A", "x\r\nB: y"}, {"A", "x\n"}, {"A", "x\x00"}} {
		r := someRequest("{}")
		r.Header = append(r.Header, f)
		if _, written, err := newExchanger(t, p.base(), "").Exchange(t.Context(), r); written || err == nil {
			t.Errorf("%q was sent", f)
		}
	}
	if p.accepted() != 0 {
		t.Error("a connection was made")
	}
}
