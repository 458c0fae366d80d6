// Package galaxypay is a sidecar for the payment gateway Galaxy Pay, as modules
// for Caddy. The merchant's app posts plain JSON to localhost and gets plain JSON
// back; the gateway's callbacks arrive verified.
package galaxypay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"     // the default store
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/inbox/postgres" // the other one
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

// inboxNamespace is where stores register.
const inboxNamespace = "galaxypay.inbox"

// defaultStore is the store of handlers with an inbox where the global option names none.
const defaultStore = inboxNamespace + ".bolt"

// openTimeout bounds how long a store may take to open: it may have to wait for another
// process, or to look through what it holds.
const openTimeout = 2 * time.Minute

// reopenInterval lies between attempts to open a store that cannot be reached.
const reopenInterval = 2 * time.Second

// countTimeout bounds how long a store may take to count what is pending.
const countTimeout = 2 * time.Second

// engines keeps inboxes open over a reload: the new configuration joins before the old one
// leaves, so no file is opened twice and no attempt is broken off.
var engines = caddy.NewUsagePool()

// sharedEngine is an engine that ends when the last configuration has left it.
type sharedEngine struct{ *inbox.Engine }

// Destruct implements caddy.Destructor.
func (s sharedEngine) Destruct() error {
	err := s.Close()
	deliveries.CloseIdleConnections()
	return err
}

// membership is one configuration's share in an inbox.
type membership struct {
	opener   inbox.Opener // nil: no handler has an inbox
	sealer   *inbox.Sealer
	settings map[string]*Inbox
	queues   map[string]inbox.Queue // by merchant, as settings
	log      *zap.Logger
	metrics  *metrics

	opening   context.Context // ends when the configuration does
	stop      context.CancelFunc
	reopening sync.WaitGroup

	mu          sync.Mutex
	member      *inbox.Member // nil until it has joined
	left        bool
	unreachable error // why the store could not be opened; reopen tries again
}

func newMembership() *membership {
	b := &membership{settings: make(map[string]*Inbox), queues: make(map[string]inbox.Queue)}
	b.opening, b.stop = context.WithCancel(context.Background())
	return b
}

// provision loads the store that the global option names, if it does.
func (b *membership) provision(ctx caddy.Context, a *App) error {
	b.log = ctx.Logger().Named("inbox")
	var err error
	if b.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if err = ctx.GetMetricsRegistry().Register(inboxBacklog{b}); err != nil {
		return err
	}
	if b.sealer, err = a.InboxEncryption.sealer(); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	if a.InboxEncryption.hasLiteral() {
		b.log.Warn("a key of the inbox is written in the configuration, so config dumps show it; use {env.NAME} or {file./path}")
	}
	if a.InboxRaw == nil {
		return nil
	}
	store, err := ctx.LoadModule(a, "InboxRaw")
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	return b.use(store)
}

func (b *membership) use(store any) error {
	opener, ok := store.(inbox.Opener)
	if !ok {
		return fmt.Errorf("inbox: %T is not a store", store)
	}
	b.opener = opener
	return nil
}

// add registers the inbox of a handler, while that is provisioned.
func (b *membership) add(ctx caddy.Context, merchant string, settings *Inbox) error {
	if other := b.settings[merchant]; other != nil {
		if !reflect.DeepEqual(other, settings) {
			return fmt.Errorf("inbox: the handlers of merchant %s have different settings; a merchant has one inbox", merchant)
		}
		return nil
	}
	if b.opener == nil {
		store, err := ctx.LoadModuleByID(defaultStore, nil)
		if err != nil {
			return fmt.Errorf("inbox: %w", err)
		}
		if err := b.use(store); err != nil {
			return err
		}
	}
	b.settings[merchant] = settings
	b.queues[merchant] = settings.queue(merchant)
	b.metrics.expectInbox(merchant)
	return nil
}

