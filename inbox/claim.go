package inbox

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// leaseMargin is how much longer a lease is than the attempt: time for the store to give
	// out the lease, and to settle it.
	leaseMargin = storeTimeout + settleTime
	// lostClaim is how long the loop waits when it found nothing to claim, though something
	// is due.
	lostClaim = time.Second
)

// claimDue claims what is due and begins attempts, as far as there are free slots. It returns
// when to look again.
func (m *Member) claimDue() time.Duration {
	wait := pollInterval
	for i := range m.settings.Queues {
		wait = min(wait, m.claimQueue(&m.settings.Queues[i]))
	}
	return wait
}

// claimQueue claims once. However much is due, between two claims the loop serves the other
// queues, and sees a new configuration or the end.
func (m *Member) claimQueue(q *Queue) time.Duration {
	p := pool{q.Name, forClaims}
	free := m.engine.slots.reserve(p, atOnce)
	if free == 0 {
		return pollInterval // an attempt that ends wakes the loop
	}
	ctx, cancel := context.WithTimeout(m.engine.ctx, storeTimeout)
	defer cancel()
	records, wait, err := m.claim(ctx, q, free)
	if err != nil {
		m.settings.Log.Error("the inbox cannot be read; trying again", zap.String("merchant", q.Name), zap.Error(err))
	}
	m.engine.slots.release(p, free-len(records))
	for _, r := range records {
		m.startAttempt(q, r, p)
	}
	if len(records) > 0 {
		return 0
	}
	return wait
}

// claim reads first, since claiming may cost the store a write even if it finds nothing.
func (m *Member) claim(ctx context.Context, q *Queue, limit int) ([]Record, time.Duration, error) {
	queues, lease := []string{q.Name}, m.lease(q)
	next, err := m.engine.store.NextDue(ctx, queues, lease)
	if err != nil || next.IsZero() {
		return nil, pollInterval, err
	}
	if wait := next.Sub(lease.Now); wait > 0 {
		return nil, wait, nil
	}
	records, err := m.engine.store.Claim(ctx, queues, lease, limit)
	// Another sidecar may have claimed it first. NextDue reports it as due until that sidecar
	// settles it, so wait instead of polling.
	return records, lostClaim, err
}

func (m *Member) lease(q *Queue) Lease {
	now := m.engine.clock.Now()
	return Lease{Now: now, Until: now.Add(q.timeout() + leaseMargin), Horizon: now.Add(q.longestDelay())}
}
