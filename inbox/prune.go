package inbox

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// pruneInterval is how often old messages are dropped.
	pruneInterval = time.Hour
	// pruneTimeout bounds the pruning of one queue.
	pruneTimeout = time.Minute
	// steadyTime is how long the clock must have been steady before anything is dropped.
	steadyTime = 24 * time.Hour
)

// prune drops the messages of each queue that are older than its Keep.
func (m *Member) prune(now time.Time) {
	ctx, cancel := context.WithTimeout(m.engine.ctx, pruneTimeout)
	defer cancel()
	since, err := m.engine.store.Clock(ctx, now)
	if err != nil {
		m.settings.Log.Error("the inbox cannot be pruned", zap.Error(err))
		return
	}
	if now.Sub(since) < steadyTime {
		return // the store is new, or the clock was set: it may be wrong by years
	}
	for _, q := range m.settings.Queues {
		if q.Keep > 0 {
			m.pruneQueue(q, now)
		}
	}
}

func (m *Member) pruneQueue(q Queue, now time.Time) {
	ctx, cancel := context.WithTimeout(m.engine.ctx, pruneTimeout)
	defer cancel()
	n, err := m.engine.store.Prune(ctx, q.Name, now.Add(-q.Keep))
	if err != nil {
		m.settings.Log.Error("the inbox cannot be pruned", zap.String("merchant", MerchantOf(q.Name)), zap.Error(err))
	} else if n > 0 {
		m.settings.Log.Info("old messages of the inbox were dropped", zap.String("merchant", MerchantOf(q.Name)), zap.Int("events", n))
	}
}
