package ledger

import (
	"context"
	"time"
)

// Interrupt is what becomes of a call that was at work when its process ended, or that took
// longer than its deadline: it may have been carried out.
func (p *Payment) Interrupt(now time.Time) {
	p.Outcome, p.Code, p.WasUnknown, p.EndedAt = Unknown, "", true, now
	p.remember(now, EntryEnded, string(Unknown))
	p.move(StatusUnknown, FromCall, now)
}

// InterruptOverdue ends the calls that are at work beyond their deadline, and returns how many there were. Begin and Settle do
// that for the call that they are about; this is for those that no app repeats.
func InterruptOverdue(ctx context.Context, s Store) (int, error) {
	var atWork []Payment
	for p, err := range s.Payments(ctx, Filter{Outcome: AtWork}) {
		if err != nil {
			return 0, err
		}
		atWork = append(atWork, p)
	}
	n := 0
	for _, p := range atWork {
		isOverdue := false
		err := s.Change(ctx, func(tx Tx) (err error) {
			isOverdue, err = interruptRecord(tx, &p)
			return err
		})
		if err != nil {
			return n, err
		}
		if isOverdue {
			n++
		}
	}
	return n, nil
}

func interruptRecord(tx Tx, p *Payment) (isOverdue bool, err error) {
	found, err := tx.Payment(p.Book, p.RequestID)
	if err != nil || found == nil {
		return false, err
	}
	now := tx.Now()
	return found.isOverdue(now), interruptOverdue(tx, found, now)
}

func interruptOverdue(tx Tx, p *Payment, now time.Time) error {
	if !p.isOverdue(now) {
		return nil
	}
	p.Interrupt(now)
	return tx.Put(p)
}

func (p *Payment) isOverdue(now time.Time) bool { return p.Outcome == AtWork && now.After(p.Deadline) }
