package postgres

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// payments is the part of a store that keeps payments.
type payments struct{ s *Store }

// Payments implements store.Store.
func (s *Store) Payments() ledger.Store { return &payments{s} }

// lookedUp is a query that looks up few payments, and sorts them then. OFFSET 0 keeps PostgreSQL
// from walking through all of them in their order instead.
func lookedUp(sql string) string {
	return "SELECT * FROM (" + strings.TrimSuffix(sql, " ORDER BY seq") + " OFFSET 0) AS p ORDER BY seq"
}

// Payments by what they are looked up by.
var (
	aboutPayments   = lookedUp(store.AboutPayments)
	orderedPayments = lookedUp(store.OrderedPayments)
	namedPayments   = lookedUp("SELECT " + store.PaymentColumns + ` FROM galaxypay_payments WHERE seq = ANY (ARRAY(
	SELECT seq FROM galaxypay_payment_transactions WHERE transaction_id = @transaction_id AND book = @book))`)
)

// nextDuePayment finds when the first payment of any of some books is due.
const nextDuePayment = `SELECT min(next.ask_at) FROM unnest($1::text[]) AS b (name) CROSS JOIN LATERAL (
	SELECT ask_at FROM galaxypay_payments WHERE book = b.name AND ask_at IS NOT NULL ORDER BY book, ask_at LIMIT 1
) AS next`

// Payment implements ledger.Store.
func (p *payments) Payment(ctx context.Context, book, requestID string) (ledger.Payment, bool, error) {
	found, err := query(ctx, p.s, readPayment, store.PaymentOf, pgx.NamedArgs{"book": storable(book), "request_id": storable(requestID)})
	if err != nil {
		return ledger.Payment{}, false, p.s.failed(ctx, "reading a payment", err)
	}
	if len(found) == 0 {
		return ledger.Payment{}, false, nil
	}
	return found[0], true, nil
}

// Named implements ledger.Store.
func (p *payments) Named(ctx context.Context, book, transaction string) ([]ledger.Payment, error) {
	found, err := query(ctx, p.s, readPayment, namedPayments, pgx.NamedArgs{"book": storable(book), "transaction_id": storable(transaction)})
	if err != nil {
		return nil, p.s.failed(ctx, "reading the payments of a transaction", err)
	}
	return found, nil
}

// Payments implements ledger.Store. It reads a page of payments at a time, each page as they are
// at that moment.
func (p *payments) Payments(ctx context.Context, f ledger.Filter) iter.Seq2[ledger.Payment, error] {
	return func(yield func(ledger.Payment, error) bool) {
		sel, err := p.selectPayments(ctx, storablePaymentFilter(f))
		if err != nil {
			yield(ledger.Payment{}, p.s.failed(ctx, "listing payments", err))
			return
		}
		if sel.empty {
			return
		}
		page := func(after uint64, size int) ([]ledger.Payment, error) {
			return p.page(ctx, sel, f.NewestFirst, after, size)
		}
		for payment, err := range store.PaymentList(f, page) {
			if !yield(payment, err) {
				return
			}
		}
	}
}

// page reads the payments that follow one.
func (p *payments) page(ctx context.Context, sel selection, newestFirst bool, after uint64, limit int) ([]ledger.Payment, error) {
	follows, order := "seq > @after", "seq"
	if newestFirst {
		follows, order = "seq < @after", "seq DESC"
	}
	sel.args["after"] = after
	found, err := query(ctx, p.s, readPayment, fmt.Sprintf(
		"SELECT %s FROM galaxypay_payments WHERE seq = ANY (ARRAY(SELECT seq FROM %s AS r WHERE %s AND %s ORDER BY %s LIMIT %d)) ORDER BY %s",
		store.PaymentColumns, sel.from, sel.where, follows, order, limit, order), sel.args)
	if err != nil {
		return nil, p.s.failed(ctx, "listing payments", err)
	}
	return found, nil
}

// withTransaction picks the payments that have a transaction among their names, or are about it.
const withTransaction = `seq = ANY (ARRAY(
	SELECT seq FROM galaxypay_payment_transactions WHERE transaction_id = @transaction_id
	UNION ALL SELECT seq FROM galaxypay_payments WHERE about = @transaction_id AND about <> ''))`

