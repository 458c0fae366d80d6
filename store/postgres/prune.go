package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// prune skips events that another sidecar prunes or replays at this moment.
const prune = "UPDATE galaxypay_events SET message = '' WHERE seq = ANY (ARRAY(" + store.PrunableEvents + " FOR UPDATE SKIP LOCKED))"

// Prune implements inbox.Store. Many events take several transactions; those before an
// error stay without their messages and are counted.
func (s *Store) Prune(ctx context.Context, queue string, before time.Time) (int, error) {
	for pruned := 0; ; {
		var n int
		err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, prune, pgx.NamedArgs{"merchant": storable(queue), "before": micros(before), "limit": changedAtOnce})
			n = int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return pruned, s.failed(ctx, "dropping old messages", err)
		}
		pruned += n
		if n < changedAtOnce {
			return pruned, nil
		}
	}
}
