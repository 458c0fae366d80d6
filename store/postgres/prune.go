package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// prune skips records that another sidecar prunes or replays at this moment.
const prune = `
DELETE FROM galaxypay_inbox_records
WHERE seq IN (
	SELECT seq
	FROM galaxypay_inbox_records
	WHERE state IN ('delivered', 'dead', 'overtaken') AND queue = $1 AND received_at < $2
	LIMIT $3
	FOR UPDATE SKIP LOCKED
)`

// Prune implements inbox.Store. Many records take several transactions; those before an
// error stay deleted and are counted.
func (s *Store) Prune(ctx context.Context, queue string, before time.Time) (int, error) {
	for pruned := 0; ; {
		var n int
		err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, prune, storable(queue), before, batch)
			n = int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return pruned, fmt.Errorf("pruning the inbox: %w", err)
		}
		if n == 0 {
			return pruned, nil
		}
		pruned += n
	}
}
