package bolt

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func init() { caddy.RegisterModule(Opener{}) }

// Opener is the Caddy module galaxypay.inbox.bolt: an inbox in a file.
//
//	inbox bolt [path]
type Opener struct {
	// Path is the file. Placeholders are allowed. Default: galaxypay/inbox.db in Caddy's
	// data directory.
	Path string `json:"path,omitempty"`

	path   string
	logger *zap.Logger
}

var (
	_ inbox.Opener          = (*Opener)(nil)
	_ caddy.Provisioner     = (*Opener)(nil)
	_ caddyfile.Unmarshaler = (*Opener)(nil)
)

// CaddyModule returns the Caddy module information.
func (Opener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay.inbox.bolt",
		New: func() caddy.Module { return new(Opener) },
	}
}

// UnmarshalCaddyfile reads "bolt [path]".
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

// Provision finds out the path. Nothing is opened yet.
func (o *Opener) Provision(ctx caddy.Context) error {
	o.logger = ctx.Logger()
	path := filepath.Join(caddy.AppDataDir(), "galaxypay", "inbox.db")
	if o.Path != "" {
		var err error
		path, err = caddy.NewReplacer().ReplaceOrErr(o.Path, true, true)
		if err != nil {
			return fmt.Errorf("path of the inbox: %w", err)
		}
	}
	var err error
	o.path, err = filepath.Abs(path)
	return err
}

// Key implements inbox.Opener.
func (o *Opener) Key() string { return "bolt " + o.path }

// Open implements inbox.Opener.
func (o *Opener) Open(context.Context) (inbox.Store, error) {
	logger := o.logger
	return Open(o.path, func(err error) { logger.Error("damage in the inbox", zap.Error(err)) })
}
