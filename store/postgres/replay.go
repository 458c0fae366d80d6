package postgres

import (
	"context"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// changedAtOnce is how many events Replay and Prune change in one transaction. Replay locks as
// many lanes, and the server's table of locks is small.
const changedAtOnce = 500

// unclaimed is the condition that a record is not claimed at a time.
const unclaimed = " AND (r.lease IS NULL OR r.lease_until <= @now)"

// replay applies the filter again: while it waited for the locks, another sidecar may have
// replayed and delivered what the filter picked.
const replay = `
UPDATE galaxypay_events AS r
SET state = 'pending', attempts = 0, due_at = @now, settled_at = NULL, lease = NULL, lease_until = NULL,
	ready_at = CASE WHEN transaction_id = '' THEN @now::bigint END
WHERE seq = ANY (@picked::bigint[]) AND `

// stepBack makes the heads of lanes unavailable to Claim, except those that are claimed.
var stepBack = `
UPDATE galaxypay_events AS r
SET ready_at = NULL
WHERE seq = ANY (ARRAY(
	SELECT ` + headOf("l") + ` FROM unnest(@merchants::text[], @transactions::text[]) AS l (merchant, transaction_id)
)) AND ` + still("r.ready_at IS NOT NULL"+unclaimed)

// Replay implements inbox.Store. Many records take several transactions; those before an
// error stay replayed and are counted.
func (s *Store) Replay(ctx context.Context, f inbox.Filter, now time.Time) (int, error) {
	sel, err := s.selectEvents(ctx, f)
	if err != nil {
		return 0, s.failed(ctx, "replaying events", err)
	}
	if sel.empty {
		return 0, nil
	}
	sel.args["now"], sel.args["after"] = micros(now), 0
	if sel.where += unclaimed + " AND length(r.message) > 0"; f.ID == "" {
		sel.where += " AND NOT " + isPaid("r")
	}
	for replayed, left := 0, f.Limit; ; {
		size := changedAtOnce
		if f.Limit > 0 {
			size = min(left, changedAtOnce)
		}
		picked, n, err := s.replaySome(ctx, sel, size)
		if err != nil {
			return replayed, s.failed(ctx, "replaying events", err)
		}
		s.wakeAll()
		replayed += n
		left -= len(picked)
		// Not until there is nothing: events that arrive now were not meant.
		if len(picked) < size || f.Limit > 0 && left == 0 {
			return replayed, nil
		}
		sel.args["after"] = picked[len(picked)-1]
	}
}

// replaySome replays the next records of a selection. Picked are those that it found, n is how
// many of them were picked still when they were locked.
func (s *Store) replaySome(ctx context.Context, sel selection, limit int) (picked []int64, n int, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var lanes []lane
		if picked, lanes, err = pick(ctx, tx, sel, limit); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, lockLanes, keysOf(lanes)); err != nil {
			return err
		}
		args := maps.Clone(sel.args)
		args["picked"] = picked
		tag, err := tx.Exec(ctx, replay+sel.where, args)
		if err != nil {
			return err
		}
		n = int(tag.RowsAffected())
		merchants, transactions := columnsOf(lanes)
		if _, err := tx.Exec(ctx, stepBack, pgx.NamedArgs{"merchants": merchants, "transactions": transactions, "now": sel.args["now"]}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, moveUp, merchants, transactions)
		return err
	})
	return picked, n, err
}

// pick finds the next records of a selection, and their lanes, each once.
func pick(ctx context.Context, tx pgx.Tx, sel selection, limit int) (picked []int64, lanes []lane, err error) {
	rows, err := tx.Query(ctx, "SELECT seq, merchant, transaction_id, id FROM galaxypay_events WHERE seq = ANY (ARRAY("+
		sel.next(limit)+")) ORDER BY seq", sel.args)
	if err != nil {
		return nil, nil, err
	}
	seen := make(map[lane]bool)
	var seq int64
	var e inbox.Event
	_, err = pgx.ForEachRow(rows, []any{&seq, &e.Queue, &e.Transaction, &e.ID}, func() error {
		picked = append(picked, seq)
		if l := laneOf(e); !seen[l] {
			seen[l] = true
			lanes = append(lanes, l)
		}
		return nil
	})
	return picked, lanes, err
}
