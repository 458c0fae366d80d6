// Package galaxypay is a sidecar for the payment gateway Galaxy Pay, as modules
// for Caddy. The merchant's app posts plain JSON to localhost and gets plain JSON
// back; the gateway's callbacks arrive verified.
package galaxypay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/listening"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/stdlog"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/unanswered"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres" // the engine beyond one machine
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"     // the default engine
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

	// Where events are kept: "sqlite", a file on this machine, or "postgres", which several
	// sidecars can share. Default: a file in Caddy's data directory, if a handler has an inbox.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=galaxypay.store inline_key=engine"`

	// When the gateway is asked about a payment that no word has come about: delays, counted
	// from when the payment was made. An empty list: never. It needs a store.
	// Default: 10m, 30m, 2h, 6h, 24h.
	Reconcile []caddy.Duration `json:"reconcile,omitzero"`

	merchants map[string]*merchant
	store     *membership
	ledgers   *ledgerUse
	askers    map[string]*asker   // by book
	servers   []*caddyhttp.Server // those with a handler that found its merchant here
	listens   *listening.Claim
	log       *zap.Logger

	reconciler *reconciler // nil until it has started, and where there is no ledger
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
	a.log = log
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
			// Caddy's own line begins with the path to the handler that needs the app.
			log.Error("merchant " + name + " is refused: " + err.Error())
			return fmt.Errorf("merchant %s: %w", name, err)
		}
		a.merchants[name] = m
	}
	a.store, a.ledgers, a.askers = newMembership(), newLedgerUse(), make(map[string]*asker)
	if err := a.provisionReconcile(); err != nil {
		return err
	}
	return a.store.provision(ctx, a)
}

// Start refuses to share an address with another sidecar, opens the store, if there is one,
// and warns of events in the stores of earlier configurations. The rest of the work is the
// handlers'.
func (a *App) Start() error {
	if err := a.claimAddresses(); err != nil {
		return err
	}
	if err := a.store.start(caddy.ActiveContext().Context != nil); err != nil {
		return err
	}
	stdlog.KeepOutBytes()
	a.store.reportOthers()
	a.warnOfEmptyAnswers()
	a.startReconciling()
	return nil
}

// Stop does nothing: sites that are stopped at the same time may still need the store.
func (a *App) Stop() error { return nil }

// claimAddresses refuses to start where another sidecar listens on an address of a server that
// has a handler of this module. That is not done in Provision: to validate a configuration
// must be possible beside a sidecar that runs with it.
func (a *App) claimAddresses() error {
	var addresses []listening.Address
	for _, server := range a.servers {
		more, err := listening.Of(server.Listen)
		if err != nil {
			return err
		}
		addresses = append(addresses, more...)
	}
	var err error
	a.listens, err = listening.Take(addresses)
	if errors.Is(err, listening.ErrUnusable) {
		a.log.Warn("it cannot be told whether another sidecar listens on the same addresses; set TMPDIR to a folder that can be written to", zap.Error(err))
		return nil
	}
	return err
}

// warnOfEmptyAnswers warns of sites for callbacks in which a request can end without an answer.
func (a *App) warnOfEmptyAnswers() {
	for _, server := range a.servers {
		for _, site := range unanswered.Sites(server) {
			log := a.log.With(zap.Strings("site", site.Hosts), zap.Strings("listen", server.Listen))
			if site.Open {
				log.Warn("what no route of this site takes gets Caddy's empty 200, which the gateway may take for a confirmation; end the site with handle { error 404 }, or with your app")
			}
			if site.Alone {
				log.Warn("nothing in this site answers behind galaxypay_ipn or galaxypay_result, so no message is ever taken; put your app behind it, such as reverse_proxy app:8000")
			}
		}
	}
}

// Cleanup gives up the addresses and the store.
func (a *App) Cleanup() error {
	a.listens.Release()
	if a.store == nil {
		return nil
	}
	return a.store.leave()
}

// Inbox returns the inbox of this configuration, for the admin API. The error is
// desk.ErrNoInbox where there is none.
func (a *App) Inbox() (*inbox.Member, error) {
	if a.store.opener == nil {
		return nil, desk.ErrNoInbox
	}
	return a.store.join()
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
	a := app.(*App)
	if err := a.serve(ctx); err != nil {
		return nil, err
	}
	return a.merchant(name)
}

// serve notes the server of a handler, and makes it refuse what no site takes: neither an app
// nor the gateway may get Caddy's empty 200, which reads like a yes.
func (a *App) serve(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || slices.Contains(a.servers, server) {
		return nil
	}
	a.servers = append(a.servers, server)
	return unanswered.Refuse(ctx, server)
}

