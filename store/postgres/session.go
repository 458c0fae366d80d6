package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

const (
	// connections bounds the pool where the address has no pool_max_conns.
	connections = 16
	// connectTimeout bounds a connection attempt to one host where the address has no
	// connect_timeout.
	connectTimeout = 5 * time.Second
)

// session sets what the store relies on, whatever the defaults of the server, the role or the
// address are. An event is acknowledged when its commit returns, so the commit
// must have reached the disk. A weaker setting than on is raised to on; one that waits for a
// standby as well stays. And a lock keeps the order of a transaction only if the
// statement behind it sees what was committed while it waited, as under read committed.
// SET, unlike a startup parameter, cannot be dropped unnoticed by a pooler.
//
// A sidecar that is paused or cut off must not keep its locks. The timeout of idle transactions is
// not enough: a server that still sends rows to that sidecar is not idle.
//
// Every statement finds its rows by an index. Without statistics, or with those of a table
// that was empty, the planner would read the whole table instead, and go on to do so when it
// is full. Planning takes longer than executing, so each session plans a statement once.
const session = `
	SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
	SET default_transaction_isolation = 'read committed';
	SET statement_timeout = '10s';
	SET lock_timeout = '5s';
	SET idle_in_transaction_session_timeout = '10s';
	SELECT set_config('tcp_user_timeout', '5s', false) FROM pg_settings WHERE name = 'tcp_user_timeout';
	SET enable_seqscan = off;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off;
	SET plan_cache_mode = force_generic_plan;
	SET jit = off`

// poolConfig parses the address. Its errors show nothing of it: pgx hides the password of
// an address that it cannot parse only as far as it recognises one.
func poolConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errors.New("the address of the store's database cannot be parsed; expected postgres://user:password@host/database")
	}
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = connections
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	// Whatever target_session_attrs says: of several hosts, the one that can be written to
	// counts; and a session that began while the server was read-only stays so.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	config.ConnConfig.OnNotice = noteLostStandby
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, session)
		return err
	}
	return config, nil
}

// lostStandby is where a session notes that a commit did not wait for its standby.
const lostStandby = "galaxypay: lost standby"

// noteLostStandby notes that a person has cancelled the wait of a commit for a standby. The
// server then reports success, but the commit is on its own disk alone.
func noteLostStandby(c *pgconn.PgConn, notice *pgconn.Notice) {
	if notice.Routine == "SyncRepWaitForLSN" { // the text is in the server's language
		c.CustomData()[lostStandby] = true
	}
}

// errLostStandby is the error of a commit that a standby may not have.
var errLostStandby = errors.New("the wait for the standby was cancelled, so the standby may not have what was stored")

// hasLostStandby reports whether a commit of a session did not wait for its standby, and
// forgets it.
func hasLostStandby(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	_, lost := data[lostStandby]
	delete(data, lostStandby)
	return lost
}

// readOnly is the SQLSTATE of a write in a session that may only read.
const readOnly = "25006"

// passing are the beginnings of the SQLSTATEs of a server that cannot do now what it can do
// later: the connection breaks, it is full, it starts or ends, it may only be read.
var passing = []string{"08", "53", "57", readOnly}

// orUnreachable marks the errors of a server that cannot be reached, or that answers that it is
// starting, ending, full or read-only. All other errors, such as a wrong password, a person has
// to mend.
func orUnreachable(err error) error {
	refusal, refused := errors.AsType[*pgconn.PgError](err)
	begins := func(with string) bool { return strings.HasPrefix(refusal.Code, with) }
	if refused && !slices.ContainsFunc(passing, begins) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrUnreachable, err)
}

// failed is the error of a method. A session that has become read-only stays so after the
// server can be written to again, so all sessions are given up.
func (s *Store) failed(ctx context.Context, doing string, err error) error {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == readOnly {
		s.pool.Reset()
	}
	if ctx.Err() == nil {
		err = orUnreachable(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
