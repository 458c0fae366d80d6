package bolt

import (
	"context"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

func init() {
	caddy.RegisterModule(Opener{})
}

// Opener is the Caddy module galaxypay.inbox.bolt: an inbox in a file.
//
//	inbox bolt [path]
type Opener struct {
	// Path is the file. Placeholders are allowed. Default: galaxypay/inbox.db in Caddy's
	// data directory.
	Path string `json:"path,omitempty"`

	path string
	log  *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Opener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.inbox.bolt",
		New: func() caddy.Module { return new(Opener) },
	}
}

// UnmarshalCaddyfile sets up the module from Caddyfile tokens:
//
//	bolt [path]
func (o *Opener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // bolt
	if d.NextArg() {
		o.Path = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Errf("unknown option of inbox bolt: %s", d.Val())
	}
	return nil
}

// Provision resolves the path. Nothing is opened yet.
func (o *Opener) Provision(ctx caddy.Context) error {
	o.log = ctx.Logger()
	path := filepath.Join(caddy.AppDataDir(), "galaxypay", "inbox.db")
	var err error
	if o.Path != "" {
		if path, err = secret.Plain("path of the inbox", o.Path); err != nil {
			return err
		}
	}
	o.path, err = filepath.Abs(path)
	return err
}

// Key implements inbox.Opener.
func (o *Opener) Key() string { return "bolt " + o.path }

// Open implements inbox.Opener.
func (o *Opener) Open(context.Context) (inbox.Store, error) {
	log := o.log
	return Open(o.path, func(err error) { log.Error("damage in the inbox", zap.Error(err)) })
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Opener)(nil)
	_ caddyfile.Unmarshaler = (*Opener)(nil)
	_ inbox.Opener          = (*Opener)(nil)
)
