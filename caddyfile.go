package galaxypay

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/dustin/go-humanize"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("galaxypay", parseGlobalOption)
	httpcaddyfile.RegisterHandlerDirective("galaxypay", parseProxy)
	httpcaddyfile.RegisterHandlerDirective("galaxypay_guard", parseGuard)
	httpcaddyfile.RegisterHandlerDirective("galaxypay_ipn", parseIPN)
	httpcaddyfile.RegisterHandlerDirective("galaxypay_result", parseResult)

	httpcaddyfile.RegisterDirectiveOrder("galaxypay", httpcaddyfile.Before, "reverse_proxy")
	// Before everything: no handler sees what it removes.
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_guard", httpcaddyfile.Before, "tracing")
	// Before everything that answers, so that no order of lines in a site lets a
	// message reach a handler unverified.
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_ipn", httpcaddyfile.Before, "invoke")
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_result", httpcaddyfile.Before, "invoke")
}

// size reads a size such as 64KiB into target.
func size(target *int64) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var text string
		if err := option.One(&text)(d); err != nil {
			return err
		}
		n, err := humanize.ParseBytes(text)
		if err != nil || n == 0 || n > 1<<30 {
			return d.Errf("max_body: %q is not a size between 1 and 1GiB, such as 64KiB", text)
		}
		*target = int64(n)
		return nil
	}
}

// parseGlobalOption sets up the app from the global option. Syntax:
//
//	galaxypay {
//		environment   sandbox | uat | production
//		base_url      <url>
//		api_key       <key>
//		salt          <salt>
//		previous_salt <salt> [until <time>]
//		merchant <name> {
//			# the same options
//		}
//		store sqlite [<path>] | postgres <address> {
//			encrypt <key id> <key>
//			refuse_unencrypted
//			keep <duration>
//		}
//		reconcile <durations...> | off
//	}
//
// The options outside of merchant describe the merchant "default"; store and reconcile are for
// all of them. previous_salt, path and merchant may be given several times.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Err("the global option galaxypay is given twice; describe more merchants inside one, with merchant <name> { ... }")
	}
	d.Next() // the option's name
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	app := App{Merchants: make(map[string]*Merchant)}
	top := new(Merchant)
	known := top.options()
	known["merchant"] = app.parseMerchant
	known["store"] = app.parseStore
	known["reconcile"] = app.parseReconcile
	if err := known.Parse(d, "previous_salt", "path", "merchant"); err != nil {
		return nil, err
	}
	if !top.isEmpty() {
		if app.Merchants[defaultMerchant] != nil {
			return nil, d.Err("merchant default is described twice: by the options at the top and by merchant default { ... }")
		}
		app.Merchants[defaultMerchant] = top
	}
	return httpcaddyfile.App{Name: "galaxypay", Value: caddyconfig.JSON(app, nil)}, nil
}

func (a *App) parseMerchant(d *caddyfile.Dispenser) error {
	var name string
	if err := option.One(&name)(d); err != nil {
		return err
	}
	if a.Merchants[name] != nil {
		return d.Errf("merchant %s is described twice", name)
	}
	a.Merchants[name] = new(Merchant)
	return a.Merchants[name].options().Parse(d, "previous_salt", "path")
}

func (a *App) parseReconcile(d *caddyfile.Dispenser) error {
	a.Reconcile = []caddy.Duration{} // which is off
	args := d.RemainingArgs()
	if len(args) == 1 && args[0] == "off" {
		return nil
	}
	for _, arg := range args {
		delay, err := caddy.ParseDuration(arg)
		if err != nil || delay <= 0 {
			return d.Errf("reconcile: %q is not a duration above zero, such as 10m; or off", arg)
		}
		a.Reconcile = append(a.Reconcile, caddy.Duration(delay))
	}
	if len(args) == 0 {
		return d.Err("reconcile: expected durations, such as 10m 30m 2h, or off; " + option.Unset)
	}
	return nil
}

func (a *App) parseStore(d *caddyfile.Dispenser) error {
	if !d.NextArg() || d.Val() == "" {
		return d.Err("store: expected an engine, sqlite or postgres; " + option.Unset)
	}
	engine := d.Val()
	opener, err := caddyfile.UnmarshalModule(d, storeNamespace+"."+engine)
	if err != nil {
		return err
	}
	a.StoreRaw = caddyconfig.JSONModuleObject(opener, "engine", engine, nil)
	return nil
}

