package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// ErrDamaged is the error of a store about a record that is damaged: its requestID must not count as
// one that was never used.
var ErrDamaged = errors.New("the record of this requestID is damaged, so it is not known whether its call was sent; " +
	"ask the gateway about the order, and use a new requestID")

// Store keeps payments. Its methods can be called concurrently, by several processes too where
// the store is shared. It has no rules of its own: what a record becomes is decided in this
// package, in functions that Change runs.
type Store interface {
	// Change runs change in a transaction. It is alone: no other change of this store, in this
	// process or another, runs between what it reads and what it writes. When Change returns nil,
	// what change has put is durable. Change may be run again after a failure, so it must set its
	// results again, and do nothing that cannot be done twice. It must use nothing of the store but
	// its Tx: a change in it would wait for it, for ever. If it fails, or ends its goroutine, nothing
	// is kept; its error is returned as it is.
	//
	// If ctx ends before the change has begun, Change fails and nothing is kept; later it waits
	// for the outcome.
	Change(ctx context.Context, change func(Tx) error) error

	// Payment returns the record of a requestID; ok is false if there is none. It fails with
	// ErrDamaged if there was one that can no longer be read.
	Payment(ctx context.Context, book, requestID string) (p Payment, ok bool, err error)

	// Named returns the records that have the transaction among their Transactions, in the order
	// of Seq. It fails with ErrDamaged if one of them can no longer be read.
	Named(ctx context.Context, book, transaction string) ([]Payment, error)

	// Payments yields the records that the filter picks, in the order of Seq, the newest first
	// where it says so. The sequence ends after the first error.
	Payments(ctx context.Context, f Filter) iter.Seq2[Payment, error]

	// Stats counts the records of each book. Its cost may grow with those that are not at an
	// end, and not with all that there are.
	Stats(ctx context.Context) ([]Stats, error)
}

// Tx is the transaction of a change. Records that it returns are copies: a change puts what it
// has altered.
type Tx interface {
	// Now is the store's clock: one for all that share it.
	Now() time.Time

	// Payment returns the record of a requestID, nil if there is none. It fails with ErrDamaged if
	// there was one that can no longer be read.
	Payment(book, requestID string) (*Payment, error)

	// Named returns the records that have the transaction among their Transactions, in the order
	// of Seq. It fails with ErrDamaged if one of them can no longer be read.
	Named(book, transaction string) ([]*Payment, error)

	// About returns the records whose About is the transaction, in the order of Seq: its refunds,
	// voids and captures.
	About(book, transaction string) ([]*Payment, error)

	// Ordered returns the records that take a payment (by Effect) for an order, in the order of
	// Seq.
	Ordered(book, orderID string) ([]*Payment, error)

	// Due returns up to limit records of the books whose AskAt is not after now, those that are
	// due the longest first.
	Due(books []string, now time.Time, limit int) ([]*Payment, error)

	// Asking counts the records of all books whose AskedUntil is after now.
	Asking(now time.Time) (int, error)

	// NextDue returns the earliest AskAt of the books; zero: nothing is to be asked.
	NextDue(books []string) (time.Time, error)

	// Put keeps a record: as a new one if its Seq is 0, which Put then sets, else in the place of
	// the one with the same Seq, whose Book and RequestID are the same. A second record with a
	// book and requestID is an error.
	Put(p *Payment) error
}

// Filter picks payments. Each field narrows the selection; the zero value picks all.
type Filter struct {
	Book         string
	Merchant     string // whose books, see BookOf
	RequestID    string
	RequestStart string // what the RequestID begins with
	OrderID      string
	Transaction  string // one of its Transactions, or its About
	Operation    string
	Outcome      Outcome
	Status       Status
	Since, Until time.Time // of RecordedAt: from Since, before Until
	NewestFirst  bool
	Limit        int // 0: no limit
}

// Stats counts the payments of a book.
type Stats struct {
	Book string
	// Statuses has every status, and Outcomes every outcome, with 0 where there is no record.
	Statuses map[Status]int
	Outcomes map[Outcome]int
	// OldestOpen is when the oldest record was made that takes a payment and is open, unknown or
	// authorized; zero: there is none.
	OldestOpen time.Time
}

// IsOpen reports whether a status is one that Stats.OldestOpen looks at.
func (s Status) IsOpen() bool { return s == Open || s == StatusUnknown || s == Authorized }

// PaymentEffects are those of records that take a payment.
func PaymentEffects() []operation.Effect {
	return []operation.Effect{operation.OpensPage, operation.Charges}
}
