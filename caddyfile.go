package galaxypay

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/dustin/go-humanize"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("galaxypay", parseGlobalOption)
	httpcaddyfile.RegisterHandlerDirective("galaxypay", parseProxy)
	httpcaddyfile.RegisterHandlerDirective("galaxypay_ipn", parseCallback)
	httpcaddyfile.RegisterHandlerDirective("galaxypay_result", parseCallback)

	httpcaddyfile.RegisterDirectiveOrder("galaxypay", httpcaddyfile.Before, "reverse_proxy")
	// Before everything that answers, so that no order of lines in a site lets a
	// message reach a handler unverified.
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_ipn", httpcaddyfile.Before, "invoke")
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_result", httpcaddyfile.Before, "invoke")
}

// options maps the options of a block to their parsers. A parser starts with the
// option's name as the current token.
type options map[string]func(d *caddyfile.Dispenser) error

// parse reads a block. Unknown options are errors, and so are options given twice,
// unless they are listed in repeatable: silence about either would leave somebody
// with less protection than he configured.
func (o options) parse(d *caddyfile.Dispenser, repeatable ...string) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		parse, ok := o[name]
		if !ok {
			return d.Errf("unknown option %s; known are %s", name, strings.Join(slices.Sorted(maps.Keys(o)), ", "))
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return d.Errf("duplicate option %s", name)
		}
		seen[name] = true
		if err := parse(d); err != nil {
			return err
		}
	}
	return nil
}

// one reads the single argument of an option into target. Its error does not quote
// the arguments, as Dispenser.ArgErr would: they may be a salt with a blank in it.
func one(target *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.Errf("%s: expected one value, got %d", name, len(args))
		}
		*target = args[0]
		return nil
	}
}

// several reads the arguments of an option, at least one, into target.
func several(target *[]string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		*target = d.RemainingArgs()
		if len(*target) == 0 {
			return d.ArgErr()
		}
		return nil
	}
}

// oneOf is one for an option with a closed list of values.
func oneOf(target *string, values ...string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if err := one(target)(d); err != nil {
			return err
		}
		if !slices.Contains(values, *target) {
			return d.Errf("%s: unknown value %q; expected %s", name, *target, strings.Join(values, " or "))
		}
		return nil
	}
}

// size reads a size such as 64KiB into target.
func size(target *int64) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var text string
		if err := one(&text)(d); err != nil {
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

// duration reads a duration such as 30s into target.
func duration(target *caddy.Duration) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		var text string
		if err := one(&text)(d); err != nil {
			return err
		}
		parsed, err := caddy.ParseDuration(text)
		if err != nil || parsed <= 0 {
			return d.Errf("%s: %q is not a duration above zero, such as 30s", name, text)
		}
		*target = caddy.Duration(parsed)
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
//		inbox         <store> <arguments...> {
//			encrypt <key id> <key>
//			refuse_unencrypted
//			# the options of the store
//		}
//	}
//
// The options outside of merchant describe the merchant "default"; inbox is for all
// of them. previous_salt and merchant may be given several times.
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
	known["inbox"] = app.parseInbox
	if err := known.parse(d, "previous_salt", "merchant"); err != nil {
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
	if err := one(&name)(d); err != nil {
		return err
	}
	if a.Merchants[name] != nil {
		return d.Errf("merchant %s is described twice", name)
	}
	a.Merchants[name] = new(Merchant)
	return a.Merchants[name].options().parse(d, "previous_salt")
}

func (a *App) parseInbox(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("inbox: expected a store, such as inbox bolt")
	}
	name := d.Val()
	rest, err := a.InboxEncryption.takeFrom(d.NextSegment())
	if err != nil {
		return err
	}
	d = caddyfile.NewDispenser(rest)
	d.Next() // the store's name
	store, err := caddyfile.UnmarshalModule(d, inboxNamespace+"."+name)
	if err != nil {
		return err
	}
	a.InboxRaw = caddyconfig.JSONModuleObject(store, "store", name, nil)
	return nil
}

func (c *Merchant) options() options {
	return options{
		"environment":   one(&c.Environment),
		"base_url":      one(&c.BaseURL),
		"api_key":       one(&c.APIKey),
		"salt":          one(&c.Salt),
		"previous_salt": c.parsePreviousSalt,
	}
}