// storeNamespace is where engines register.
const storeNamespace = "galaxypay.store"

// defaultEngine is the engine of handlers with an inbox where the global option names none.
const defaultEngine = storeNamespace + ".sqlite"

// openTimeout bounds how long a store may take to open: it may have to wait for another
// process.
const openTimeout = 2 * time.Minute

// reopenInterval lies between attempts to open a store that cannot be reached.
const reopenInterval = 2 * time.Second

// countTimeout bounds how long a store may take to count what is pending.
const countTimeout = 2 * time.Second

// engines keeps stores open over a reload: the new configuration joins before the old one
// leaves, so no file is opened twice and no attempt is broken off.
var engines = caddy.NewUsagePool()

// sharedEngine is an engine that ends when the last configuration has left it.
type sharedEngine struct {
	*inbox.Engine
	engine, name string // as in store.Opener
}

// Destruct implements caddy.Destructor.
func (s sharedEngine) Destruct() error { return s.Close() }

// membership is one configuration's share in a store.
type membership struct {
	opener   store.Opener      // nil: there is no store, and no handler has an inbox
	isNamed  bool              // by the global option: then calls are recorded
	schedule ledger.Schedule   // of questions about payments
	inboxes  map[string]*Inbox // by book: events belong to a merchant and its gateway
	blocks   map[string]blocks // by book
	log      *zap.Logger
	metrics  *metrics

	opening   context.Context // ends when the configuration does
	stop      context.CancelFunc
	reopening sync.WaitGroup
	asking    sync.WaitGroup
	askable   chan struct{}                // a payment has become due to be asked about
	ledger    atomic.Pointer[ledger.Store] // nil until it has joined

	mu          sync.Mutex
	member      *inbox.Member // nil until it has joined
	left        bool
	unreachable error // why the store could not be opened; reopen tries again
}

func newMembership() *membership {
	m := &membership{inboxes: make(map[string]*Inbox), blocks: make(map[string]blocks), askable: make(chan struct{}, 1)}
	m.opening, m.stop = context.WithCancel(context.Background())
	return m
}

// provision loads the store that the global option names, if it does.
func (m *membership) provision(ctx caddy.Context, a *App) error {
	m.log = ctx.Logger().Named("store")
	var err error
	if m.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if err = ctx.GetMetricsRegistry().Register(inboxBacklog{m}); err != nil {
		return err
	}
	if err = ctx.GetMetricsRegistry().Register(ledgerPayments{m, a.merchants, new(recentCounts)}); err != nil {
		return err
	}
	if err = ctx.GetMetricsRegistry().Register(storeState{m, new(recentWrite)}); err != nil {
		return err
	}
	if a.StoreRaw == nil {
		return nil
	}
	engine, err := ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	m.isNamed = true
	return m.use(engine)
}

// askSoon has it looked at once for payments to ask about.
func (m *membership) askSoon() {
	select {
	case m.askable <- struct{}{}:
	default: // it is to be looked already
	}
}

// payments is the ledger's part of the store, which is opened now unless it is open. It waits for no lock once the store is
// open: an attempt to deliver, which needs it, must come to its end while the configuration leaves.
func (m *membership) payments() (ledger.Store, error) {
	if open := m.ledger.Load(); open != nil {
		return *open, nil
	}
	if _, err := m.join(); err != nil {
		return nil, err
	}
	return *m.ledger.Load(), nil
}

// seals reports whether what is kept is encrypted.
func (m *membership) seals() bool { return m.opener.Settings().Sealer() != nil }

// seal and open encrypt and decrypt a part of a record, if the store has keys.
func (m *membership) seal(text []byte, bound ...string) ([]byte, error) {
	return m.opener.Settings().Sealer().SealText(text, bound...)
}

func (m *membership) open(stored []byte, bound ...string) ([]byte, error) {
	return m.opener.Settings().Sealer().OpenText(stored, bound...)
}

func (m *membership) use(engine any) error {
	opener, ok := engine.(store.Opener)
	if !ok {
		return fmt.Errorf("store: %T is not an engine", engine)
	}
	m.opener = opener
	return nil
}

