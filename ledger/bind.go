package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Message is what a proven message of the gateway says: a callback, or the answer to a query or
// a charge. Members that it does not have are "".
type Message struct {
	Book      string
	RequestID string

	// Others are the books of the other merchants of this configuration.
	Others []string

	// AskedAbout is the transactionID that a query asked about; its answer is found by that, and
	// must repeat it. "" for all other messages, which are found by RequestID.
	AskedAbout string

	Transaction string // transactionID or, of a payment link, orderNo
	OrderID     string
	Amount      string // orderAmount
	Currency    string // orderCurrency
	Method      string // paymentMethod

	// Status is what the message alone means.
	Status Status

	// OwnAnswer: it is the answer to the call itself, which fits it unless a member contradicts.
	OwnAnswer bool

	// Strict: a message that says paid and fits no record is disputed.
	Strict bool
}

// Order says whether a message fits what was signed.
type Order string

// The values of Order.
const (
	Matched    Order = "matched"    // it does
	Mismatched Order = "mismatched" // it is about another order, amount or currency, or another merchant's call
	Unsigned   Order = "unknown"    // it cannot be said: nothing was signed here, or it has no amount
)

// Bound is a message with what the ledger knows of it.
type Bound struct {
	Order  Order
	Status Status // what the message means with that
	// Payment is the record that the message is about; Seq is 0 where there is none.
	Payment Payment
	// AskAt is for Note, and set by its caller: when the gateway is to be asked about the payment, if
	// that was not possible before for want of a transactionID. Zero: it is not.
	AskAt time.Time
}

// Bind finds the call that a message is about, and compares the two.
func Bind(ctx context.Context, s Store, m Message) (Bound, error) {
	p, found, err := find(ctx, s, &m)
	if err != nil {
		return Bound{}, err
	}
	if !found {
		return bindUnsigned(ctx, s, &m)
	}
	return p.Bind(&m), nil
}

// Bind compares a message with the call that it is about.
func (p *Payment) Bind(m *Message) Bound {
	b := Bound{Order: p.compare(m), Status: Disputed, Payment: *p}
	switch b.Order {
	case Matched:
		b.Status = p.meaning(m)
	case Unsigned:
		b.Status = p.meaningUnsigned(m)
	}
	return b
}

// find returns the record that a message is about.
func find(ctx context.Context, s Store, m *Message) (p Payment, found bool, err error) {
	if m.AskedAbout == "" {
		return s.Payment(ctx, m.Book, m.RequestID)
	}
	return PaymentNamed(ctx, s, m.Book, m.AskedAbout)
}

// PaymentNamed returns the payment that has a transaction among its Transactions; found is false if there is none.
func PaymentNamed(ctx context.Context, s Store, book, transaction string) (p Payment, found bool, err error) {
	payments, err := s.Named(ctx, book, transaction)
	if err != nil {
		return Payment{}, false, err
	}
	i := slices.IndexFunc(payments, func(p Payment) bool { return p.TakesPayment() })
	if i < 0 {
		return Payment{}, false, nil
	}
	return payments[i], true, nil
}

// bindUnsigned judges a message about a call that is not in the book. One of another merchant's
// calls shows that the callback address, or the key pair, is another's.
func bindUnsigned(ctx context.Context, s Store, m *Message) (Bound, error) {
	if m.AskedAbout != "" {
		return m.bindAnswer(), nil
	}
	for _, book := range m.Others {
		_, found, err := s.Payment(ctx, book, m.RequestID)
		if err != nil {
			return Bound{}, err
		}
		if found {
			return Bound{Order: Mismatched, Status: Disputed}, nil
		}
	}
	return Bound{Order: Unsigned, Status: m.unsignedStatus()}, nil
}

// bindAnswer judges the answer to a query about a transaction that no record has. One about another transaction than was asked
// about says nothing.
func (m *Message) bindAnswer() Bound {
	if differs(m.AskedAbout, m.Transaction) {
		return Bound{Order: Mismatched, Status: Disputed}
	}
	return Bound{Order: Unsigned, Status: m.unsignedStatus()}
}

// unsignedStatus is the status of a message that fits nothing that was signed here.
func (m *Message) unsignedStatus() Status {
	if m.Strict && m.Status == Paid {
		return Disputed
	}
	return m.Status
}

// compare holds a message against what was signed. Members that one of the two does not have
// are not compared, but without an amount nothing is matched.
func (p *Payment) compare(m *Message) Order {
	switch {
	case m.AskedAbout != "" && m.Transaction != m.AskedAbout,
		differs(p.OrderID, p.orderIn(m)),
		differs(p.Currency, m.Currency),
		contradictsAmount(p.Amount, m.Amount):
		return Mismatched
	case m.OwnAnswer, SameAmount(p.Amount, m.Amount):
		return Matched
	}
	return Unsigned
}

