package caddytest

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// capturingSidecar is a sidecar with an inbox and a payment that is authorized, and a gateway that answers a capture, and queries after
// it, only when it may.
type capturingSidecar struct {
	boundSidecar
	captures, mayCapture, mayAnswer chan struct{}
}

func newCapturingSidecar(t *testing.T, store, reconcile string) *capturingSidecar {
	t.Helper()
	g, app := newGateway(t), newApp(t)
	c := start(t, sidecarConfig(g.merchant(t)+"store "+store+"\nreconcile "+reconcile+"\n")+`
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				inbox {
					deliver_to http://`+app.address+`
					answer_within 300ms
				}
			}
			respond "no callback" 418
		}`)
	s := &capturingSidecar{boundSidecar{sidecar{c, g}, app}, make(chan struct{}, 1), make(chan struct{}), make(chan struct{})}
	g.replies(func(c *call) []byte {
		switch filepath.Base(c.path()) {
		case "capture":
			s.captures <- struct{}{}
			<-s.mayCapture
			return g.success(c, "{}")
		case "query":
			<-s.mayAnswer
			return g.success(c, paidAnswer)
		}
		return g.success(c, transactionAnswer)
	})
	s.call(t, "/pay", strings.Replace(charge, "{", `{"isAutoCapture":false,`, 1), "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	return s
}

// capture begins a capture, and returns when it is at the gateway. Its answer comes through the channel.
func (s *capturingSidecar) capture(t *testing.T) chan int {
	t.Helper()
	answer := make(chan int, 1)
	go func() {
		a, err := s.try(t.Context(), http.MethodPost, s.url("9180")+"/capture", strings.NewReader(`{"transactionID":"2601021234567890123456789"}`),
			"Content-Type", "application/json", "Idempotency-Key", "c")
		if err != nil {
			t.Error(err)
		}
		answer <- a.status
	}()
	await(t, s.captures, "the capture")
	return answer
}

// told waits until the app got so many events, and returns their payment statuses.
func (s *capturingSidecar) told(t *testing.T, n int) (statuses []string) {
	t.Helper()
	eventually(t, "the app is told", func() bool {
		for _, r := range s.app.received() {
			statuses = append(statuses, r.header.Get("Galaxypay-Payment-Status"))
		}
		return len(statuses) >= n
	})
	return statuses
}

// An event that says authorized waits while a capture of its payment is at work. After it, the gateway is asked, and the app is told paid;
// what waited is old news then.
func TestLedgerEventWaitsForACapture(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			s := newCapturingSidecar(t, store(t), "24h")
			close(s.mayAnswer)
			captured := s.capture(t)
			ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
			eventually(t, "the event is put off", func() bool {
				lines := s.logLines(t, "not delivered; another attempt follows")
				return len(lines) > 0 && lines[0]["reason"] == "a capture of its payment is at work"
			})
			s.app.wantNothing(t)
			close(s.mayCapture)
			if status := <-captured; status != http.StatusOK {
				t.Errorf("the capture is answered HTTP %d", status)
			}
			if got := s.told(t, 1); len(got) != 1 || got[0] != "paid" {
				t.Errorf("the app is told %q", got)
			}
		})
	}
}

// The gateway is slow to say what a capture has made of the payment. The event that came before is told as it was, and is no word on what
// came after it: the app is told paid, too.
func TestLedgerEventBeforeACaptureIsNoWordOnIt(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			s := newCapturingSidecar(t, store(t), "24h")
			captured := s.capture(t)
			ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
			close(s.mayCapture)
			<-captured
			if got := s.told(t, 1); len(got) != 1 || got[0] != "authorized" {
				t.Errorf("the app is told %q", got)
			}
			close(s.mayAnswer)
			if got := s.told(t, 1); len(got) != 1 || got[0] != "paid" {
				t.Errorf("the app is told %q then", got)
			}
		})
	}
}