// add registers the inbox of a handler and its block, while that is provisioned.
func (m *membership) add(ctx caddy.Context, book string, i *Inbox, b *block) error {
	merchant := inbox.MerchantOf(book)
	if m.opener == nil {
		engine, err := ctx.LoadModuleByID(defaultEngine, nil)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := m.use(engine); err != nil {
			return err
		}
	}
	if other := m.inboxes[book]; other != nil && !other.equals(i) {
		return fmt.Errorf("inbox: the handlers of merchant %s have different settings; they may differ in deliver only", merchant)
	}
	if keep := time.Duration(m.opener.Settings().Keep); keep <= i.schedule() {
		return fmt.Errorf("inbox: keep is %s, and the schedule of merchant %s can take %s; expected keep to be longer, so that no event is dropped before a person sees that it failed",
			keep, merchant, i.schedule())
	}
	m.inboxes[book] = i
	m.blocks[book] = append(m.blocks[book], b)
	m.metrics.expectInbox(merchant)
	return nil
}

// queues are how the engine is to deliver.
func (m *membership) queues() []inbox.Queue {
	var queues []inbox.Queue
	for book, i := range m.inboxes {
		queues = append(queues, i.queue(book, m.opener.Settings().Keep, m.blocks[book]))
	}
	return queues
}

// start opens the store, if there is one. That is not done while the configuration is
// provisioned: to validate one must be possible beside a Caddy that runs.
//
// A store that cannot be reached is an error if the configuration replaces another, which
// then goes on. But where none runs, such as after a power cut, it must not keep payments
// from being made: the sidecar starts, refuses IPNs, and tries again.
func (m *membership) start(replaces bool) error {
	if m.opener == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.joinLocked()
	if replaces || !errors.Is(err, store.ErrUnreachable) {
		return err
	}
	m.log.Error("the store cannot be opened; the sidecar keeps trying, and acknowledges no IPN until it is open", zap.Error(err))
	m.unreachable = err // before a request that waits for the lock can open it beside reopen
	m.reopening.Go(m.reopen)
	return nil
}

// reopen tries to open the store until it is open or the configuration ends. Requests do not
// wait for it: a database that does not answer takes long to try.
func (m *membership) reopen() {
	for {
		select {
		case <-m.opening.Done():
			return
		case <-time.After(reopenInterval):
		}
		shared, err := m.openShared()
		m.mu.Lock()
		m.unreachable = err
		if err == nil {
			m.enter(shared)
		}
		m.mu.Unlock()
		if err == nil {
			return
		}
		m.log.Warn("the store still cannot be opened", zap.Error(err))
	}
}

// join makes the configuration a member of the inbox, which is opened now unless it is open:
// sites may take requests before the app has started.
func (m *membership) join() (*inbox.Member, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joinLocked()
}

func (m *membership) joinLocked() (*inbox.Member, error) {
	if m.member != nil {
		return m.member, nil
	}
	if m.opening.Err() != nil {
		return nil, errors.New("the configuration has ended")
	}
	if m.unreachable != nil {
		return nil, m.unreachable
	}
	shared, err := m.openShared()
	if err != nil {
		return nil, err
	}
	m.enter(shared)
	return m.member, nil
}

// openShared opens the store, unless another configuration has it open.
func (m *membership) openShared() (sharedEngine, error) {
	shared, _, err := engines.LoadOrNew(m.opener.Key(), m.openStore)
	if err != nil {
		return sharedEngine{}, fmt.Errorf("opening the store: %w", err)
	}
	return shared.(sharedEngine), nil
}

func (m *membership) openStore() (caddy.Destructor, error) {
	ctx, cancel := context.WithTimeout(m.opening, openTimeout)
	defer cancel()
	opened, err := m.opener.Open(ctx)
	if err != nil {
		return nil, err
	}
	return sharedEngine{inbox.NewEngine(opened, inbox.SystemClock), m.opener.Engine(), m.opener.Name()}, nil
}

// enter makes the configuration a member of an engine that is open.
func (m *membership) enter(shared sharedEngine) {
	sealer := m.opener.Settings().Sealer()
	m.member = shared.Join(inbox.Settings{
		Queues: m.queues(),
		Seal:   sealer.Seal,
		Unseal: sealer.Open,
		Log:    m.log,
		Count:  m.metrics.countInbox,
	})
	payments := shared.Store().(store.Store).Payments()
	m.ledger.Store(&payments)
	m.reportBacklog()
}

