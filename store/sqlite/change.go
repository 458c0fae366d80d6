package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// Change implements ledger.Store. Changes share a commit with other writes. Each has a savepoint,
// so that one that fails leaves nothing and affects none beside it. A panic of the function goes
// on in the goroutine that has called Change.
func (p *payments) Change(ctx context.Context, change func(ledger.Tx) error) error {
	var run changing
	err := p.s.update(ctx, func(t *tx) (err error) {
		run = changing{t: t, now: clock()}
		return run.do(change)
	})
	if err != nil {
		return err
	}
	if run.panicked != nil {
		panic(run.panicked)
	}
	return run.refused
}

// changing is a change that is running. It is what the change's function gets as its ledger.Tx.
type changing struct {
	t   *tx // nil: it is over
	now time.Time

	// How the function ended, and how the store failed it.
	refused  error
	panicked any
	failed   error

	// damaged are records that it met, which have to be put aside again if it is undone.
	damaged []*damagedError

	// seen are records that it has read or put, by their numbers. No other writes while it runs, so they are as it has seen them.
	seen map[uint64]seenPayment
	// absent is the last key that it has looked for and not found, neither among the records nor put aside.
	absent paymentKey
}

// do runs the function in a savepoint. Its error is about the store.
func (x *changing) do(change func(ledger.Tx) error) error {
	t := x.t
	next, reported := t.s.nextSeq, len(t.damage)
	if err := t.c.run("SAVEPOINT change"); err != nil {
		return err
	}
	x.panicked, x.refused = t.s.runner.Run(func() error { return change(x) })
	x.t = nil
	switch {
	case x.failed != nil:
		return x.whyFailed() // the whole transaction is undone
	case x.refused == nil && x.panicked == nil:
		return t.c.run("RELEASE change")
	}
	t.s.nextSeq, t.damage = next, t.damage[:reported]
	for _, sql := range []string{"ROLLBACK TO change", "RELEASE change"} {
		if err := t.c.run(sql); err != nil {
			return err
		}
	}
	for _, bad := range x.damaged {
		if err := t.putPaymentAside(bad); err != nil {
			return err
		}
	}
	return nil
}

// whyFailed is the store's error, and what the change's function made of it.
func (x *changing) whyFailed() error {
	if x.refused == nil || errors.Is(x.refused, x.failed) {
		return x.failed
	}
	return fmt.Errorf("%w: %w", x.refused, x.failed)
}

// errOver is the error of a ledger.Tx after its change.
var errOver = errors.New("the change is over; use its Tx only in its function")

// work runs a part of the change. An error of the store fails the change, whatever its function
// makes of it.
func (x *changing) work(run func(*tx) error) error {
	if x.t == nil {
		return errOver
	}
	if x.failed == nil {
		x.failed = survive(func() error { return run(x.t) })
	}
	return x.failed
}

// find runs a query of payments. Those that are damaged are put aside and left out.
func (x *changing) find(sql string, args store.Args) (found []*ledger.Payment, damaged bool, err error) {
	err = x.work(func(t *tx) error {
		met, err := t.c.payments(sql, args, func(p ledger.Payment) (bool, error) {
			found = append(found, &p)
			x.see(&p)
			return true, nil
		})
		if err != nil {
			return err
		}
		damaged = len(met) > 0
		x.damaged = append(x.damaged, met...)
		for _, bad := range met {
			delete(x.seen, bad.seq)
			if err := t.putPaymentAside(bad); err != nil {
				return err
			}
		}
		return nil
	})
	return found, damaged, err
}

func (x *changing) see(p *ledger.Payment) {
	if x.seen == nil {
		x.seen = make(map[uint64]seenPayment)
	}
	x.seen[p.Seq] = seenOf(p)
}

// payments runs a query of payments, until visit returns false. It returns which are damaged.
func (c *conn) payments(sql string, args store.Args, visit func(ledger.Payment) (bool, error)) (damaged []*damagedError, err error) {
	err = c.eachNamed(sql, args, func(stmt *sqliteStmt) (bool, error) {
		p, err := readPayment(stmt)
		if bad, ok := errors.AsType[*damagedError](err); ok {
			damaged = append(damaged, bad)
			return true, nil
		}
		if err != nil {
			return false, err
		}
		return visit(p)
	})
	return damaged, err
}

// Now implements ledger.Tx.
func (x *changing) Now() time.Time { return x.now }

// Payment implements ledger.Tx.
func (x *changing) Payment(book, requestID string) (*ledger.Payment, error) {
	book, requestID = keptText(book), keptText(requestID)
	found, damaged, err := x.find(paymentOf, store.Args{"book": book, "request_id": requestID})
	switch {
	case err != nil:
		return nil, err
	case damaged:
		return nil, ledger.ErrDamaged
	case len(found) > 0:
		return found[0], nil
	}
	if err := x.refuseAside(book, requestID); err != nil {
		return nil, err
	}
	x.absent = paymentKey{book, requestID}
	return nil, nil
}

