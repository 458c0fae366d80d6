package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// laneOf returns the lane of an event, where the records of one transaction wait for each
// other: a hash of queue and transaction, which is also the key of the lock. Two transactions
// that share a lane by chance wait for each other too; nothing else happens. Nil: the event
// waits for no other.
func laneOf(e inbox.Event) *int64 {
	if e.Transaction == "" {
		return nil
	}
	// As they are stored, so that a record read again has the same lane.
	sum := sha256.Sum256([]byte(storable(e.Queue) + "\x00" + storable(e.Transaction)))
	lane := int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // G115: all 64 bits are wanted, whatever their sign
	return &lane
}

// lockLanes keeps other sidecars from changing who waits for whom in these lanes until
// the end of the transaction. They have to be sorted, so that two that lock several never
// wait for each other.
func lockLanes(ctx context.Context, tx pgx.Tx, lanes []int64) error {
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(lane) FROM unnest($1::bigint[]) AS lane", lanes)
	return err
}

// stepBack makes the heads of lanes unavailable to Claim, except those that are claimed.
const stepBack = `
UPDATE galaxypay_inbox_records
SET ready_at = NULL
WHERE lane = ANY ($1::bigint[]) AND ready_at IS NOT NULL AND NOT coalesce(lease_until > $2, false)`

// moveUp makes the oldest pending record the head of each lane that has none. It is written so
// that PostgreSQL looks up each lane alone: without statistics, its planner would otherwise
// read all heads.
const moveUp = `
UPDATE galaxypay_inbox_records
SET ready_at = greatest(due, lease_until)
WHERE seq = ANY (ARRAY(
	SELECT head.seq
	FROM unnest($1::bigint[]) AS l (lane) CROSS JOIN LATERAL (
		SELECT p.seq
		FROM galaxypay_inbox_records AS p
		WHERE p.lane = l.lane AND p.state = 'pending'
		ORDER BY p.seq
		LIMIT 1
	) AS head
	WHERE (SELECT count(*) FROM galaxypay_inbox_records AS h WHERE h.lane = l.lane AND h.ready_at IS NOT NULL) = 0
))`

// advance makes the oldest pending records of locked lanes the next ones, and reports whether
// any lane had no head.
func advance(ctx context.Context, tx pgx.Tx, lanes []int64) (bool, error) {
	if len(lanes) == 0 {
		return false, nil
	}
	tag, err := tx.Exec(ctx, moveUp, lanes)
	return tag.RowsAffected() > 0, err
}
