package demoshop

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
	options := map[string]*string{"sidecar": &h.Sidecar, "modal_script": &h.ModalScript, "ipn_url": &h.IPNURL}
	for d.NextBlock(0) {
		option := d.Val()
		value, known := options[option]
		if !known {
			return d.Errf("unknown option %s", option)
		}
		if *value != "" {
			return d.Errf("option %s is given twice", option)
		}
		if !d.AllArgs(value) {
			return d.ArgErr()
		}
		// An unset {$VARIABLE} leaves nothing behind, which would silently mean the default.
		if *value == "" {
			return d.Errf("option %s is empty", option)
		}
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
