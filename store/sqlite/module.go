package sqlite

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

func init() {
	caddy.RegisterModule(Opener{})
}

// Opener is the Caddy module galaxypay.store.sqlite: a store in a file on this machine.
type Opener struct {
	// Path is the file. Placeholders are allowed. Default: galaxypay/store.db in Caddy's data
	// directory.
	Path string `json:"path,omitempty"`

	store.Options

	path string
	log  *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Opener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.store.sqlite",
		New: func() caddy.Module { return new(Opener) },
	}
}

// UnmarshalCaddyfile sets up the module from Caddyfile tokens:
//
//	sqlite [path] {
//		encrypt <key id> <key>
//		refuse_unencrypted
//		keep <duration>
//	}
func (o *Opener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // sqlite
	args := d.RemainingArgs()
	if len(args) > 1 {
		return d.ArgErr()
	}
	if len(args) == 1 {
		if o.Path = args[0]; o.Path == "" {
			return d.Err("store sqlite: expected a path, got an empty one; " + option.Unset)
		}
	}
	return o.Block().Parse(d, store.Repeatable...)
}

// Provision resolves the path and the keys. Nothing is opened yet.
func (o *Opener) Provision(ctx caddy.Context) error {
	o.log = ctx.Logger()
	path := filepath.Join(caddy.AppDataDir(), "galaxypay", "store.db")
	var err error
	if o.Path != "" {
		if path, err = secret.Plain("path", o.Path); err != nil {
			return fmt.Errorf("store sqlite: %w", err)
		}
	}
	if o.path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("store sqlite: path: %w", err)
	}
	if err := o.Options.Provision(o.log); err != nil {
		return fmt.Errorf("store sqlite: %w", err)
	}
	return nil
}

// Key implements store.Opener.
func (o *Opener) Key() string { return "sqlite " + o.path }

// Name implements store.Opener.
func (o *Opener) Name() string { return o.path }

// Engine implements store.Opener.
func (o *Opener) Engine() string { return "sqlite" }

// Open implements store.Opener.
func (o *Opener) Open(context.Context) (store.Store, error) {
	log := o.log
	s, err := Open(o.path, func(err error) { log.Error("the store needs attention", zap.Error(err)) }) //nolint:contextcheck // the store outlives it
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
