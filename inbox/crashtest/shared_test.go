//go:build linux

package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// Several sidecars share a database. Callbacks arrive at all of them, and all deliver. One is
// killed, one is stopped for longer than its lease, and the database crashes and is read-only
// for a while, in any order. The callbacks of one transaction arrive at any sidecar, each after
// the one before was acknowledged.
func TestShared(t *testing.T) {
	t.Run("two", func(t *testing.T) { share(t, 2) })
	t.Run("four", func(t *testing.T) { share(t, 4) })
}

func share(t *testing.T, sidecars int) {
	t.Helper()
	rng := newRand(t)
	g := newGroup(t)
	for range sidecars {
		g.add(t)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stop()
	for w := range 6 {
		own := rand.New(rand.NewPCG(rng.Uint64(), 0)) //nolint:gosec // G404: as newRand
		writers.Go(func() { g.write(ctx, own, w) })
	}
	faults := []func(*testing.T, *rand.Rand){g.killOne, g.pauseOne, g.crashDatabase, g.forbidWriting}
	rounds := number(t, "SHARED", 1)
	for range rounds {
		rng.Shuffle(len(faults), func(i, j int) {
			faults[i], faults[j] = faults[j], faults[i]
		})
		for _, fault := range faults {
			g.awaitAcknowledged(t, 20+rng.IntN(100))
			fault(t, rng)
		}
	}
	g.awaitAcknowledged(t, 20)
	stop()
	writers.Wait()
	g.finish(t, rounds)
}

// group is several sidecars on one inbox.
type group struct {
	*sharedApp
	server  *postgrestest.Server
	app     *httptest.Server
	gateway *http.Client
	began   time.Time
	started int
	members []*member // guarded by sharedApp.mu
}

// member is a sidecar of a group.
type member struct {
	*process
	number  int
	address string
}

func newGroup(t *testing.T) *group {
	t.Helper()
	w := newSharedApp()
	g := &group{sharedApp: w, server: postgrestest.Run(t), app: httptest.NewServer(w), gateway: &http.Client{Timeout: time.Second}, began: time.Now()}
	t.Cleanup(g.app.Close)
	t.Cleanup(g.gateway.CloseIdleConnections)
	return g
}

// add starts one more sidecar.
func (g *group) add(t *testing.T) {
	t.Helper()
	g.started++
	m := &member{number: g.started}
	m.process = start(t.Context(), t, orders{Sharing: &sharing{Where: g.server.Address(), Began: g.began, App: g.app.URL, Sidecar: m.number}})
	t.Cleanup(func() {
		if m.ProcessState == nil { // the test has failed
			_ = m.Process.Kill()
			_ = m.Wait()
			t.Logf("sidecar %d: %s", m.number, &m.stderr)
		}
	})
	address, err := bufio.NewReader(m.reports).ReadString('\n')
	if err != nil {
		t.Fatalf("sidecar %d does not start: %v", m.number, err)
	}
	m.address = strings.TrimSpace(address)
	g.change(func() { g.members = append(g.members, m) })
}

// any returns one of the sidecars at random.
func (g *group) any(rng *rand.Rand) *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members[rng.IntN(len(g.members))]
}

// write is a gateway that sends the callbacks of its own transactions, and some of them again.
func (g *group) write(ctx context.Context, rng *rand.Rand, w int) {
	for i := 0; ctx.Err() == nil; i++ {
		all := transaction(fmt.Sprintf("t-%d-%d", w, i))
		for _, c := range all {
			g.send(ctx, rng, c)
			if rng.IntN(8) == 0 {
				g.send(ctx, rng, all[rng.IntN(c.N+1)])
			}
		}
	}
}

// send sends a callback to any of the sidecars, until one acknowledges it.
func (g *group) send(ctx context.Context, rng *rand.Rand, c callback) {
	for ctx.Err() == nil {
		if err := g.post(ctx, g.any(rng), c); err == nil {
			g.change(func() { g.known = append(g.known, c) })
			return
		}
		g.change(func() { g.failures++ })
		time.Sleep(time.Duration(rng.Int64N(int64(20 * time.Millisecond)))) // no sidecar is called again without a pause
	}
}

func (g *group) post(ctx context.Context, m *member, c callback) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := g.gateway.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the sidecar answered %s", answer.Status)
	}
	return nil
}

