// Package postgres keeps events and payments in PostgreSQL, so that several sidecars share them.
//
// The tables galaxypay_... are made and migrated in the schema that the address
// selects. Sidecars notify each other by LISTEN and NOTIFY when there is more to deliver.
// That needs sessions of their own: there must be no pooler in between that gives out
// connections by the transaction.
//
// Leases are compared by the clocks of the sidecars, not by the database's, like all other
// times of the inbox. These clocks must agree to well within the length of a lease: a
// sidecar whose clock is ahead by more than that claims events that another still delivers.
// The app then gets an event twice; nothing is lost.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// operationTimeout bounds one call, the wait for a free connection included: a database
// that does not answer must not hold up the gateway without end.
const operationTimeout = 10 * time.Second

// Store is a store in PostgreSQL.
type Store struct {
	pool    *pgxpool.Pool
	writer  *writer
	changes *changes
	wake    chan struct{}
	notices chan struct{} // to send to other sidecars
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu   sync.Mutex
	told time.Time // to this store, by Clock
}

// Open connects to the database at an address such as
// postgres://user:password@host/database and migrates its tables. It fails with
// store.ErrUnreachable if the database cannot be reached or written to. A connection that
// breaks later is replaced; until then calls fail, and nothing is acknowledged.
func Open(ctx context.Context, address string) (*Store, error) {
	config, err := poolConfig(address)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the store's database: %w", err)
	}
	if err := prepare(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Store{
		pool:    pool,
		wake:    make(chan struct{}, 1),
		notices: make(chan struct{}, 1),
		cancel:  cancel,
	}
	s.writer = &writer{commit: s.commit}
	s.changes = &changes{commit: s.commitChanges}
	s.work.Go(func() { s.listen(working, config.ConnConfig) })
	s.work.Go(func() { s.notify(working) })
	return s, nil
}

// prepare refuses a server that would lose committed events, and migrates the tables.
func prepare(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var fsync string
	if err := pool.QueryRow(ctx, "SHOW fsync").Scan(&fsync); err != nil {
		return fmt.Errorf("connecting to the store's database: %w", orUnreachable(err))
	}
	if fsync != "on" {
		return errors.New("the store's database runs with fsync off: it would lose acknowledged events in a power cut")
	}
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return migrate(ctx, tx) }); err != nil {
		return fmt.Errorf("migrating the store's tables: %w", orUnreachable(err))
	}
	return nil
}

// Close ends the store. Claims stay until their leases end.
func (s *Store) Close() error {
	s.cancel()
	s.work.Wait()
	s.writer.wait()
	s.changes.wait()
	s.pool.Close()
	return nil
}

// transact runs f in a transaction. What f returns is committed, and on disk, only if
// transact returns no error.
func (s *Store) transact(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return f(ctx, tx) })
}

// query runs one statement, in a transaction of its own, and reads its rows.
func query[T any](ctx context.Context, s *Store, read pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, read)
}

// Interface guards
var _ store.Store = (*Store)(nil)
