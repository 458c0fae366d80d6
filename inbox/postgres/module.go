package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func init() {
	caddy.RegisterModule(Module{})
}

// Module keeps the inbox in PostgreSQL, where several sidecars can share it.
type Module struct {
	// The address of the database, as {env.NAME} or {file./path}, such as
	// {env.DATABASE_URL}: with a password in it, it should not be written here itself. With
	// pool_max_conns it bounds the connections; default: 16, and one more to listen.
	Address string `json:"address"`

	address string
}

// CaddyModule returns the Caddy module information.
func (Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.inbox.postgres",
		New: func() caddy.Module { return new(Module) },
	}
}

// UnmarshalCaddyfile sets up the module from Caddyfile tokens:
//
//	postgres <{env.NAME}|{file./path}>
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	args := d.RemainingArgs()
	if len(args) != 1 {
		// ArgErr would quote one of them, and it may hold the password.
		return d.Errf("inbox postgres: expected one address, as {env.NAME} or {file./path}, got %d", len(args))
	}
	m.Address = args[0]
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("unknown option of inbox postgres: %s", d.Val())
	}
	return nil
}

// Provision resolves the address. Its errors name the placeholder and show nothing of
// what is behind it.
func (m *Module) Provision(ctx caddy.Context) error {
	if m.Address == "" {
		return errors.New("inbox postgres: the address is missing; give it as {env.NAME} or {file./path}")
	}
	var err error
	if m.address, err = caddy.NewReplacer().ReplaceOrErr(m.Address, true, true); err != nil {
		// The replacer's own error may quote a piece of a literal password that holds braces.
		return errors.New("inbox postgres: the address cannot be resolved; check that its variable or file is there and not empty")
	}
	m.address = strings.TrimSpace(m.address) // a file ends in a newline
	config, err := poolConfig(m.address)
	if err != nil {
		return fmt.Errorf("inbox postgres: %w", err)
	}
	if password := config.ConnConfig.Password; password != "" && strings.Contains(m.Address, password) {
		ctx.Logger().Warn("the password of the inbox's database stands in the configuration itself, where config dumps show it; give the address as {env.NAME} or {file./path}")
	}
	return nil
}

// Key implements inbox.Opener.
func (m *Module) Key() string { return "postgres " + m.address }

// Open implements inbox.Opener.
func (m *Module) Open(ctx context.Context) (inbox.Store, error) { return Open(ctx, m.address) }

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ caddy.Provisioner     = (*Module)(nil)
	_ inbox.Opener          = (*Module)(nil)
)
