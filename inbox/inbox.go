// Package inbox keeps proven callbacks of the gateway until the app has taken them: store,
// then deliver, then answer. The gateway publishes no rule for sending an IPN again, so
// each may come only once, and what was acknowledged must not be lost.
//
// The package imports no Caddy. The stores are packages of their own: bolt, a file on
// this machine, and postgres, for several sidecars that share one inbox.
package inbox

import (
	"context"
	"errors"
	"iter"
	"time"
)

// MaxName is how long the texts of an event may be, in bytes; a store may refuse longer
// ones. It is not about the message.
const MaxName = 1 << 10

// Event is one proven callback.
type Event struct {
	// ID is the SHA-256 of the signed text in hex, the callback's Galaxypay-Delivery-Id.
	// The same message always has the same, so it tells a repeated one of the same queue.
	ID string `json:"id"`

	// Queue is whose event it is: the name of the merchant.
	Queue string `json:"queue"`

	// Transaction is the payment that the event is about: transactionID, or orderNo of a
	// payment link. Events of one transaction are delivered one at a time, in the order of
	// their arrival. Empty: an event that waits for no other.
	Transaction string `json:"transaction,omitempty"`

	// RequestID is that of the request that opened the payment.
	RequestID string `json:"requestID,omitempty"`

	// PaymentStatus is what the message means: paid, cancelled, expired, pending or failed.
	PaymentStatus string `json:"paymentStatus"`

	// ReceivedAt is when it arrived.
	ReceivedAt time.Time `json:"receivedAt"`

	// Message is the JSON that the app gets, or, where the inbox encrypts, a sealed form of
	// it. Stores treat it as opaque bytes.
	Message []byte `json:"message,omitempty"`
}

// Paid is the PaymentStatus that wins: once a paid event of a transaction is kept, one that
// says anything else and arrives later is Overtaken.
const Paid = "paid"

// PaymentStatuses are all values of Event.PaymentStatus.
func PaymentStatuses() []string { return []string{Paid, "cancelled", "expired", "pending", "failed"} }

// State is where an event stands.
type State string

// The states. All but Pending are final, until a replay.
const (
	Pending   State = "pending"   // to be delivered
	Delivered State = "delivered" // the app has taken it
	Dead      State = "dead"      // every attempt failed: a dead letter
	Overtaken State = "overtaken" // not to be delivered, because its transaction is paid
)

// States are all of them.
func States() []State { return []State{Pending, Delivered, Dead, Overtaken} }

// Record is an event as it is kept.
type Record struct {
	Event

	// Seq orders records by arrival. It is unique in its store, and grows.
	Seq uint64 `json:"seq"`

	State State `json:"state"`

	// Attempts counts the deliveries that were begun and settled.
	Attempts int `json:"attempts"`

	// Due is when a pending record may be delivered next.
	Due time.Time `json:"due,omitzero"`

	// Answer is what the app said, for the gateway. It is empty until the app has spoken.
	Answer Answer `json:"answer,omitzero"`

	// LastError is why the last attempt failed, in words for people. It holds nothing of a
	// message.
	LastError string `json:"lastError,omitempty"`

	// SettledAt is when the record got its final state.
	SettledAt time.Time `json:"settledAt,omitzero"`

	// Lease is the token under which the record was claimed, on records that Add and Claim
	// return claimed; empty on all others.
	Lease string `json:"-"`
}

// Answer is what the gateway is told of an IPN: its ipnStatus and ipnDescription.
type Answer struct {
	Status      string `json:"ipnStatus,omitempty"`
	Description string `json:"ipnDescription,omitempty"`
}

// Lease says until when a claimed record belongs to whoever claimed it. A sidecar that dies
// does not settle its records; they can be claimed anew when their leases are over.
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
	// Uncounted leaves the number of attempts as it is: the attempt was none of the
	// schedule's. Default: it is counted.
	Uncounted bool
}

// Filter picks records. Its fields narrow it down; the zero value picks all.
type Filter struct {
	ID            string
	Queue         string
	Transaction   string
	State         State
	PaymentStatus string
	Since, Until  time.Time // of arrival: from Since, before Until
	Limit         int       // 0: no limit
}

// AsksForOvertaken tells whether a replay takes Overtaken records: only by their ID or their
// state. The last word of a replay of everything must not be that a paid transaction failed.
func (f Filter) AsksForOvertaken() bool { return f.ID != "" || f.State == Overtaken }

// Stats counts what a store holds.
type Stats struct {
	// States has every state, with 0 where nothing is.
	States map[State]int `json:"states"`
	// Oldest is when the oldest pending event arrived; zero: none is pending.
	Oldest time.Time `json:"oldest,omitzero"`
	// Quarantined counts damaged records that are kept aside.
	Quarantined int `json:"quarantined"`
}

// ErrLeaseLost is what Settle returns when the record was claimed by another since, or is
// settled.
var ErrLeaseLost = errors.New("the event was claimed by another meanwhile")

// Store keeps records. Its methods can be called concurrently, by several processes too
// where the store is shared. What a method has changed is durable when it returns.
type Store interface {
	// Add keeps an event under its queue and ID, in one transaction: merchants with the same
	// salt can get the same message, and each must get its own. The record is
	//
	//   - Overtaken, if the event is not paid and a paid one of its transaction is kept,
	//   - else Pending and due at once; and claimed under the lease, unless an earlier
	//     record of its transaction is pending.
	//
	// If there is a record of this queue and ID already, nothing is kept, and added is false.
	// That record is returned; it is claimed too if it is pending, due or not, nobody has it
	// claimed, and no earlier record of its transaction is pending.
	Add(ctx context.Context, e Event, lease Lease) (r Record, added bool, err error)

	// Claim returns up to limit pending records of the queues that are due at lease.Now and
	// claimed by nobody, each the oldest pending one of its transaction, and claims them.
	// Those that are due the longest come before others, of whatever queue.
	Claim(ctx context.Context, queues []string, lease Lease, limit int) ([]Record, error)

	// Settle ends an attempt on a claimed record, counts it unless told otherwise and gives
	// up the claim. It fails with ErrLeaseLost, and changes nothing, if r.Lease does not hold
	// the record any more.
	Settle(ctx context.Context, r Record, s Settlement) error

	// NextDue tells when Claim may have something to return next, the ends of leases
	// considered; zero: not before something is added.
	NextDue(ctx context.Context, queues []string) (time.Time, error)

	// List yields the records that the filter picks, in the order of arrival. The sequence
	// ends after the first error.
	List(ctx context.Context, f Filter) iter.Seq2[Record, error]

	// Replay makes the picked records Pending and due at now, with no attempts counted, and
	// tells how many. Those that are claimed are left alone, and so are Overtaken ones unless
	// the filter asks for them.
	Replay(ctx context.Context, f Filter, now time.Time) (int, error)

	// Prune forgets records with a final state that arrived before a time, and tells how
	// many. With them goes the knowledge that they were received.
	Prune(ctx context.Context, queue string, before time.Time) (int, error)

	// Stats counts the records.
	Stats(ctx context.Context) (Stats, error)

	// Pending counts the pending records of each queue that has any. It costs little however
	// many others there are.
	Pending(ctx context.Context) (map[string]int, error)

	// Wake returns a channel that gets a value when Claim may have more to return than
	// NextDue told, because of another goroutine or process. Values may be missing or
	// superfluous: whoever listens asks again from time to time all the same.
	Wake() <-chan struct{}

	// Close ends the store. Claims stay until their leases end, or until a store that only
	// one process can have is opened anew.
	Close() error
}
