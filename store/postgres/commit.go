package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// limitPatience bounds how long a batch waits for one lock: if something else has locked one
// of its lanes for longer, its operations are separated, and only that lane waits on.
const limitPatience = "SELECT set_config('lock_timeout', '500ms', true)"

// commit runs a batch of operations in one transaction, which costs one round trip.
func (s *Store) commit(batch []*operation) error {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	arrivals, settlements := sortOut(batch)
	lanes := lanesOf(batch)
	more := false // for Claim to return

	statements := new(pgx.Batch)
	if len(batch) > 1 {
		statements.Queue(limitPatience)
	}
	statements.Queue(lockLanes, keysOf(lanes))
	queueSettle(statements, settlements, func() { more = true })
	queueArrive(statements, arrivals)
	queueMoveUp(statements, lanes, func(n int64) { more = more || n > 0 })
	queueFind(statements, arrivals)
	if err := s.send(ctx, statements); err != nil {
		return err
	}
	if more {
		s.wakeAll()
	}
	return nil
}

// send runs statements in one transaction.
func (s *Store) send(ctx context.Context, statements *pgx.Batch) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	// Without BEGIN, what one Sync ends is one transaction. It is committed when Close returns
	// no error.
	if err := c.SendBatch(ctx, statements).Close(); err != nil {
		return err
	}
	if hasLostStandby(c.Conn()) {
		return errLostStandby
	}
	return nil
}

// sortOut separates the two kinds of operations, and forgets what an earlier try has left.
func sortOut(batch []*operation) (arrivals, settlements []*operation) {
	for _, op := range batch {
		op.err = nil
		if op.arrival != nil {
			op.arrival.record, op.arrival.isNew = inbox.Record{}, false
			arrivals = append(arrivals, op)
		} else {
			settlements = append(settlements, op)
		}
	}
	return arrivals, settlements
}

// queueExec adds a statement to a batch, and passes on how many rows it changed.
func queueExec(b *pgx.Batch, changed func(n int64), sql string, args ...any) {
	b.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		changed(tag.RowsAffected())
		return nil
	})
}

// queueRows adds a statement to a batch, and passes on each row that is read into fields.
func queueRows(b *pgx.Batch, fields []any, row func() error, sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, fields, row)
		return err
	})
}
