package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Settle implements inbox.Store.
func (s *Store) Settle(ctx context.Context, r inbox.Record, how inbox.Settlement) (state inbox.State, err error) {
	switch how.State {
	case inbox.Pending, inbox.Delivered, inbox.Dead, inbox.Repeated:
	default:
		return "", fmt.Errorf("an attempt cannot end as %q", how.State)
	}
	how.Due, how.At = truncated(how.Due), truncated(how.At)
	isHeld := false
	err = s.update(ctx, func(t *tx) (err error) {
		state, isHeld, err = t.settle(&r, how)
		return err
	})
	if err != nil {
		return "", err
	}
	if !isHeld {
		return "", inbox.ErrLeaseLost
	}
	return state, nil
}

// settle reports whether the claim held.
func (t *tx) settle(claimed *inbox.Record, how inbox.Settlement) (state inbox.State, isHeld bool, err error) {
	held := t.s.claims.find(claimed.Seq)
	if held == nil || held.token != claimed.Lease {
		return "", false, nil
	}
	l, err := t.laneOrRow(claimed)
	if err != nil {
		return "", false, err
	}
	r := l.bySeq(claimed.Seq)
	if r == nil || r.State != inbox.Pending {
		return "", false, nil // it was damaged, and is put aside
	}
	if how.State == inbox.Pending && l.isOvertaken(&r.Event) {
		how.State = inbox.Overtaken
	}
	r.settle(how)
	t.s.claims.take(r.Seq)
	r.ready = readyTime(r, r == l.head())
	if err := r.update(t.c); err != nil {
		return "", false, err
	}
	t.wake = t.wake || how.State == inbox.Pending
	return how.State, true, t.advance(l)
}

// settle changes a record by how an attempt ended.
func (r *row) settle(how inbox.Settlement) {
	r.Answer, r.LastError, r.History = how.Answer, how.LastError, keptTexts(how.History)
	if !how.Uncounted {
		r.Attempts++
	}
	if how.State != inbox.Pending {
		r.finish(how.State, how.At)
		return
	}
	r.State, r.Due, r.SettledAt = inbox.Pending, how.Due, time.Time{}
}

// laneOrRow reads the lane of a record, or the record alone if it has no transaction.
func (t *tx) laneOrRow(r *inbox.Record) (laneRows, error) {
	if r.Transaction != "" {
		return t.lane(&r.Event)
	}
	return t.rows("SELECT "+rowColumns+" FROM galaxypay_events WHERE seq = ?", r.Seq)
}

func (l laneRows) bySeq(seq uint64) *row {
	for _, r := range l {
		if r.Seq == seq {
			return r
		}
	}
	return nil
}
