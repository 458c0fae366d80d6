package galaxypay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// fileOpener opens a file, and counts how often.
type fileOpener struct {
	store.Opener
	opened *int
}

func (o fileOpener) Open(ctx context.Context) (store.Store, error) {
	*o.opened++
	return o.Opener.Open(ctx)
}

// openerOf is the default engine with a file.
func openerOf(t *testing.T, path string) fileOpener {
	t.Helper()
	module, err := newContext(t).LoadModuleByID(defaultEngine, []byte(`{"path": "`+path+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	return fileOpener{module.(store.Opener), new(int)}
}

// newDataDirectory lets the sidecar note the stores that it uses in a directory of the test.
func newDataDirectory(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
}

// configurationOf is one configuration's share in a store, with an inbox of the merchant
// "default" whose handlers are given.
func configurationOf(t *testing.T, opener store.Opener, log *zap.Logger, handler handlerFunc) *membership {
	t.Helper()
	m := newMembership()
	m.opener, m.log, m.metrics = opener, log, mustMetrics(t, prometheus.NewRegistry())
	m.inboxes["default"] = &Inbox{Retry: []caddy.Duration{1, 1}}
	m.blocks["default"] = blocks{{name: "b", handler: handler}}
	return m
}

func mustLeave(t *testing.T, m *membership) {
	t.Helper()
	if err := m.leave(); err != nil {
		t.Error(err)
	}
}

// arrives keeps an event of a merchant.
func arrives(t *testing.T, member *inbox.Member, id, merchant string) {
	t.Helper()
	r, isNew, err := member.Engine().Store().Arrive(t.Context(), inbox.Event{
		ID: id, Queue: merchant, Transaction: id, PaymentStatus: "paid", ReceivedAt: time.Now(), Message: []byte("{}"),
	}, inbox.Lease{Now: time.Now(), Until: time.Now().Add(time.Hour)})
	if err != nil || !isNew || r.State != inbox.Pending {
		t.Fatalf("%+v, %t, %v", r, isNew, err)
	}
}

// Two configurations side by side have the store open once. One that goes, because it did
// not start after all, leaves the deliveries to the other.
func TestStoreIsShared(t *testing.T) {
	newDataDirectory(t)
	opener := openerOf(t, filepath.Join(t.TempDir(), "store.db"))
	delivered := make(chan struct{})
	var attempts atomic.Int32
	running := configurationOf(t, opener, zap.NewNop(), func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
		if attempts.Add(1) == 1 {
			return errors.New("not yet")
		}
		defer close(delivered)
		_, err := io.WriteString(w, "OK")
		return err
	})
	failing := configurationOf(t, opener, zap.NewNop(), func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
		t.Error("delivered by a configuration that has gone")
		return nil
	})
	member, err := running.join()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := running.join(); again != member || err != nil {
		t.Errorf("joined a second time: %v", err)
	}
	if _, err := failing.join(); err != nil {
		t.Fatal(err)
	}
	mustLeave(t, failing)
	if _, err := member.Arrive(t.Context(), inbox.Event{
		ID: "a", Queue: "default", PaymentStatus: "paid", ReceivedAt: time.Now(), Message: []byte("{}"), Request: recordOf().Request,
	}); err != nil {
		t.Error(err)
	}
	select {
	case <-delivered:
	case <-time.After(time.Minute):
		t.Error("not delivered")
	}
	for range 2 { // the second has nothing to give up
		mustLeave(t, running)
	}
	if _, err := configurationOf(t, opener, zap.NewNop(), nil).leftBefore().join(); err == nil {
		t.Error("joined after it left")
	}
	if *opener.opened != 1 {
		t.Errorf("opened %d times", *opener.opened)
	}
}

func (m *membership) leftBefore() *membership {
	_ = m.leave()
	return m
}

// silentOpener cannot reach its store, and after that finds one that says nothing.
type silentOpener struct {
	store.Opener // nil
	asked        *atomic.Int32
	silent       chan struct{}
}

func (silentOpener) Key() string { return "silent" }

func (o silentOpener) Open(ctx context.Context) (store.Store, error) {
	if o.asked.Add(1) == 1 {
		return nil, fmt.Errorf("the database: %w", store.ErrUnreachable)
	}
	close(o.silent)
	<-ctx.Done()
	return nil, ctx.Err()
}

