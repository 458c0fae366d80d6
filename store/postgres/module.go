package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

func init() {
	caddy.RegisterModule(new(Opener))
}

// Opener is the Caddy module galaxypay.store.postgres: a store in PostgreSQL, which several
// sidecars can share.
//
//	store postgres <address> {
//		encrypt <key id> <key>
//		refuse_unencrypted
//		keep <duration>
//	}
type Opener struct {
	// The address of the database, as {env.NAME} or {file./path}, such as
	// {env.DATABASE_URL}: it can hold a password, which should not be written here itself. It
	// may name several hosts; the one that can be written to is used. The
	// address's pool_max_conns bounds the connections; default: 16, and one more to listen.
	Address string `json:"address"`

	store.Options

	address string
	name    string
}

// CaddyModule returns the Caddy module information.
func (*Opener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.store.postgres",
		New: func() caddy.Module { return new(Opener) },
	}
}

// UnmarshalCaddyfile sets up the module from Caddyfile tokens, see Opener.
func (o *Opener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // postgres
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		// ArgErr would quote one of them, and it may hold the password.
		return d.Errf("store postgres: expected one address, as {env.NAME} or {file./path}, got %d; %s", len(args), option.Unset)
	}
	o.Address = args[0]
	if err := o.Block().Parse(d, store.Repeatable...); err != nil {
		return fmt.Errorf("store postgres: %w", err)
	}
	return nil
}

// Provision resolves the address and the options. Its errors name the placeholder and show
// nothing of its value.
func (o *Opener) Provision(ctx caddy.Context) error {
	var err error
	if o.address, err = secret.Resolve(o.Address); err != nil {
		return fmt.Errorf("store postgres: address: %w", err)
	}
	config, err := poolConfig(o.address)
	if err != nil {
		return fmt.Errorf("store postgres: %w", err)
	}
	if secret.IsTemplate(config.ConnConfig.Password) {
		return errors.New("store postgres: address: its password is still a placeholder, such as ${NAME}; put the password in, or give the whole address as {env.NAME} or {file./path}")
	}
	o.name = nameOf(config)
	if password := config.ConnConfig.Password; password != "" && strings.Contains(o.Address, password) {
		ctx.Logger().Warn("the password of the store's database is written in the configuration, so config dumps show it; give the address as {env.NAME} or {file./path}")
	}
	if err := o.Options.Provision(ctx.Logger()); err != nil {
		return fmt.Errorf("store postgres: %w", err)
	}
	return nil
}

// nameOf returns the hosts and the database of an address.
func nameOf(config *pgxpool.Config) string {
	const usualPort = 5432
	var hosts []string
	add := func(host string, port uint16) {
		if port != usualPort && !strings.HasPrefix(host, "/") {
			host = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
		if !slices.Contains(hosts, host) { // one host has several entries, with and without TLS
			hosts = append(hosts, host)
		}
	}
	add(config.ConnConfig.Host, config.ConnConfig.Port)
	for _, other := range config.ConnConfig.Fallbacks {
		add(other.Host, other.Port)
	}
	return strings.Join(hosts, ",") + "/" + config.ConnConfig.Database
}

// Key implements store.Opener.
func (o *Opener) Key() string { return "postgres " + o.address }

// Name implements store.Opener.
func (o *Opener) Name() string { return o.name }

// Engine implements store.Opener.
func (o *Opener) Engine() string { return "postgres" }

// Open implements store.Opener.
func (o *Opener) Open(ctx context.Context) (store.Store, error) {
	s, err := Open(ctx, o.address)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Opener)(nil)
	_ caddyfile.Unmarshaler = (*Opener)(nil)
	_ store.Opener          = (*Opener)(nil)
)