func (c *Merchant) parsePreviousSalt(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case len(args) == 1:
		c.PreviousSalts = append(c.PreviousSalts, PreviousSalt{Salt: args[0]})
	case len(args) == 3 && args[1] == "until":
		c.PreviousSalts = append(c.PreviousSalts, PreviousSalt{Salt: args[0], Until: args[2]})
	default:
		// The arguments hold a salt, so ArgErr, which quotes them, is not for here.
		return d.Err("previous_salt: expected <salt> [until <time>]")
	}
	return nil
}

func (c *Merchant) isEmpty() bool {
	return c.Environment == "" && c.BaseURL == "" && c.APIKey == "" && c.Salt == "" && len(c.PreviousSalts) == 0
}

func parseProxy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	p := new(Proxy)
	return p, p.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the outbound handler. Syntax:
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
	return options{
		"merchant":      one(&p.Merchant),
		"allow":         several(&p.Allow),
		"operations":    several(&p.Operations),
		"response":      oneOf(&p.Response, "data", "envelope"),
		"verify":        oneOf(&p.Verify, "strict", "report"),
		"validate":      oneOf(&p.Validate, "on", "off"),
		"defaults":      p.parseDefaults,
		"path":          p.parsePath,
		"max_body":      size(&p.MaxBody),
		"timeout":       duration(&p.Timeout),
		"max_in_flight": p.parseMaxInFlight,
		"transport":     p.parseTransport,
	}.parse(d, "path")
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
		if err := one(&text)(d); err != nil {
			return err
		}
		p.Defaults[name] = text
	}
	return nil
}

func (p *Proxy) parsePath(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("path: expected <operation> <path>")
	}
	if _, ok := p.Paths[args[0]]; ok {
		return d.Errf("path: duplicate operation %s", args[0])
	}
	if p.Paths == nil {
		p.Paths = make(map[string]string)
	}
	p.Paths[args[0]] = args[1]
	return nil
}

func (p *Proxy) parseMaxInFlight(d *caddyfile.Dispenser) error {
	var text string
	if err := one(&text)(d); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return d.Errf("max_in_flight: %q is not a number above zero, such as %d", text, defaultMaxInFlight)
	}
	p.MaxInFlight = n
	return nil
}

func (p *Proxy) parseTransport(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	if d.Val() != "http" {
		return d.Errf("transport %s: only http can carry requests to the gateway", d.Val())
	}
	mod, err := caddyfile.UnmarshalModule(d, "http.reverse_proxy.transport.http")
	if err != nil {
		return err
	}
	p.TransportRaw = caddyconfig.JSONModuleObject(mod.(*reverseproxy.HTTPTransport), "protocol", "http", nil)
	return nil
}

func parseCallback(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(Callback)
	return c, c.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the inbound handler. Syntax:
//
//	galaxypay_ipn [<matcher>] {
//		merchant <name>
//		max_body <size>
//		inbox {
//			deliver_to    <url>
//			answer_within <duration>
//			retry         <durations...>
//			keep          <duration>
//		}
//	}
//
// galaxypay_result takes the same options but for inbox. The directive decides the kind.
func (c *Callback) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	c.Kind = strings.TrimPrefix(d.Val(), "galaxypay_")
	if d.NextArg() {
		return d.ArgErr()
	}
	known := options{
		"merchant": one(&c.Merchant),
		"max_body": size(&c.MaxBody),
	}
	if c.Kind == kindIPN {
		known["inbox"] = c.parseInbox
	}
	return known.parse(d)
}

func (c *Callback) parseInbox(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("inbox: expected a block with deliver_to")
	}
	c.Inbox = new(Inbox)
	return options{
		"deliver_to":    one(&c.Inbox.DeliverTo),
		"answer_within": duration(&c.Inbox.AnswerWithin),
		"retry":         c.Inbox.parseRetry,
		"keep":          duration(&c.Inbox.Keep),
	}.parse(d)
}

func (i *Inbox) parseRetry(d *caddyfile.Dispenser) error {
	var delays []string
	if err := several(&delays)(d); err != nil {
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
	_ caddyfile.Unmarshaler = (*Callback)(nil)
)
