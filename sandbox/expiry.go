package sandbox

import (
	"context"
	"time"
)

// defaultExpiry is how long a payment can be paid. What the gateway grants is not
// documented.
const defaultExpiry = 15 * time.Minute

// lapse ends the payment if its time is over, and tells whether it was this that did.
func (t *transaction) lapse(now time.Time) bool {
	if t.outcome != "" || now.Before(t.expiresAt) {
		return false
	}
	t.outcome, t.settledAt = expired, now
	return true
}

// expire ends the payment if its time is over, and tells the app.
//
// Nothing waits for the end of a payment: it is noticed by the next query or by the next
// visit to its page, and its IPN is sent then. A query is answered before that.
func (h *Handler) expire(ctx context.Context, id string) {
	if t, first := h.ledger.expire(id, h.ledger.now()); first {
		h.notify(ctx, t)
	}
}
