package desk

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
)

func parsePage(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	p := new(Page)
	return p, p.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the page. Syntax:
//
//	galaxypay_desk [<matcher>] {
//		allow    <ranges...>
//		hosts    <names...>
//		messages on|off
//	}
func (p *Page) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	var messages string
	err := option.Block{
		"allow":    option.Several(&p.Allow),
		"hosts":    option.Several(&p.Hosts),
		"messages": option.OneOf(&messages, "on", "off"),
	}.Parse(d)
	p.Messages = messages == "on"
	return err
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Page)(nil)