// selectPayments turns a filter into SQL, as selectEvents does.
func (p *payments) selectPayments(ctx context.Context, f ledger.Filter) (selection, error) {
	transaction := f.Transaction
	f.Transaction = ""
	condition, args := store.WherePayments(f)
	sel := selection{from: "galaxypay_payments", where: condition, args: pgx.NamedArgs(args)}
	if transaction != "" {
		sel.from, sel.args["transaction_id"] = few(withTransaction), transaction
		return sel, nil
	}
	if narrow, ok := narrowestPayments(f); ok {
		condition, _ := store.WherePayments(narrow)
		sel.from = few(condition)
		return sel, nil
	}
	if f.Since.IsZero() && f.Until.IsZero() {
		return sel, nil
	}
	return p.during(ctx, sel, f)
}

// few are the payments that a condition picks, if they are few: they are looked up first.
func few(condition string) string {
	return "(SELECT * FROM galaxypay_payments WHERE " + condition + " OFFSET 0)"
}

// narrowestPayments is the part of a filter that picks only few payments, if it has one.
func narrowestPayments(f ledger.Filter) (ledger.Filter, bool) {
	switch {
	case f.RequestID != "":
		return ledger.Filter{RequestID: f.RequestID}, true
	case f.RequestStart != "":
		return ledger.Filter{RequestStart: f.RequestStart}, true
	case f.OrderID != "":
		return ledger.Filter{OrderID: f.OrderID}, true
	case store.IsRareOutcome(f.Outcome):
		return ledger.Filter{Outcome: f.Outcome}, true
	case store.IsRareStatus(f.Status):
		return ledger.Filter{Status: f.Status}, true
	}
	return ledger.Filter{}, false
}

// during turns the times of a filter into numbers of payments.
func (p *payments) during(ctx context.Context, sel selection, f ledger.Filter) (selection, error) {
	condition, args := store.WherePayments(ledger.Filter{Since: f.Since, Until: f.Until})
	type bounds struct{ first, last *uint64 }
	found, err := query(ctx, p.s, func(row pgx.CollectableRow) (b bounds, err error) {
		err = row.Scan(&b.first, &b.last)
		return b, err
	}, "SELECT min(seq), max(seq) FROM (SELECT seq FROM galaxypay_payments WHERE "+condition+" OFFSET 0) AS p", pgx.NamedArgs(args))
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

// paymentCount is what the rows of galaxypay_payment_counts add up to, of a book, a status and an
// outcome.
type paymentCount struct {
	book    string
	status  ledger.Status
	outcome ledger.Outcome
	n, rows int
}

const (
	countPayments = `SELECT book, status, outcome, sum(payments)::bigint, count(*) FROM galaxypay_payment_counts
	GROUP BY book, status, outcome ORDER BY book`
	// addUp puts one row in the place of all of a book, a status and an outcome.
	addUp = `WITH gone AS (DELETE FROM galaxypay_payment_counts RETURNING *)
	INSERT INTO galaxypay_payment_counts
	SELECT book, status, outcome, sum(payments) FROM gone GROUP BY book, status, outcome HAVING sum(payments) <> 0`
	// mostCounts is how many rows there may be before they are added up.
	mostCounts = 1000
)

// oldestPayment is when the oldest open payment of a book was recorded.
type oldestPayment struct {
	book string
	at   time.Time
}

// Stats implements ledger.Store. It reads a row for each change of a status or an outcome since it
// was called before, and the index of open payments.
func (p *payments) Stats(ctx context.Context) ([]ledger.Stats, error) {
	counts, err := query(ctx, p.s, func(row pgx.CollectableRow) (c paymentCount, err error) {
		err = row.Scan(&c.book, &c.status, &c.outcome, &c.n, &c.rows)
		return c, err
	}, countPayments)
	if err != nil {
		return nil, p.s.failed(ctx, "counting payments", err)
	}
	oldest, err := query(ctx, p.s, func(row pgx.CollectableRow) (o oldestPayment, err error) {
		err = row.Scan(&o.book, (*store.Time)(&o.at))
		return o, err
	}, store.OldestOpenPayments)
	if err != nil {
		return nil, p.s.failed(ctx, "looking for the oldest payment", err)
	}
	var all store.PaymentCounts
	rows := 0
	for _, c := range counts {
		if rows += c.rows; c.n > 0 {
			all.Add(c.book, c.status, c.outcome, c.n)
		}
	}
	for _, o := range oldest {
		all.SetOldest(o.book, o.at)
	}
	if rows > mostCounts {
		p.addUp(ctx)
	}
	return all, nil
}

// addUp makes the next Stats quick. If it fails, the next one tries again.
func (p *payments) addUp(ctx context.Context) {
	_ = p.s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, addUp)
		return err
	})
}
