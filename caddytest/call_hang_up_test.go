package caddytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// A payment on the wire cannot be taken back: when the app hangs up, the exchange is
// finished all the same, and its result is in the log.
func TestCallIsFinishedWhenTheAppHangsUp(t *testing.T) {
	for name, test := range map[string]struct {
		answer  func(g *gateway, c *call) []byte
		outcome string
		code    string // responseCode in the log
	}{
		"success": {func(g *gateway, c *call) []byte { return g.success(c, paid) }, "ok", "200"},
		"refusal": {func(g *gateway, c *call) []byte { return g.signed(envelope(c.requestID(), "409", "Duplicate", "")) }, "rejected", "409"},
		"nothing": {func(*gateway, *call) []byte { return nil }, "unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			arrived, release := make(chan struct{}), make(chan struct{})
			letGo := sync.OnceFunc(func() { close(release) })
			t.Cleanup(letGo)
			g.replies(func(c *call) []byte {
				close(arrived)
				<-release
				return test.answer(g, c)
			})
			s := sidecar{start(t, `
				{
					galaxypay {
						`+g.merchant(t)+`
					}
				}
				http://:9180 {
					log
					route {
						caddytest_watch
						galaxypay
					}
				}`), g}

			ctx, hangUp := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"order-1"}}
				_, err := s.try(ctx, http.MethodPost, s.url("9180")+"/pay", header, strings.NewReader(payment))
				done <- err
			}()
			<-arrived
			hangUp()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the app got %v", err)
			}
			<-clientGone
			letGo()
			s.stop() // the exchange is through

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
				t.Errorf("logged at level %v, where nobody looks", level)
			}
			access := s.logLines(t, "handled request")
			if len(access) != 1 || access[0]["status"] != 499.0 {
				t.Errorf("access log %v, want one line with status 499", access)
			}
		})
	}
}

// An app that closes its sending side only looks as if it had gone, but still reads:
// it is told the requestID under which it may ask.
func TestCallIsFinishedWhenTheAppStopsSending(t *testing.T) {
	g := newGateway(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo)
	g.replies(func(c *call) []byte {
		close(arrived)
		<-release
		return g.success(c, paid)
	})
	c := start(t, `
		{
			galaxypay {
				`+g.merchant(t)+`
			}
		}
		http://:9180 {
			route {
				caddytest_watch
				galaxypay
			}
		}`)
	conn, err := net.Dial("tcp", c.ports["9180"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: order-1\r\nContent-Length: %d\r\n\r\n%s", len(payment), payment)
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-clientGone
	letGo()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 499 || response.Header.Get("Galaxypay-Request-Id") != "order-1" {
		t.Errorf("HTTP %d, Galaxypay-Request-Id %q; want 499, order-1", response.StatusCode, response.Header.Get("Galaxypay-Request-Id"))
	}
	g.only(t)
}

// clientGone receives a value when the client of a request that passed the directive
// caddytest_watch has gone, as the server sees it.
var clientGone = make(chan struct{}, 8)

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
