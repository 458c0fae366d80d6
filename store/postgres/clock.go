package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// skew is how far apart the clocks of sidecars may be that share a store. A time that is behind
// what another sidecar told by no more than this is no step back.
const skew = time.Minute

// Clock implements inbox.Store.
func (s *Store) Clock(ctx context.Context, now time.Time) (steadySince time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var told, since time.Time
		err := tx.QueryRow(ctx, store.ReadClock+" FOR UPDATE").Scan((*store.Time)(&told), (*store.Time)(&since))
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if s.isOthers(told, now) {
			steadySince = since
			return nil
		}
		steadySince = store.SteadySince(since, told, storableTime(now))
		_, err = tx.Exec(ctx, store.WriteClock, pgx.NamedArgs{"told_at": micros(now), "steady_since": micros(steadySince)})
		return err
	})
	if err != nil {
		return time.Time{}, s.failed(ctx, "comparing the clock", err)
	}
	s.told = now
	return steadySince, nil
}

// isOthers reports whether a time that is not before now was told by another sidecar, whose
// clock is only a little ahead.
func (s *Store) isOthers(told, now time.Time) bool {
	return !s.told.IsZero() && !now.Before(s.told) && told.After(now) && told.Sub(now) <= skew
}
