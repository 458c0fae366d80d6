package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

type sqliteStmt = sqlite.Stmt

// view runs queries on one of the readers' connections.
func (s *Store) view(ctx context.Context, run func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.files.RLock()
	defer s.files.RUnlock()
	if s.isClosed {
		return ErrClosed
	}
	var c *conn
	select {
	case c = <-s.pool:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.pool <- c }()
	err := s.identity.check(s.path)
	if err == nil && c == nil {
		c, err = openConn(s.path, sqlite.OpenReadWrite, readerCache)
	}
	if err == nil {
		c.SetInterrupt(ctx.Done())
		err = survive(func() error { return run(c) })
		c.SetInterrupt(nil)
	}
	if err == nil {
		return nil
	}
	if c != nil {
		_ = c.close() // whatever is wrong with it, the next one is fresh
		c = nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err = classify(err); errors.Is(err, errDamaged) {
		signal(s.damage)
	}
	return fmt.Errorf("store %s: %w", s.path, err)
}

// lastSeq is the number of the newest record.
func (s *Store) lastSeq(ctx context.Context) (last uint64, err error) {
	err = s.view(ctx, func(c *conn) error {
		n, err := c.number("SELECT max(seq) FROM galaxypay_events")
		last = uint64(n) //nolint:gosec // G115: written as uint64
		return err
	})
	return last, err
}

// List implements inbox.Store. No connection is in use while the caller has a record, so it may
// take its time and use the store. The list ends with the newest record at its beginning.
// Damaged records are put aside and left out.
func (s *Store) List(ctx context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		bounds, err := s.bounds(ctx, f)
		if err != nil {
			yield(inbox.Record{}, err)
			return
		}
		page := func(after uint64, size int) ([]inbox.Record, error) {
			return s.page(ctx, f, max(after, bounds.after), bounds.last, size)
		}
		for r, err := range store.List(f, page) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// bounds are between which records a list lies: behind one, and up to another.
type bounds struct{ after, last uint64 }

// bounds finds them. Records arrive nearly in the order of their times, so if a filter has times,
// the index on these tells quickly which part of the table it is about.
func (s *Store) bounds(ctx context.Context, f inbox.Filter) (b bounds, err error) {
	isFew := f.State != "" && f.State != inbox.Delivered // and has an index of its own
	if isFew || f.Since.IsZero() && f.Until.IsZero() {
		b.last, err = s.lastSeq(ctx)
		return b, err
	}
	condition, args := store.Where(inbox.Filter{Since: f.Since, Until: f.Until})
	err = s.view(ctx, func(c *conn) error {
		sql := "SELECT min(seq) - 1, max(seq) FROM galaxypay_events INDEXED BY galaxypay_events_received WHERE " + condition
		return c.eachNamed(sql, args, func(stmt *sqliteStmt) (bool, error) {
			column(stmt, 0, &b.after)
			column(stmt, 1, &b.last)
			return true, nil
		})
	})
	return b, err
}

// page reads up to size records behind one. A damaged one does not count.
func (s *Store) page(ctx context.Context, f inbox.Filter, after, last uint64, size int) (records []inbox.Record, err error) {
	condition, args := store.Where(f)
	args["after"], args["last"] = after, last
	sql := "SELECT " + rowColumns + " FROM galaxypay_events WHERE " + condition + " AND seq > @after AND seq <= @last ORDER BY seq"
	var before uint64
	err = s.readRows(ctx, func(c *conn, visit func(*sqliteStmt) (bool, error)) error {
		records, before = nil, after
		return c.eachNamed(sql, args, visit)
	}, func(r inbox.Record) (bool, error) {
		if r.Seq <= before { // else a list would not end
			return false, errOrder
		}
		before = r.Seq
		records = append(records, r)
		return len(records) < size, nil
	})
	return records, err
}

// errOrder is about pages that are no longer in their order.
var errOrder = fmt.Errorf("%w: records are not in their order", errDamaged)

// readRows runs a query that yields rows, and has those that are damaged put aside.
func (s *Store) readRows(ctx context.Context, query func(*conn, func(*sqliteStmt) (bool, error)) error, visit func(inbox.Record) (bool, error)) error {
	var damaged []*damagedError
	err := s.view(ctx, func(c *conn) error {
		damaged = nil
		return query(c, func(stmt *sqliteStmt) (bool, error) {
			r, err := readRow(stmt)
			if bad, ok := errors.AsType[*damagedError](err); ok {
				damaged = append(damaged, bad)
				return true, nil
			}
			if err != nil {
				return false, err
			}
			return visit(r.Record)
		})
	})
	for _, bad := range damaged {
		s.quarantine(ctx, bad)
	}
	return err
}

// quarantine has a damaged record put aside. It is read again: it may be whole by now.
func (s *Store) quarantine(ctx context.Context, bad *damagedError) {
	err := s.update(ctx, func(t *tx) error {
		if bad.isPayment {
			return t.checkPayment(bad.seq)
		}
		_, err := t.rows("SELECT "+rowColumns+" FROM galaxypay_events WHERE seq = ?", bad.seq)
		return err
	})
	if err != nil {
		s.report(errors.Join(bad, err))
	}
}

// takenRow is store.TakenEvent with what this engine keeps beside. A request may have more events
// than a transaction, and SQLite has no statistics that tell.
var takenRow = strings.NewReplacer(
	store.EventColumns, rowColumns,
	"FROM galaxypay_events", "FROM galaxypay_events INDEXED BY galaxypay_events_transaction",
).Replace(store.TakenEvent)

// Taken implements inbox.Store.
func (s *Store) Taken(ctx context.Context, r inbox.Record) (taken inbox.Record, ok bool, err error) {
	if r.Transaction == "" {
		return inbox.Record{}, false, nil
	}
	args := store.Args{
		"merchant": r.Queue, "transaction_id": r.Transaction, "request_id": r.RequestID, "payment_status": r.PaymentStatus, "seq": r.Seq,
	}
	sql := takenRow
	err = s.readRows(ctx, func(c *conn, visit func(*sqliteStmt) (bool, error)) error {
		return c.eachNamed(sql, args, visit)
	}, func(found inbox.Record) (bool, error) {
		taken, ok = found, true
		return false, nil
	})
	return taken, ok, err
}

// Stats implements inbox.Store.
func (s *Store) Stats(ctx context.Context) (stats inbox.Stats, err error) {
	err = s.view(ctx, func(c *conn) (err error) {
		stats = store.NewStats()
		err = c.each(store.CountEvents, nil, func(stmt *sqliteStmt) (bool, error) {
			store.AddCount(&stats, stmt.ColumnText(0), stmt.ColumnInt(1))
			return true, nil
		})
		if err != nil {
			return err
		}
		err = c.each(store.OldestPending, nil, func(stmt *sqliteStmt) (bool, error) {
			column(stmt, 0, (*store.Time)(&stats.Oldest))
			return true, nil
		})
		if err != nil {
			return err
		}
		stats.Quarantined, err = c.number("SELECT (SELECT count(*) FROM galaxypay_quarantine) + (SELECT count(*) FROM galaxypay_payment_quarantine)")
		return err
	})
	return stats, err
}

// Pending implements inbox.Store.
func (s *Store) Pending(ctx context.Context) (pending map[string]int, err error) {
	err = s.view(ctx, func(c *conn) error {
		pending = map[string]int{}
		return c.each(store.CountPending, nil, func(stmt *sqliteStmt) (bool, error) {
			pending[stmt.ColumnText(0)] = stmt.ColumnInt(1)
			return true, nil
		})
	})
	return pending, err
}
