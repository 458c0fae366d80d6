package galaxypay

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func TestInboxDefaults(t *testing.T) {
	settings, err := Inbox{DeliverTo: "https://app.internal:8443/ipn?key=1"}.resolved()
	if err != nil {
		t.Fatal(err)
	}
	q := settings.queue("shop")
	if q.Name != "shop" || q.AnswerWithin != 5*time.Second || q.Keep != 400*24*time.Hour || len(q.Retry) != 7 ||
		q.Retry[0] != time.Second || q.Retry[6] != 6*time.Hour {
		t.Errorf("%+v", q)
	}
}

func TestInboxRefuses(t *testing.T) {
	const app = "http://app/ipn"
	for name, test := range map[string]struct {
		settings Inbox
		want     string
	}{
		"no address":             {Inbox{}, "deliver_to"},
		"address without host":   {Inbox{DeliverTo: "http:///canary"}, "deliver_to"},
		"port too high":          {Inbox{DeliverTo: "http://canary:80000/ipn"}, "deliver_to"},
		"address without scheme": {Inbox{DeliverTo: "canary:8000/ipn"}, "deliver_to"},
		"path alone":             {Inbox{DeliverTo: "/canary"}, "deliver_to"},
		"another scheme":         {Inbox{DeliverTo: "ftp://canary/ipn"}, "deliver_to"},
		"fragment":               {Inbox{DeliverTo: "http://canary/ipn#x"}, "deliver_to"},
		"no address at all":      {Inbox{DeliverTo: "http://canary\x00/"}, "deliver_to"},
		"unset variable":         {Inbox{DeliverTo: "http://{env.GALAXYPAY_TEST_UNSET}/ipn"}, "deliver_to"},
		"answer_within below":    {Inbox{DeliverTo: app, AnswerWithin: -1}, "answer_within"},
		"answer_within too long": {Inbox{DeliverTo: app, AnswerWithin: caddy.Duration(time.Minute)}, "answer_within"},
		"retry with no delay":    {Inbox{DeliverTo: app, Retry: []caddy.Duration{1, 0}}, "retry"},
		"retry below":            {Inbox{DeliverTo: app, Retry: []caddy.Duration{-1}}, "retry"},
		"retry of centuries":     {Inbox{DeliverTo: app, Retry: []caddy.Duration{math.MaxInt64}}, "retry"},
		"keep below":             {Inbox{DeliverTo: app, Keep: -1}, "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.settings.resolved()
			if err == nil || !strings.HasPrefix(err.Error(), test.want+":") {
				t.Fatalf("error %v, want one on %s", err, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the address: %v", err)
			}
		})
	}
}

func TestInboxInCaddyfile(t *testing.T) {
	parse := func(directive, block string) (*Inbox, error) {
		d := caddyfile.NewTestDispenser(directive + " {\n" + block + "\n}")
		if directive == "galaxypay_result" {
			return nil, new(Result).UnmarshalCaddyfile(d)
		}
		ipn := new(IPN)
		err := ipn.UnmarshalCaddyfile(d)
		return ipn.Inbox, err
	}
	settings, err := parse("galaxypay_ipn", "inbox {\ndeliver_to http://app/ipn\nanswer_within 2s\nretry 1s 2d\nkeep 10d\n}")
	if err != nil {
		t.Fatal(err)
	}
	day := caddy.Duration(24 * time.Hour)
	if got := *settings; got.DeliverTo != "http://app/ipn" || got.AnswerWithin != caddy.Duration(2*time.Second) ||
		len(got.Retry) != 2 || got.Retry[1] != 2*day || got.Keep != 10*day {
		t.Errorf("%+v", got)
	}
	for name, test := range map[string]struct{ directive, block, want string }{
		"for results":          {"galaxypay_result", "inbox {\n}", "unknown option inbox"},
		"twice":                {"galaxypay_ipn", "inbox {\n}\ninbox {\n}", "duplicate option inbox"},
		"with an argument":     {"galaxypay_ipn", "inbox bolt", "expected a block"},
		"unknown option":       {"galaxypay_ipn", "inbox {\nredeliver 1\n}", "unknown option redeliver"},
		"option twice":         {"galaxypay_ipn", "inbox {\nkeep 1d\nkeep 2d\n}", "duplicate option keep"},
		"two addresses":        {"galaxypay_ipn", "inbox {\ndeliver_to http://a http://b\n}", "deliver_to: expected one value"},
		"answer_within no sum": {"galaxypay_ipn", "inbox {\nanswer_within soon\n}", `answer_within: "soon"`},
		"answer_within zero":   {"galaxypay_ipn", "inbox {\nanswer_within 0s\n}", "answer_within"},
		"retry without delays": {"galaxypay_ipn", "inbox {\nretry\n}", "retry"},
		"retry of zero":        {"galaxypay_ipn", "inbox {\nretry 1s 0s\n}", `retry: "0s"`},
		"keep below":           {"galaxypay_ipn", "inbox {\nkeep -1d\n}", "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(test.directive, test.block); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

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
			t.Error("a header was sent that nobody asked for")
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
