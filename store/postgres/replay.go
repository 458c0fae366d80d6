package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// batch is how many records Replay and Prune change in one transaction. Replay locks as
// many lanes, and the server's table of locks is small.
const batch = 500

// unclaimed is the condition that a record is not claimed at a time.
const unclaimed = "NOT coalesce(r.lease_until > @now, false)"

// replay applies the filter again: while it waited for the locks, another sidecar may have
// replayed and delivered what the filter picked.
const replay = `
UPDATE galaxypay_inbox_records AS r
SET state = 'pending', attempts = 0, due = @now, settled_at = NULL, lease = NULL, lease_until = NULL,
	ready_at = CASE WHEN lane IS NULL THEN @now::timestamptz END
WHERE seq = ANY (@picked::bigint[]) AND ` + unclaimed + ` AND `

// Replay implements inbox.Store. Many records take several transactions; those before an
// error stay replayed and are counted.
func (s *Store) Replay(ctx context.Context, f inbox.Filter, now time.Time) (int, error) {
	var after int64
	replayed, left := 0, f.Limit
	for {
		size := pageSize(f.Limit, left, batch)
		picked, n, err := s.replayBatch(ctx, f, after, size, now)
		if err != nil {
			return replayed, fmt.Errorf("replaying the inbox: %w", err)
		}
		s.wakeAll()
		replayed += n
		left -= len(picked)
		// Not until there is nothing: events that arrive now were not meant.
		if len(picked) < size || f.Limit > 0 && left == 0 {
			return replayed, nil
		}
		after = picked[len(picked)-1]
	}
}

// replayBatch replays records after one. Picked are those that it found, n is how many of
// them were still unclaimed.
func (s *Store) replayBatch(ctx context.Context, f inbox.Filter, after int64, limit int, now time.Time) (picked []int64, n int, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var lanes []int64
		if picked, lanes, err = pick(ctx, tx, f, after, limit, now); err != nil {
			return err
		}
		if err := lockLanes(ctx, tx, lanes); err != nil {
			return err
		}
		where, args := replayable(f)
		args["picked"], args["now"] = picked, now
		tag, err := tx.Exec(ctx, replay+where, args)
		if err != nil {
			return err
		}
		n = int(tag.RowsAffected())
		if _, err := tx.Exec(ctx, stepBack, lanes, now); err != nil {
			return err
		}
		_, err = advance(ctx, tx, lanes)
		return err
	})
	return picked, n, err
}

// replayable is a filter in SQL for the records that a replay may take.
func replayable(f inbox.Filter) (where string, args pgx.NamedArgs) {
	where, args = conditions(f)
	if !f.IncludesOvertaken() {
		where += " AND r.state <> 'overtaken'"
	}
	return where, args
}

// pick finds the unclaimed records after one that a filter picks, and their lanes in order,
// each once.
func pick(ctx context.Context, tx pgx.Tx, f inbox.Filter, after int64, limit int, now time.Time) (picked, lanes []int64, err error) {
	where, args := replayable(f)
	args["after"], args["limit"], args["now"] = after, limit, now
	rows, err := tx.Query(ctx, "SELECT r.seq, r.lane FROM galaxypay_inbox_records AS r WHERE "+where+
		" AND "+unclaimed+" AND r.seq > @after ORDER BY r.seq LIMIT @limit", args)
	if err != nil {
		return nil, nil, err
	}
	var seq int64
	var lane *int64
	_, err = pgx.ForEachRow(rows, []any{&seq, &lane}, func() error {
		picked = append(picked, seq)
		if lane != nil {
			lanes = append(lanes, *lane)
		}
		return nil
	})
	slices.Sort(lanes)
	return picked, slices.Compact(lanes), err
}
