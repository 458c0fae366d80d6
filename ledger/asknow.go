package ledger

import (
	"context"
	"errors"
	"time"
)

// Errors of ClaimNow.
var (
	ErrNotAskable = errors.New("the gateway can only be asked about a payment of which it has given a transactionID")
	ErrAsking     = errors.New("the gateway is being asked about this payment already; try again in a moment")
	ErrBusy       = errors.New("as many questions are being asked as may be at once; try again in a moment")
)

// ClaimNow claims a payment to be asked about at once, because an operator wants it, whatever the schedule says; it counts among the
// questions that may be asked at once. It waits for nothing. The payment must go to AskedNow in the end, as it was returned.
func ClaimNow(ctx context.Context, s Store, book, requestID string, atOnce int, lease time.Duration) (claimed Payment, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		p, err := tx.Payment(book, requestID)
		if err != nil {
			return err
		}
		if err := mayAskNow(tx, p, atOnce); err != nil {
			return err
		}
		p.AskedUntil = tx.Now().Add(lease).Truncate(time.Millisecond) // a time that every store keeps as it is
		claimed = *p
		return tx.Put(p)
	})
	return claimed, err
}

func mayAskNow(tx Tx, p *Payment, atOnce int) error {
	if p == nil {
		return ErrNoPayment
	}
	if !p.TakesPayment() || len(p.Transactions) == 0 {
		return ErrNotAskable
	}
	if p.AskedUntil.After(tx.Now()) {
		return ErrAsking
	}
	asking, err := tx.Asking(tx.Now())
	if err == nil && asking >= atOnce {
		return ErrBusy
	}
	return err
}

// AskedNow records that the gateway was asked because an operator wanted it, and whether it answered with responseCode 200. The
// schedule goes on as it was. It returns the record.
func AskedNow(ctx context.Context, s Store, asked Payment, answered bool) (p Payment, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		found, err := tx.Payment(asked.Book, asked.RequestID)
		if err != nil {
			return err
		}
		if found == nil {
			return ErrNoPayment
		}
		if found.AskedUntil.Equal(asked.AskedUntil) { // else another has asked since
			found.AskedUntil = time.Time{}
		}
		if answered {
			found.Answered++
		}
		found.remember(tx.Now(), EntryAsked, "by an operator:", answerWord(answered))
		p = *found
		return tx.Put(found)
	})
	return p, err
}

// answerWord is what came of a question, in a history.
func answerWord(answered bool) string {
	if answered {
		return "answered"
	}
	return "no answer"
}
