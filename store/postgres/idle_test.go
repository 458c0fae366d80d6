//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

// While nothing is due, a sidecar for a thousand merchants costs the database as much as a
// sidecar for one: neither more transactions, nor more rows to read.
func TestIdleSidecarsCostTheSame(t *testing.T) {
	one, oneRead := idle(t, 1)
	many, manyRead := idle(t, 1000)
	if many > one+2 {
		t.Errorf("%d transactions for a thousand merchants, %d for one", many, one)
	}
	if manyRead > oneRead+50 {
		t.Errorf("%d rows read for a thousand merchants, %d for one", manyRead, oneRead)
	}
}

// idle runs a sidecar for many times the interval in which it reads its store, and returns what
// that cost.
func idle(t *testing.T, merchants int) (transactions, rows int) {
	t.Helper()
	const intervals = 100
	_, address := newDatabase(t)
	for range 2 { // the first time the tables are made
		s, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		<-s.Wake() // it listens
		before := transactionsOf(t, address)
		rowsBefore := rowsOf(t, address)
		polls := make(chan struct{})
		// The engine waits for the time of the test: each read is followed by the next one.
		clock := inbox.Clock{Now: time.Now, After: func(time.Duration) <-chan time.Time {
			now := make(chan time.Time, 1)
			select {
			case polls <- struct{}{}:
				now <- time.Now()
			case <-t.Context().Done():
			}
			return now
		}}
		queues := make([]inbox.Queue, merchants)
		for i := range queues {
			queues[i] = inbox.Queue{Name: fmt.Sprint("shop", i), Deliver: func(context.Context, inbox.Record, int) inbox.Result { return inbox.Result{} }}
		}
		engine := inbox.NewEngine(s, clock)
		engine.Join(inbox.Settings{Queues: queues})
		for range intervals {
			<-polls
		}
		done := make(chan error)
		go func() { done <- engine.Close() }()
		for ended := false; !ended; {
			select {
			case <-polls:
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				ended = true
			}
		}
		transactions, rows = transactionsOf(t, address)-before, rowsOf(t, address)-rowsBefore
	}
	if transactions < intervals {
		t.Fatalf("%d transactions are counted in %d intervals", transactions, intervals)
	}
	return transactions, rows
}

func transactionsOf(t *testing.T, address string) int {
	t.Helper()
	return number(t, address, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
}

func rowsOf(t *testing.T, address string) int {
	t.Helper()
	return number(t, address, rowsRead)
}

func number(t *testing.T, address, sql string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