// start opens the inbox. That is not done while the configuration is provisioned: to
// validate one must be possible beside a Caddy that runs.
//
// A store that cannot be reached is an error if the configuration replaces another, which
// then goes on. But where none runs, such as after a power cut, it must not keep payments
// from being made: the sidecar starts, refuses IPNs, and tries again.
func (b *membership) start(replaces bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.joinLocked()
	if replaces || !errors.Is(err, inbox.ErrUnreachable) {
		return err
	}
	b.log.Error("the inbox cannot be opened; the sidecar keeps trying, and acknowledges no IPN until it is open", zap.Error(err))
	b.unreachable = err // before a request that waits for the lock can open it beside reopen
	b.reopening.Go(b.reopen)
	return nil
}

// reopen tries to open the inbox until it is open or the configuration ends. Requests do not
// wait for it: a database that does not answer takes long to try.
func (b *membership) reopen() {
	for {
		select {
		case <-b.opening.Done():
			return
		case <-time.After(reopenInterval):
		}
		shared, err := b.openShared()
		b.mu.Lock()
		b.unreachable = err
		if err == nil {
			b.enter(shared)
		}
		b.mu.Unlock()
		if err == nil {
			return
		}
		b.log.Warn("the inbox still cannot be opened", zap.Error(err))
	}
}

// join makes the configuration a member of the inbox, which is opened now unless it is open:
// sites may take requests before the app has started.
func (b *membership) join() (*inbox.Member, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joinLocked()
}

func (b *membership) joinLocked() (*inbox.Member, error) {
	if b.member != nil {
		return b.member, nil
	}
	if b.opening.Err() != nil {
		return nil, errors.New("the configuration has ended")
	}
	if b.unreachable != nil {
		return nil, b.unreachable
	}
	shared, err := b.openShared()
	if err != nil {
		return nil, err
	}
	b.enter(shared)
	return b.member, nil
}

// openShared opens the inbox, unless another configuration has it open.
func (b *membership) openShared() (sharedEngine, error) {
	shared, _, err := engines.LoadOrNew(b.opener.Key(), b.open)
	if err != nil {
		return sharedEngine{}, fmt.Errorf("opening the inbox: %w", err)
	}
	return shared.(sharedEngine), nil
}

// enter makes the configuration a member of an engine that is open.
func (b *membership) enter(shared sharedEngine) {
	b.member = shared.Join(inbox.Settings{
		Queues: slices.Collect(maps.Values(b.queues)),
		Seal:   b.sealer.Seal,
		Unseal: b.sealer.Open,
		Log:    b.log,
		Count:  b.metrics.countInbox,
	})
	b.reportBacklog()
}

// reportBacklog logs what waits to be delivered, and what no handler would deliver: a
// merchant that was taken out of the configuration, or given another name, may be owed a
// payment.
func (b *membership) reportBacklog() {
	pending, err := pendingIn(b.member.Engine().Store())
	if err != nil {
		b.log.Error("what is pending in the inbox could not be counted", zap.Error(err))
		return
	}
	for _, queue := range slices.Sorted(maps.Keys(pending)) {
		if _, ok := b.queues[queue]; ok {
			b.log.Info("the inbox holds events to be delivered", zap.String("merchant", queue), zap.Int("pending", pending[queue]))
			continue
		}
		b.log.Warn("the inbox holds events of a merchant that has no inbox in this configuration; they wait until it has one again",
			zap.String("merchant", queue), zap.Int("pending", pending[queue]))
	}
}

// pendingIn counts what is pending, by merchant.
func pendingIn(store inbox.Store) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	return store.Pending(ctx)
}

func (b *membership) open() (caddy.Destructor, error) {
	ctx, cancel := context.WithTimeout(b.opening, openTimeout)
	defer cancel()
	store, err := b.opener.Open(ctx)
	if err != nil {
		return nil, err
	}
	return sharedEngine{inbox.NewEngine(store, inbox.SystemClock)}, nil
}

// leave gives up what join took, once. Requests that are late find the engine ended, or
// still shared by the next configuration.
func (b *membership) leave() error {
	b.stop()
	b.reopening.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left || b.member == nil {
		return nil
	}
	b.left = true
	b.member.Leave()
	_, err := engines.Delete(b.opener.Key())
	return err
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ desk.App           = (*App)(nil)
)