// orderIn is the order that a message names. Payment links' messages have an orderNo in its place,
// which is the gateway's.
func (p *Payment) orderIn(m *Message) string {
	if m.OrderID == m.Transaction {
		return ""
	}
	return m.OrderID
}

func differs(signed, said string) bool { return signed != "" && said != "" && signed != said }

// meaning is the status of a message that fits the record.
func (p *Payment) meaning(m *Message) Status {
	switch {
	case p.Effect == operation.Refunds, p.Effect == operation.Voids, p.Effect == operation.Captures:
		return None
	case p.Status == Reversed:
		return Reversed
	case m.Status == Paid && p.Status != Paid && p.isHeldOnly(m):
		return Authorized
	case (p.Status == Paid || p.Status == Authorized) && slices.Contains(lost, m.Status):
		return p.Status
	}
	return m.Status
}

// meaningUnsigned is the status of a message about the call that has no amount to compare. It may say less than the message
// alone, and never more.
func (p *Payment) meaningUnsigned(m *Message) Status {
	meaning := p.meaning(m)
	switch {
	case meaning == None, meaning == Reversed:
		return meaning
	case m.Status == Paid && !m.Strict:
		return meaning
	}
	return m.unsignedStatus()
}

// isHeldOnly reports whether the amount of a paid message is authorized and not captured. Only
// international cards know the difference.
func (p *Payment) isHeldOnly(m *Message) bool {
	method := cmp.Or(m.Method, p.Method)
	return p.Deferred && !p.Captured && (method == "" || method == "INTERNATIONAL")
}

// Note moves the payment that a bound message is about. Transaction is the message's name of it. Kept says that the message is a
// word on it: an event that was kept, or an IPN that the app took. PaidTwice reports that another payment of the same order is
// paid too.
func Note(ctx context.Context, s Store, b Bound, transaction string, kept bool) (paidTwice bool, err error) {
	if b.Payment.Seq == 0 || b.Order == Mismatched || !b.changes(transaction, kept) {
		return false, nil
	}
	err = s.Change(ctx, func(tx Tx) error {
		paidTwice, err = note(tx, &b, transaction, kept)
		return err
	})
	return paidTwice && err == nil, err
}

// changes reports whether a message is news to the record as it was when it was bound. It spares repeated
// messages a commit.
func (b *Bound) changes(transaction string, kept bool) bool {
	p := &b.Payment
	return transaction != "" && !slices.Contains(p.Transactions, transaction) || b.asks(p) ||
		b.Order == Matched && p.TakesPayment() && (kept && !p.Word || CanMove(p.Status, b.Status, FromMessage))
}

// asks reports whether the message makes it possible to ask about a payment that could not be asked about before.
func (b *Bound) asks(p *Payment) bool {
	return !b.AskAt.IsZero() && p.TakesPayment() && p.AskAt.IsZero() && p.Asked == 0 && p.Outcome != AtWork
}

func note(tx Tx, b *Bound, transaction string, kept bool) (paidTwice bool, err error) {
	p, err := tx.Payment(b.Payment.Book, b.Payment.RequestID)
	if err != nil || p == nil || p.Fingerprint != b.Payment.Fingerprint { // it has become another call
		return false, err
	}
	isNew := b.apply(p, transaction, kept, tx.Now())
	if err := tx.Put(p); err != nil {
		return false, err
	}
	if p.TakesPayment() {
		if err := catchUp(tx, p); err != nil {
			return false, err
		}
	}
	return isPaidTwice(tx, p, isNew)
}

// apply writes what a message says into the record, and reports whether the payment status moved. What has no amount to compare
// can only name the transaction.
func (b *Bound) apply(p *Payment, transaction string, kept bool, now time.Time) (isNew bool) {
	p.addTransaction(transaction)
	if b.Order == Matched {
		isNew = p.move(b.Status, FromMessage, now)
		if kept && p.TakesPayment() && b.Status == p.Status {
			p.takeWord()
		}
	}
	if b.asks(p) && p.canBeAskedAbout() {
		p.AskAt = b.AskAt
	}
	return isNew
}

// takeWord notes that the app was told, and ends the questions where nothing more is to come.
func (p *Payment) takeWord() {
	p.Word = true
	if p.hasLastWord() {
		p.AskAt = time.Time{}
	}
}

// isPaidTwice reports whether a payment has just become the second paid one of its order.
func isPaidTwice(tx Tx, p *Payment, isNew bool) (bool, error) {
	if !isNew || p.Status != Paid || p.OrderID == "" {
		return false, nil
	}
	payments, err := tx.Ordered(p.Book, p.OrderID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(payments, func(other *Payment) bool {
		return other.Seq != p.Seq && other.Status == Paid
	}), nil
}
