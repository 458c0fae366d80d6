package sandbox

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
//	}
//
// The block and every option in it may be left out. Ranges are CIDR ranges, single
// addresses, or private_ranges for all private networks.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		option := d.Val()
		if seen[option] {
			return d.Errf("option %s is given twice", option)
		}
		seen[option] = true
		if err := h.unmarshalOption(option, d); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) unmarshalOption(option string, d *caddyfile.Dispenser) error {
	switch option {
	case "api_key":
		return oneValue(d, &h.APIKey)
	case "salt":
		return oneValue(d, &h.Salt)
	case "allow":
		return oneOrMore(d, &h.Allow)
	case "hosts":
		return oneOrMore(d, &h.Hosts)
	case "ipn_anywhere":
		if d.NextArg() {
			return d.ArgErr()
		}
		h.IPNAnywhere = true
		return nil
	case "result":
		return h.unmarshalResult(d)
	case "expiry":
		return h.unmarshalExpiry(d)
	}
	return d.Errf("unknown option %s", option)
}

func (h *Handler) unmarshalExpiry(d *caddyfile.Dispenser) error {
	var text string
	if err := oneValue(d, &text); err != nil {
		return err
	}
	expiry, err := caddy.ParseDuration(text)
	if err != nil || expiry <= 0 {
		return d.Errf("expiry %s is not a duration longer than 0", text)
	}
	h.Expiry = caddy.Duration(expiry)
	return nil
}

func (h *Handler) unmarshalResult(d *caddyfile.Dispenser) error {
	if err := oneValue(d, &h.Result); err != nil {
		return err
	}
	if h.Result != resultByGet && h.Result != resultByPost {
		return d.Errf("result %s is not get or post", h.Result)
	}
	return nil
}

// oneValue takes exactly one value. An empty one is refused, because it is what an
// unset {$VARIABLE} leaves behind, and it would silently mean the default.
func oneValue(d *caddyfile.Dispenser, value *string) error {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		// ArgErr would quote them, and they may be a salt with a blank in it.
		return d.Errf("option %s takes one argument, not %d", option, len(args))
	}
	if *value = args[0]; *value == "" {
		return d.Errf("option %s is empty", option)
	}
	return nil
}

// oneOrMore takes at least one value.
func oneOrMore(d *caddyfile.Dispenser, values *[]string) error {
	if *values = d.RemainingArgs(); len(*values) == 0 {
		return d.ArgErr()
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
