package caddytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// A payment on the wire cannot be taken back. When the app hangs up, the sidecar finishes the call
// anyway, and logs its outcome.
func TestCallIsFinishedWhenTheAppHangsUp(t *testing.T) {
	for name, test := range map[string]struct {
		reply   func(g *gateway, c *call) []byte
		outcome string
		code    string // responseCode in the log
	}{
		"success": {func(g *gateway, c *call) []byte { return g.success(c, paid) }, "ok", "200"},
		"refusal": {func(g *gateway, c *call) []byte { return g.refusal(c, "408") }, "rejected", "408"},
		"nothing": {func(*gateway, *call) []byte { return nil }, "unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			gate := newGate(t)
			g.replies(func(c *call) []byte {
				gate.pass()
				return test.reply(g, c)
			})
			s := sidecar{start(t, watchedSite(g.merchant(t))), g}

			ctx, hangUp := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := s.pay(ctx, "order-1")
				done <- err
			}()
			<-gate.arrived
			hangUp()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the app got %v", err)
			}
			<-clientGone
			gate.open()
			s.stop() // after this, the call is finished

			g.only(t)
			lines := s.logLines(t, "call")
			if len(lines) != 1 {
				t.Fatalf("%d log lines of calls, want 1:\n%s", len(lines), s.logs(t))
			}
			for field, want := range map[string]any{
				"app_hung_up":   true,
				"request_id":    "order-1",
				"outcome":       test.outcome,
				"response_code": test.code,
				"operation":     "pay",
				"merchant":      "default",
			} {
				if got := lines[0][field]; got != want {
					t.Errorf("log: %s is %v, want %v", field, got, want)
				}
			}
			if level := lines[0]["level"]; level != "warn" && level != "error" {
				t.Errorf("logged at level %v, want warn or error", level)
			}
			access := s.logLines(t, "handled request")
			if len(access) != 1 || access[0]["status"] != 499.0 {
				t.Errorf("access log %v, want one line with status 499", access)
			}
		})
	}
}

// An app that closes its sending side looks as if it had gone, but it still reads. It gets the
// requestID, so that it can ask what became of the call.
func TestCallIsFinishedWhenTheAppStopsSending(t *testing.T) {
	g := newGateway(t)
	gate := newGate(t)
	g.replies(func(c *call) []byte {
		gate.pass()
		return g.success(c, paid)
	})
	c := start(t, watchedSite(g.merchant(t)))
	conn := dial(t, c.ports["9180"])
	defer conn.Close()
	_, err := fmt.Fprintf(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: order-1\r\nContent-Length: %d\r\n\r\n%s", len(payment), payment)
	if err != nil {
		t.Fatal(err)
	}
	<-gate.arrived
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-clientGone
	gate.open()
	a, err := readAnswer(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	if id := a.header.Get("Galaxypay-Request-Id"); a.status != 499 || id != "order-1" {
		t.Errorf("HTTP %d, Galaxypay-Request-Id %q; want 499, order-1", a.status, id)
	}
	g.only(t)
}

// watchedSite is the Caddyfile of a sidecar that reports through clientGone.
func watchedSite(merchant string) string {
	return `
		{
			galaxypay {
				` + merchant + `
			}
		}
		http://:9180 {
			log
			route {
				caddytest_watch
				galaxypay
			}
		}`
}

// clientGone gets a value when the server sees that the client of a request is gone. The request
// must pass the directive caddytest_watch.
var clientGone = make(chan struct{}, 8)

// clientWatch is the handler of caddytest_watch.
type clientWatch struct{}

func init() {
	caddy.RegisterModule(clientWatch{})
	httpcaddyfile.RegisterHandlerDirective("caddytest_watch", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return clientWatch{}, nil
	})
}

func (clientWatch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.caddytest_watch", New: func() caddy.Module { return new(clientWatch) }}
}

func (clientWatch) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	unwatch := context.AfterFunc(r.Context(), func() { clientGone <- struct{}{} })
	defer unwatch()
	return next.ServeHTTP(w, r)
}