func (c *Merchant) options() option.Block {
	return option.Block{
		"environment":   option.One(&c.Environment),
		"base_url":      option.One(&c.BaseURL),
		"api_key":       option.One(&c.APIKey),
		"salt":          option.One(&c.Salt),
		"previous_salt": c.parsePreviousSalt,
		"path":          pathOption(&c.Paths),
		"verify":        option.OneOf(&c.Verify, "strict", "report"),
		"timeout":       option.Duration(&c.Timeout),
		"transport":     transportOption(&c.TransportRaw),
	}
}

func (c *Merchant) parsePreviousSalt(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case slices.Contains(args, ""):
		return d.Err("previous_salt: expected <salt> [until <time>], got an empty value; " + option.Unset)
	case len(args) == 1:
		c.PreviousSalts = append(c.PreviousSalts, PreviousSalt{Salt: args[0]})
	case len(args) == 3 && args[1] == "until":
		c.PreviousSalts = append(c.PreviousSalts, PreviousSalt{Salt: args[0], Until: args[2]})
	default:
		// The arguments hold a salt, so ArgErr, which quotes them, is not for here.
		return d.Err("previous_salt: expected <salt> [until <time>]; " + option.Unset)
	}
	return nil
}

func (c *Merchant) isEmpty() bool {
	return c.Environment == "" && c.BaseURL == "" && c.APIKey == "" && c.Salt == "" && len(c.PreviousSalts) == 0 &&
		len(c.Paths) == 0 && c.Verify == "" && c.Timeout == 0 && c.TransportRaw == nil
}

func parseProxy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	p := new(Proxy)
	return p, p.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the handler of calls. Syntax:
//
//	galaxypay [<matcher>] {
//		merchant      <name>
//		allow         <ranges...>
//		operations    <names...>
//		response      data | envelope
//		verify        strict | report
//		validate      on | off
//		defaults {
//			<field> <text>
//		}
//		path          <operation> <path>
//		max_body      <size>
//		timeout       <duration>
//		max_in_flight <number>
//		ledger        on | off
//		transport http {
//			# the options of reverse_proxy's transport http
//		}
//	}
//
// path may be given once for each operation.
func (p *Proxy) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	return option.Block{
		"merchant":      option.One(&p.Merchant),
		"allow":         option.Several(&p.Allow),
		"operations":    option.Several(&p.Operations),
		"response":      option.OneOf(&p.Response, "data", "envelope"),
		"verify":        option.OneOf(&p.Verify, "strict", "report"),
		"validate":      option.OneOf(&p.Validate, "on", "off"),
		"ledger":        option.OneOf(&p.Ledger, "on", "off"),
		"defaults":      p.parseDefaults,
		"path":          pathOption(&p.Paths),
		"max_body":      size(&p.MaxBody),
		"timeout":       option.Duration(&p.Timeout),
		"max_in_flight": p.parseMaxInFlight,
		"transport":     transportOption(&p.TransportRaw),
	}.Parse(d, "path")
}

func (p *Proxy) parseDefaults(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("defaults: expected a block with one field per line")
	}
	p.Defaults = make(map[string]string)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		if _, ok := p.Defaults[name]; ok {
			return d.Errf("defaults: duplicate field %s", name)
		}
		var text string
		if err := option.One(&text)(d); err != nil {
			return err
		}
		p.Defaults[name] = text
	}
	return nil
}

// pathOption parses the option path, which may be given once for each operation.
func pathOption(paths *map[string]string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		args := d.RemainingArgs()
		if len(args) != 2 || slices.Contains(args, "") {
			return d.Err("path: expected <operation> <path>; " + option.Unset)
		}
		if _, ok := (*paths)[args[0]]; ok {
			return d.Errf("path: duplicate operation %s", args[0])
		}
		if *paths == nil {
			*paths = make(map[string]string)
		}
		(*paths)[args[0]] = args[1]
		return nil
	}
}

