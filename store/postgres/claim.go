package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// claim claims what is ready, the longest first. It reads queue by queue, since the index is
// ordered only within a queue. It skips what another sidecar claims at this moment.
const claim = `
WITH ready AS (
	SELECT r.seq
	FROM unnest($1::text[]) AS q (name) CROSS JOIN LATERAL (
		SELECT seq, ready_at
		FROM galaxypay_inbox_records
		WHERE queue = q.name AND ready_at <= $2
		ORDER BY ready_at, seq
		LIMIT $3
		FOR UPDATE SKIP LOCKED
	) AS r
	ORDER BY r.ready_at, r.seq
	LIMIT $3
)
UPDATE galaxypay_inbox_records AS r
SET lease = $4, lease_until = $5, ready_at = $5
FROM ready
WHERE r.seq = ready.seq
RETURNING ` + columns + `, r.lease`

// Claim implements inbox.Store.
func (s *Store) Claim(ctx context.Context, queues []string, lease inbox.Lease, limit int) ([]inbox.Record, error) {
	var records []inbox.Record
	err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, claim, storables(queues), lease.Now, limit, rand.Text(), lease.Until)
		if err != nil {
			return err
		}
		records, err = pgx.CollectRows(rows, readLeased)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming from the inbox: %w", err)
	}
	slices.SortFunc(records, func(a, b inbox.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return records, nil
}

const nextDue = `
SELECT min(r.ready_at)
FROM unnest($1::text[]) AS q (name) CROSS JOIN LATERAL (
	SELECT ready_at
	FROM galaxypay_inbox_records
	WHERE queue = q.name AND ready_at IS NOT NULL
	ORDER BY ready_at
	LIMIT 1
) AS r`

// NextDue implements inbox.Store.
func (s *Store) NextDue(ctx context.Context, queues []string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	var due timestamp
	if err := s.pool.QueryRow(ctx, nextDue, storables(queues)).Scan(&due); err != nil {
		return time.Time{}, fmt.Errorf("reading when the inbox is due: %w", err)
	}
	return time.Time(due), nil
}

func storables(texts []string) []string {
	storables := make([]string, len(texts))
	for i, text := range texts {
		storables[i] = storable(text)
	}
	return storables
}
