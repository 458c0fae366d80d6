package ledger

import (
	"math/big"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// catchUp does to a payment what the accepted calls about its transactions mean for it. They may have been
// accepted before it was known that the transaction is the payment's.
func catchUp(tx Tx, p *Payment) error {
	calls, err := acceptedAbout(tx, p)
	if err != nil {
		return err
	}
	isCaptured := !p.Captured && slices.ContainsFunc(calls, func(c *Payment) bool { return c.Effect == operation.Captures })
	if isCaptured {
		p.capture(tx.Now())
	}
	isReversed := givesBack(calls, p.Amount) && p.move(Reversed, FromReversal, tx.Now())
	if isCaptured || isReversed {
		return tx.Put(p)
	}
	return nil
}

// acceptedAbout returns the accepted calls about the transactions of a payment.
func acceptedAbout(tx Tx, p *Payment) (accepted []*Payment, err error) {
	for _, transaction := range p.Transactions {
		calls, err := tx.About(p.Book, transaction)
		if err != nil {
			return nil, err
		}
		for _, c := range calls {
			if c.Outcome == Accepted {
				accepted = append(accepted, c)
			}
		}
	}
	return accepted, nil
}

// givesBack reports whether one of the calls is a void, or their refunds reach the amount.
func givesBack(calls []*Payment, amount string) bool {
	refunded := new(big.Rat)
	for _, c := range calls {
		if c.Effect == operation.Voids {
			return true
		}
		if part, ok := amountOf(c.Amount); ok && part.Sign() > 0 && c.Effect == operation.Refunds {
			refunded.Add(refunded, part)
		}
	}
	paid, ok := amountOf(amount)
	return ok && refunded.Sign() > 0 && refunded.Cmp(paid) >= 0
}