func (p *Proxy) parseMaxInFlight(d *caddyfile.Dispenser) error {
	var text string
	if err := option.One(&text)(d); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return d.Errf("max_in_flight: %q is not a number above zero, such as %d", text, defaultMaxInFlight)
	}
	p.MaxInFlight = n
	return nil
}

// transportOption parses the option transport.
func transportOption(raw *json.RawMessage) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if !d.NextArg() || d.Val() == "" {
			return d.Err("transport: expected http; " + option.Unset)
		}
		if d.Val() != "http" {
			return d.Errf("transport %s: only http can carry requests to the gateway", d.Val())
		}
		mod, err := caddyfile.UnmarshalModule(d, "http.reverse_proxy.transport.http")
		if err != nil {
			return err
		}
		*raw = caddyconfig.JSONModuleObject(mod.(*reverseproxy.HTTPTransport), "protocol", "http", nil)
		return nil
	}
}

// parseGuard reads galaxypay_guard, which has no options.
func parseGuard(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next()
	if h.NextArg() || h.NextBlock(0) {
		return nil, h.Err("galaxypay_guard has no options")
	}
	return Guard{}, nil
}

func parseIPN(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	ipn := new(IPN)
	return ipn, ipn.parse(h)
}

// parse sets up the handler of IPNs. Syntax:
//
//	galaxypay_ipn [<matcher>] {
//		merchant <name>
//		max_body <size>
//		inbox {
//			deliver {
//				# any directives
//			}
//			deliver_to    <url>
//			answer_within <duration>
//			retry         <durations...>
//			confirm       on | off
//		}
//		orders   report | strict
//	}
//
// deliver_to is short for a deliver with rewrite and reverse_proxy.
func (h *IPN) parse(helper httpcaddyfile.Helper) error {
	d := helper.Dispenser
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	known := h.options()
	known["inbox"] = func(d *caddyfile.Dispenser) error { return h.parseInbox(helper, d) }
	return known.Parse(d)
}

func parseResult(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	result := new(Result)
	return result, result.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the handler of results. Syntax:
//
//	galaxypay_result [<matcher>] {
//		merchant <name>
//		max_body <size>
//		forward  get | post
//		orders   report | strict
//	}
func (h *Result) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	known := h.options()
	known["forward"] = option.OneOf(&h.Forward, forwardGet, forwardPost)
	return known.Parse(d)
}

func (rc *Receiver) options() option.Block {
	return option.Block{
		"merchant": option.One(&rc.Merchant),
		"max_body": size(&rc.MaxBody),
		"orders":   option.OneOf(&rc.Orders, ordersReport, ordersStrict),
	}
}

func (h *IPN) parseInbox(helper httpcaddyfile.Helper, d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("inbox: expected a block with deliver or deliver_to")
	}
	h.Inbox = new(Inbox)
	return option.Block{
		"deliver":       func(d *caddyfile.Dispenser) error { return h.Inbox.parseDeliver(helper, d) },
		"deliver_to":    option.One(&h.Inbox.DeliverTo),
		"answer_within": option.Duration(&h.Inbox.AnswerWithin),
		"retry":         h.Inbox.parseRetry,
		"confirm":       option.OneOf(&h.Inbox.Confirm, "on", "off"),
	}.Parse(d)
}

// parseDeliver reads a block of directives, in the order that Caddy sorts them in.
func (i *Inbox) parseDeliver(helper httpcaddyfile.Helper, d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("deliver: expected a block of directives; deliver_to takes an address")
	}
	handler, err := httpcaddyfile.ParseSegmentAsSubroute(helper.WithDispenser(d.NewFromNextSegment()))
	if err != nil {
		return err
	}
	i.Deliver = handler.(*caddyhttp.Subroute)
	return nil
}

func (i *Inbox) parseRetry(d *caddyfile.Dispenser) error {
	var delays []string
	if err := option.Several(&delays)(d); err != nil {
		return err
	}
	for _, text := range delays {
		delay, err := caddy.ParseDuration(text)
		if err != nil || delay <= 0 {
			return d.Errf("retry: %q is not a duration above zero, such as 30s", text)
		}
		i.Retry = append(i.Retry, caddy.Duration(delay))
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Proxy)(nil)
	_ caddyfile.Unmarshaler = (*Result)(nil)
)
