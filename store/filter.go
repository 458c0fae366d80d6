package store

import (
	"iter"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// Args are the named parameters of a statement: a string, an int64, an int or a uint64 behind
// each name, which stands without its @.
type Args map[string]any

// Where is a filter as a condition on galaxypay_events, all but its limit.
func Where(f inbox.Filter) (condition string, args Args) {
	terms, args := []string{}, Args{}
	add := func(column, operator, name string, value any) {
		terms = append(terms, column+" "+operator+" @"+name)
		args[name] = value
	}
	text := func(column, value string) {
		if value != "" {
			add(column, "=", column, value)
		}
	}
	text("id", f.ID)
	if f.IDPrefix != "" {
		add("id", ">=", "id_from", f.IDPrefix)
		add("id", "<", "id_before", f.IDPrefix+"g") // after every hex digit
	}
	text("merchant", f.Queue)
	if f.Merchant != "" {
		terms = append(terms, "substr(merchant || ' ', 1, length(CAST(@name AS TEXT)) + 1) = CAST(@name AS TEXT) || ' '")
		args["name"] = f.Merchant
	}
	text("transaction_id", f.Transaction)
	text("order_id", f.OrderID)
	text("request_id", f.RequestID)
	text("payment_status", f.PaymentStatus)
	text("state", string(f.State))
	if f.State != "" && f.State != inbox.Delivered {
		terms = append(terms, NotDelivered)
	}
	if since, ok := Time(f.Since).Micros(); ok {
		add("received_at", ">=", "since", since)
	}
	if until, ok := Time(f.Until).Micros(); ok {
		add("received_at", "<", "until", until)
	}
	if f.After > 0 {
		add("seq", ">", "beyond", f.After)
	}
	if len(terms) == 0 {
		return "true", args
	}
	return strings.Join(terms, " AND "), args
}

// ListEvents reads the next events that a filter picks, in the order of arrival: up to limit
// of those after the one with the number after.
func ListEvents(f inbox.Filter, after uint64, limit int) (sql string, args Args) {
	condition, args := Where(f)
	args["after"], args["limit"] = after, limit
	return "SELECT " + EventColumns + " FROM galaxypay_events WHERE " + condition + " AND seq > @after ORDER BY seq LIMIT @limit", args
}

// pageSize is how many records List reads at once: a slow reader, or one of many records, holds no
// connection, and not everything is in memory.
const pageSize = 100

// List yields events page by page, up to the limit of a filter. Read returns up to size events
// that follow the one with the number after, and only at the end fewer than that.
func List(f inbox.Filter, read func(after uint64, size int) ([]inbox.Record, error)) iter.Seq2[inbox.Record, error] {
	return pages(f.After, f.Limit, read, func(r *inbox.Record) uint64 { return r.Seq })
}

// PaymentList yields payments as List does events, in the order of a filter and up to its limit.
func PaymentList(f ledger.Filter, read func(after uint64, size int) ([]ledger.Payment, error)) iter.Seq2[ledger.Payment, error] {
	return pages(FirstPayment(f), f.Limit, read, func(p *ledger.Payment) uint64 { return p.Seq })
}

func pages[T any](after uint64, limit int, read func(after uint64, size int) ([]T, error), seq func(*T) uint64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after, left := after, limit; ; {
			size := pageSize
			if limit > 0 {
				size = min(left, pageSize)
			}
			page, err := read(after, size)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
				after = seq(&page[i])
			}
			left -= len(page)
			if len(page) < size || limit > 0 && left == 0 {
				return
			}
		}
	}
}
