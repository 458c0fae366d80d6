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

// crowded is after how long it is looked again whether a question that is due can be asked, where none can be now.
const crowded = time.Second

// ClaimDue returns payments that the gateway is to be asked about now, and keeps others from asking for as long as lease. All
// that share the store ask at most so many questions at once. A question must be over when its lease is, counted from before
// ClaimDue was called. Each must go to Asked or Release in the end, as it was returned. Next is when it is to be looked for
// questions again; zero: none will be due.
func ClaimDue(ctx context.Context, s Store, books []string, atOnce int, lease time.Duration) (due []Payment, next time.Time, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		if due, err = claim(tx, books, atOnce, tx.Now().Add(lease)); err != nil {
			return err
		}
		next, err = tx.NextDue(books)
		if soon := tx.Now().Add(crowded); len(due) == 0 && !next.IsZero() && !next.After(tx.Now()) {
			next = soon
		}
		return err
	})
	return due, next, err
}

// claim claims what may be asked besides the questions that are being asked.
func claim(tx Tx, books []string, atOnce int, until time.Time) (due []Payment, err error) {
	asking, err := tx.Asking(tx.Now())
	if err != nil || asking >= atOnce {
		return nil, err
	}
	payments, err := tx.Due(books, tx.Now(), atOnce) // of which so many as are being asked may be due again
	if err != nil {
		return nil, err
	}
	for _, p := range payments {
		if len(due) == atOnce-asking {
			break
		}
		if p.AskedUntil.After(tx.Now()) {
			continue
		}
		p.AskAt = until.Truncate(time.Millisecond) // a time that every store keeps as it is
		p.AskedUntil = p.AskAt
		if err := tx.Put(p); err != nil {
			return nil, err
		}
		due = append(due, *p)
	}
	return due, nil
}

// Asked records that the gateway was asked about a payment, and whether it answered with
// responseCode 200. What the answer said goes to Note before. Later is added to when the next
// question is due. Ended is Abandoned or Silent if this was the last question and has made the payment so, else empty; with an
// error it may be recorded or not. If another has claimed the payment since, it changes nothing, and if a last word has come, or the
// questions have begun again, it changes nothing of them.
func Asked(ctx context.Context, s Store, asked Payment, answered bool, schedule Schedule, later time.Duration) (ended Status, err error) {
	return endQuestion(ctx, s, asked, func(p *Payment, now time.Time) Status { return p.asked(answered, schedule, later, now) })
}

// Release takes back a claim of ClaimDue, without a question. The payment is due again at once.
func Release(ctx context.Context, s Store, claimed Payment) error {
	_, err := endQuestion(ctx, s, claimed, func(p *Payment, now time.Time) Status {
		p.AskAt = now
		return ""
	})
	return err
}

// endQuestion ends the lease of a question, and applies what came of it if it still counts. It returns what apply returns.
func endQuestion(ctx context.Context, s Store, asked Payment, apply func(p *Payment, now time.Time) Status) (ended Status, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		ended = ""
		p, err := tx.Payment(asked.Book, asked.RequestID)
		if err != nil || p == nil {
			return err
		}
		if !p.AskedUntil.Equal(asked.AskedUntil) { // another has asked since
			return nil
		}
		p.AskedUntil = time.Time{}
		if p.AskAt.Equal(asked.AskAt) { // else there is nothing more to ask, or all again
			ended = apply(p, tx.Now())
		}
		return tx.Put(p)
	})
	return ended, err
}

// AbandonQuestion is what becomes of a question that was being asked when its process ended: it is due at once.
func (p *Payment) AbandonQuestion(now time.Time) {
	if p.AskAt.Equal(p.AskedUntil) {
		p.AskAt = now
	}
	p.AskedUntil = time.Time{}
}

// asked returns Abandoned or Silent if the payment has become so.
func (p *Payment) asked(answered bool, schedule Schedule, later time.Duration, now time.Time) (ended Status) {
	p.Asked = schedule.over(p, now)
	if answered {
		p.Answered++
	}
	p.remember(now, EntryAsked, "by the schedule:", answerWord(answered))
	p.AskAt = time.Time{}
	if p.Asked < len(schedule) {
		p.AskAt = p.AskFrom.Add(schedule[p.Asked] + later)
		return ""
	}
	ended = Silent
	if p.Answered > 0 {
		ended = Abandoned
	}
	if !p.move(ended, FromSchedule, now) {
		return ""
	}
	return ended
}
