package postgres

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// changing is a change that is running. It is what the change's function gets as its ledger.Tx.
type changing struct {
	*transaction
	failed error // of the database: nothing of the change is kept, whatever its function makes of it
	isOver bool
}

// errOver is the error of a ledger.Tx after its change.
var errOver = errors.New("the change is over; use its Tx only in its function")

// work runs a part of the change.
func (x *changing) work(run func() error) error {
	if x.isOver {
		return errOver
	}
	if x.failed == nil {
		x.failed = run()
	}
	return x.failed
}

// find runs a query of payments.
func (x *changing) find(sql string, args pgx.NamedArgs) (found []*ledger.Payment, err error) {
	err = x.work(func() error {
		return x.query(func(rows pgx.Rows) error {
			payments, err := pgx.CollectRows(rows, readPayment)
			for i := range payments {
				found = append(found, &payments[i])
			}
			return err
		}, sql, args)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Now implements ledger.Tx: the database's clock, when the lock was taken.
func (x *changing) Now() time.Time { return x.now }

// Payment implements ledger.Tx.
func (x *changing) Payment(book, requestID string) (*ledger.Payment, error) {
	found, err := x.find(store.PaymentOf, pgx.NamedArgs{"book": storable(book), "request_id": storable(requestID)})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Named implements ledger.Tx.
func (x *changing) Named(book, transaction string) ([]*ledger.Payment, error) {
	return x.find(namedPayments, pgx.NamedArgs{"book": storable(book), "transaction_id": storable(transaction)})
}

// About implements ledger.Tx.
func (x *changing) About(book, transaction string) ([]*ledger.Payment, error) {
	return x.find(aboutPayments, pgx.NamedArgs{"book": storable(book), "about": storable(transaction)})
}

// Ordered implements ledger.Tx.
func (x *changing) Ordered(book, orderID string) ([]*ledger.Payment, error) {
	return x.find(orderedPayments, pgx.NamedArgs{"book": storable(book), "order_id": storable(orderID)})
}

// Due implements ledger.Tx.
func (x *changing) Due(books []string, now time.Time, limit int) (due []*ledger.Payment, err error) {
	if limit <= 0 || now.IsZero() {
		return nil, nil
	}
	for _, book := range books {
		found, err := x.find(store.DuePayments, pgx.NamedArgs{"book": storable(book), "now": micros(now), "limit": limit})
		if err != nil {
			return nil, err
		}
		due = append(due, found...)
	}
	return store.DueFirst(due, limit), nil
}

// Asking implements ledger.Tx.
func (x *changing) Asking(now time.Time) (n int, err error) {
	err = x.work(func() error { return x.queryRow(&n, store.PaymentsAsked, pgx.NamedArgs{"now": micros(now)}) })
	return n, err
}

// NextDue implements ledger.Tx.
func (x *changing) NextDue(books []string) (next time.Time, err error) {
	err = x.work(func() error {
		return x.queryRow((*store.Time)(&next), nextDuePayment, storables(books))
	})
	return next, err
}

// Put implements ledger.Tx.
func (x *changing) Put(p *ledger.Payment) error {
	if err := store.CheckPayment(p); err != nil {
		return err
	}
	kept := storablePayment(p)
	if kept.Seq == 0 {
		return x.add(p, &kept)
	}
	return x.replace(&kept)
}

// add keeps a new payment, and sets its number.
func (x *changing) add(p, kept *ledger.Payment) error {
	isNew := true
	err := x.work(func() error {
		args := slices.Concat(store.PaymentFields(kept)[1:], []any{kept.Transactions})
		err := x.queryRow(&kept.Seq, insertPayment, args...)
		if errors.Is(err, pgx.ErrNoRows) {
			isNew = false
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !isNew {
		return errors.New("the book has a payment with this requestID already")
	}
	p.Seq = kept.Seq
	return nil
}

// replace puts a payment in the place of the one with its number.
func (x *changing) replace(kept *ledger.Payment) error {
	isThere := true
	err := x.work(func() error {
		var before store.Names
		args := slices.Concat(store.PaymentFields(kept), []any{kept.Transactions})
		err := x.queryRow(&before, replacePayment, args...)
		if errors.Is(err, pgx.ErrNoRows) {
			isThere = false
			return nil
		}
		if err != nil {
			return err
		}
		return x.removeNames(kept, without(before, kept.Transactions))
	})
	if err == nil && !isThere {
		return fmt.Errorf("there is no payment with the number %d and this book and requestID", kept.Seq)
	}
	return err
}

func (x *changing) removeNames(of *ledger.Payment, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return x.query(func(rows pgx.Rows) error {
		rows.Close()
		return rows.Err()
	}, removeNames, names, of.Book, of.Seq)
}
