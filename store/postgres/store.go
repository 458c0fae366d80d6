// Package postgres keeps an inbox in PostgreSQL, so that several sidecars share it.
//
// The tables galaxypay_inbox_... are made and migrated in the schema that the address
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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

const (
	// connections bounds the pool where the address has no pool_max_conns. Those that
	// commit at the same time share an fsync, so it is more than pgx's default.
	connections = 16
	// connectTimeout bounds a connection attempt where the address has no connect_timeout.
	connectTimeout = 5 * time.Second
	// operationTimeout bounds one call, the wait for a free connection included: a database
	// that does not answer must not hold up the gateway without end.
	operationTimeout = 10 * time.Second
)

// session sets what the inbox relies on, whatever the defaults of the server, the role or the
// address are. An event is acknowledged when its commit returns, so the commit
// must have reached the disk. And a lock keeps the order of a transaction only if the
// statement behind it sees what was committed while it waited, as under read committed.
// SET, unlike a startup parameter, cannot be dropped unnoticed by a pooler.
const session = `
	SET synchronous_commit = on;
	SET default_transaction_isolation = 'read committed';
	SET statement_timeout = '10s';
	SET lock_timeout = '5s';
	SET idle_in_transaction_session_timeout = '10s'`

// Store is an inbox in PostgreSQL.
type Store struct {
	pool    *pgxpool.Pool
	wake    chan struct{}
	notices chan struct{} // to send to other sidecars
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// Open connects to the database at an address such as
// postgres://user:password@host/database and migrates its tables. It fails with
// inbox.ErrUnreachable if the database cannot be reached. A connection that breaks later is
// replaced; until then calls fail, and nothing is acknowledged.
func Open(ctx context.Context, address string) (*Store, error) {
	config, err := poolConfig(address)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the inbox's database: %w", err)
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
	s.work.Go(func() { s.listen(working, config.ConnConfig) })
	s.work.Go(func() { s.notify(working) })
	return s, nil
}

// poolConfig parses the address. Its errors show nothing of it: pgx hides the password of
// an address that it cannot parse only as far as it recognises one.
func poolConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errors.New("the address of the inbox's database cannot be parsed; expected postgres://user:password@host/database")
	}
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = connections
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, session)
		return err
	}
	return config, nil
}

// prepare refuses a server that would lose committed events, and migrates the tables.
func prepare(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var fsync string
	if err := pool.QueryRow(ctx, "SHOW fsync").Scan(&fsync); err != nil {
		return fmt.Errorf("connecting to the inbox's database: %w", orUnreachable(err))
	}
	if fsync != "on" {
		return errors.New("the inbox's database runs with fsync off: it would lose acknowledged events in a power cut")
	}
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return migrate(ctx, tx) }); err != nil {
		return fmt.Errorf("migrating the inbox's tables: %w", err)
	}
	return nil
}

// orUnreachable marks the errors of a server that cannot be reached, or that answers that it is
// starting, ending or full. All other errors, such as a wrong password, a person has to mend.
func orUnreachable(err error) error {
	refusal, refused := errors.AsType[*pgconn.PgError](err)
	passing := func(class string) bool { return strings.HasPrefix(refusal.Code, class) }
	if refused && !slices.ContainsFunc([]string{"08", "53", "57"}, passing) {
		return err
	}
	return fmt.Errorf("%w: %w", inbox.ErrUnreachable, err)
}

// Close ends the store. Claims stay until their leases end.
func (s *Store) Close() error {
	s.cancel()
	s.work.Wait()
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

// Interface guards
var _ inbox.Store = (*Store)(nil)
