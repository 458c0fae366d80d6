package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// maxMessage bounds a message, in bytes.
const maxMessage = 16 << 20

// checkEvent refuses what no event can be.
func checkEvent(e *inbox.Event) error {
	if e.ID == "" {
		return errors.New("an event needs an id")
	}
	for _, text := range []string{e.ID, e.Queue, e.Transaction, e.OrderID, e.RequestID, e.PaymentStatus} {
		if len(text) > inbox.MaxName {
			return fmt.Errorf("a field of the event is longer than %d bytes", inbox.MaxName)
		}
	}
	if len(e.Message) > maxMessage {
		return fmt.Errorf("the message is longer than %d bytes", maxMessage)
	}
	return nil
}

// Arrive implements inbox.Store.
func (s *Store) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (r inbox.Record, isNew bool, err error) {
	if err := checkEvent(&e); err != nil {
		return inbox.Record{}, false, err
	}
	e.ReceivedAt, lease.Now = truncated(e.ReceivedAt), truncated(lease.Now)
	err = s.update(ctx, func(t *tx) (err error) {
		r, isNew, err = t.arrive(e, lease)
		return err
	})
	if err != nil {
		return inbox.Record{}, false, err
	}
	return r, isNew, nil
}

func (t *tx) arrive(e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	arriving, err := t.lane(&e)
	if err != nil {
		return inbox.Record{}, false, err
	}
	r, isNew, err := t.keep(arriving, e, lease)
	if err != nil || isNew {
		return r, isNew, err
	}
	known, err := t.known(&e)
	if err != nil {
		return inbox.Record{}, false, err
	}
	if known == nil {
		// It was damaged, and is put aside.
		if arriving, err = t.lane(&e); err != nil {
			return inbox.Record{}, false, err
		}
		return t.keep(arriving, e, lease)
	}
	r, err = t.repeat(known, e.Message, lease)
	return r, false, err
}

// keep keeps an event that arrives in a lane, unless it is kept already.
func (t *tx) keep(l laneRows, e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	r := &row{Record: inbox.Record{Event: e, Seq: t.s.nextSeq, Alone: len(l) == 0}}
	r.makePending(lease.Now)
	if l.isOvertaken(&e) {
		r.finish(inbox.Overtaken, lease.Now)
	}
	waiting := l.overtakenBy(&r.Record, func(seq uint64) bool { return t.s.claims.isHeld(seq, lease) })
	isHead := r.State == inbox.Pending && l.pending() == len(waiting)
	r.ready = readyTime(r, isHead)
	isNew, err := r.insert(t.c)
	if err != nil || !isNew {
		return inbox.Record{}, false, err
	}
	t.s.nextSeq++
	for _, w := range waiting {
		if err := t.overtake(w, lease); err != nil {
			return inbox.Record{}, false, err
		}
	}
	if len(waiting) > 0 {
		if err := t.advance(append(l, r)); err != nil {
			return inbox.Record{}, false, err
		}
	}
	if isHead {
		t.claim(r, lease)
	}
	return r.Record, true, nil
}

func (t *tx) overtake(r *row, lease inbox.Lease) error {
	r.finish(inbox.Overtaken, lease.Now)
	t.s.claims.take(r.Seq)
	return r.update(t.c)
}

// claim claims a record that heads its lane, if the lane is free.
func (t *tx) claim(r *row, lease inbox.Lease) {
	if !t.s.claims.isBusy(laneOf(&r.Record), lease) {
		r.Lease = t.s.claims.give(&r.Record, lease)
	}
}

// known finds the record of an event that is kept already. Nil: it was damaged, and is put
// aside.
func (t *tx) known(e *inbox.Event) (*row, error) {
	rows, err := t.rows("SELECT "+rowColumns+" FROM galaxypay_events WHERE id = ? AND merchant = ?", e.ID, e.Queue)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// repeat is what happens when an event arrives again. Its text may come with other words beside
// it: what is kept counts, except a message that was dropped.
func (t *tx) repeat(r *row, message []byte, lease inbox.Lease) (inbox.Record, error) {
	if r.State != inbox.Pending && r.State != inbox.Dead {
		return r.Record, nil
	}
	l, err := t.lane(&r.Event)
	if err != nil {
		return inbox.Record{}, err
	}
	r = l.withSeq(r)
	if r.State == inbox.Dead {
		if l.isOvertaken(&r.Event) {
			return r.Record, nil
		}
		if len(r.Message) == 0 {
			if err := r.setMessage(t.c, message); err != nil {
				return inbox.Record{}, err
			}
		}
		r.makePending(lease.Now)
		if err := r.update(t.c); err != nil {
			return inbox.Record{}, err
		}
		if err := t.advance(l.orAlone(r)); err != nil {
			return inbox.Record{}, err
		}
	}
	if l.orAlone(r).head() == r {
		t.claim(r, lease)
	}
	return r.Record, nil
}
