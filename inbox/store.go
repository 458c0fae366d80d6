package inbox

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// Store keeps records. Its methods can be called concurrently, by several processes too
// where the store is shared. What a method has changed is durable when it returns.
type Store interface {
	// Arrive keeps an event under its queue and ID, in one transaction: merchants with the
	// same salt can get the same message, and each must get its own. The record is
	//
	//   - Overtaken, if it is overtaken by a kept record (see Overtakes),
	//   - else Pending and due at once; and claimed under the lease, unless an earlier
	//     record of its transaction is pending.
	//
	// It is Alone if there is no other record of its transaction; one without a transaction always is.
	// Pending records that the new one overtakes and that are not claimed become Overtaken.
	//
	// If there is a record of this queue and ID already, nothing is kept, and isNew is false.
	// A Dead record, unless a kept record overtakes it, becomes Pending and due again, with no
	// attempts counted: the gateway gives the app another chance. If its message was dropped, it
	// gets that of e. The record is returned; it is claimed too if it is pending, due or not, is
	// not claimed yet, and no earlier record of its transaction is pending.
	Arrive(ctx context.Context, e Event, lease Lease) (r Record, isNew bool, err error)

	// Claim claims up to limit records of the queues and returns them: pending records that
	// are due and not claimed, each the oldest pending one of its transaction. Those that are
	// due the longest come before others, of whatever queue.
	Claim(ctx context.Context, queues []string, lease Lease, limit int) ([]Record, error)

	// Settle ends an attempt on a claimed record, counts it unless s is Uncounted, gives up
	// the claim, and returns the state that the record has then: s.State, or Overtaken where
	// s.State is Pending and a kept record overtakes it. It fails with ErrLeaseLost, and
	// changes nothing, if r.Lease does not hold the record any more.
	Settle(ctx context.Context, r Record, s Settlement) (State, error)

	// Taken returns the first Delivered record with the queue, transaction, RequestID and
	// payment status of r that arrived before r, or ok false where there is none or r has no
	// transaction. It is how a Repeated event is recognised.
	Taken(ctx context.Context, r Record) (taken Record, ok bool, err error)

	// NextDue returns when Claim may have something to return next, the ends of leases
	// considered; zero: not before an event arrives. Of lease it uses Now and Horizon.
	NextDue(ctx context.Context, queues []string, lease Lease) (time.Time, error)

	// List yields the records that the filter picks, in the order of arrival. The sequence
	// ends after the first error.
	List(ctx context.Context, f Filter) iter.Seq2[Record, error]

	// Replay makes the picked records Pending and due at now, with no attempts counted, and
	// returns how many. Claimed records are left alone, and, unless the filter has an ID, so
	// are records that a kept record overtakes, whatever their state: the last word on a paid
	// transaction must not be that it failed. Records whose message was dropped are left alone
	// too: there is nothing to deliver.
	Replay(ctx context.Context, f Filter, now time.Time) (int, error)

	// Prune drops the messages of records that got their final state before a time, and
	// returns how many. The rest of a record stays: a signed message is valid for ever, and
	// must be recognised when it arrives again.
	Prune(ctx context.Context, queue string, before time.Time) (int, error)

	// Clock tells the store what time it is now, and returns since when the times that it was
	// told follow each other with no gap of more than two days and no step back. What is told
	// and returned outlives a restart. After a gap it is now. Pruning waits for a day without
	// one: a clock that is wrong for a while must not drop anything.
	Clock(ctx context.Context, now time.Time) (steadySince time.Time, err error)

	// Stats counts the records.
	Stats(ctx context.Context) (Stats, error)

	// Pending counts the pending records of each queue that has any. Its cost does not depend
	// on how many other records there are.
	Pending(ctx context.Context) (map[string]int, error)

	// Wake returns a channel that gets a value when Claim may have more to return than
	// NextDue said, because of another goroutine or process. Values may be missing or
	// superfluous, so a reader also calls NextDue from time to time.
	Wake() <-chan struct{}

	// Close ends the store. Claims stay until their leases end, or until a store that only
	// one process can have is opened again.
	Close() error
}

// ErrLeaseLost is the error of Store.Settle when the record is claimed under another lease by
// now, or is settled.
var ErrLeaseLost = errors.New("another sidecar has claimed the event in the meantime, or it is settled already")

// Lease says until when a claim holds. A sidecar that dies does not settle its records; they
// can be claimed again when their leases are over.
type Lease struct {
	Now   time.Time
	Until time.Time

	// Horizon is the latest time that a due time or the end of a lease can have. A later one
	// was stored before the clock was set back, and counts as past. Zero: there is none.
	Horizon time.Time
}

// IsPast reports whether a due time or the end of a lease is over.
func (l Lease) IsPast(t time.Time) bool {
	return !t.After(l.Now) || !l.Horizon.IsZero() && t.After(l.Horizon)
}

// Overtakes reports whether a kept record overtakes an event, wherever both are in the order
// of arrival: it is paid, the event says something Overtakable, and both are about the same request
// of the same transaction.
func (r *Record) Overtakes(e *Event) bool {
	return r.PaymentStatus == Paid && slices.Contains(Overtakable(), e.PaymentStatus) && e.Transaction != "" &&
		r.Queue == e.Queue && r.Transaction == e.Transaction && r.RequestID == e.RequestID
}

// Settlement is how an attempt ended.
type Settlement struct {
	// State is Delivered, Repeated, Dead, or Pending for another attempt at Due.
	State     State
	Due       time.Time
	Answer    Answer
	LastError string
	At        time.Time
	// Uncounted leaves the number of attempts unchanged: the attempt was not one of the
	// schedule's. Default: it is counted.
	Uncounted bool
	// History takes the place of Record.History.
	History []string
}

// Filter picks records. Each field narrows the selection; the zero value picks all.
type Filter struct {
	ID            string
	IDPrefix      string // hex digits that the ID begins with
	Queue         string
	Merchant      string // that the name of the queue begins with
	Transaction   string
	OrderID       string
	RequestID     string
	State         State
	PaymentStatus string
	Since, Until  time.Time // of arrival: from Since, before Until
	After         uint64    // the Seq is greater than this
	Limit         int       // 0: no limit
}

// Stats counts what a store holds.
type Stats struct {
	// States has every state, with 0 where there is no record.
	States map[State]int `json:"states"`
	// NotFound counts the pending and dead records whose app answered that it does not know
	// the order.
	NotFound int `json:"notFound"`
	// Oldest is when the oldest pending event arrived; zero: none is pending.
	Oldest time.Time `json:"oldest,omitzero"`
	// Quarantined counts damaged records that are kept aside.
	Quarantined int `json:"quarantined"`
}