// While a database that says nothing is tried, requests and scrapes do not wait for it.
func TestUnreachableStoreHoldsNothingUp(t *testing.T) {
	opener := silentOpener{asked: new(atomic.Int32), silent: make(chan struct{})}
	m := newMembership()
	m.opener, m.log = opener, zap.NewNop()
	if err := m.start(false); err != nil {
		t.Fatal(err)
	}
	<-opener.silent
	answered := make(chan error, 1)
	go func() {
		inboxBacklog{m}.Collect(make(chan prometheus.Metric, 1))
		_, err := m.join()
		answered <- err
	}()
	select {
	case err := <-answered:
		if !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("error %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("held up")
	}
	mustLeave(t, m)
}

// failingOpener cannot open its store.
type failingOpener struct {
	store.Opener // nil
	err          error
}

func (failingOpener) Key() string { return "failing" }

func (o failingOpener) Open(context.Context) (store.Store, error) { return nil, o.err }

// A sidecar that starts when the database is not there yet must take payments. A reload is
// refused instead, and so is a store that will not be better later.
func TestStartWithoutItsStore(t *testing.T) {
	errDamaged := errors.New("the file is not one of ours")
	for name, test := range map[string]struct {
		err      error
		replaces bool
		starts   bool
	}{
		"unreachable, at start":    {store.ErrUnreachable, false, true},
		"unreachable, at a reload": {store.ErrUnreachable, true, false},
		"unusable, at start":       {errDamaged, false, false},
		"unusable, at a reload":    {errDamaged, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMembership()
			m.opener, m.log = failingOpener{err: test.err}, zap.NewNop()
			if err := m.start(test.replaces); (err == nil) != test.starts || err != nil && !errors.Is(err, test.err) {
				t.Errorf("error %v", err)
			}
			if _, err := m.join(); !errors.Is(err, test.err) {
				t.Errorf("joined: %v", err)
			}
			mustLeave(t, m)
		})
	}
	if err := newMembership().start(false); err != nil {
		t.Errorf("without a store: %v", err)
	}
}

// lateOpener cannot reach its store when it is opened for the first time.
type lateOpener struct {
	fileOpener
	asked, refuse chan struct{}
}

func (o lateOpener) Open(ctx context.Context) (store.Store, error) {
	if *o.opened > 0 {
		return o.fileOpener.Open(ctx)
	}
	*o.opened++
	close(o.asked)
	<-o.refuse
	return nil, store.ErrUnreachable
}

// A request that waits while the store turns out to be unreachable must not open it beside
// reopen: the store would be taken twice, and given up once.
func TestRequestsDoNotOpenAnUnreachableStore(t *testing.T) {
	newDataDirectory(t)
	opener := lateOpener{openerOf(t, filepath.Join(t.TempDir(), "store.db")), make(chan struct{}), make(chan struct{})}
	joined := make(chan struct{})
	core, _ := observer.New(zap.ErrorLevel)
	log := zap.New(core, zap.Hooks(func(zapcore.Entry) error {
		select { // the request's chance to come in between
		case <-joined:
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	}))
	m := configurationOf(t, opener, log, nil)
	var working sync.WaitGroup
	working.Go(func() {
		if err := m.start(false); err != nil {
			t.Errorf("it did not start: %v", err)
		}
	})
	<-opener.asked
	working.Go(func() {
		defer close(joined)
		if _, err := m.join(); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("joined: %v", err)
		}
	})
	close(opener.refuse)
	working.Wait()
	mustLeave(t, m)
}

// reports are the lines of a log about events that wait, as "level merchant pending", with
// the file of another store in front.
func reports(logs *observer.ObservedLogs) []string {
	var lines []string
	for _, entry := range logs.TakeAll() {
		fields := entry.ContextMap()
		line := entry.Level.String()
		other, isOther := fields["store"].(string)
		if isOther {
			line = filepath.Base(other) + " " + line
		}
		pending, hasPending := fields["pending"]
		if hasPending {
			line += fmt.Sprintf(" %s %d", fields["merchant"], pending)
		}
		if isOther || hasPending { // else it is about an attempt
			lines = append(lines, line)
		}
	}
	return lines
}

func wereReported(t *testing.T, when string, logs *observer.ObservedLogs, want ...string) {
	t.Helper()
	if got := reports(logs); !slices.Equal(got, want) {
		t.Errorf("%s: logged %q, want %q", when, got, want)
	}
}

// storeTest is a directory of stores, and configurations that use them one after another.
type storeTest struct {
	*testing.T
	dir  string
	logs *observer.ObservedLogs
	log  *zap.Logger
}

func newStoreTest(t *testing.T) *storeTest {
	t.Helper()
	newDataDirectory(t)
	core, logs := observer.New(zap.InfoLevel)
	return &storeTest{t, t.TempDir(), logs, zap.New(core)}
}

// load starts a configuration with that file, as App.Start does; none: it has no store.
func (s *storeTest) load(file string) *membership {
	s.Helper()
	m := newMembership()
	m.log = s.log
	if file != "" {
		m = configurationOf(s.T, openerOf(s.T, filepath.Join(s.dir, file)), s.log, func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return errors.New("the app is down")
		})
		m.inboxes["default"].Retry = []caddy.Duration{day}
	}
	if err := m.start(false); err != nil {
		s.Fatal(err)
	}
	m.reportOthers()
	return m
}

