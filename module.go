// Package galaxypay is a sidecar for the payment gateway Galaxy Pay, as modules
// for Caddy. The merchant's app posts plain JSON to localhost and gets plain JSON
// back; the gateway's callbacks arrive verified.
package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func init() {
	caddy.RegisterModule(App{})
}

// App is the Caddy app "galaxypay": the merchants and their secrets, which the
// handlers refer to by name. Keeping the secrets here, once, keeps them out of
// every site's configuration.
type App struct {
	// The merchants by name. A handler that names none uses "default". The
	// top-level options of the Caddyfile describe that one.
	Merchants map[string]*Merchant `json:"merchants,omitempty"`

	// Where IPNs are kept until the app has taken them, for the handlers with an inbox.
	// Default: a file in Caddy's data directory.
	InboxRaw json.RawMessage `json:"inbox,omitempty" caddy:"namespace=galaxypay.inbox inline_key=store"`

	// How those IPNs are encrypted. Default: not at all.
	InboxEncryption InboxEncryption `json:"inbox_encryption,omitzero"`

	merchants map[string]*merchant
	inbox     *membership
}

// defaultMerchant is the merchant of a handler that names none.
const defaultMerchant = "default"

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "galaxypay",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision resolves the secrets of every merchant and refuses to start with one
// that is missing or makes no sense.
func (a *App) Provision(ctx caddy.Context) error {
	log := ctx.Logger()
	a.merchants = make(map[string]*merchant, len(a.Merchants))
	for _, name := range slices.Sorted(maps.Keys(a.Merchants)) {
		if a.Merchants[name] == nil {
			return fmt.Errorf("merchant %s: expected an object", name)
		}
		if !isHeaderText(name) {
			return errors.New("merchant: expected a name of printable ASCII without blanks, since it appears in a header")
		}
		m, err := a.Merchants[name].resolve(name, log)
		if err != nil {
			return fmt.Errorf("merchant %s: %w", name, err)
		}
		a.merchants[name] = m
	}
	a.inbox = newMembership()
	return a.inbox.provision(ctx, a)
}

// Start opens the inbox, if there is one. The rest of the work is the handlers'.
func (a *App) Start() error {
	if a.inbox.opener == nil {
		return nil
	}
	return a.inbox.start(caddy.ActiveContext().Context != nil)
}

// Stop does nothing: sites that are stopped at the same time may still need the inbox.
func (a *App) Stop() error { return nil }

// Cleanup gives up the inbox.
func (a *App) Cleanup() error {
	if a.inbox == nil {
		return nil
	}
	return a.inbox.leave()
}

// Inbox returns the inbox of this configuration, for the admin API. The error is
// desk.ErrNoInbox where there is none.
func (a *App) Inbox() (*inbox.Member, error) {
	if a.inbox.opener == nil {
		return nil, desk.ErrNoInbox
	}
	return a.inbox.join()
}

// merchant returns the merchant of that name; "" means the default.
func (a *App) merchant(name string) (*merchant, error) {
	if name == "" {
		name = defaultMerchant
	}
	if m, ok := a.merchants[name]; ok {
		return m, nil
	}
	if len(a.merchants) == 0 {
		return nil, fmt.Errorf("unknown merchant %q: the global option galaxypay describes none", name)
	}
	return nil, fmt.Errorf("unknown merchant %q; the global option galaxypay describes %s",
		name, strings.Join(slices.Sorted(maps.Keys(a.merchants)), ", "))
}

// merchantFor is how a handler finds its merchant while it is provisioned.
func merchantFor(ctx caddy.Context, name string) (*merchant, error) {
	app, err := ctx.App("galaxypay")
	if err != nil {
		return nil, err
	}
	return app.(*App).merchant(name)
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ desk.App           = (*App)(nil)
)
