package ledger

import (
	"slices"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Payment is what the ledger knows of one signed call: a payment, or a refund, a void, a
// capture, or a change of stored cards. Nothing of it is secret in clear: no card, no token.
type Payment struct {
	// Seq orders records by when they were made. It is unique in its store, and grows.
	Seq uint64 `json:"seq"`

	// Book is the merchant's name and the address of its gateway, see [BookOf]: records of a
	// test environment never mix with those of production.
	Book string `json:"-"`

	// RequestID is the gateway's name of the call, and unique in a book.
	RequestID string `json:"requestID"`

	// Operation is its short name. Effect is what it does, where card data or a token in the
	// call count.
	Operation string           `json:"operation"`
	Effect    operation.Effect `json:"effect,omitempty"`

	// Fingerprint is what two calls must have in common to be the same, see [Fingerprint].
	Fingerprint string `json:"-"`

	// OrderID, Amount, Currency and Method (paymentMethod) are those of the request; Amount is
	// orderAmount as the app wrote it. "" where the request has none.
	OrderID  string `json:"orderID,omitempty"`
	Amount   string `json:"orderAmount,omitempty"`
	Currency string `json:"orderCurrency,omitempty"`
	Method   string `json:"paymentMethod,omitempty"`

	// About is the transaction that a refund, a void or a capture is about.
	About string `json:"aboutTransactionID,omitempty"`

	// Deferred: the request says isAutoCapture false, so that a payment is authorized until it
	// is captured. Captured: a capture of it was accepted.
	Deferred bool `json:"deferred,omitempty"`
	Captured bool `json:"captured,omitempty"`

	// Transactions are the transactionIDs and orderNos that proven messages have for it, in the
	// order in which they came.
	Transactions []string `json:"transactionIDs,omitempty"`

	// Address is the signed ipnURL, sealed where the store seals; empty: there was none.
	Address []byte `json:"-"`

	// RecordedAt is when the record was made, before a byte was sent. Deadline is when a call at
	// work counts as of unknown outcome. EndedAt is when the outcome was recorded.
	RecordedAt time.Time `json:"recordedAt"`
	Deadline   time.Time `json:"deadline,omitzero"`
	EndedAt    time.Time `json:"endedAt,omitzero"`

	// Sending counts how often the call was sent, or was about to be.
	Sending int `json:"sendings"`

	// Outcome is how the call ended. Code is the problem that the app was told: "" after a
	// success and while the call is at work.
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code,omitempty"`

	// WasUnknown: the outcome was unknown once, so an earlier sending may have been carried
	// out. It stays set.
	WasUnknown bool `json:"wasUnknown,omitempty"`

	// Reply is the gateway's proven answer, sealed where the store seals. Empty: there is none,
	// or it is not kept.
	Reply []byte `json:"-"`

	// Settled is what an operator has said of a call of unknown outcome, with Reason and when;
	// "" if none has.
	Settled   Outcome   `json:"settled,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	SettledAt time.Time `json:"settledAt,omitzero"`

	// Status is the payment status of what takes a payment; "" for all else. Word: a kept event
	// has said this status, or an IPN that the app took; an answer and a result are none. StatusAt
	// is when it moved last.
	Status   Status    `json:"paymentStatus,omitempty"`
	Word     bool      `json:"word,omitempty"`
	StatusAt time.Time `json:"paymentStatusAt,omitzero"`

	// AskFrom is when the schedule of questions to the gateway began: with the call, or with an
	// accepted capture. Asked counts the places of the schedule that are over, Answered the
	// questions that the gateway answered. AskAt is when the next is due; zero: none is. AskedUntil
	// is when the lease of the question ends that is being asked; zero: none is. AskAt is the same
	// then, unless something has ended the questions, or begun them again.
	AskFrom    time.Time `json:"-"`
	Asked      int       `json:"asked,omitempty"`
	Answered   int       `json:"answered,omitempty"`
	AskAt      time.Time `json:"askAt,omitzero"`
	AskedUntil time.Time `json:"-"`

	// History is what has happened to the call, the oldest first: see Entries.
	History []string `json:"-"`
}

// Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	AtWork   Outcome = "at_work"  // it is being sent
	Accepted Outcome = "accepted" // the gateway's proven answer is yes
	Rejected Outcome = "rejected" // the gateway's proven answer is no
	NotSent  Outcome = "not_sent" // nothing of it reached the gateway, or the gateway knew no merchant
	Unknown  Outcome = "unknown"  // it may have been carried out
)

// Outcomes are all outcomes.
func Outcomes() []Outcome { return []Outcome{AtWork, Accepted, Rejected, NotSent, Unknown} }

// BookOf is the book of a merchant and its gateway.
func BookOf(merchant, gateway string) string { return merchant + " " + gateway }

// TakesPayment reports whether the call is one that a customer pays, or is charged, by.
func (p *Payment) TakesPayment() bool {
	return p.Effect == operation.OpensPage || p.Effect == operation.Charges
}

// addTransaction adds a name that the gateway has for the payment.
func (p *Payment) addTransaction(id string) {
	if id != "" && len(id) <= MaxName && !slices.Contains(p.Transactions, id) && len(p.Transactions) < maxTransactions {
		p.Transactions = append(slices.Clip(p.Transactions), id)
	}
}

// MaxName is the longest that a name in a record may be, in bytes. What is longer is left out.
const MaxName = 1 << 10

// maxTransactions bounds the names of one payment: a customer who tries again makes a few.
const maxTransactions = 100

// move sets the payment status, if the table of moves allows it, and reports whether it has. A word
// on the status before is none on the new one; where the last word was said, a reversal needs no other.
func (p *Payment) move(to Status, source Source, now time.Time) bool {
	if !p.TakesPayment() || !CanMove(p.Status, to, source) {
		return false
	}
	p.Word = source == FromReversal && p.hasLastWord()
	p.Status, p.StatusAt = to, now
	p.remember(now, EntryMoved, string(to), string(source))
	return true
}

// isFinal reports whether money is known to have been taken or held, or given back since.
func (p *Payment) isFinal() bool {
	return p.Status == Paid || p.Status == Authorized || p.Status == Reversed
}

// hasLastWord reports whether there is nothing more to ask: after a failure, a customer may try again, and a word that says
// authorized is none on a capture.
func (p *Payment) hasLastWord() bool {
	return p.Word && p.isFinal() && (p.Status != Authorized || !p.Captured)
}

// canBeAskedAbout reports whether the gateway has a name for the payment, and there is something to ask.
func (p *Payment) canBeAskedAbout() bool {
	return p.TakesPayment() && len(p.Transactions) > 0 && !p.hasLastWord()
}

// isOver reports whether the customer can no longer pay, and has not.
func (p *Payment) isOver() bool { return p.Status == Cancelled || p.Status == Expired }
