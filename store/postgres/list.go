package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// selection is what a filter picks, in SQL.
type selection struct {
	from  string // galaxypay_events, or the few events that the filter can pick
	where string
	args  pgx.NamedArgs
	empty bool // nothing is picked
}

// selectEvents turns a filter into SQL, all but its limit. PostgreSQL may believe that walking
// through all events in the order of arrival soon finds those that are wanted. So those of an
// order, a transaction, a request or an ID are looked up first; of those that are not delivered,
// the index is used; and else a time is turned into numbers of events.
func (s *Store) selectEvents(ctx context.Context, f inbox.Filter) (selection, error) {
	f = storableFilter(f)
	condition, args := store.Where(f)
	sel := selection{from: "galaxypay_events", where: condition, args: pgx.NamedArgs(args)}
	if narrow, ok := narrowest(f); ok {
		few, _ := store.Where(narrow)
		sel.from = "(SELECT * FROM galaxypay_events WHERE " + few + " OFFSET 0)"
		return sel, nil
	}
	if f.State != "" && f.State != inbox.Delivered {
		few, _ := store.Where(inbox.Filter{State: f.State})
		sel.from = "(SELECT * FROM galaxypay_events WHERE " + few + " AND seq > @after ORDER BY state, seq OFFSET 0)"
		return sel, nil
	}
	if f.Since.IsZero() && f.Until.IsZero() {
		return sel, nil
	}
	during, times := store.Where(inbox.Filter{Since: f.Since, Until: f.Until})
	type bounds struct{ first, last *uint64 }
	found, err := query(ctx, s, func(row pgx.CollectableRow) (b bounds, err error) {
		err = row.Scan(&b.first, &b.last)
		return b, err
	}, "SELECT min(seq), max(seq) FROM (SELECT seq FROM galaxypay_events WHERE "+during+" OFFSET 0) AS e", pgx.NamedArgs(times))
	if err != nil {
		return selection{}, err
	}
	if found[0].first == nil {
		return selection{empty: true}, nil
	}
	sel.where += " AND seq BETWEEN @first AND @last"
	sel.args["first"], sel.args["last"] = *found[0].first, *found[0].last
	return sel, nil
}

// narrowest is the part of a filter that picks only few events, if it has one.
func narrowest(f inbox.Filter) (inbox.Filter, bool) {
	switch {
	case f.ID != "":
		return inbox.Filter{ID: f.ID}, true
	case f.IDPrefix != "":
		return inbox.Filter{IDPrefix: f.IDPrefix}, true
	case f.Transaction != "":
		return inbox.Filter{Transaction: f.Transaction}, true
	case f.RequestID != "":
		return inbox.Filter{RequestID: f.RequestID}, true
	case f.OrderID != "":
		return inbox.Filter{OrderID: f.OrderID}, true
	}
	return inbox.Filter{}, false
}

func storableFilter(f inbox.Filter) inbox.Filter {
	for _, text := range []*string{&f.ID, &f.IDPrefix, &f.Queue, &f.Transaction, &f.OrderID, &f.RequestID, &f.PaymentStatus, (*string)(&f.State)} {
		*text = storable(*text)
	}
	return f
}

// next is the query for the numbers of the events that follow the one with the number @after. The
// limit is part of the text: not knowing it, PostgreSQL would plan for a tenth of all.
func (s selection) next(limit int) string {
	return fmt.Sprintf("SELECT seq FROM %s AS r WHERE %s AND seq > @after ORDER BY seq LIMIT %d", s.from, s.where, limit)
}

// List implements inbox.Store. It reads a page of records at a time, each page as they are at
// that moment.
func (s *Store) List(ctx context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		sel, err := s.selectEvents(ctx, f)
		if err != nil {
			yield(inbox.Record{}, s.failed(ctx, "listing events", err))
			return
		}
		if sel.empty {
			return
		}
		for r, err := range store.List(f, func(after uint64, size int) ([]inbox.Record, error) { return s.page(ctx, sel, after, size) }) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// page reads the records after one, in the order of arrival.
func (s *Store) page(ctx context.Context, sel selection, after uint64, limit int) ([]inbox.Record, error) {
	sel.args["after"] = after
	records, err := query(ctx, s, readRecord, fmt.Sprintf(
		"SELECT %s FROM galaxypay_events WHERE seq = ANY (ARRAY(%s)) ORDER BY seq", store.EventColumns, sel.next(limit)), sel.args)
	if err != nil {
		return nil, s.failed(ctx, "listing events", err)
	}
	return records, nil
}
