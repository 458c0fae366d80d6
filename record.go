package galaxypay

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/span"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// sendMargin is how long a recorded call may wait before it is sent. It is also what its deadline has beyond timeout, so that
// whatever the sender does is done before others count the call as of unknown outcome.
const sendMargin = 15 * time.Second

// recordTimeout bounds how long the store may take to record a call, or its outcome.
const recordTimeout = 10 * time.Second

// isRecorded reports whether a call goes through the ledger: whatever changes something does.
func (p *Proxy) isRecorded(c *call) bool {
	return p.Ledger == "on" && c.operation.Effect != operation.Reads
}

// record writes the call into the ledger before a byte of it is sent. Where the ledger knows the call, it says what the
// answer is, and nothing is sent: then c.replayed is set, or there is a problem.
func (p *Proxy) record(w http.ResponseWriter, r *http.Request, c *call) *problem.Problem {
	if !p.isRecorded(c) {
		return nil
	}
	c.begun = time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), recordTimeout)
	defer cancel()
	ctx, s := span.Start(ctx, "galaxypay store: begin", "merchant", p.merchant.name, "operation", c.name(), "request_id", c.request.requestID)
	defer s.End()
	decision, err := p.begin(ctx, c)
	if err != nil {
		p.log.Error("a call could not be recorded, so it was not sent",
			zap.String("merchant", p.merchant.name), zap.String("request_id", c.request.requestID), zap.Error(err))
		prob := notRecorded(err)
		span.Fail(s, string(prob.Code))
		return prob
	}
	c.payment = decision.Payment
	return p.decide(w, c, &decision)
}

// notRecorded is a call that could not be recorded. If its own record is damaged, it may have been sent before.
func notRecorded(err error) *problem.Problem {
	if errors.Is(err, ledger.ErrDamaged) {
		return problem.RecordDamaged()
	}
	return problem.StoreUnavailable()
}

// begin has the ledger decide about a call.
func (p *Proxy) begin(ctx context.Context, c *call) (ledger.Decision, error) {
	data := c.request.data
	for _, f := range c.added {
		data = append(data, rawjson.Member{Name: []byte(f.name), Value: f.value})
	}
	text := func(name string) string { return rawjson.Scalar(rawjson.Find(data, name)) }
	about := ledger.Call{
		Book:        p.merchant.book,
		RequestID:   c.request.requestID,
		Operation:   c.operation.Name,
		Effect:      c.operation.EffectOf(data),
		Fingerprint: ledger.Fingerprint(c.operation, data),
		OrderID:     text("orderID"),
		Amount:      text("orderAmount"),
		Currency:    text("orderCurrency"),
		Method:      text("paymentMethod"),
		Deferred:    saysFalse(rawjson.Find(data, "isAutoCapture")),
		Limit:       time.Duration(p.Timeout) + sendMargin,
	}
	if about.Effect != operation.OpensPage && about.Effect != operation.Charges {
		about.About = text("transactionID")
	}
	payments, err := p.store.payments() //nolint:contextcheck // the store is opened for all, not for this call
	if err != nil {
		return ledger.Decision{}, err
	}
	if address := text("ipnURL"); address != "" {
		if about.Address, err = p.store.seal([]byte(address), sealedAddress, about.Book, about.RequestID); err != nil {
			return ledger.Decision{}, err
		}
	}
	return ledger.Begin(ctx, payments, about)
}

// saysFalse reports whether a flag is false, as text or not.
func saysFalse(value []byte) bool {
	return string(value) == "false" || rawjson.Scalar(value) == "false"
}

// decide answers a call that the ledger knows.
func (p *Proxy) decide(w http.ResponseWriter, c *call, d *ledger.Decision) *problem.Problem {
	switch d.Verdict {
	case ledger.Send:
		c.isAtWork = true
		return nil
	case ledger.InProgress:
		w.Header().Set("Retry-After", strconv.Itoa(1+int(min(d.RetryAfter, 5*time.Second)/time.Second)))
		return problem.InProgress()
	case ledger.Reused:
		return problem.KeyReused(recordedOutcome(&d.Payment))
	}
	c.isReplayed, c.status = true, d.Payment.Status
	switch d.Verdict {
	case ledger.Denied:
		return problem.Settled()
	case ledger.PageLost:
		return problem.PageLost()
	case ledger.Over:
		return problem.PaymentOver(map[ledger.Status]problem.Code{
			ledger.Cancelled: problem.CodePaymentCancelled, ledger.Expired: problem.CodePaymentExpired,
		}[d.Payment.Status])
	case ledger.Confirmed:
		c.opened = envelope{requestID: c.request.requestID, text: []byte("{}")}
		return nil
	case ledger.Repeat:
		if d.Payment.Outcome != ledger.Unknown || len(d.Payment.Reply) == 0 {
			return problem.StillUnknown(problem.Code(d.Payment.Code))
		}
	}
	return p.replay(c)
}

// recordedCurrency is that of the payment that a call is about, where the call has an amount and cannot name a currency, as a void; none
// where the ledger does not have the payment, or cannot be read: then the call cannot be recorded either.
func (p *Proxy) recordedCurrency(ctx context.Context, c *call) []rawjson.Member {
	if p.Ledger != "on" || !c.operation.LacksCurrency(c.request.data) {
		return nil
	}
	payments, err := p.store.payments() //nolint:contextcheck // the store is opened for all, not for this call
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	about, ok, err := ledger.PaymentNamed(ctx, payments, p.merchant.book, c.request.text("transactionID"))
	if err != nil || !ok || about.Currency == "" {
		return nil
	}
	return []rawjson.Member{{Name: []byte("orderCurrency"), Value: strconv.AppendQuote(nil, about.Currency)}}
}

