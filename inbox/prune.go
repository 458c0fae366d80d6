package inbox

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// pruneInterval is how often old records are deleted.
	pruneInterval = time.Hour
	// pruneTimeout bounds the pruning of one queue.
	pruneTimeout = time.Minute
)

// prune deletes the records of each queue that are older than its Keep.
func (m *Member) prune(now time.Time) {
	for _, q := range m.settings.Queues {
		if q.Keep == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(m.engine.ctx, pruneTimeout)
		n, err := m.engine.store.Prune(ctx, q.Name, now.Add(-q.Keep))
		cancel()
		if err != nil {
			m.settings.Log.Error("the inbox cannot be pruned", zap.String("merchant", q.Name), zap.Error(err))
		} else if n > 0 {
			m.settings.Log.Info("the inbox was pruned", zap.String("merchant", q.Name), zap.Int("events", n))
		}
	}
}
