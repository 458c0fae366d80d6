package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// CodePageLost is the Code of a call whose page was opened by an earlier sending, of which no
// answer came back.
const CodePageLost = "page_lost"

// Result is how the sending of a call ended.
type Result struct {
	// Outcome is Accepted, Rejected, NotSent or Unknown.
	Outcome Outcome
	// Code is the problem that the app is to be told; "" with Accepted.
	Code string
	// Reply is the proven answer, as the store is to keep it; empty where it is not kept.
	Reply []byte
	// Duplicate: the gateway has answered that it knows this requestID already.
	Duplicate bool
	// Transaction is the transactionID that the proven answer names, or orderNo of a payment link.
	Transaction string
	// Status is what the proven answer says of the payment, where it says it: that to a charge.
	Status Status
	// AskAt is when the gateway is to be asked about the payment. Zero: it is not, or there is
	// no transactionID to ask about.
	AskAt time.Time
}

// Ended is a call whose sending has ended.
type Ended struct {
	// Payment is the record that the app is to be answered by: it may say more than the result, for example that the
	// payment was made by a sending before this one.
	Payment Payment
	// PaidTwice: another payment of the same order is paid too.
	PaidTwice bool
	// Unfelt: the call was accepted, and is about a payment whose record is damaged, so that nothing
	// of it could be noted there.
	Unfelt bool
}

// End records how the sending of a call ended. Sent is the record that Begin returned.
func End(ctx context.Context, s Store, sent Payment, r Result) (e Ended, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		e, err = end(tx, &sent, &r)
		return err
	})
	if err != nil {
		return Ended{}, err
	}
	return e, nil
}

func end(tx Tx, sent *Payment, r *Result) (Ended, error) {
	p, err := tx.Payment(sent.Book, sent.RequestID)
	if err != nil {
		return Ended{}, err
	}
	if p == nil { // the store has lost it, as a standby can that takes over: a repeated call must still find it
		p = new(*sent)
		p.Seq = 0
	}
	if !p.takes(sent, r) {
		return Ended{Payment: *p}, nil
	}
	isNew := p.finish(r, tx.Now())
	if err := tx.Put(p); err != nil {
		return Ended{}, err
	}
	isFelt := true
	if p.Outcome == Accepted {
		if isFelt, err = carryOut(tx, p); err != nil {
			return Ended{}, err
		}
	}
	paidTwice, err := isPaidTwice(tx, p, isNew)
	return Ended{*p, paidTwice, !isFelt}, err
}

// takes reports whether a result is news. An acceptance stays; a sending that another has
// followed, or an operator's word, can bring nothing else.
func (p *Payment) takes(sent *Payment, r *Result) bool {
	if p.Fingerprint != sent.Fingerprint { // it has become another call
		return false
	}
	if r.Outcome == Accepted {
		return true
	}
	return p.Outcome != Accepted && p.Sending == sent.Sending && p.SettledAt.Equal(sent.SettledAt)
}

// finish writes a result into the record. It reports whether the payment status moved.
func (p *Payment) finish(r *Result, now time.Time) bool {
	wasRefused := p.Outcome == Rejected || p.Outcome == NotSent
	if p.Outcome != Accepted { // else the app was answered by that before
		p.write(r, now)
	}
	p.addTransaction(r.Transaction)
	if p.Outcome == Accepted && p.canBeAskedAbout() && !r.AskAt.IsZero() {
		p.AskAt = r.AskAt
	}
	source := FromCall
	if wasRefused && p.Outcome == Accepted && p.Status == Failed && p.statusAfter(r) == Open {
		source = FromRepeat
	}
	return p.move(p.statusAfter(r), source, now)
}

// write sets the outcome. An earlier sending that may have been carried out makes a failure of this one say less, and where the
// gateway knows the requestID already, the answer to that sending is lost.
func (p *Payment) write(r *Result, now time.Time) {
	p.Outcome, p.Code, p.Reply, p.EndedAt = r.Outcome, r.Code, r.Reply, now
	isRepeated := r.Duplicate && p.WasUnknown && p.Sending > 1
	switch {
	case isRepeated && p.Effect == operation.OpensPage && (p.Status == StatusUnknown || p.Status == Open):
		p.Outcome, p.Code, p.Reply = Rejected, CodePageLost, nil
	case isRepeated, p.WasUnknown && r.Outcome == NotSent:
		p.Outcome = Unknown
	}
	p.WasUnknown = p.WasUnknown || p.Outcome == Unknown
	p.remember(now, EntryEnded, string(p.Outcome), p.Code)
}

// statusAfter is what a result says of the payment.
func (p *Payment) statusAfter(r *Result) Status {
	switch {
	case p.Outcome == Unknown, p.Code == CodePageLost:
		return StatusUnknown
	case p.Outcome == Accepted && r.Status != "" && r.Status != Pending:
		return r.Status
	case p.Outcome == Accepted:
		return Open
	case r.Status == Cancelled, r.Status == Expired: // a charge that was refused so
		return r.Status
	}
	return Failed
}

// carryOut does to the payments that an accepted call is about what it means for them. IsFelt is false where the record of
// one is damaged: the call was carried out all the same, and its own record must say so.
func carryOut(tx Tx, p *Payment) (isFelt bool, err error) {
	if p.TakesPayment() {
		return true, catchUp(tx, p)
	}
	if p.About == "" {
		return true, nil
	}
	payments, err := tx.Named(p.Book, p.About)
	if errors.Is(err, ErrDamaged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, about := range payments {
		if err := carryOutOn(tx, p, about); err != nil {
			return false, err
		}
	}
	return true, nil
}

// carryOutOn does to a payment what an accepted call about it means.
func carryOutOn(tx Tx, p, about *Payment) error {
	if !about.TakesPayment() {
		return nil
	}
	if p.Effect == operation.Captures {
		about.capture(tx.Now())
		if err := tx.Put(about); err != nil {
			return err
		}
	}
	return catchUp(tx, about)
}

// capture notes that the held amount of a payment was taken. Only the gateway can say that it is
// paid, so it is asked.
func (p *Payment) capture(now time.Time) {
	p.Captured = true
	if p.Status == Paid || p.Status == Reversed {
		return
	}
	p.Word = false
	p.Asked, p.Answered, p.AskFrom, p.AskAt = 0, 0, now, now
}