// recordedOutcome is what the app is told of a recorded call that is another one.
func recordedOutcome(recorded *ledger.Payment) problem.Outcome {
	if recorded.Outcome == ledger.Rejected {
		return problem.Rejected
	}
	return problem.Unknown
}

// replay answers a call with the recorded reply, shaped by this handler, or with the recorded problem where there was none.
func (p *Proxy) replay(c *call) *problem.Problem {
	body, err := p.store.open(c.payment.Reply, sealedReply, c.payment.Book, c.payment.RequestID)
	if err != nil {
		p.log.Error("a recorded answer cannot be decrypted, so the call is not answered",
			zap.String("merchant", p.merchant.name), zap.String("request_id", c.request.requestID), zap.Error(err))
		c.isReplayed = false
		return problem.AnswerSealed(recordedOutcome(&c.payment))
	}
	c.reply.body, c.unproven, c.status = body, false, c.payment.Status
	prob := p.unwrap(c)
	p.bindReplayed(c, prob)
	return prob
}

// isLate reports whether the call must not be sent any more: its deadline would be over before its sending surely is.
func (c *call) isLate() bool { return c.isAtWork && time.Since(c.begun) > sendMargin }

// recordOutcome writes into the ledger how a call ended, and returns what the app is to be told: the ledger may know more,
// such as that an earlier sending may have been carried out.
func (p *Proxy) recordOutcome(ctx context.Context, c *call, prob *problem.Problem) *problem.Problem {
	if !c.isAtWork {
		return prob
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	ctx, s := span.Start(ctx, "galaxypay store: end", "merchant", p.merchant.name, "operation", c.name(), "request_id", c.request.requestID)
	defer s.End()
	result, err := p.resultOf(c, prob)
	if err == nil {
		c.payment, err = p.end(ctx, c.payment, result)
	}
	if err != nil {
		span.Fail(s, string(problem.CodeStoreUnavailable))
		p.log.Error("the outcome of a call could not be recorded; the app gets its answer all the same, and a repeated call counts as of unknown outcome",
			zap.String("merchant", p.merchant.name), zap.String("request_id", c.request.requestID), zap.String("outcome", string(result.Outcome)), zap.Error(err))
		if c.payment.WasUnknown && result.Outcome == ledger.NotSent {
			prob.MayBeDone()
		}
		return prob
	}
	switch {
	case c.payment.Code == ledger.CodePageLost:
		return problem.PageLost()
	case c.payment.Outcome == ledger.Accepted && result.Outcome != ledger.Accepted && len(c.payment.Reply) > 0:
		c.isReplayed = true // an earlier sending was answered in the meantime
		return p.replay(c)
	case c.payment.Outcome == ledger.Unknown && prob != nil:
		prob.MayBeDone()
	}
	return prob
}

func (p *Proxy) end(ctx context.Context, sent ledger.Payment, r ledger.Result) (ledger.Payment, error) {
	payments, err := p.store.payments() //nolint:contextcheck // the store is opened for all
	if err != nil {
		return sent, err
	}
	ended, err := ledger.End(ctx, payments, sent, r)
	if err != nil {
		return sent, err
	}
	if ended.Payment.Outcome == ledger.Accepted && ended.Payment.Effect == operation.Captures {
		p.store.askSoon()
	}
	if ended.PaidTwice {
		p.binder.reportPaidTwice(&ended.Payment)
	}
	if ended.Unfelt {
		p.log.Error("a call was accepted, and the record of the payment that it is about is damaged, so the payment status does not show it; ask the gateway with query",
			zap.String("merchant", p.merchant.name), zap.String("request_id", sent.RequestID), zap.String("transaction_id", sent.About))
	}
	return ended.Payment, nil
}

// resultOf is how a call ended, in the ledger's words.
func (p *Proxy) resultOf(c *call, prob *problem.Problem) (ledger.Result, error) {
	r := ledger.Result{Outcome: p.outcomeFor(c, prob)}
	if prob != nil {
		r.Code = string(prob.Code)
	}
	if c.unproven {
		r.Code = string(problem.CodeResponseSignatureInvalid)
	}
	if !c.isProven {
		return r, nil
	}
	said := paymentOf(&c.opened)
	r.Duplicate = c.opened.responseCode == "409"
	r.Transaction, r.Status = said.transaction, c.status
	if r.Outcome == ledger.Accepted && said.isTransaction {
		r.AskAt = p.store.firstQuestion(&c.payment)
	}
	if c.payment.Effect == operation.KeepsCards && !p.store.seals() {
		return r, nil // a token stands in it
	}
	var err error
	r.Reply, err = p.store.seal(p.kept(c), sealedReply, c.payment.Book, c.payment.RequestID)
	return r, err
}

// outcomeFor is the outcome to record. A proven 409 to a first sending is the gateway's answer, though the app is told that the
// outcome is unknown; what is not proven is unknown.
func (p *Proxy) outcomeFor(c *call, prob *problem.Problem) ledger.Outcome {
	switch {
	case c.unproven:
		return ledger.Unknown
	case prob == nil:
		return ledger.Accepted
	case prob.Code == problem.CodeGatewayUnauthorized, prob.Outcome == problem.NotSent:
		return ledger.NotSent
	case prob.Code == problem.CodeTransactionDuplicate, prob.Outcome == problem.Rejected:
		return ledger.Rejected
	}
	return ledger.Unknown
}

// Names of what is sealed: a sealed text fits only where it was made for.
const (
	sealedReply   = "reply"
	sealedAddress = "ipnURL"
)
