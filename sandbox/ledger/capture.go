package ledger

import "errors"

// Capture takes the money of an authorised payment.
func (t *Transaction) Capture() error { return t.finish(Success) }

// Void gives up an authorised payment.
func (t *Transaction) Void() error { return t.finish(Voided) }

func (t *Transaction) finish(end Outcome) error {
	switch t.Standing() {
	case Authorised:
		t.Afterwards = end
		return nil
	case Success:
		return errors.New("the payment is captured already")
	case Voided:
		return errors.New("the payment is voided already")
	}
	return errors.New("the payment is not authorised")
}
