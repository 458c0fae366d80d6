package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Stats implements inbox.Store.
func (s *Store) Stats(ctx context.Context) (inbox.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	stats := inbox.Stats{States: make(map[inbox.State]int)}
	for _, state := range inbox.States() {
		stats.States[state] = 0
	}
	rows, err := s.pool.Query(ctx, "SELECT state, count(*), min(received_at) FROM galaxypay_inbox_records GROUP BY state")
	if err != nil {
		return inbox.Stats{}, fmt.Errorf("counting the inbox: %w", err)
	}
	var state inbox.State
	var count int
	var oldest timestamp
	_, err = pgx.ForEachRow(rows, []any{&state, &count, &oldest}, func() error {
		stats.States[state] = count
		if state == inbox.Pending {
			stats.Oldest = time.Time(oldest)
		}
		return nil
	})
	if err != nil {
		return inbox.Stats{}, fmt.Errorf("counting the inbox: %w", err)
	}
	return stats, nil
}

// Pending implements inbox.Store.
func (s *Store) Pending(ctx context.Context) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, "SELECT queue, count(*) FROM galaxypay_inbox_records WHERE state = 'pending' GROUP BY queue")
	if err != nil {
		return nil, fmt.Errorf("counting the inbox: %w", err)
	}
	pending := make(map[string]int)
	var queue string
	var count int
	_, err = pgx.ForEachRow(rows, []any{&queue, &count}, func() error {
		pending[queue] = count
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting the inbox: %w", err)
	}
	return pending, nil
}
