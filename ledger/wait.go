package ledger

import (
	"context"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Overtakes reports whether the payment is paid, or held, by now, so that a message of the
// status said, that nothing was paid, is no news any more.
func (p *Payment) Overtakes(said Status) bool {
	return p.TakesPayment() && slices.Contains(lost, said) && (p.Status == Paid || p.Status == Authorized)
}

// IsCapturing reports whether a capture of a payment is at work: a message about it that says
// authorized may say paid in a moment.
func IsCapturing(ctx context.Context, s Store, p Payment) (bool, error) {
	for _, transaction := range p.Transactions {
		for c, err := range s.Payments(ctx, Filter{Book: p.Book, Transaction: transaction, Outcome: AtWork}) {
			if err != nil {
				return false, err
			}
			if c.Effect == operation.Captures {
				return true, nil
			}
		}
	}
	return false, nil
}
