package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// payments is the part of a store that keeps payments.
type payments struct{ s *Store }

// Payments implements store.Store.
func (s *Store) Payments() ledger.Store { return &payments{s} }

// interruptCalls ends the calls and the questions that were at work when the process before ended. Damage that it meets is
// rescued, and then it begins again. A full disk only puts it off: each call has a deadline.
func (s *Store) interruptCalls(ctx context.Context) (err error) {
	for range mostRescues + 1 {
		if err = s.interruptAll(ctx); !errors.Is(err, errDamaged) {
			break
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		s.report(fmt.Errorf("the disk is full, so calls that were at work when the sidecar ended are of unknown outcome only after their deadlines: %w", err))
		return nil
	}
	return err
}

func (s *Store) interruptAll(ctx context.Context) error {
	return errors.Join(
		s.amendAll(ctx, callsAtWork, (*ledger.Payment).Interrupt),
		s.amendAll(ctx, questionsAsked, (*ledger.Payment).AbandonQuestion),
	)
}

// amendAll changes all payments that a query finds, which finds them no more then.
func (s *Store) amendAll(ctx context.Context, query string, amend func(p *ledger.Payment, now time.Time)) error {
	for more := true; more; {
		err := s.update(ctx, func(t *tx) error {
			x := &changing{t: t}
			found, damaged, err := x.find(query, store.Args{"limit": chunk})
			if err != nil {
				return err
			}
			more = damaged || len(found) == chunk
			return x.amend(found, amend)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *changing) amend(payments []*ledger.Payment, amend func(p *ledger.Payment, now time.Time)) error {
	now := clock()
	for _, p := range payments {
		amend(p, now)
		if err := x.Put(p); err != nil {
			return err
		}
	}
	return nil
}

// Payment implements ledger.Store.
func (p *payments) Payment(ctx context.Context, book, requestID string) (found ledger.Payment, ok bool, err error) {
	book, requestID = keptText(book), keptText(requestID)
	isAside := false
	damaged, err := p.read(ctx, func(c *conn) (damaged []*damagedError, err error) {
		found, ok = ledger.Payment{}, false
		damaged, err = c.payments(paymentOf, store.Args{"book": book, "request_id": requestID}, func(of ledger.Payment) (bool, error) {
			found, ok = of, true
			return false, nil
		})
		if err == nil && !ok && len(damaged) == 0 {
			isAside, err = c.isAside(book, requestID)
		}
		return damaged, err
	})
	if err == nil && (damaged || isAside) {
		err = ledger.ErrDamaged
	}
	if err != nil {
		return ledger.Payment{}, false, err
	}
	return found, ok, nil
}

// Named implements ledger.Store.
func (p *payments) Named(ctx context.Context, book, transaction string) (named []ledger.Payment, err error) {
	args := store.Args{"book": keptText(book), "transaction_id": keptText(transaction)}
	kept := 0
	_, err = p.read(ctx, func(c *conn) (damaged []*damagedError, err error) {
		named = nil
		damaged, err = c.payments(namedPayments, args, func(of ledger.Payment) (bool, error) {
			named = append(named, of)
			return true, nil
		})
		if err == nil {
			kept, err = c.namedBy(book, transaction)
		}
		return damaged, err
	})
	if err == nil && kept > len(named) {
		err = ledger.ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return named, nil
}

// read runs queries in one transaction, and has the damaged records put aside that they return.
func (p *payments) read(ctx context.Context, query func(*conn) ([]*damagedError, error)) (isDamaged bool, err error) {
	var damaged []*damagedError
	err = p.s.view(ctx, func(c *conn) (err error) {
		if err := c.run("BEGIN"); err != nil {
			return err
		}
		damaged, err = query(c)
		return errors.Join(err, c.run("ROLLBACK"))
	})
	for _, bad := range damaged {
		p.s.quarantine(ctx, bad)
	}
	return len(damaged) > 0, err
}

// Payments implements ledger.Store. No connection is in use while the caller has a payment. The
// list has what was there at its beginning. Damaged records are put aside and left out.
func (p *payments) Payments(ctx context.Context, f ledger.Filter) iter.Seq2[ledger.Payment, error] {
	for _, text := range []*string{&f.Book, &f.Merchant, &f.RequestID, &f.RequestStart, &f.OrderID, &f.Transaction, &f.Operation} {
		*text = keptText(*text)
	}
	return func(yield func(ledger.Payment, error) bool) {
		b, err := p.bounds(ctx, f)
		if err != nil {
			yield(ledger.Payment{}, err)
			return
		}
		page := func(after uint64, size int) ([]ledger.Payment, error) { return p.page(ctx, f, b, after, size) }
		for payment, err := range store.PaymentList(f, page) {
			if !yield(payment, err) {
				return
			}
		}
	}
}

// bounds are between which numbers a list lies. By times, the index on these tells it: records are
// made nearly in their order.
func (p *payments) bounds(ctx context.Context, f ledger.Filter) (b bounds, err error) {
	condition, args := store.WherePayments(ledger.Filter{Since: f.Since, Until: f.Until})
	sql := "SELECT 0, max(seq) FROM galaxypay_payments"
	if len(args) > 0 {
		sql = "SELECT min(seq) - 1, max(seq) FROM galaxypay_payments INDEXED BY galaxypay_payments_recorded WHERE " + condition
	}
	err = p.s.view(ctx, func(c *conn) error {
		return c.eachNamed(sql, args, func(stmt *sqliteStmt) (bool, error) {
			column(stmt, 0, &b.after)
			column(stmt, 1, &b.last)
			return true, nil
		})
	})
	return b, err
}

// page reads up to size payments behind one. A damaged one does not count.
func (p *payments) page(ctx context.Context, f ledger.Filter, b bounds, after uint64, size int) (page []ledger.Payment, err error) {
	sql, args := listPayments(f, b, after)
	before := after
	_, err = p.read(ctx, func(c *conn) ([]*damagedError, error) {
		page, before = nil, after
		return c.payments(sql, args, func(of ledger.Payment) (bool, error) {
			if (of.Seq > before) == f.NewestFirst || of.Seq == before { // else a list would not end
				return false, errOrder
			}
			before = of.Seq
			page = append(page, of)
			return len(page) < size, nil
		})
	})
	return page, err
}

// listPayments is store.ListPayments without its limit, within bounds.
func listPayments(f ledger.Filter, b bounds, after uint64) (sql string, args store.Args) {
	sql, args = store.ListPayments(f, after, -1)
	args["from"], args["last"] = b.after, b.last
	sql = strings.Replace(sql, store.PaymentColumns, paymentColumns, 1)
	return strings.Replace(sql, " ORDER BY", " AND seq > @from AND seq <= @last ORDER BY", 1), args
}

// Stats implements ledger.Store. It reads one row for each combination of a book, a status and an
// outcome, and the index of open payments.
func (p *payments) Stats(ctx context.Context) ([]ledger.Stats, error) {
	var all store.PaymentCounts
	_, err := p.read(ctx, func(c *conn) ([]*damagedError, error) {
		all = nil
		const counts = "SELECT book, status, outcome, payments FROM galaxypay_payment_counts WHERE payments > 0 ORDER BY book"
		err := c.each(counts, nil, func(stmt *sqliteStmt) (bool, error) {
			all.Add(stmt.ColumnText(0), ledger.Status(stmt.ColumnText(1)), ledger.Outcome(stmt.ColumnText(2)), stmt.ColumnInt(3))
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		return nil, c.each(oldestOpen, nil, func(stmt *sqliteStmt) (bool, error) {
			var at store.Time
			column(stmt, 1, &at)
			all.SetOldest(stmt.ColumnText(0), time.Time(at))
			return true, nil
		})
	})
	return all, err
}

var oldestOpen = indexed(store.OldestOpenPayments, "galaxypay_payments_open")
