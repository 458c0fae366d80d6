package inbox

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Store keeps records. Its methods can be called concurrently, by several processes too
// where the store is shared. What a method has changed is durable when it returns.
type Store interface {
	// Arrive keeps an event under its queue and ID, in one transaction: merchants with the
	// same salt can get the same message, and each must get its own. The record is
	//
	//   - Overtaken, if the event is not paid and a paid one of its transaction is kept,
	//   - else Pending and due at once; and claimed under the lease, unless an earlier
	//     record of its transaction is pending.
	//
	// If there is a record of this queue and ID already, nothing is kept, and isNew is false.
	// That record is returned. It is claimed too if it is pending, due or not, is not claimed
	// yet, and no earlier record of its transaction is pending.
	Arrive(ctx context.Context, e Event, lease Lease) (r Record, isNew bool, err error)

	// Claim claims up to limit records of the queues and returns them: pending records that
	// are due at lease.Now and not claimed, each the oldest pending one of its transaction.
	// Those that are due the longest come before others, of whatever queue.
	Claim(ctx context.Context, queues []string, lease Lease, limit int) ([]Record, error)

	// Settle ends an attempt on a claimed record, counts it unless s is Uncounted, and gives
	// up the claim. It fails with ErrLeaseLost, and changes nothing, if r.Lease does not hold
	// the record any more.
	Settle(ctx context.Context, r Record, s Settlement) error

	// NextDue returns when Claim may have something to return next, the ends of leases
	// considered; zero: not before an event arrives.
	NextDue(ctx context.Context, queues []string) (time.Time, error)

	// List yields the records that the filter picks, in the order of arrival. The sequence
	// ends after the first error.
	List(ctx context.Context, f Filter) iter.Seq2[Record, error]

	// Replay makes the picked records Pending and due at now, with no attempts counted, and
	// returns how many. Claimed records are left alone, and so are Overtaken ones unless the
	// filter includes them.
	Replay(ctx context.Context, f Filter, now time.Time) (int, error)

	// Prune deletes records with a final state that arrived before a time, and returns how
	// many. An event that was deleted is new when it arrives again.
	Prune(ctx context.Context, queue string, before time.Time) (int, error)

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
var ErrLeaseLost = errors.New("another sidecar has claimed the event since, or it is settled already")

// Lease says until when a claim holds. A sidecar that dies does not settle its records; they
// can be claimed again when their leases are over.
type Lease struct {
	Now   time.Time
	Until time.Time
}

// Settlement is how an attempt ended.
type Settlement struct {
	// State is Delivered, Dead, or Pending for another attempt at Due.
	State     State
	Due       time.Time
	Answer    Answer
	LastError string
	At        time.Time
	// Uncounted leaves the number of attempts unchanged: the attempt was not one of the
	// schedule's. Default: it is counted.
	Uncounted bool
}

// Filter picks records. Each field narrows the selection; the zero value picks all.
type Filter struct {
	ID            string
	Queue         string
	Transaction   string
	State         State
	PaymentStatus string
	Since, Until  time.Time // of arrival: from Since, before Until
	Limit         int       // 0: no limit
}

// IncludesOvertaken reports whether a replay takes Overtaken records: only by their ID or
// their state. After a replay of everything, the last message about a paid transaction must
// not say that it failed.
func (f Filter) IncludesOvertaken() bool { return f.ID != "" || f.State == Overtaken }

// Stats counts what a store holds.
type Stats struct {
	// States has every state, with 0 where there is no record.
	States map[State]int `json:"states"`
	// Oldest is when the oldest pending event arrived; zero: none is pending.
	Oldest time.Time `json:"oldest,omitzero"`
	// Quarantined counts damaged records that are kept aside.
	Quarantined int `json:"quarantined"`
}
