package galaxypay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func TestRetryAfterOf(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"1.5":                           0,
		"99999999999999999999":          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"tomorrow":                      0,
	} {
		t.Run(text, func(t *testing.T) {
			if got := retryAfterOf(http.Header{"Retry-After": {text}}, now); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// raw answers with bytes that need not be HTTP, and leaves the connection open.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, answer)
		_, _ = conn.Read(make([]byte, 1)) // until the other side has had enough
	}
}

// An app that takes the request for the beginning of another protocol, and then says
// nothing, must not hold an attempt for ever.
func TestDeliverEndsWithAnotherProtocol(t *testing.T) {
	server := httptest.NewServer(raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
	defer server.Close()
	ended := make(chan inbox.Result, 1)
	go func() { ended <- (&Inbox{DeliverTo: server.URL}).deliver(t.Context(), inbox.Record{}, 1) }()
	select {
	case got := <-ended:
		if got.Delivered || got.Reason != "the app answered HTTP 101" {
			t.Errorf("%+v", got)
		}
	case <-time.After(time.Minute):
		t.Error("the attempt does not end")
	}
}

// An app may close an idle connection at any time, so also when it is just used again.
func TestDeliverOnAConnectionThatIsGone(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Idempotency-Key"] != nil {
			t.Error("an unexpected header was sent")
		}
		if asked.Add(1) == 2 {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}
	}))
	defer server.Close()
	defer deliveries.CloseIdleConnections()
	for range 2 {
		if got := (&Inbox{DeliverTo: server.URL}).deliver(t.Context(), inbox.Record{}, 1); !got.Delivered {
			t.Errorf("%+v", got)
		}
	}
}

// What is said of an attempt that failed quotes neither the address nor the app.
func TestDeliverTellsNothing(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}
	for name, answer := range map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "canary")
		},
		"hangs up":  hangUp,
		"no HTTP":   raw("canary\r\n\r\n"),
		"no header": raw("HTTP/1.1 200 OK\r\ncanary\r\n\r\n"),
		"no length": raw("HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			defer deliveries.CloseIdleConnections()
			i := &Inbox{DeliverTo: server.URL + "/canary?token=canary"}
			got := i.deliver(t.Context(), inbox.Record{Event: inbox.Event{ID: "x", Queue: "shop", Message: []byte("canary")}}, 1)
			if got.Delivered || got.Reason == "" || strings.Contains(got.Reason, "canary") {
				t.Errorf("%+v", got)
			}
			if name == "error" && got.RetryAfter != 7*time.Second {
				t.Errorf("RetryAfter %s", got.RetryAfter)
			}
		})
	}
}

// A body without end is not read to its end.
func TestDeliverReadsABoundedAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 16<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	got := (&Inbox{DeliverTo: server.URL}).deliver(t.Context(), inbox.Record{}, 1)
	if !got.Delivered || got.Answer.Status != "200" {
		t.Errorf("%+v", got)
	}
}