// What waits in the store that is in use is reported at every load, and what is not delivered
// any more is a warning: the merchant has no inbox now, or another name.
func TestBacklogIsReported(t *testing.T) {
	s := newStoreTest(t)
	m := s.load("a.db")
	wereReported(t, "empty", s.logs)
	arrives(t, m.member, "1", "default")
	arrives(t, m.member, "2", "renamed")
	arrives(t, m.member, "3", "renamed")
	for range 2 {
		mustLeave(t, m)
		s.logs.TakeAll()
		m = s.load("a.db")
		wereReported(t, "loaded again", s.logs, "info default 1", "warn renamed 2")
	}
	mustLeave(t, m)
}

// Another path, or no inbox any more: the events in the store before are not forgotten.
func TestStoresOfEarlierConfigurationsAreReported(t *testing.T) {
	s := newStoreTest(t)
	before := s.load("a.db")
	arrives(t, before.member, "1", "default")
	arrives(t, before.member, "2", "airline")
	s.logs.TakeAll()

	during := s.load("b.db") // a reload: the store before is still open
	wereReported(t, "at the reload", s.logs, "a.db warn airline 1", "a.db warn default 1")
	arrives(t, before.member, "3", "default")
	mustLeave(t, before)
	mustLeave(t, during)
	s.logs.TakeAll()

	without := s.load("")
	wereReported(t, "without a store", s.logs, "a.db warn airline 1", "a.db warn default 2")
	mustLeave(t, without)

	again := s.load("a.db")
	wereReported(t, "in use again", s.logs, "warn airline 1", "info default 2")
	mustLeave(t, again)
}

// A sidecar that died could not note what waits. A file tells it; of a database it is said that
// it was not closed.
func TestStoreThatWasNotClosedIsReported(t *testing.T) {
	s := newStoreTest(t)
	m := s.load("killed.db")
	arrives(t, m.member, "1", "default")
	mustLeave(t, m)
	for _, used := range []store.Used{
		{Engine: "sqlite", Name: filepath.Join(s.dir, "killed.db"), Open: true},
		{Engine: "sqlite", Name: filepath.Join(s.dir, "removed.db"), Open: true},
		{Engine: "postgres", Name: "db.example/before", Open: true},
		{Engine: "postgres", Name: "db.example/noted", Open: true, Pending: map[string]int{"default": 7}},
	} {
		if err := store.Remember(usedStores(), used); err != nil {
			t.Fatal(err)
		}
	}
	s.logs.TakeAll()
	for range 2 { // at every load
		mustLeave(t, s.load(""))
		logged := reports(s.logs)
		slices.Sort(logged)
		if want := []string{"before warn", "killed.db warn default 1", "noted warn default 7"}; !slices.Equal(logged, want) {
			t.Errorf("logged %q, want %q", logged, want)
		}
	}
	for _, used := range store.Remembered(usedStores()) {
		if filepath.Base(used.Name) == "removed.db" {
			t.Error("a file that has been removed is still noted")
		}
	}
}

// A file that another sidecar of this machine has open is that one's to deliver.
func TestStoreOfAnotherSidecarIsNotReported(t *testing.T) {
	s := newStoreTest(t)
	name := filepath.Join(s.dir, "others.db")
	if err := store.Remember(usedStores(), store.Used{Engine: "sqlite", Name: name, Open: true, Pending: map[string]int{"default": 1}}); err != nil {
		t.Fatal(err)
	}
	others, err := sqlite.Open(name, nil) // its lock holds within a process too
	if err != nil {
		t.Fatal(err)
	}
	defer others.Close()
	mustLeave(t, s.load(""))
	wereReported(t, "while it is in use", s.logs)
}

// One store that two configurations use is open until the second one leaves it.
func TestStoreStaysOpenOverAReload(t *testing.T) {
	s := newStoreTest(t)
	before := s.load("a.db")
	after := s.load("a.db")
	mustLeave(t, before)
	if used := store.Remembered(usedStores()); len(used) != 1 || !used[0].Open {
		t.Errorf("after the reload: %+v", used)
	}
	arrives(t, after.member, "1", "default")
	mustLeave(t, after)
	if used := store.Remembered(usedStores()); len(used) != 1 || used[0].Open || used[0].Pending["default"] != 1 {
		t.Errorf("after the end: %+v", used)
	}
}

// A configuration without a global option has the default store once a handler has an inbox,
// and the engine must be one.
func TestStoreOfAConfiguration(t *testing.T) {
	newDataDirectory(t)
	for name, test := range map[string]struct{ store, want string }{
		"none":           {"", ""},
		"sqlite":         {`, "store": {"engine": "sqlite", "path": "` + t.TempDir() + `/store.db"}`, ""},
		"unknown engine": {`, "store": {"engine": "bolt"}`, "unknown module"},
		"no engine":      {`, "store": {}`, "engine"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, err := provisioned(test.store)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if err != nil {
				return
			}
			app, err := ctx.App("galaxypay")
			if err != nil {
				t.Fatal(err)
			}
			a := app.(*App)
			if (a.store.opener != nil) != (test.store != "") {
				t.Errorf("opener %v", a.store.opener)
			}
			if err := a.Cleanup(); err != nil {
				t.Error(err)
			}
		})
	}
}
