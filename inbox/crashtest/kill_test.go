//go:build linux

package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// number reads a setting from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// newRand is random, and the same again with SEED set to what it logs.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := number(t, "SEED", int(time.Now().UnixNano()))
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // G404, G115: a test that can be repeated
}

// process is a child that runs.
type process struct {
	*exec.Cmd
	stdin   io.Closer
	reports *os.File
	stderr  bytes.Buffer
}

func start(ctx context.Context, t *testing.T, o orders, more ...*os.File) *process {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(ctx, os.Args[0]), reports: r} //nolint:gosec // G204: this test binary
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.Env = append(os.Environ(), childEnv+"="+string(text))
	p.Stderr = &p.stderr
	p.ExtraFiles = append([]*os.File{w}, more...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() { _ = r.Close() })
	return p
}

// finish reads the reports of a child until its end, and fails if it did not end well.
func (p *process) finish(t *testing.T, l *ledger) {
	t.Helper()
	p.follow(t, l, nil)
	if err := p.Wait(); err != nil {
		t.Fatalf("the child ended with %v\n%s", err, &p.stderr)
	}
}

// follow hands the reports of a child to the ledger until its end. It calls seen after
// each.
func (p *process) follow(t *testing.T, l *ledger, seen func()) {
	t.Helper()
	lines := bufio.NewScanner(p.reports)
	for lines.Scan() {
		if err := l.note(lines.Text()); err != nil {
			t.Error(err)
		}
		if seen != nil {
			seen()
		}
	}
}

// A sidecar is killed at any moment, while it opens its inbox too, again and again.
func TestKill(t *testing.T) {
	t.Run("bolt", func(t *testing.T) { killOften(t, "bolt", filepath.Join(t.TempDir(), "inbox.db")) })
	t.Run("postgres", func(t *testing.T) { killOften(t, "postgres", postgrestest.Run(t).Address()) })
}

// PostgreSQL is shut down or killed in the middle of its work, and comes back. The sidecar
// acknowledges nothing that it could not keep.
func TestDatabaseCrash(t *testing.T) {
	server := postgrestest.Run(t)
	rng := newRand(t)
	l := newLedger()
	crashes := number(t, "DATABASE_CRASHES", 5)
	for round := range crashes {
		o := orders{Store: "postgres", Where: server.Address(), Round: round, Writers: 4, Transactions: 1 << 30, Again: sample(rng, l.acknowledged(), 4)}
		p := start(t.Context(), t, o)
		reports := 1 + rng.IntN(100)
		end := server.Kill
		if round%2 == 0 {
			end = server.Stop
		}
		p.follow(t, l, func() {
			if reports--; reports != 0 {
				return
			}
			if err := end(); err != nil {
				t.Error(err)
			}
		})
		if err := p.Wait(); !strings.Contains(p.stderr.String(), "taking") {
			t.Fatalf("without its database the child ended with %v\n%s", err, &p.stderr)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	finishAll(t, orders{Store: "postgres", Where: server.Address(), Round: crashes}, l)
}

func killOften(t *testing.T, kind, where string) {
	t.Helper()
	rng := newRand(t)
	l := newLedger()
	kills := number(t, "CRASHES", 100)
	for round := range kills {
		o := orders{Store: kind, Where: where, Round: round, Writers: 4, Transactions: 1 << 30, Again: sample(rng, l.acknowledged(), 4)}
		kill(t, rng, o, l)
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	finishAll(t, orders{Store: kind, Where: where, Round: kills}, l)
}

// finishAll lets a last child deliver what is left, and compares the inbox with what was
// said of it.
func finishAll(t *testing.T, o orders, l *ledger) {
	t.Helper()
	start(t.Context(), t, o).finish(t, l)
	store, err := openSound(t.Context(), o.Store, o.Where)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := l.holds(t.Context(), store); err != nil {
		t.Error(err)
	}
	if err := l.isDone(t.Context(), store); err != nil {
		t.Error(err)
	}
	t.Logf("%d times, %d callbacks acknowledged, %d delivered", o.Round, len(l.added), len(l.settled))
}

// sample picks some of a list.
func sample(rng *rand.Rand, all []callback, n int) []callback {
	var some []callback
	for range min(n, len(all)) {
		some = append(some, all[rng.IntN(len(all))])
	}
	return some
}

// kill runs a child and kills it: one in eight as it starts, the others a moment after a
// random number of reports.
func kill(t *testing.T, rng *rand.Rand, o orders, l *ledger) {
	t.Helper()
	p := start(t.Context(), t, o)
	moment := time.Duration(rng.Int64N(int64(3 * time.Millisecond)))
	reports := 1 + rng.IntN(100)
	if rng.IntN(8) == 0 {
		moment, reports = time.Duration(rng.Int64N(int64(100*time.Millisecond))), 0
	}
	end := func() { time.AfterFunc(moment, func() { _ = p.Process.Kill() }) } // it has ended by itself: finish tells why
	if reports == 0 {
		end()
	}
	p.follow(t, l, func() {
		if reports--; reports == 0 {
			end()
		}
	})
	if err := p.Wait(); p.ProcessState.Exited() {
		t.Fatalf("the child ended by itself with %v\n%s", err, &p.stderr)
	}
}
