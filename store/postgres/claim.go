package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// claim claims what is ready, the longest first; what is ready after the horizon counts as past.
// It reads queue by queue, since the index is ordered only within a queue. It skips what another
// sidecar claims at this moment.
const claim = `
WITH ready AS MATERIALIZED (
	SELECT r.seq
	FROM unnest($1::text[]) AS q (name) CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT seq, ready_at FROM galaxypay_events
			WHERE merchant = q.name AND ready_at IS NOT NULL AND ready_at <= $2
			ORDER BY ready_at, seq LIMIT $4 FOR UPDATE SKIP LOCKED
		) AS past
		UNION ALL
		SELECT * FROM (
			SELECT seq, ready_at FROM galaxypay_events
			WHERE merchant = q.name AND ready_at IS NOT NULL AND ready_at > $3
			ORDER BY ready_at, seq LIMIT $4 FOR UPDATE SKIP LOCKED
		) AS beyond
	) AS r
	ORDER BY r.ready_at, r.seq
	LIMIT $4
)
UPDATE galaxypay_events
SET lease = $5, lease_until = $6, ready_at = $6
WHERE seq = ANY (ARRAY(SELECT seq FROM ready))
RETURNING ` + store.EventColumns + `, lease`

// Claim implements inbox.Store.
func (s *Store) Claim(ctx context.Context, queues []string, lease inbox.Lease, limit int) ([]inbox.Record, error) {
	records, err := query(ctx, s, readLeased, claim,
		storables(queues), micros(lease.Now), micros(lease.Horizon), limit, rand.Text(), micros(lease.Until))
	if err != nil {
		return nil, s.failed(ctx, "claiming events", err)
	}
	slices.SortFunc(records, func(a, b inbox.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return records, nil
}

// nextDue returns when the first and the last event of each queue are ready. It goes from queue
// to queue through the index, so its cost depends on how many have any, not on how many there are.
const nextDue = `
WITH RECURSIVE ready AS (
	(SELECT merchant, ready_at FROM galaxypay_events WHERE ready_at IS NOT NULL ORDER BY merchant, ready_at LIMIT 1)
	UNION ALL
	SELECT next.merchant, next.ready_at
	FROM ready CROSS JOIN LATERAL (
		SELECT e.merchant, e.ready_at FROM galaxypay_events AS e
		WHERE e.ready_at IS NOT NULL AND e.merchant > ready.merchant
		ORDER BY e.merchant, e.ready_at
		LIMIT 1
	) AS next
)
SELECT merchant, ready_at, (
	SELECT e.ready_at FROM galaxypay_events AS e
	WHERE e.ready_at IS NOT NULL AND e.merchant = ready.merchant
	ORDER BY e.ready_at DESC
	LIMIT 1
)
FROM ready`

// readiness is when the first and the last event of a queue are ready.
type readiness struct {
	queue       string
	first, last time.Time
}

func readReadiness(row pgx.CollectableRow) (readiness, error) {
	var r readiness
	err := row.Scan(&r.queue, (*store.Time)(&r.first), (*store.Time)(&r.last))
	return r, err
}

// NextDue implements inbox.Store.
func (s *Store) NextDue(ctx context.Context, queues []string, lease inbox.Lease) (time.Time, error) {
	rows, err := query(ctx, s, readReadiness, nextDue)
	if err != nil {
		return time.Time{}, s.failed(ctx, "reading when an event is due", err)
	}
	wanted := storables(queues)
	slices.Sort(wanted)
	var next time.Time
	for _, r := range rows {
		if _, ok := slices.BinarySearch(wanted, r.queue); !ok {
			continue
		}
		if lease.IsPast(r.first) || lease.IsPast(r.last) {
			return lease.Now, nil
		}
		if next.IsZero() || r.first.Before(next) {
			next = r.first
		}
	}
	return next, nil
}

// Taken implements inbox.Store.
func (s *Store) Taken(ctx context.Context, r inbox.Record) (taken inbox.Record, ok bool, err error) {
	if r.Transaction == "" {
		return inbox.Record{}, false, nil
	}
	found, err := query(ctx, s, readRecord, store.TakenEvent, pgx.NamedArgs{
		"merchant": storable(r.Queue), "transaction_id": storable(r.Transaction), "request_id": storable(r.RequestID),
		"payment_status": storable(r.PaymentStatus), "seq": r.Seq,
	})
	if err != nil {
		return inbox.Record{}, false, s.failed(ctx, "looking for what the app has taken", err)
	}
	if len(found) == 0 {
		return inbox.Record{}, false, nil
	}
	return found[0], true, nil
}