// refuseAside fails if the record of a requestID was damaged, and put aside.
func (x *changing) refuseAside(book, requestID string) error {
	isAside := false
	err := x.work(func(t *tx) (err error) {
		isAside, err = t.c.isAside(book, requestID)
		return err
	})
	if err == nil && isAside {
		return ledger.ErrDamaged
	}
	return err
}

// isAside reports whether the record of a requestID, which was not found, is in the quarantine. It
// fails if the copy of its key shows that there must be a record.
func (c *conn) isAside(book, requestID string) (bool, error) {
	n, err := c.number("SELECT count(*) FROM galaxypay_payment_quarantine WHERE request_id = ? AND book = ?", requestID, book)
	if err != nil || n > 0 {
		return n > 0, err
	}
	n, err = c.number(keyOfRequest, requestID, book)
	if err == nil && n > 0 {
		err = fmt.Errorf("%w: a record is not found under its requestID", errDamaged)
	}
	return false, err
}

// keyOfRequest counts the copies of a key.
const keyOfRequest = `SELECT count(*) FROM galaxypay_payment_keys NOT INDEXED
	WHERE request_id = CAST(? AS TEXT) AND book = CAST(? AS TEXT)`

// Named implements ledger.Tx.
func (x *changing) Named(book, transaction string) ([]*ledger.Payment, error) {
	found, _, err := x.find(namedPayments, store.Args{"book": keptText(book), "transaction_id": keptText(transaction)})
	if err != nil {
		return nil, err
	}
	kept := 0
	err = x.work(func(t *tx) (err error) {
		kept, err = t.c.namedBy(book, transaction)
		return err
	})
	if err == nil && kept > len(found) {
		err = ledger.ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// namedBy counts the records that have a name among their transactions. Those that were damaged
// and put aside are among them.
func (c *conn) namedBy(book, transaction string) (int, error) {
	return c.number("SELECT count(*) FROM galaxypay_payment_transactions WHERE transaction_id = ? AND book = ?", keptText(transaction), keptText(book))
}

// About implements ledger.Tx.
func (x *changing) About(book, transaction string) ([]*ledger.Payment, error) {
	found, _, err := x.find(aboutPayments, store.Args{"book": keptText(book), "about": keptText(transaction)})
	return found, err
}

// Ordered implements ledger.Tx.
func (x *changing) Ordered(book, orderID string) ([]*ledger.Payment, error) {
	found, _, err := x.find(orderedPayments, store.Args{"book": keptText(book), "order_id": keptText(orderID)})
	return found, err
}

// Due implements ledger.Tx.
func (x *changing) Due(books []string, now time.Time, limit int) (due []*ledger.Payment, err error) {
	bound, ok := store.Time(now).Micros()
	if !ok || limit <= 0 {
		return nil, nil
	}
	for _, book := range books {
		found, _, err := x.find(duePayments, store.Args{"book": keptText(book), "now": bound, "limit": limit})
		if err != nil {
			return nil, err
		}
		due = append(due, found...)
	}
	return store.DueFirst(due, limit), nil
}

// Asking implements ledger.Tx.
func (x *changing) Asking(now time.Time) (n int, err error) {
	err = x.work(func(t *tx) error {
		return t.c.eachNamed(paymentsAsked, store.Args{"now": store.Time(now)}, func(stmt *sqliteStmt) (bool, error) {
			n = stmt.ColumnInt(0)
			return true, nil
		})
	})
	return n, err
}

// NextDue implements ledger.Tx.
func (x *changing) NextDue(books []string) (next time.Time, err error) {
	err = x.work(func(t *tx) error {
		for _, book := range books {
			var due store.Time
			err := t.c.eachNamed(nextDuePayment, store.Args{"book": keptText(book)}, func(stmt *sqliteStmt) (bool, error) {
				column(stmt, 0, &due)
				return true, nil
			})
			if err != nil {
				return err
			}
			if at := time.Time(due); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		return nil
	})
	return next, err
}

// Put implements ledger.Tx.
func (x *changing) Put(p *ledger.Payment) error {
	if err := store.CheckPayment(p); err != nil {
		return err
	}
	kept := keptPayment(p)
	if kept.Seq == 0 {
		return x.add(p, &kept)
	}
	return x.replace(&kept)
}

// replace puts a payment in the place of the one with its number.
func (x *changing) replace(p *ledger.Payment) error {
	before, isSeen := x.seen[p.Seq]
	if !isSeen {
		found, damaged, err := x.find("SELECT "+paymentColumns+" FROM galaxypay_payments WHERE seq = @seq", store.Args{"seq": p.Seq})
		switch {
		case err != nil:
			return err
		case damaged:
			return ledger.ErrDamaged
		case len(found) == 0:
			return fmt.Errorf("there is no payment with the number %d", p.Seq)
		}
		before = seenOf(found[0])
	}
	if before.book != p.Book || before.requestID != p.RequestID {
		return fmt.Errorf("the payment with the number %d has another book or requestID", p.Seq)
	}
	err := x.work(func(t *tx) error { return updatePayment(t.c, &before, p) })
	if err == nil {
		x.see(p)
	}
	return err
}

// add keeps a new payment, and sets its number.
func (x *changing) add(p, kept *ledger.Payment) error {
	if x.absent != (paymentKey{kept.Book, kept.RequestID}) {
		before, err := x.Payment(kept.Book, kept.RequestID)
		if err != nil {
			return err
		}
		if before != nil {
			return errors.New("the book has a payment with this requestID already")
		}
	}
	x.absent = paymentKey{}
	err := x.work(func(t *tx) error {
		kept.Seq = t.s.nextSeq
		t.s.nextSeq++
		isNew, err := insertPayment(t.c, kept)
		if err == nil && !isNew {
			err = fmt.Errorf("%w: the number %d, or the requestID, is there already", errDamaged, kept.Seq)
		}
		return err
	})
	if err == nil {
		p.Seq = kept.Seq
		x.see(kept)
	}
	return err
}

// hidden keeps SQLite from planning a query again for each value, see laneOfTransaction.
var hidden = strings.NewReplacer(
	store.PaymentColumns, paymentColumns,
	"= @book", "= CAST(@book AS TEXT)",
	"= @request_id", "= CAST(@request_id AS TEXT)",
	"= @transaction_id", "= CAST(@transaction_id AS TEXT)",
	"= @about", "= CAST(@about AS TEXT)",
	"= @order_id", "= CAST(@order_id AS TEXT)",
)

// indexed is a query of the table of payments, by one of its indexes.
func indexed(sql, index string) string {
	return strings.Replace(hidden.Replace(sql), "FROM galaxypay_payments", "FROM galaxypay_payments INDEXED BY "+index, 1)
}

var (
	paymentOf       = indexed(store.PaymentOf, "galaxypay_payments_request")
	namedPayments   = hidden.Replace(store.NamedPayments)
	aboutPayments   = indexed(store.AboutPayments, "galaxypay_payments_about")
	orderedPayments = indexed(store.OrderedPayments, "galaxypay_payments_order")
	duePayments     = indexed(store.DuePayments, "galaxypay_payments_ask")
	paymentsAsked   = indexed(store.PaymentsAsked, "galaxypay_payments_asked")
	nextDuePayment  = indexed(store.NextDuePayment, "galaxypay_payments_ask")
	callsAtWork     = indexed("SELECT "+store.PaymentColumns+" FROM galaxypay_payments WHERE outcome = 'at_work' AND "+store.RareOutcomes+" ORDER BY seq LIMIT @limit",
		"galaxypay_payments_outcome")
	questionsAsked = indexed("SELECT "+store.PaymentColumns+" FROM galaxypay_payments WHERE asked_until IS NOT NULL ORDER BY seq LIMIT @limit",
		"galaxypay_payments_asked")
)

// putPaymentAside moves a damaged record into the quarantine, under the names that the copy of
// its key has: it must not count as none.
func (t *tx) putPaymentAside(bad *damagedError) error {
	err := t.c.run("INSERT OR REPLACE INTO galaxypay_payment_quarantine SELECT *, ? FROM galaxypay_payments WHERE seq = ?",
		store.Time(time.Now()), bad.seq)
	if err != nil || t.c.Changes() == 0 {
		return err
	}
	key, ok, err := t.c.keyOf(bad.seq)
	if err != nil {
		return err
	}
	if ok {
		err := t.c.run("UPDATE galaxypay_payment_quarantine SET book = ?, request_id = ? WHERE seq = ?", key.book, key.requestID, bad.seq)
		if err != nil {
			return err
		}
	}
	if err := t.c.run("DELETE FROM galaxypay_payments WHERE seq = ?", bad.seq); err != nil {
		return err
	}
	t.damage = append(t.damage, bad)
	return nil
}

// paymentKey is a row of galaxypay_payment_keys.
type paymentKey struct{ book, requestID string }

// keyOf reads the copy of a payment's key. Ok is false if it is missing or damaged itself.
func (c *conn) keyOf(seq uint64) (key paymentKey, ok bool, err error) {
	err = c.each("SELECT book, request_id, checksum FROM galaxypay_payment_keys INDEXED BY galaxypay_payment_keys_seq WHERE seq = ?", []any{seq}, func(stmt *sqliteStmt) (bool, error) {
		key = paymentKey{stmt.ColumnText(0), stmt.ColumnText(1)}
		ok = stmt.ColumnInt64(2) == int64(keyChecksum(seq, key.book, key.requestID))
		return true, nil
	})
	return key, ok, err
}

// checkPayment reads a payment, and puts it aside if it is damaged.
func (t *tx) checkPayment(seq uint64) error {
	damaged, err := t.c.payments("SELECT "+paymentColumns+" FROM galaxypay_payments WHERE seq = @seq", store.Args{"seq": seq},
		func(ledger.Payment) (bool, error) { return true, nil })
	if err != nil {
		return err
	}
	for _, bad := range damaged {
		if err := t.putPaymentAside(bad); err != nil {
			return err
		}
	}
	return nil
}
