package health

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
)

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	galaxypay_health [<matcher>] {
//		gateway_within <duration>
//		backlog_below  <number>
//		allow          <ranges...>
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	return option.Block{
		"gateway_within": option.Duration(&h.GatewayWithin),
		"backlog_below":  h.parseBacklog,
		"allow":          option.Several(&h.Allow),
	}.Parse(d)
}

func (h *Handler) parseBacklog(d *caddyfile.Dispenser) error {
	var text string
	if err := option.One(&text)(d); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return d.Errf("backlog_below: %q is not a number above zero, such as 1000", text)
	}
	h.BacklogBelow = n
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Handler)(nil)
