package galaxypay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt" // the default store
)

// inboxNamespace is where stores register.
const inboxNamespace = "galaxypay.inbox"

// defaultStore is the store of handlers with an inbox where the global option names none.
const defaultStore = inboxNamespace + ".bolt"

// openTimeout bounds how long a store may take to open: it may have to wait for another
// process, or to look through what it holds.
const openTimeout = 2 * time.Minute

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

// appInbox is what one configuration has to do with an inbox.
type appInbox struct {
	opener   inbox.Opener // nil: nobody uses an inbox
	sealer   *inbox.Sealer
	settings map[string]*Inbox
	queues   map[string]inbox.Queue // by merchant, as settings
	log      *zap.Logger
	metrics  *metrics

	mu     sync.Mutex
	member *inbox.Member // nil until it has joined
	left   bool
}

// provision loads the store that the global option names, if it does.
func (b *appInbox) provision(ctx caddy.Context, a *App) error {
	b.log = ctx.Logger().Named("inbox")
	b.settings = make(map[string]*Inbox)
	b.queues = make(map[string]inbox.Queue)
	var err error
	if b.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if b.sealer, err = a.InboxEncryption.sealer(); err != nil {
		return fmt.Errorf("inbox: %w", err)
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

func (b *appInbox) use(store any) error {
	opener, ok := store.(inbox.Opener)
	if !ok {
		return fmt.Errorf("inbox: %T is not a store", store)
	}
	b.opener = opener
	return nil
}

// add registers the inbox of a handler, while that is provisioned.
func (b *appInbox) add(ctx caddy.Context, merchant string, settings *Inbox) error {
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
	return nil
}

// join opens the inbox, or finds it open, and takes part in it. That is not done while the
// configuration is provisioned: to validate one must be possible beside a Caddy that runs.
// Sites may take requests before the app has started, so they join as well.
func (b *appInbox) join() (*inbox.Member, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.member != nil {
		return b.member, nil
	}
	if b.left {
		return nil, errors.New("the configuration has ended")
	}
	shared, _, err := engines.LoadOrNew(b.opener.Key(), b.open)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox: %w", err)
	}
	b.member = shared.(sharedEngine).Join(inbox.Settings{
		Queues: slices.Collect(maps.Values(b.queues)),
		Seal:   b.sealer.Seal,
		Unseal: b.sealer.Open,
		Log:    b.log,
		Count:  b.metrics.countInbox,
	})
	return b.member, nil
}

func (b *appInbox) open() (caddy.Destructor, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	store, err := b.opener.Open(ctx)
	if err != nil {
		return nil, err
	}
	return sharedEngine{inbox.NewEngine(store, inbox.SystemClock)}, nil
}

// leave gives up what join took, once. Requests that are late find the engine ended, or
// still shared by the next configuration.
func (b *appInbox) leave() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left || b.member == nil {
		b.left = true
		return nil
	}
	b.left = true
	b.member.Leave()
	_, err := engines.Delete(b.opener.Key())
	return err
}
