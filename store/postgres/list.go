package postgres

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// page is how many records List reads at once: a slow reader, or one of many records, holds
// no connection, and not everything is in memory.
const page = 100

// List implements inbox.Store. It reads a hundred records at a time, each hundred as they
// are at that moment.
func (s *Store) List(ctx context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		for after, left := uint64(0), f.Limit; ; {
			size := pageSize(f.Limit, left, page)
			records, err := s.page(ctx, f, after, size)
			if err != nil {
				yield(inbox.Record{}, fmt.Errorf("listing the inbox: %w", err))
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				after = r.Seq
			}
			left -= len(records)
			// Not until there is nothing: events may arrive as fast as they are read.
			if len(records) < size || f.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

// pageSize is how many of the records that a limit leaves are read at once.
func pageSize(limit, left, most int) int {
	if limit > 0 {
		return min(left, most)
	}
	return most
}

// page reads the records after one, in the order of arrival.
func (s *Store) page(ctx context.Context, f inbox.Filter, after uint64, limit int) ([]inbox.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	where, args := conditions(f)
	args["after"], args["limit"] = after, limit
	rows, err := s.pool.Query(ctx, "SELECT "+columns+" FROM galaxypay_inbox_records AS r WHERE "+where+
		" AND r.seq > @after ORDER BY r.seq LIMIT @limit", args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, readRecord)
}

// conditions is a filter in SQL, all but its limit.
func conditions(f inbox.Filter) (where string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{}
	terms := []string{"true"}
	text := func(column, value string) {
		if value != "" {
			terms = append(terms, "r."+column+" = @"+column)
			args[column] = storable(value)
		}
	}
	text("id", f.ID)
	text("queue", f.Queue)
	text("transaction", f.Transaction)
	text("state", string(f.State))
	text("payment_status", f.PaymentStatus)
	if !f.Since.IsZero() {
		terms = append(terms, "r.received_at >= @since")
		args["since"] = f.Since
	}
	if !f.Until.IsZero() {
		terms = append(terms, "r.received_at < @before")
		args["before"] = f.Until
	}
	return strings.Join(terms, " AND "), args
}
