package demoshop

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// announceAfter is how long after the start the shop says where it is. Caddy itself logs a few lines then, and for a person this is
// the one that matters, so it comes last.
const announceAfter = 500 * time.Millisecond

// announcement logs the address of the shop once Caddy has started.
type announcement struct {
	address string
	ended   context.Context // with the configuration
	log     *zap.Logger
}

// announce has the address logged when Caddy has started.
func announce(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil
	}
	address, ok := addressFor(server.Listen)
	if !ok {
		return nil
	}
	events, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("the event of Caddy's start: %w", err)
	}
	return events.(*caddyevents.App).On("started", announcement{address, ctx.Context, ctx.Logger()})
}

// Handle implements caddyevents.Handler.
func (a announcement) Handle(context.Context, caddy.Event) error {
	time.AfterFunc(announceAfter, func() {
		if a.ended.Err() == nil {
			a.log.Info("the demo shop is open; visit " + a.address)
		}
	})
	return nil
}

// addressFor is what a browser on this machine finds the first of the listening addresses by; ok is false for a socket, and for port 0,
// which is another port each time.
func addressFor(listen []string) (address string, ok bool) {
	for _, text := range listen {
		parsed, err := caddy.ParseNetworkAddress(text)
		if err != nil || parsed.IsUnixNetwork() || parsed.IsFdNetwork() || parsed.StartPort == 0 {
			continue
		}
		host := parsed.Host
		if ip := net.ParseIP(host); host == "" || ip.IsLoopback() || ip.IsUnspecified() {
			host = "localhost"
		}
		return "http://" + net.JoinHostPort(host, fmt.Sprint(parsed.StartPort)) + "/", true
	}
	return "", false
}

// Interface guard
var _ caddyevents.Handler = announcement{}
