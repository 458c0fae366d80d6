package inbox

import (
	"strings"
	"time"
)

// MaxName is the longest that a text of an event may be, in bytes; a store may refuse longer
// ones. It does not limit the message.
const MaxName = 1 << 10

// Event is one proven callback.
type Event struct {
	// ID is the SHA-256 of the signed text in hex, the callback's Galaxypay-Delivery-Id. The
	// same message always has the same ID: by queue and ID, a repeated event is recognised.
	ID string `json:"id"`

	// Queue is the merchant that the event belongs to, and the address of its gateway, with a blank
	// between them: events of a test environment are no events of production.
	Queue string `json:"queue"`

	// Transaction is the payment that the event is about: transactionID, or orderNo of a
	// payment link. Events of one transaction are delivered one at a time, in the order of
	// their arrival. Empty: the event waits for no other.
	Transaction string `json:"transaction,omitempty"`

	// OrderID is the merchant's own name of the order, for people who look for it.
	OrderID string `json:"orderID,omitempty"`

	// RequestID is that of the request that the message is about: the payment's, or that of
	// a refund or a void of the same transaction. "Paid wins" holds among the events of one
	// transaction with the same RequestID.
	RequestID string `json:"requestID,omitempty"`

	// PaymentStatus is what the message means, one of PaymentStatuses.
	PaymentStatus string `json:"paymentStatus"`

	// ReceivedAt is when the event arrived.
	ReceivedAt time.Time `json:"receivedAt"`

	// Message is the JSON that the app gets, or, where the inbox encrypts, a sealed form of
	// it. Stores treat it as opaque bytes. Empty: it was dropped, because it is old.
	Message []byte `json:"message,omitempty"`

	// Request is what the app sees of the gateway's request when the event is delivered.
	Request Request `json:"request,omitzero"`

	// Kind is ipn, or query: the proven answer to a question that the sidecar asked.
	Kind string `json:"kind"`

	// Block names the handlers that the event is delivered through, if the configuration
	// still has them. Empty: the first ones of the merchant.
	Block string `json:"-"`
}

// Request is the part of the gateway's request that an attempt repeats.
type Request struct {
	Scheme     string `json:"scheme,omitempty"` // http or https
	Host       string `json:"host,omitempty"`
	URI        string `json:"uri,omitempty"`        // path and the merchant's own query
	RemoteAddr string `json:"remoteAddr,omitempty"` // the client's address and port

	// Traceparent is the span in which the event was kept, as the W3C's header of that name has it; empty: the request was not traced.
	Traceparent string `json:"traceparent,omitempty"`
}

// Paid is the PaymentStatus that wins among the events of one transaction with the same
// RequestID: once a paid one is kept, an event with one of the statuses that Overtakable has is
// Overtaken, whether it arrives later or still waits to be delivered.
const Paid = "paid"

// Overtakable are the values of Event.PaymentStatus that a paid event makes old news. A dispute is
// none: a person must see it.
func Overtakable() []string {
	return []string{"authorized", "cancelled", "expired", "pending", "failed"}
}

// PaymentStatuses are all values of Event.PaymentStatus.
func PaymentStatuses() []string {
	return append(Overtakable(), Paid, "reversed", "disputed", "none")
}

// KindQuery is the Event.Kind of an answer to a question that the sidecar asked.
const KindQuery = "query"

// State is where an event stands.
type State string

// The states. All but Pending are final, until a replay.
const (
	Pending   State = "pending"   // to be delivered
	Delivered State = "delivered" // the app has taken it
	Dead      State = "dead"      // every attempt failed: a dead letter
	Overtaken State = "overtaken" // not to be delivered, because its transaction is paid
	Repeated  State = "repeated"  // not to be delivered, because the app has taken the same news
)

// States are all states.
func States() []State { return []State{Pending, Delivered, Dead, Overtaken, Repeated} }

// Record is an event as a store keeps it.
type Record struct {
	Event

	// Seq orders records by arrival. It is unique in its store, and grows.
	Seq uint64 `json:"seq"`

	State State `json:"state"`

	// Attempts counts the attempts that were settled, without those that are Uncounted.
	Attempts int `json:"attempts"`

	// Due is when a pending record may be delivered next.
	Due time.Time `json:"due,omitzero"`

	// Answer is the app's last answer, for the gateway. Empty: the app has not answered yet.
	// NotFound is not final: the record stays Pending, and is Dead in the end.
	Answer Answer `json:"answer,omitzero"`

	// LastError is why the last attempt failed, in words for people. It holds nothing of a
	// message.
	LastError string `json:"lastError,omitempty"`

	// SettledAt is when the record got its final state.
	SettledAt time.Time `json:"settledAt,omitzero"`

	// History is what came of each attempt, the oldest first: see Tries. It outlives a replay.
	History []string `json:"history,omitempty"`

	// Lease is the token under which the record was claimed, on records that Store.Arrive and
	// Store.Claim return claimed; empty on all others.
	Lease string `json:"-"`

	// Alone: there was no other record of its transaction when Store.Arrive kept it, so the app
	// cannot have taken the same news before. It is false on records that other methods return.
	Alone bool `json:"-"`
}

// Answer is the answer to an IPN: its ipnStatus and ipnDescription.
type Answer struct {
	Status      string `json:"ipnStatus,omitempty"`
	Description string `json:"ipnDescription,omitempty"`
}

// NotFound is the Answer.Status of an app that does not know the order, or not yet.
const NotFound = "404"

// MerchantOf is the name of the merchant in the name of a queue.
func MerchantOf(queue string) string {
	merchant, _, _ := strings.Cut(queue, " ")
	return merchant
}

// eventKey identifies an event. Merchants with the same salt can get the same message, so the
// ID alone does not.
type eventKey struct{ queue, id string }

func keyOf(e Event) eventKey { return eventKey{e.Queue, e.ID} }
