package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A change is alone: its transaction holds the lock of the schema's payments, an advisory lock whose
// key is made of the number of the table and a prefix, the letters "ledg". What the statements behind
// it read was committed before.
//
// A sidecar that is paused in its transaction must not stop all others, so the server ends its
// session, and undoes the transaction, after less time than others wait for the lock.
const (
	limitPause = "SELECT set_config('idle_in_transaction_session_timeout', '3s', true)"
	lockLedger = "SELECT pg_advisory_xact_lock((1818584167::bigint << 32) | 'galaxypay_payments'::regclass::oid::bigint)"
	readNow    = "SELECT clock_timestamp()"
)

const (
	saveChange = "SAVEPOINT galaxypay_change"
	undoChange = "ROLLBACK TO SAVEPOINT galaxypay_change"
	keepChange = "RELEASE SAVEPOINT galaxypay_change"
)

// transaction is one of changes. While it lasts, no other one of this schema's payments does.
type transaction struct {
	ctx  context.Context
	conn *pgx.Conn
	now  time.Time
	// pending are statements that go to the server together with the next one: they need no round
	// trip of their own, while other sidecars wait for the lock.
	pending []string
}

// begin begins a transaction, and takes the lock.
func begin(ctx context.Context, conn *pgx.Conn) (*transaction, error) {
	t := &transaction{ctx: ctx, conn: conn, pending: []string{"BEGIN", limitPause, lockLedger}}
	if err := t.queryRow(&t.now, readNow); err != nil {
		t.rollback()
		return nil, err
	}
	t.now = storableTime(t.now)
	return t, nil
}

// save begins a savepoint.
func (t *transaction) save() { t.pending = append(t.pending, saveChange) }

// keep ends the savepoint, and keeps what was done since.
func (t *transaction) keep() {
	if !t.dropSave() {
		t.pending = append(t.pending, keepChange)
	}
}

// undo ends the savepoint, and undoes what was done since. After an error of the database it does so at
// once: until then, the database does not even prepare a statement.
func (t *transaction) undo() error {
	if t.dropSave() {
		return nil
	}
	if t.conn.PgConn().TxStatus() == 'E' {
		_, err := t.conn.Exec(t.ctx, undoChange+";"+keepChange)
		return err
	}
	t.pending = append(t.pending, undoChange, keepChange)
	return nil
}

// dropSave takes a savepoint back in which nothing was done, and reports whether it was one.
func (t *transaction) dropSave() bool {
	last := len(t.pending) - 1
	if last < 0 || t.pending[last] != saveChange {
		return false
	}
	t.pending = t.pending[:last]
	return true
}

// query runs a statement, and reads its rows.
func (t *transaction) query(read func(pgx.Rows) error, sql string, args ...any) error {
	statements := t.takePending()
	statements.Queue(sql, args...).Query(read)
	return t.conn.SendBatch(t.ctx, statements).Close()
}

// queryRow runs a statement, and reads a row of one field. It fails with pgx.ErrNoRows if there is
// none.
func (t *transaction) queryRow(field any, sql string, args ...any) error {
	statements := t.takePending()
	statements.Queue(sql, args...).QueryRow(func(row pgx.Row) error { return row.Scan(field) })
	return t.conn.SendBatch(t.ctx, statements).Close()
}

func (t *transaction) takePending() *pgx.Batch {
	statements := new(pgx.Batch)
	for _, sql := range t.pending {
		statements.Queue(sql)
	}
	t.pending = nil
	return statements
}

// commit ends the transaction. Its error says whether it is not clear what has become of it.
func (t *transaction) commit() error {
	statements := t.takePending()
	statements.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return errNotCommitted
		}
		return nil
	})
	err := t.conn.SendBatch(t.ctx, statements).Close()
	switch {
	case err == nil && hasLostStandby(t.conn):
		return errLostStandby
	case err == nil:
		return nil
	case errors.Is(err, errNotCommitted), isOfOne(err):
		t.rollback()
		return err
	}
	return fmt.Errorf("it is not clear whether the changes are kept, because their commit was interrupted: %w", err)
}

// errNotCommitted is the error of a commit that the server has made a rollback.
var errNotCommitted = errors.New("the database has undone the changes")

// rollback undoes the transaction. If that fails, the connection is of no more use, the pool closes
// it, and the server undoes the transaction then.
func (t *transaction) rollback() { _, _ = t.conn.Exec(t.ctx, "ROLLBACK") }
