package ledger

import (
	"context"
	"time"
)

// A Schedule says when the gateway is asked about a payment that no word has come about: at these
// delays, counted from when it was recorded or captured.
type Schedule []time.Duration

// First is when the first question about a payment is due; zero: none is.
func (s Schedule) First(recordedAt time.Time) time.Time {
	if len(s) == 0 {
		return time.Time{}
	}
	return recordedAt.Add(s[0])
}

// over counts the places of the schedule whose time has come. Questions that a stop of the sidecar has left behind are
// asked once, not one after the other.
func (s Schedule) over(p *Payment, now time.Time) int {
	n := 0
	for n < len(s) && !p.AskFrom.Add(s[n]).After(now) {
		n++
	}
	return n
}

// ClaimDue returns up to limit payments that the gateway is to be asked about now, and keeps
// others from asking for as long as lease. Each must go to Asked in the end, as it was returned. Next is when the
// next question is due; zero: none is.
func ClaimDue(ctx context.Context, s Store, books []string, limit int, lease time.Duration) (due []Payment, next time.Time, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		due, next = nil, time.Time{}
		payments, err := tx.Due(books, tx.Now(), limit)
		if err != nil {
			return err
		}
		for _, p := range payments {
			p.AskAt = tx.Now().Add(lease).Truncate(time.Millisecond) // a time that every store keeps as it is
			if err := tx.Put(p); err != nil {
				return err
			}
			due = append(due, *p)
		}
		next, err = tx.NextDue(books)
		return err
	})
	return due, next, err
}

// Asked records that the gateway was asked about a payment, and whether it answered with
// responseCode 200. What the answer said goes to Note before. Later is added to when the next
// question is due. It returns the record. If another has claimed it since, or a last word has come, it changes nothing.
func Asked(ctx context.Context, s Store, asked Payment, answered bool, schedule Schedule, later time.Duration) (p Payment, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		now := tx.Now()
		found, err := tx.Payment(asked.Book, asked.RequestID)
		if err != nil || found == nil {
			return err
		}
		p = *found
		if !p.AskAt.Equal(asked.AskAt) { // another has asked since, or there is nothing more to ask
			return nil
		}
		p.asked(answered, schedule, later, now)
		return tx.Put(&p)
	})
	return p, err
}

func (p *Payment) asked(answered bool, schedule Schedule, later time.Duration, now time.Time) {
	p.Asked = schedule.over(p, now)
	if answered {
		p.Answered++
	}
	p.AskAt = time.Time{}
	switch {
	case p.Asked < len(schedule):
		p.AskAt = p.AskFrom.Add(schedule[p.Asked] + later)
	case p.Answered > 0:
		p.move(Abandoned, FromSchedule, now)
	default:
		p.move(Silent, FromSchedule, now)
	}
}
