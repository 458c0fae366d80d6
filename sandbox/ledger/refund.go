package ledger

import (
	"errors"
	"math/big"
	"time"
)

// Refund adds to what was given back. Only the sum is kept, so many small refunds need no
// more room than one.
func (t *Transaction) Refund(amount *big.Rat, currency string, now time.Time) error {
	switch {
	case t.Standing() == Authorised:
		return errors.New("the payment is not captured: void it instead")
	case t.Standing() != Success:
		return errors.New("the payment was not successful")
	case currency != t.Order.Currency:
		return errors.New("orderCurrency is not that of the payment")
	case now.After(t.SettledAt.AddDate(1, 0, 0)):
		return errors.New("the payment is more than one year old")
	}
	sum := new(big.Rat).Set(amount)
	if t.Refunded != nil {
		sum.Add(sum, t.Refunded)
	}
	if sum.Cmp(t.Amount) > 0 {
		return errors.New("orderAmount is more than what is left of the payment")
	}
	t.Refunded = sum // a new number: copies of the transaction share the old one
	return nil
}

// RefundRest gives back all that is left.
func (t *Transaction) RefundRest(now time.Time) error {
	rest := new(big.Rat).Set(t.Amount)
	if t.Refunded != nil {
		rest.Sub(rest, t.Refunded)
	}
	if rest.Sign() == 0 {
		return errors.New("the whole payment is already refunded")
	}
	return t.Refund(rest, t.Order.Currency, now)
}
