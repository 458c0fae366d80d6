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

// claim takes what is ready, the longest first. It asks queue by queue, since only within
// one the index has the order. What another sidecar claims at this moment is skipped.
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

// settle ends an attempt. The record does not become the head of its lane again by
// itself: one that arrived before may have been replayed meanwhile.
const settle = `
UPDATE galaxypay_inbox_records
SET state = @state, attempts = attempts + @counted::integer, due = @due, settled_at = @settled_at,
	answer_status = @answer_status, answer_description = @answer_description, last_error = @last_error,
	lease = NULL, lease_until = NULL,
	ready_at = CASE WHEN lane IS NULL THEN @due::timestamptz END
WHERE id = @id AND queue = @queue AND lease = @lease`

// Settle implements inbox.Store.
func (s *Store) Settle(ctx context.Context, r inbox.Record, settlement inbox.Settlement) error {
	args := pgx.NamedArgs{
		"id":                 storable(r.ID),
		"queue":              storable(r.Queue),
		"lease":              storable(r.Lease),
		"state":              settlement.State,
		"counted":            1,
		"due":                nil,
		"settled_at":         nil,
		"answer_status":      storable(settlement.Answer.Status),
		"answer_description": storable(settlement.Answer.Description),
		"last_error":         storable(settlement.LastError),
	}
	if settlement.Uncounted {
		args["counted"] = 0
	}
	if settlement.State == inbox.Pending {
		args["due"] = settlement.Due
	} else {
		args["settled_at"] = nullable(settlement.At)
	}
	var lanes []int64
	if lane := laneOf(r.Event); lane != nil {
		lanes = []int64{*lane}
	}
	more := settlement.State == inbox.Pending
	err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := lockLanes(ctx, tx, lanes); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, settle, args)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return inbox.ErrLeaseLost
		}
		moved, err := advance(ctx, tx, lanes)
		more = more || moved
		return err
	})
	if err != nil {
		return fmt.Errorf("settling in the inbox: %w", err)
	}
	if more {
		s.tell()
	}
	return nil
}
