package ledger

import "slices"

// Status is the payment status of an order, or what a message says about one.
type Status string

// The payment statuses that a record has.
const (
	Open          Status = "open"       // signed, and no word on it yet
	Paid          Status = "paid"       // the only one for which goods may be handed out
	Authorized    Status = "authorized" // the amount is held, and not captured
	Reversed      Status = "reversed"   // voided, or refunded in full
	Cancelled     Status = "cancelled"  // by the customer
	Expired       Status = "expired"    // not paid in time
	Failed        Status = "failed"     // refused
	StatusUnknown Status = "unknown"    // the call's outcome is unknown, so the payment's is
	Abandoned     Status = "abandoned"  // asked about to the end, and still open
	Silent        Status = "silent"     // asked about to the end, and the gateway never answered
)

// The statuses that a message has beside those, and that move no payment.
const (
	Pending  Status = "pending"  // not finished
	Disputed Status = "disputed" // it does not fit what was signed
	None     Status = "none"     // it is about a refund, a void or a capture
)

// Statuses are those that a record has.
func Statuses() []Status {
	return []Status{Open, Paid, Authorized, Reversed, Cancelled, Expired, Failed, StatusUnknown, Abandoned, Silent}
}

// MessageStatuses are those that a message, or an answer, can be told with.
func MessageStatuses() []Status {
	return []Status{Paid, Authorized, Reversed, Cancelled, Expired, Failed, Pending, Disputed, None}
}

// A Source is who brings news of a payment.
type Source string

// The sources.
const (
	FromCall     Source = "call"     // the outcome of the call itself
	FromRepeat   Source = "repeat"   // the call ended as refused, and is sent again, or an earlier sending was accepted
	FromMessage  Source = "message"  // a callback, or the answer to a query
	FromReversal Source = "reversal" // accepted refunds and voids of it
	FromSchedule Source = "schedule" // the last question has been asked
)

// A Move is a row of the table of moves: this source brings a payment from each of these
// statuses to that one.
type Move struct {
	Source Source
	To     Status
	From   []Status
}

// undecided are the statuses that any news of a payment ends.
var undecided = []Status{Open, StatusUnknown, Abandoned, Silent}

// lost are those in which nothing was paid so far; a customer may try again.
var lost = []Status{Cancelled, Expired, Failed}

// to is the move from each status of these lists to another one.
func to(status Status, source Source, from ...[]Status) Move {
	return Move{source, status, slices.DeleteFunc(slices.Concat(from...), func(s Status) bool { return s == status })}
}

// Moves are all moves that there are. What is not in the table does not happen: Paid is never
// undone by a message, and Reversed by nothing. A late answer to a call does not take back what a
// message has said.
func Moves() []Move { return moves }

var moves = []Move{
	to(Open, FromCall, []Status{StatusUnknown}),
	to(StatusUnknown, FromCall, []Status{Open}),
	to(Failed, FromCall, []Status{Open, StatusUnknown}),
	to(Paid, FromCall, undecided, lost, []Status{Authorized}), // a charge without a page
	to(Authorized, FromCall, undecided, lost),
	to(Cancelled, FromCall, undecided),
	to(Expired, FromCall, undecided),

	to(Open, FromRepeat, []Status{Failed}),

	to(Paid, FromMessage, undecided, lost, []Status{Authorized}),
	to(Authorized, FromMessage, undecided, lost),
	to(Cancelled, FromMessage, undecided, lost),
	to(Expired, FromMessage, undecided, lost),
	to(Failed, FromMessage, undecided, lost),

	to(Reversed, FromReversal, undecided, lost, []Status{Paid, Authorized}),

	to(Abandoned, FromSchedule, []Status{Open}),
	to(Silent, FromSchedule, []Status{Open}),
}

// CanMove reports whether the table has a move.
func CanMove(from, to Status, source Source) bool {
	return slices.ContainsFunc(moves, func(m Move) bool {
		return m.Source == source && m.To == to && slices.Contains(m.From, from)
	})
}
