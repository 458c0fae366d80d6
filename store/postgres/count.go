package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// count is one row of a statement that counts events.
type count struct {
	what string
	n    int
}

func readCount(row pgx.CollectableRow) (c count, err error) {
	err = row.Scan(&c.what, &c.n)
	return c, err
}

// Stats implements inbox.Store.
func (s *Store) Stats(ctx context.Context) (inbox.Stats, error) {
	stats := store.NewStats()
	counts, err := query(ctx, s, readCount, store.CountEvents)
	if err != nil {
		return inbox.Stats{}, s.failed(ctx, "counting events", err)
	}
	for _, c := range counts {
		store.AddCount(&stats, c.what, c.n)
	}
	oldest, err := query(ctx, s, pgx.RowTo[int64], store.OldestPending)
	if err != nil {
		return inbox.Stats{}, s.failed(ctx, "looking for the oldest event", err)
	}
	if len(oldest) > 0 {
		stats.Oldest = time.Time(store.TimeOf(oldest[0]))
	}
	return stats, nil
}

// Pending implements inbox.Store.
func (s *Store) Pending(ctx context.Context) (map[string]int, error) {
	counts, err := query(ctx, s, readCount, store.CountPending)
	if err != nil {
		return nil, s.failed(ctx, "counting events", err)
	}
	pending := make(map[string]int, len(counts))
	for _, c := range counts {
		pending[c.what] = c.n
	}
	return pending, nil
}
