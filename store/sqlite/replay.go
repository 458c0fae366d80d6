package sqlite

import (
	"context"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// chunk is how many records one transaction changes where there may be any number of them: a
// long one would hold up others.
const chunk = 200

// Replay implements inbox.Store. Many records take several transactions; those before an error
// stay replayed and are counted.
func (s *Store) Replay(ctx context.Context, f inbox.Filter, now time.Time) (int, error) {
	now = truncated(now)
	last, err := s.lastSeq(ctx)
	if err != nil {
		return 0, err
	}
	replayed := 0
	for after, more := uint64(0), true; more; {
		var n int
		var next uint64
		err := s.update(ctx, func(t *tx) (err error) {
			left := 0
			if f.Limit > 0 {
				left = f.Limit - replayed
			}
			n, next, more, err = t.replay(f, now, after, last, left)
			return err
		})
		if err != nil {
			return replayed, err
		}
		after = next
		replayed += n
		more = more && (f.Limit == 0 || replayed < f.Limit)
	}
	return replayed, nil
}

// replay replays records behind one, no more than a limit (0: there is none). It returns how
// far it has come, and whether there may be more.
func (t *tx) replay(f inbox.Filter, now time.Time, after, last uint64, limit int) (n int, next uint64, more bool, err error) {
	lease := inbox.Lease{Now: now}
	seqs, err := t.picked(f, after, last)
	if err != nil {
		return 0, 0, false, err
	}
	for _, seq := range seqs {
		after = seq
		ok, err := t.replayOne(seq, f.ID != "", lease)
		if err != nil {
			return 0, 0, false, err
		}
		if ok {
			n++
		}
		if limit > 0 && n == limit {
			return n, after, false, nil
		}
	}
	return n, after, len(seqs) == chunk, nil
}

// picked are the numbers of the next records that a filter picks and that have a message.
func (t *tx) picked(f inbox.Filter, after, last uint64) (seqs []uint64, err error) {
	condition, args := store.Where(f)
	args["after"], args["last"], args["limit"] = after, last, chunk
	sql := "SELECT seq FROM galaxypay_events WHERE " + condition + " AND length(message) > 0 AND seq > @after AND seq <= @last ORDER BY seq LIMIT @limit"
	err = t.c.eachNamed(sql, args, func(stmt *sqliteStmt) (bool, error) {
		seq := uint64(stmt.ColumnInt64(0)) //nolint:gosec // G115: written as uint64
		if seq <= after {
			return false, errOrder
		}
		seqs, after = append(seqs, seq), seq
		return true, nil
	})
	return seqs, err
}

// replayOne replays a record, unless it is claimed, or overtaken and not asked for by its id.
func (t *tx) replayOne(seq uint64, byID bool, lease inbox.Lease) (bool, error) {
	rows, err := t.rows("SELECT "+rowColumns+" FROM galaxypay_events WHERE seq = ?", seq)
	if err != nil || len(rows) == 0 || t.s.claims.isHeld(seq, lease) {
		return false, err
	}
	r := rows[0]
	l, err := t.lane(&r.Event)
	if err != nil {
		return false, err
	}
	if !byID && l.isOvertaken(&r.Event) {
		return false, nil
	}
	r = l.withSeq(r)
	t.s.claims.take(seq)
	l = l.orAlone(r)
	r.makePending(lease.Now)
	r.ready = readyTime(r, r == l.head())
	t.wake = true
	if err := r.update(t.c); err != nil {
		return false, err
	}
	return true, t.advance(l)
}

// Prune implements inbox.Store. Many records take several transactions; those before an error
// stay pruned and are counted.
func (s *Store) Prune(ctx context.Context, queue string, before time.Time) (int, error) {
	for pruned := 0; ; {
		n, found := 0, 0
		err := s.update(ctx, func(t *tx) (err error) {
			n, found, err = t.prune(queue, before)
			return err
		})
		if err != nil {
			return pruned, err
		}
		pruned += n
		if found < chunk || n == 0 {
			return pruned, nil
		}
	}
}

// prune drops the messages of up to a chunk of records. Found are those that it looked at.
func (t *tx) prune(queue string, before time.Time) (n, found int, err error) {
	// Rounded up, so that "before" stays true of what lies within the same microsecond.
	bound, _ := store.Time(before.Add(time.Microsecond - 1)).Micros()
	args := store.Args{"merchant": queue, "before": bound, "limit": chunk}
	var seqs []uint64
	err = t.c.eachNamed(store.PrunableEvents, args, func(stmt *sqliteStmt) (bool, error) {
		seqs = append(seqs, uint64(stmt.ColumnInt64(0))) //nolint:gosec // G115: written as uint64
		return true, nil
	})
	if err != nil {
		return 0, 0, err
	}
	for _, seq := range seqs {
		rows, err := t.rows("SELECT "+rowColumns+" FROM galaxypay_events WHERE seq = ?", seq)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range rows {
			if err := r.setMessage(t.c, nil); err != nil {
				return 0, 0, err
			}
			n++
		}
	}
	return n, len(seqs), nil
}
