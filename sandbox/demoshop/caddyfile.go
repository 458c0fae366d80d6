package demoshop

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("galaxypay_demo_shop", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_demo_shop", httpcaddyfile.Before, "reverse_proxy")
}

func parseCaddyfile(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	galaxypay_demo_shop {
//		sidecar      <url>
//		modal_script <url>
//		ipn_url      <url>
//	}
//
// The block and every option in it may be left out.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return option.Block{
		"sidecar":      option.One(&h.Sidecar),
		"modal_script": option.One(&h.ModalScript),
		"ipn_url":      option.One(&h.IPNURL),
	}.Parse(d)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
