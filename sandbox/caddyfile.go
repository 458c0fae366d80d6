package sandbox

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("galaxypay_sandbox", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_sandbox", httpcaddyfile.Before, "reverse_proxy")
}

func parseCaddyfile(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	galaxypay_sandbox {
//		api_key <key>
//		salt    <salt>
//		allow   <ranges...>
//		hosts   <names...>
//		ipn_anywhere
//		expiry  <duration>
//		result  get | post
//		strict
//	}
//
// The block and every option in it may be left out. Ranges are CIDR ranges, single
// addresses, or private_ranges for all private networks.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return option.Block{
		"api_key":      option.One(&h.APIKey),
		"salt":         option.One(&h.Salt),
		"allow":        option.Several(&h.Allow),
		"hosts":        option.Several(&h.Hosts),
		"ipn_anywhere": flag(&h.IPNAnywhere),
		"expiry":       option.Duration(&h.Expiry),
		"result":       option.OneOf(&h.Result, resultByGet, resultByPost),
		"strict":       flag(&h.Strict),
	}.Parse(d)
}

// flag is an option without a value.
func flag(target *bool) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return d.ArgErr()
		}
		*target = true
		return nil
	}
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
