package sandbox

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// stream is an open stream of events.
type stream struct {
	gateway
	lines *bufio.Scanner
}

// listenTo opens the stream, whose first word is that everything may have changed.
func (g gateway) listenTo(ctx context.Context) stream {
	g.Helper()
	response, err := g.try(ctx, http.MethodGet, "/sandbox/events", "", nil)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		g.Fatalf("HTTP %d, %v", response.StatusCode, response.Header)
	}
	s := stream{g, bufio.NewScanner(response.Body)}
	s.await(ledger.Everything)
	return s
}

// await reads on until the event about this id.
func (s stream) await(id string) {
	s.Helper()
	for s.lines.Scan() {
		if s.lines.Text() == `data: {"id":"`+id+`"}` {
			return
		}
	}
	s.Fatalf("the stream ended without %q: %v", id, s.lines.Err())
}

func TestEventsOfAPayment(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	g := serve(t, new(Handler))
	t.Cleanup(leave)
	s := g.listenTo(ctx)
	id, page := g.pay("")
	s.await(id)
	g.open(page, nil)
	s.await(id)
	g.press(page, "success")
	s.await(id)
	g.post("/api/v1/transaction/pay", "nonsense")
	s.await(ledger.Everything)
}

func TestEventsAreBounded(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	g := serve(t, new(Handler))
	t.Cleanup(leave)
	for range ledger.MaxSubscriptions {
		g.listenTo(ctx)
	}
	response := g.exchange(http.MethodGet, "/sandbox/events", "", nil)
	if text := read(t, response); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "streams_exhausted") {
		t.Errorf("one too many: HTTP %d: %s", response.StatusCode, text)
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		e := dashboardStream{ledger.New(), ctx}
		w := new(observed)
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/sandbox/events", nil)
		w.onWrite = func(text string) {
			if strings.HasPrefix(text, ":") {
				leave()
			}
		}
		e.serve(w, r) // ends with the heartbeat
		if !strings.Contains(w.text, ": still here\n\n") {
			t.Errorf("wrote %q", w.text)
		}
	})
}

// observed is a connection that a test looks into.
type observed struct {
	text    string
	onWrite func(string)
}

func (*observed) Header() http.Header { return make(http.Header) }
func (*observed) WriteHeader(int)     {}
func (*observed) Flush()              {}
func (w *observed) Write(piece []byte) (int, error) {
	w.text += string(piece)
	w.onWrite(string(piece))
	return len(piece), nil
}

// A reader who does not read must not keep a shutdown waiting either.
func TestStuckReader(t *testing.T) {
	h := new(Handler)
	serve(t, h)
	reader, connection := net.Pipe()
	defer reader.Close()
	served := make(chan struct{})
	server := &http.Server{ReadHeaderTimeout: ipnTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		h.routes.ServeHTTP(w, r)
	})}
	defer server.Close()
	go func() { _ = server.Serve(&oneConnection{Conn: connection, closed: make(chan struct{})}) }()
	if _, err := io.WriteString(reader, "GET /sandbox/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	h.stop()
	<-served
}

// oneConnection is a listener with one connection to accept.
type oneConnection struct {
	net.Conn
	accepted bool
	closed   chan struct{}
}

func (l *oneConnection) Accept() (net.Conn, error) {
	if !l.accepted {
		l.accepted = true
		return l.Conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error {
	close(l.closed)
	return nil
}

func (l *oneConnection) Addr() net.Addr { return l.LocalAddr() }
