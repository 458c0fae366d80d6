package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

func init() {
	caddy.RegisterModule(Opener{})
}

// Opener is the Caddy module galaxypay.inbox.postgres: an inbox in PostgreSQL, which several
// sidecars can share.
//
//	inbox postgres <address>
type Opener struct {
	// The address of the database, as {env.NAME} or {file./path}, such as
	// {env.DATABASE_URL}: it can hold a password, which should not stand here itself. The
	// address's pool_max_conns bounds the connections; default: 16, and one more to listen.
	Address string `json:"address"`

	address string
}

// CaddyModule returns the Caddy module information.
func (Opener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.inbox.postgres",
		New: func() caddy.Module { return new(Opener) },
	}
}

// UnmarshalCaddyfile sets up the module from Caddyfile tokens:
//
//	postgres <{env.NAME}|{file./path}>
func (o *Opener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // postgres
	args := d.RemainingArgs()
	if len(args) != 1 {
		// ArgErr would quote one of them, and it may hold the password.
		return d.Errf("inbox postgres: expected one address, as {env.NAME} or {file./path}, got %d", len(args))
	}
	o.Address = args[0]
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("unknown option of inbox postgres: %s", d.Val())
	}
	return nil
}

// Provision resolves the address. Its errors name the placeholder and show nothing of its
// value.
func (o *Opener) Provision(ctx caddy.Context) error {
	var err error
	if o.address, err = secret.Resolve(o.Address); err != nil {
		return fmt.Errorf("inbox postgres: address: %w", err)
	}
	config, err := poolConfig(o.address)
	if err != nil {
		return fmt.Errorf("inbox postgres: %w", err)
	}
	if password := config.ConnConfig.Password; password != "" && strings.Contains(o.Address, password) {
		ctx.Logger().Warn("the password of the inbox's database stands in the configuration itself, where config dumps show it; give the address as {env.NAME} or {file./path}")
	}
	return nil
}

// Key implements inbox.Opener.
func (o *Opener) Key() string { return "postgres " + o.address }

// Open implements inbox.Opener.
func (o *Opener) Open(ctx context.Context) (inbox.Store, error) { return Open(ctx, o.address) }

// Interface guards
var (
	_ caddy.Provisioner     = (*Opener)(nil)
	_ caddyfile.Unmarshaler = (*Opener)(nil)
	_ inbox.Opener          = (*Opener)(nil)
)
