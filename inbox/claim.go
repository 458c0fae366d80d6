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
	var free []*Queue // an attempt that ends, in any other queue, wakes the loop
	for i := range m.settings.Queues {
		if q := &m.settings.Queues[i]; !m.engine.slots.allTaken(pool{q.Name, forClaims}) {
			free = append(free, q)
		}
	}
	return m.claimAmong(free)
}

// claimAmong claims what is due in any of these queues. It reads the store once for all of
// them, and halves them while something is due: while nothing is, thousands of queues cost no
// more than one.
func (m *Member) claimAmong(queues []*Queue) time.Duration {
	if len(queues) == 0 {
		return pollInterval
	}
	wait, err := m.untilDue(queues)
	if err != nil {
		m.logUnreadable(queues, err)
		return pollInterval
	}
	if wait > 0 {
		return wait
	}
	if len(queues) == 1 {
		return m.claimQueue(queues[0])
	}
	half := len(queues) / 2
	return min(m.claimAmong(queues[:half]), m.claimAmong(queues[half:]))
}

// untilDue returns how long nothing of these queues is due. It reads, since claiming may cost the
// store a write even if it finds nothing.
func (m *Member) untilDue(queues []*Queue) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(m.engine.ctx, storeTimeout)
	defer cancel()
	names := make([]string, len(queues))
	lease := Lease{Now: m.engine.clock.Now()}
	for i, q := range queues {
		names[i] = q.Name
		if horizon := lease.Now.Add(q.longestDelay()); horizon.After(lease.Horizon) {
			lease.Horizon = horizon
		}
	}
	next, err := m.engine.store.NextDue(ctx, names, lease)
	if err != nil || next.IsZero() {
		return pollInterval, err
	}
	return min(next.Sub(lease.Now), pollInterval), nil
}

// claimQueue claims once. However much is due, between two claims the loop serves the other
// queues, and sees a new configuration or the end.
func (m *Member) claimQueue(q *Queue) time.Duration {
	p := pool{q.Name, forClaims}
	free := m.engine.slots.reserve(p, atOnce)
	ctx, cancel := context.WithTimeout(m.engine.ctx, storeTimeout)
	defer cancel()
	records, err := m.engine.store.Claim(ctx, []string{q.Name}, m.lease(q), free)
	if err != nil {
		m.logUnreadable([]*Queue{q}, err)
	}
	m.engine.slots.release(p, free-len(records))
	for _, r := range records {
		m.startAttempt(q, r, p)
	}
	if len(records) > 0 {
		return 0
	}
	// Another sidecar may have claimed it first. NextDue reports it as due until that sidecar
	// settles it, so wait instead of polling.
	return lostClaim
}

func (m *Member) logUnreadable(queues []*Queue, err error) {
	log := m.settings.Log
	if len(queues) == 1 {
		log = log.With(zap.String("merchant", MerchantOf(queues[0].Name)))
	}
	log.Error("the inbox cannot be read; trying again", zap.Error(err))
}

func (m *Member) lease(q *Queue) Lease {
	now := m.engine.clock.Now()
	return Lease{Now: now, Until: now.Add(q.timeout() + leaseMargin), Horizon: now.Add(q.longestDelay())}
}
