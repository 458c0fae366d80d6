package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// insert keeps an event unless it is kept already.
const insert = `
WITH lane AS (
	SELECT
		@payment_status::text <> 'paid' AND EXISTS (
			SELECT FROM galaxypay_inbox_records
			WHERE lane = @lane AND payment_status = 'paid' AND queue = @queue AND transaction = @transaction
		) AS paid,
		EXISTS (SELECT FROM galaxypay_inbox_records WHERE lane = @lane AND state = 'pending') AS busy
)
INSERT INTO galaxypay_inbox_records AS r (
	id, queue, transaction, request_id, payment_status, received_at, message, lane,
	state, due, settled_at, lease, lease_until, ready_at
)
SELECT
	@id::text, @queue::text, @transaction::text, @request_id::text, @payment_status::text,
	@received_at::timestamptz, @message::bytea, @lane::bigint,
	CASE WHEN paid THEN 'overtaken' ELSE 'pending' END,
	CASE WHEN NOT paid THEN @now::timestamptz END,
	CASE WHEN paid THEN @now::timestamptz END,
	CASE WHEN NOT paid AND NOT busy THEN @lease::text END,
	CASE WHEN NOT paid AND NOT busy THEN @until::timestamptz END,
	CASE WHEN NOT paid AND NOT busy THEN @until::timestamptz END
FROM lane
ON CONFLICT (id, queue) DO NOTHING
RETURNING ` + columns + `, r.lease`

// claimHead claims one record if it is the head of its lane and not claimed, even if it is
// not due yet.
const claimHead = `
UPDATE galaxypay_inbox_records AS r
SET lease = @lease, lease_until = @until, ready_at = @until
WHERE r.id = @id AND r.queue = @queue AND r.ready_at IS NOT NULL AND NOT coalesce(r.lease_until > @now, false)
RETURNING ` + columns + `, r.lease`

const known = "SELECT " + columns + " FROM galaxypay_inbox_records AS r WHERE r.id = @id AND r.queue = @queue"

// Arrive implements inbox.Store.
func (s *Store) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (r inbox.Record, isNew bool, err error) {
	lane := laneOf(e)
	args := pgx.NamedArgs{
		"id":             storable(e.ID),
		"queue":          storable(e.Queue),
		"transaction":    storable(e.Transaction),
		"request_id":     storable(e.RequestID),
		"payment_status": storable(e.PaymentStatus),
		"received_at":    e.ReceivedAt,
		"message":        append([]byte{}, e.Message...), // nil would be null
		"lane":           lane,
		"now":            lease.Now,
		"until":          lease.Until,
		"lease":          rand.Text(),
	}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		// A statement of its own: the next one has to see what was committed while this one waited.
		if lane != nil {
			if err := lockLanes(ctx, tx, []int64{*lane}); err != nil {
				return err
			}
		}
		r, isNew, err = arriveLocked(ctx, tx, args)
		return err
	})
	if err != nil {
		return inbox.Record{}, false, fmt.Errorf("storing in the inbox: %w", err)
	}
	return r, isNew, nil
}

// arriveLocked keeps an event, or returns the one that is kept already.
func arriveLocked(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) (r inbox.Record, isNew bool, err error) {
	r, err = queryOne(ctx, tx, readLeased, insert, args)
	if !errors.Is(err, pgx.ErrNoRows) {
		return r, err == nil, err
	}
	r, err = queryOne(ctx, tx, readLeased, claimHead, args)
	if !errors.Is(err, pgx.ErrNoRows) {
		return r, false, err
	}
	r, err = queryOne(ctx, tx, readRecord, known, args)
	return r, false, err
}

// queryOne returns the one record that a statement yields, or pgx.ErrNoRows.
func queryOne(ctx context.Context, tx pgx.Tx, read pgx.RowToFunc[inbox.Record], sql string, args ...any) (inbox.Record, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return inbox.Record{}, err
	}
	return pgx.CollectExactlyOneRow(rows, read)
}
