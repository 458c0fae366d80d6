package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// The records that head their lanes, those first that are due the longest; and those that are due
// beyond a horizon.
const (
	readyFirst = "SELECT " + rowColumns + ` FROM galaxypay_events INDEXED BY galaxypay_events_ready
	WHERE merchant = CAST(? AS TEXT) AND ready_at <= ? ORDER BY ready_at`
	readyBeyond = "SELECT " + rowColumns + ` FROM galaxypay_events INDEXED BY galaxypay_events_ready
	WHERE merchant = CAST(? AS TEXT) AND ready_at > ? ORDER BY ready_at`
)

// Claim implements inbox.Store.
func (s *Store) Claim(ctx context.Context, queues []string, lease inbox.Lease, limit int) ([]inbox.Record, error) {
	if limit <= 0 || len(queues) == 0 {
		return nil, nil
	}
	var claimed []inbox.Record
	err := s.update(ctx, func(t *tx) (err error) {
		claimed, err = t.claimReady(queues, lease, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func (t *tx) claimReady(queues []string, lease inbox.Lease, limit int) (claimed []inbox.Record, err error) {
	var ready []*row
	for _, queue := range queues {
		found, err := t.claimable(readyFirst, queue, lease.Now, lease, limit)
		if err != nil {
			return nil, err
		}
		ready = append(ready, found...)
		if lease.Horizon.IsZero() {
			continue
		}
		if found, err = t.claimable(readyBeyond, queue, lease.Horizon, lease, limit); err != nil {
			return nil, err
		}
		ready = append(ready, found...)
	}
	slices.SortStableFunc(ready, func(a, b *row) int {
		return cmp.Or(time.Time(a.ready).Compare(time.Time(b.ready)), cmp.Compare(a.Seq, b.Seq))
	})
	for _, r := range ready[:min(limit, len(ready))] {
		r.Lease = t.s.claims.give(&r.Record, lease)
		claimed = append(claimed, r.Record)
	}
	return claimed, nil
}

// claimable finds up to limit records that can be claimed. Damaged ones are put aside, and what
// stood behind them can be claimed instead.
func (t *tx) claimable(sql, queue string, bound time.Time, lease inbox.Lease, limit int) (found []*row, err error) {
	var damaged []*damagedError
	err = t.c.each(sql, []any{queue, store.Time(bound)}, func(stmt *sqliteStmt) (bool, error) {
		r, err := readRow(stmt)
		if bad, ok := errors.AsType[*damagedError](err); ok {
			damaged = append(damaged, bad)
			return true, nil
		}
		if err == nil && !t.s.claims.isBusy(laneOf(&r.Record), lease) {
			found = append(found, &r)
		}
		return len(found) < limit, err
	})
	if err != nil || len(damaged) == 0 {
		return found, err
	}
	for _, bad := range damaged {
		if err := t.putAside(bad); err != nil {
			return nil, err
		}
	}
	return t.claimable(sql, queue, bound, lease, limit)
}

// When the heads of lanes are ready, in that order, and whose they are.
const (
	readyTimes = `SELECT ready_at, seq, transaction_id FROM galaxypay_events INDEXED BY galaxypay_events_ready
	WHERE merchant = CAST(? AS TEXT) AND ready_at IS NOT NULL ORDER BY ready_at`
	readyTimesBeyond = `SELECT ready_at, seq, transaction_id FROM galaxypay_events INDEXED BY galaxypay_events_ready
	WHERE merchant = CAST(? AS TEXT) AND ready_at > ? ORDER BY ready_at`
)

// NextDue implements inbox.Store.
func (s *Store) NextDue(ctx context.Context, queues []string, lease inbox.Lease) (next time.Time, err error) {
	err = s.view(ctx, func(c *conn) error {
		next = time.Time{}
		for _, queue := range queues {
			if err := s.nextDue(c, queue, lease, &next); err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

// nextDue sets next to when a queue is due, if that is earlier.
func (s *Store) nextDue(c *conn, queue string, lease inbox.Lease, next *time.Time) error {
	visit := func(stmt *sqliteStmt) (bool, error) {
		r := row{Record: inbox.Record{Event: inbox.Event{Queue: queue}}}
		column(stmt, 0, &r.ready)
		column(stmt, 1, &r.Seq)
		column(stmt, 2, &r.Transaction)
		due := time.Time(r.ready)
		busy := s.claims.busyUntil(laneOf(&r.Record), lease)
		switch {
		case busy.After(due):
			due = busy
		case lease.IsPast(due):
			due = lease.Now
		}
		if next.IsZero() || due.Before(*next) {
			*next = due
		}
		return !busy.IsZero(), nil // those behind the first that is free are ready later
	}
	if err := c.each(readyTimes, []any{queue}, visit); err != nil {
		return err
	}
	if lease.Horizon.IsZero() {
		return nil
	}
	return c.each(readyTimesBeyond, []any{queue, store.Time(lease.Horizon)}, visit)
}
