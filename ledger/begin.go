package ledger

import (
	"context"
	"strconv"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Call is a call that is about to be signed and sent.
type Call struct {
	Book        string
	RequestID   string
	Operation   string
	Effect      operation.Effect
	Fingerprint string
	OrderID     string
	Amount      string
	Currency    string
	Method      string
	About       string // the transactionID of a refund, a void or a capture
	Deferred    bool   // isAutoCapture false
	Address     []byte // ipnURL, as the store is to keep it

	// Limit is how long the call may be at work, from now on. Later it counts as of unknown
	// outcome, so its sender must not begin to send when little of Limit is left.
	Limit time.Duration
}

// Verdict is what is to be done with a call.
type Verdict int

// The verdicts.
const (
	Send       Verdict = iota + 1 // it is recorded: sign and send it
	Replay                        // answer with the recorded Reply
	Repeat                        // its outcome is unknown still: answer with the recorded Code
	InProgress                    // the same call is at work now
	Reused                        // the requestID belongs to another call
	Confirmed                     // an operator has said that it was carried out: answer {}
	Denied                        // an operator has said that it was not, and it is not to be sent again
	PageLost                      // its page was opened, and the address of the page is lost
	Over                          // the payment is cancelled or expired: it needs a new requestID
)

// Decision is a Verdict with the record that it was made by: of the call itself for Send, else
// of the one before.
type Decision struct {
	Verdict Verdict
	Payment Payment
	// RetryAfter is how long a call InProgress may still take.
	RetryAfter time.Duration
}

// Begin records a call before a byte of it is sent, or says why it is not to be sent. With an
// error nothing is known to be recorded, and the call must not be sent.
func Begin(ctx context.Context, s Store, c Call) (d Decision, err error) {
	err = s.Change(ctx, func(tx Tx) error {
		d, err = begin(tx, &c)
		return err
	})
	if err != nil {
		return Decision{}, err
	}
	return d, nil
}

func begin(tx Tx, c *Call) (Decision, error) {
	p, err := tx.Payment(c.Book, c.RequestID)
	if err != nil {
		return Decision{}, err
	}
	if p == nil {
		return start(tx, new(Payment), c)
	}
	now := tx.Now()
	if err := interruptOverdue(tx, p, now); err != nil {
		return Decision{}, err
	}
	switch verdict := p.judge(c); verdict {
	case Send:
		return start(tx, p, c)
	case InProgress:
		return Decision{verdict, *p, p.Deadline.Sub(now)}, nil
	default:
		return Decision{verdict, *p, 0}, nil
	}
}

// judge says what to do with a call whose requestID is recorded.
func (p *Payment) judge(c *Call) Verdict {
	switch {
	case p.Outcome == NotSent && !p.isFinal(): // nothing was done under this requestID, so it may become another call
		return Send
	case p.Fingerprint != c.Fingerprint:
		return Reused
	case p.Outcome == AtWork:
		return InProgress
	case p.Outcome == Unknown, p.Outcome == NotSent:
		return p.judgeUnknown(c)
	case p.Outcome == Rejected:
		return p.judgeRejected()
	case p.isOver():
		return Over
	case p.Settled == Accepted:
		return Confirmed
	}
	return p.judgeAnswered()
}

// judgeUnknown says what to do with a call of unknown outcome, or with one that was not sent by its own account, and a message
// shows that it was. Where a message came about it, a customer has its page.
func (p *Payment) judgeUnknown(c *Call) Verdict {
	switch {
	case p.isOver():
		return Over
	case p.Effect.MovesMoney(), c.Effect.MovesMoney(), p.TakesPayment() && p.Status != StatusUnknown:
		return Repeat
	}
	return Send
}

func (p *Payment) judgeRejected() Verdict {
	switch {
	case p.isFinal() && (p.Code == CodePageLost || p.Settled == Rejected): // a message shows that it was carried out
		return Repeat
	case p.Code == CodePageLost:
		return PageLost
	case p.Settled == Rejected:
		return Denied
	}
	return p.judgeAnswered()
}

// judgeAnswered repeats the gateway's answer. That to a change of stored cards may not have been kept, as a token stood in it.
func (p *Payment) judgeAnswered() Verdict {
	if p.Effect == operation.KeepsCards && len(p.Reply) == 0 {
		return Send
	}
	return Replay
}

// start records that a call is at work.
func start(tx Tx, before *Payment, c *Call) (Decision, error) {
	now := tx.Now()
	p := Payment{
		Seq: before.Seq, Book: c.Book, RequestID: c.RequestID, Operation: c.Operation, Effect: c.Effect, Fingerprint: c.Fingerprint,
		OrderID: name(c.OrderID), Amount: name(c.Amount), Currency: name(c.Currency), Method: name(c.Method), About: name(c.About),
		Deferred: c.Deferred, Address: c.Address,
		RecordedAt: now, AskFrom: now, Deadline: now.Add(c.Limit), Sending: before.Sending + 1, Outcome: AtWork,
		WasUnknown: before.WasUnknown || before.Outcome == Accepted || before.Outcome == Rejected,
		Settled:    before.Settled, Reason: before.Reason, SettledAt: before.SettledAt, AskedUntil: before.AskedUntil,
		History: before.History,
	}
	p.remember(now, EntrySent, strconv.Itoa(p.Sending))
	if p.TakesPayment() {
		p.Status, p.StatusAt = Open, now
	}
	if before.Fingerprint == c.Fingerprint {
		p.inherit(before)
	}
	if err := tx.Put(&p); err != nil {
		return Decision{}, err
	}
	return Decision{Send, p, 0}, nil
}

// inherit takes over what is known of the payment from an earlier sending of the same call, which may have opened it. A
// refusal of the earlier sending is over.
func (p *Payment) inherit(before *Payment) {
	now := p.RecordedAt
	p.Transactions, p.Captured = before.Transactions, before.Captured
	if !before.AskAt.IsZero() {
		p.AskFrom, p.Asked, p.Answered, p.AskAt = before.AskFrom, before.Asked, before.Answered, before.AskAt
	}
	if !p.TakesPayment() || !before.TakesPayment() {
		return
	}
	p.Status, p.StatusAt, p.Word = before.Status, before.StatusAt, before.Word
	if before.Outcome == NotSent {
		p.move(Open, FromRepeat, now)
	}
}

// name leaves out a name that is longer than any of the gateway's.
func name(text string) string {
	if len(text) > MaxName {
		return ""
	}
	return text
}
