//go:build unix

package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

// started tells whether any test has asked for the server.
var started atomic.Bool

// server is the one that all tests share; each has a schema of its own.
var server = sync.OnceValues(func() (*postgrestest.Server, error) {
	started.Store(true)
	return postgrestest.New(context.Background())
})

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if started.Load() {
			if s, err := server(); err == nil {
				if err := s.Close(); err != nil {
					fmt.Fprintln(os.Stderr, "ending PostgreSQL:", err)
					code = max(code, 1)
				}
			}
		}
		os.Exit(code)
	}))
}

// needServer returns a server that runs, or ends the test.
func needServer(t *testing.T) *postgrestest.Server {
	t.Helper()
	s, err := server()
	postgrestest.Need(t, err)
	return s
}

// newSchema returns the address of a schema that is empty. It is as good as a database of
// its own, and much cheaper.
func newSchema(t *testing.T) string {
	t.Helper()
	address := needServer(t).Address()
	name := fmt.Sprintf("store_%d", schemas.Add(1))
	execute(t, address, "CREATE SCHEMA "+name)
	return address + "&search_path=" + name
}

var schemas atomic.Int64

// open opens a store, as one sidecar does.
func open(t *testing.T, address string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// leaseAt is a lease of a minute that begins so long after noon.
func leaseAt(after time.Duration) inbox.Lease {
	return inbox.Lease{Now: noon.Add(after), Until: noon.Add(after + time.Minute)}
}

func event(id, transaction, paymentStatus string) inbox.Event {
	return inbox.Event{
		ID: id, Queue: "default", Transaction: transaction, RequestID: "pay-" + transaction, PaymentStatus: paymentStatus,
		ReceivedAt: noon, Message: []byte(`{"id":"` + id + `"}`),
	}
}

// arrive lets an event arrive that must be new.
func arrive(t *testing.T, s *postgres.Store, e inbox.Event, lease inbox.Lease) inbox.Record {
	t.Helper()
	r, isNew, err := s.Arrive(t.Context(), e, lease)
	if err != nil || !isNew {
		t.Fatalf("Arrive %s: new %t, %v", e.ID, isNew, err)
	}
	return r
}

// settle ends an attempt, with another one due at once if the state is pending.
func settle(t *testing.T, s *postgres.Store, r inbox.Record, state inbox.State, at time.Time) {
	t.Helper()
	got, err := s.Settle(t.Context(), r, inbox.Settlement{State: state, Due: at, At: at})
	if err != nil || got != state {
		t.Fatalf("Settle %s: %s, %v", r.ID, got, err)
	}
}

// claim returns what was claimed, and its IDs.
func claim(t *testing.T, s *postgres.Store, lease inbox.Lease, limit int) (records []inbox.Record, ids string) {
	t.Helper()
	records, err := s.Claim(t.Context(), []string{"default"}, lease, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if i > 0 {
			ids += " "
		}
		ids += r.ID
	}
	return records, ids
}

// laneKey is the key of the lock of a transaction of the queue "default".
func laneKey(transaction string) int64 {
	sum := sha256.Sum256([]byte("default\x00" + transaction + "\x00"))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // G115: all 64 bits are wanted, whatever their sign
}

// awaitLock waits until a session waits for the lock of a transaction.
func awaitLock(t *testing.T, address, transaction string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	const waits = `SELECT EXISTS (SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = $1 AND NOT granted)`
	for waiting := false; !waiting; {
		if err := c.QueryRow(t.Context(), waits, laneKey(transaction)).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}
