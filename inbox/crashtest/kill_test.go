//go:build linux

package crashtest

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// A sidecar is killed again and again, at any moment, also while it opens its inbox.
func TestKill(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killOften(t, "sqlite", filepath.Join(t.TempDir(), "store.db")) })
	t.Run("postgres", func(t *testing.T) { killOften(t, "postgres", postgrestest.Run(t).Address()) })
}

// PostgreSQL is shut down or killed in the middle of its work, and started again. The sidecar
// acknowledges nothing that it could not store.
func TestDatabaseCrash(t *testing.T) {
	server := postgrestest.Run(t)
	rng := newRand(t)
	exp := newExpected()
	crashes := number(t, "DATABASE_CRASHES", 5)
	for round := range crashes {
		o := orders{Store: "postgres", Where: server.Address(), Round: round, Writers: 4, Transactions: 1 << 30, Again: sample(rng, exp.sorted(), 4)}
		p := start(t.Context(), t, o)
		reports := 1 + rng.IntN(100)
		end := server.Kill
		if round%2 == 0 {
			end = server.Stop
		}
		p.follow(t, exp, func() {
			if reports--; reports != 0 {
				return
			}
			if err := end(); err != nil {
				t.Error(err)
			}
		})
		if err := p.Wait(); !strings.Contains(p.stderr.String(), "arrival of") {
			t.Fatalf("without its database the child ended with %v\n%s", err, &p.stderr)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	finishAll(t, orders{Store: "postgres", Where: server.Address(), Round: crashes}, exp)
}

func killOften(t *testing.T, kind, where string) {
	t.Helper()
	rng := newRand(t)
	exp := newExpected()
	kills := number(t, "CRASHES", 100)
	for round := range kills {
		o := orders{Store: kind, Where: where, Round: round, Writers: 4, Transactions: 1 << 30, Again: sample(rng, exp.sorted(), 4)}
		kill(t, rng, o, exp)
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	finishAll(t, orders{Store: kind, Where: where, Round: kills}, exp)
}

// sample picks up to n of a list.
func sample(rng *rand.Rand, all []callback, n int) []callback {
	var some []callback
	for range min(n, len(all)) {
		some = append(some, all[rng.IntN(len(all))])
	}
	return some
}

// kill runs a child and kills it: one in eight as it starts, the others a moment after a
// random number of reports.
func kill(t *testing.T, rng *rand.Rand, o orders, exp *expected) {
	t.Helper()
	p := start(t.Context(), t, o)
	moment := time.Duration(rng.Int64N(int64(3 * time.Millisecond)))
	reports := 1 + rng.IntN(100)
	if rng.IntN(8) == 0 {
		moment, reports = time.Duration(rng.Int64N(int64(100*time.Millisecond))), 0
	}
	end := func() { time.AfterFunc(moment, func() { _ = p.Process.Kill() }) } // an error: it has ended by itself, and kill reports that
	if reports == 0 {
		end()
	}
	p.follow(t, exp, func() {
		if reports--; reports == 0 {
			end()
		}
	})
	if err := p.Wait(); p.ProcessState.Exited() {
		t.Fatalf("the child ended by itself with %v\n%s", err, &p.stderr)
	}
}