// reportBacklog logs what waits to be delivered, and what no handler would deliver: a
// merchant that was taken out of the configuration, or given another name, may be owed a
// payment.
func (m *membership) reportBacklog() {
	pending, err := pendingIn(m.member.Engine().Store())
	if err != nil {
		m.log.Error("what is pending in the inbox could not be counted", zap.Error(err))
		return
	}
	for _, book := range slices.Sorted(maps.Keys(pending)) {
		merchant, gateway, _ := strings.Cut(book, " ")
		if m.inboxes[book] != nil {
			m.log.Info("the inbox holds events to be delivered", zap.String("merchant", merchant), zap.Int("pending", pending[book]))
			continue
		}
		m.log.Warn("the inbox holds events of a merchant that has no inbox in this configuration, or has another gateway; they are not delivered until it has this one again",
			zap.String("merchant", merchant), zap.String("gateway", gateway), zap.Int("pending", pending[book]))
	}
	m.rememberStore(pending, true)
}

// usedStores is where the sidecar notes which stores its configurations have used.
func usedStores() string { return filepath.Join(caddy.AppDataDir(), "galaxypay", "stores.json") }

// rememberStore notes the store for later configurations, which may use another one. It is
// not worth a failure.
func (m *membership) rememberStore(pending map[string]int, isOpen bool) {
	m.remember(store.Used{Engine: m.opener.Engine(), Name: m.opener.Name(), Pending: pending, Open: isOpen})
}

func (m *membership) remember(used store.Used) {
	if err := store.Remember(usedStores(), used); err != nil {
		m.log.Warn("the stores in use could not be noted; a later configuration with another store will not warn of events in this one", zap.Error(err))
	}
}

// reportOthers warns of events in stores that earlier configurations used: an inbox that was
// removed, or another path or address, may leave a paid order that the app has not got.
func (m *membership) reportOthers() {
	for _, used := range store.Remembered(usedStores()) {
		if m.opener != nil && m.opener.Engine() == used.Engine && m.opener.Name() == used.Name {
			continue
		}
		log := m.log.With(zap.String("store", used.Engine+" "+used.Name))
		used = m.asItIsNow(used)
		for _, book := range slices.Sorted(maps.Keys(used.Pending)) {
			merchant, gateway, _ := strings.Cut(book, " ")
			log.Warn("the inbox of an earlier configuration holds events in another store; they are not delivered while this configuration does not use it",
				zap.String("merchant", merchant), zap.String("gateway", gateway), zap.Int("pending", used.Pending[book]))
		}
		if used.Open && len(used.Pending) == 0 {
			log.Warn("an earlier configuration used another store, and the sidecar ended without closing it; events in it are not delivered while this configuration does not use it")
		}
	}
}

// asItIsNow counts again what is pending in another store: by the engine that still runs, else
// in the file. What cannot be counted stays as it was noted. A file that another process has
// open is that one's to deliver.
func (m *membership) asItIsNow(used store.Used) store.Used {
	if running := engineOf(used); running != nil {
		if pending, err := pendingIn(running); err == nil {
			used.Pending, used.Open = pending, false
		}
		return used
	}
	if used.Engine != "sqlite" {
		return used
	}
	pending, err := pendingInFile(used.Name)
	if errors.Is(err, sqlite.ErrLocked) {
		used.Pending, used.Open = nil, false
	}
	if err == nil {
		used.Pending, used.Open = pending, false
		m.remember(used)
	}
	return used
}

// engineOf returns another store if it is open: during a reload, that of the configuration
// before.
func engineOf(used store.Used) (running inbox.Store) {
	engines.Range(func(_, value any) bool {
		shared := value.(sharedEngine)
		if shared.engine != used.Engine || shared.name != used.Name {
			return true
		}
		running = shared.Store()
		return false
	})
	return running
}

// pendingInFile counts what is pending in a file that no configuration of this process has
// open. A file that has been removed holds nothing.
func pendingInFile(path string) (map[string]int, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s, err := sqlite.Open(path, nil)
	if err != nil {
		return nil, err
	}
	pending, err := pendingIn(s)
	return pending, errors.Join(err, s.Close())
}

// pendingIn counts what is pending, by merchant.
func pendingIn(s inbox.Store) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	return s.Pending(ctx)
}

// leave gives up what join took, once. Requests that are late find the engine ended, or
// still shared by the next configuration.
func (m *membership) leave() error {
	m.stop()
	m.reopening.Wait()
	m.asking.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left || m.member == nil {
		return nil
	}
	m.left = true
	pending, uncounted := pendingIn(m.member.Engine().Store())
	m.member.Leave()
	closed, err := engines.Delete(m.opener.Key())
	if uncounted == nil {
		m.rememberStore(pending, !closed)
	}
	return err
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ desk.App           = (*App)(nil)
)
