package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Errors of Settle.
var (
	ErrNoPayment  = errors.New("the ledger has no call with this requestID")
	ErrNotUnknown = errors.New("only a call of unknown outcome can be settled")
	ErrPaid       = errors.New("a message of the gateway shows that the call was carried out, so it can only be settled as accepted")
)

// Settle ends the unknown outcome of a call by the word of an operator, who has asked the
// gateway's people: accepted, rejected, or not_sent, after which it may be sent again. Reason is
// for the audit, and required.
func Settle(ctx context.Context, s Store, book, requestID string, as Outcome, reason string) (p Payment, err error) {
	if as != Accepted && as != Rejected && as != NotSent {
		return Payment{}, fmt.Errorf("expected one of %s, %s, %s", Accepted, Rejected, NotSent)
	}
	if reason == "" {
		return Payment{}, errors.New("expected a reason")
	}
	err = s.Change(ctx, func(tx Tx) error {
		p, err = settle(tx, book, requestID, as, reason)
		return err
	})
	if err != nil {
		return Payment{}, err
	}
	return p, nil
}

func settle(tx Tx, book, requestID string, as Outcome, reason string) (Payment, error) {
	p, err := tx.Payment(book, requestID)
	if err != nil {
		return Payment{}, err
	}
	if p == nil {
		return Payment{}, ErrNoPayment
	}
	now := tx.Now()
	if p.isOverdue(now) {
		p.Interrupt(now)
	}
	switch {
	case p.Outcome != Unknown:
		return Payment{}, fmt.Errorf("%w: this one is %s", ErrNotUnknown, p.Outcome)
	case as != Accepted && p.isFinal():
		return Payment{}, fmt.Errorf("%w: its payment status is %s", ErrPaid, p.Status)
	}
	p.Outcome, p.Code, p.Settled, p.Reason, p.SettledAt = as, "", as, reason, now
	p.remember(now, EntrySettled, string(as))
	if as == Accepted {
		p.move(Open, FromCall, now)
	} else {
		p.move(Failed, FromCall, now)
	}
	if err := tx.Put(p); err != nil {
		return Payment{}, err
	}
	if as == Accepted {
		_, err = carryOut(tx, p) // what it is about may be damaged: the store has said so
	}
	return *p, err
}