// busy waits until one of the sidecars is busy with a callback: it has claimed it, or the app
// has got it from the sidecar and not answered yet.
func (g *group) busy(t *testing.T, rng *rand.Rand) (m *member, c callback, release func()) {
	t.Helper()
	m = g.any(rng)
	c, release = g.catch(t, m.number, []string{"claimed", "deliver"}[rng.IntN(2)])
	return m, c, release
}

// killOne kills a sidecar that is busy with a callback, and starts another in its place.
func (g *group) killOne(t *testing.T, rng *rand.Rand) {
	t.Helper()
	m, _, release := g.busy(t, rng)
	defer release()
	if err := m.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = m.Wait() // it was killed
	g.change(func() {
		g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	})
	g.add(t)
}

// pauseOne stops a sidecar that is busy with a callback, until another sidecar has delivered
// and settled the same callback, or a paid one has overtaken it. When the first goes on, it is
// too late, and the store must refuse what it settles.
func (g *group) pauseOne(t *testing.T, rng *rand.Rand) {
	t.Helper()
	m, c, release := g.busy(t, rng)
	defer release()
	if err := m.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, m.Process.Pid, nil, unix.WSTOPPED, nil); err != nil {
		t.Fatal(err)
	}
	store, err := openUndamaged(t.Context(), "postgres", g.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	g.await(t, fmt.Sprintf("another delivers %v", c), func() bool {
		return isOvertaken(t, store, c) || slices.ContainsFunc(g.attemptsOn(c), func(a *attempt) bool { return a.Sidecar != m.number && a.settled })
	})
	release()
	if err := m.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	g.await(t, fmt.Sprintf("the store refuses what sidecar %d settles of %v", m.number, c), func() bool {
		return slices.ContainsFunc(g.attemptsOn(c), func(a *attempt) bool { return a.Sidecar == m.number && a.refused })
	})
}

func isOvertaken(t *testing.T, store inbox.Store, c callback) bool {
	t.Helper()
	for r, err := range store.List(t.Context(), inbox.Filter{ID: c.event().ID}) {
		if err != nil {
			t.Error(err)
		}
		return r.State == inbox.Overtaken
	}
	return false
}

// crashDatabase shuts PostgreSQL down or kills it, and starts it again after an arrival has
// failed.
func (g *group) crashDatabase(t *testing.T, rng *rand.Rand) {
	t.Helper()
	end := g.server.Stop
	if rng.IntN(2) == 0 {
		end = g.server.Kill
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	failures := g.failureCount()
	g.await(t, "a sidecar has no database", func() bool { return g.failures > failures })
	if err := g.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// forbidWriting makes the database read-only, as a managed service does when its disk is nearly
// full, and ends that after an arrival has failed.
func (g *group) forbidWriting(t *testing.T, _ *rand.Rand) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), g.server.Address()+"&default_transaction_read_only=off")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	failures := g.failureCount()
	for _, statement := range []string{
		"ALTER DATABASE postgres SET default_transaction_read_only = on",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid()",
	} {
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	g.await(t, "a sidecar cannot write", func() bool { return g.failures > failures+10 })
	if _, err := c.Exec(t.Context(), "ALTER DATABASE postgres RESET default_transaction_read_only"); err != nil {
		t.Fatal(err)
	}
}

// finish waits until everything is delivered, ends the sidecars, and checks what they did.
func (g *group) finish(t *testing.T, rounds int) {
	t.Helper()
	store, err := openUndamaged(t.Context(), "postgres", g.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	awaitDelivered(t, store)
	for _, m := range g.members {
		if err := m.stdin.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Wait(); err != nil {
			t.Errorf("sidecar %d ended with %v\n%s", m.number, err, &m.stderr)
		}
	}
	if err := g.check(); err != nil {
		t.Error(err)
	}
	exp := g.expectation()
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Error(err)
	}
	if err := exp.checkDone(t.Context(), store); err != nil {
		t.Error(err)
	}
	t.Logf("%d times, %d callbacks acknowledged, %s", rounds, len(exp.acknowledged), g.sharedApp)
}

func awaitDelivered(t *testing.T, store inbox.Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		stats, err := store.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stats.States[inbox.Pending] == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not delivered: %v", stats)
		}
	}
}
