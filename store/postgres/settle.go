package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// settle ends an attempt. It does not make the record the head of its lane again: an earlier
// one may have been replayed since.
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
		s.wakeAll()
	}
	return nil
}
