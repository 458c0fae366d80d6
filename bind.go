package galaxypay

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// binder holds proven messages of one merchant against what was signed in its name. Without a store nothing is recorded, so
// nothing is compared.
type binder struct {
	store    *membership
	merchant *merchant
	others   []string // the books of the other merchants
	isOn     bool
	isStrict bool // a paid message that fits nothing is disputed
	metrics  *metrics
	log      *zap.Logger
}

// ordersReport and ordersStrict are the values of the option orders.
const (
	ordersReport = "report"
	ordersStrict = "strict"
)

// binderFor makes the binder of a handler. Orders is its option: "", "report" or "strict".
func binderFor(ctx caddy.Context, m *merchant, orders string, metrics *metrics) (*binder, error) {
	if !slices.Contains([]string{"", ordersReport, ordersStrict}, orders) {
		return nil, fmt.Errorf("orders: unknown value %q; expected report or strict", orders)
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return nil, err
	}
	a := app.(*App)
	b := &binder{store: a.store, merchant: m, isOn: a.store.isNamed, isStrict: orders == ordersStrict, metrics: metrics, log: ctx.Logger()}
	if b.isStrict && !b.isOn {
		return nil, errors.New("orders strict: nothing is recorded without a store; add store to the global option galaxypay")
	}
	if b.isStrict {
		if err := a.ledgers.expectAll(m.name); err != nil {
			return nil, err
		}
	}
	if b.isOn {
		metrics.expectLedger(m.name)
	}
	for _, other := range a.merchants {
		if other.book != m.book {
			b.others = append(b.others, other.book)
		}
	}
	return b, nil
}

// ledgerUse is what handlers want of the ledger of each merchant: they must not contradict each other.
type ledgerUse struct {
	skipped map[string]bool // some calls are not recorded
	strict  map[string]bool // messages about what is not recorded are disputed
}

func newLedgerUse() *ledgerUse {
	return &ledgerUse{skipped: make(map[string]bool), strict: make(map[string]bool)}
}

func (u *ledgerUse) expectAll(merchant string) error {
	u.strict[merchant] = true
	return u.check(merchant)
}

func (u *ledgerUse) skip(merchant string) error {
	u.skipped[merchant] = true
	return u.check(merchant)
}

func (u *ledgerUse) check(merchant string) error {
	if u.skipped[merchant] && u.strict[merchant] {
		return fmt.Errorf("orders strict: another handler of merchant %s has ledger off, so its payments would all be disputed; use one of the two", merchant)
	}
	return nil
}

// bind holds a callback against what was signed. The error says that the ledger cannot be read.
func (b *binder) bind(ctx context.Context, cb *callback) error {
	if b == nil || !b.isOn {
		return nil
	}
	payments, err := b.store.payments() //nolint:contextcheck // the store is opened for all, not for this message
	if err != nil {
		return err
	}
	m := b.message(cb.requestID, &cb.payment)
	m.Status, m.Strict = cb.status, b.isStrict
	bound, err := ledger.Bind(ctx, payments, m)
	if err != nil {
		return err
	}
	if cb.payment.isTransaction {
		bound.AskAt = b.store.firstQuestion(&bound.Payment)
	}
	cb.bound, cb.status = bound, bound.Status
	if cb.payment.isLink() && bound.Payment.OrderID != "" {
		cb.order = bound.Payment.OrderID
	}
	b.reportDispute(&m, &bound)
	return nil
}

// message is what a payment says, in the ledger's words.
func (b *binder) message(requestID string, said *payment) ledger.Message {
	return ledger.Message{
		Book: b.merchant.book, RequestID: requestID, Others: b.others,
		Transaction: said.transaction, OrderID: said.order, Amount: said.amount, Currency: said.currency, Method: said.method,
	}
}

func (b *binder) reportDispute(m *ledger.Message, bound *ledger.Bound) {
	if bound.Status != ledger.Disputed {
		return
	}
	b.metrics.countLedger(b.merchant.name, ledgerDisputed)
	b.log.Error("a proven message does not fit what was signed, so it is disputed: compare the order, the amount and the currency, and whether the key pair is used elsewhere",
		zap.String("merchant", b.merchant.name), zap.String("request_id", m.RequestID), zap.String("order", string(bound.Order)),
		zap.String("transaction_id", m.Transaction))
}

// note moves the payment that a message is about. Kept says that the message is a word on it: see ledger.Note.
func (b *binder) note(ctx context.Context, bound *ledger.Bound, transaction string, kept bool) error {
	if b == nil || !b.isOn {
		return nil
	}
	payments, err := b.store.payments() //nolint:contextcheck // the store is opened for all, not for this message
	if err != nil {
		return err
	}
	twice, err := ledger.Note(ctx, payments, *bound, transaction, kept)
	if twice {
		b.reportPaidTwice(&bound.Payment)
	}
	return err
}

func (b *binder) reportPaidTwice(p *ledger.Payment) {
	b.metrics.countLedger(b.merchant.name, ledgerPaidTwice)
	b.log.Error("an order is paid twice: two payments of it are paid; refund one",
		zap.String("merchant", b.merchant.name), zap.String("order_id", p.OrderID), zap.String("request_id", p.RequestID))
}

// noteOrLog is note where nothing depends on it: what is not noted now is found out by asking the gateway.
func (b *binder) noteOrLog(ctx context.Context, bound *ledger.Bound, transaction string, kept bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := b.note(ctx, bound, transaction, kept); err != nil {
		b.log.Error("what a message says could not be noted in the ledger",
			zap.String("merchant", b.merchant.name), zap.String("request_id", bound.Payment.RequestID), zap.Error(err))
	}
}

// signedQuery is the query of the ipnURL that was signed with the payment; ok is false where none was. It is proven, other than
// the query of the address that a message comes to.
func (b *binder) signedQuery(bound *ledger.Bound) (query string, ok bool) {
	p := &bound.Payment
	if b == nil || len(p.Address) == 0 || bound.Order == ledger.Mismatched {
		return "", false
	}
	address, err := b.store.open(p.Address, sealedAddress, p.Book, p.RequestID)
	if err != nil {
		b.log.Error("a signed ipnURL cannot be decrypted, so its query parameters are not used", zap.String("request_id", p.RequestID), zap.Error(err))
		return "", true
	}
	u, err := url.Parse(string(address))
	if err != nil {
		return "", true
	}
	return u.RawQuery, true
}

// look finds out, before an attempt to deliver an event, what its payment is by now. It notes the event as a word on the payment.
func (b *binder) look(ctx context.Context, record *inbox.Record) (ledger.Bound, error) {
	e, malformed := parseEnvelope(record.Message)
	if malformed != nil || b == nil || !b.isOn {
		return ledger.Bound{Status: ledger.Status(record.PaymentStatus)}, nil
	}
	said := paymentOf(&e)
	cb := callback{requestID: e.requestID, payment: said, status: said.judge()}
	payments, err := b.store.payments() //nolint:contextcheck // the store is opened for all, not for this message
	if err != nil {
		return ledger.Bound{}, err
	}
	m := b.message(cb.requestID, &cb.payment)
	m.Status = cb.status
	if record.Kind == kindQuery {
		m.AskedAbout, m.Status = said.transaction, said.judgeQuery()
	}
	bound, err := ledger.Bind(ctx, payments, m)
	if err != nil {
		return ledger.Bound{}, err
	}
	if said.isTransaction {
		bound.AskAt = b.store.firstQuestion(&bound.Payment)
	}
	if record.PaymentStatus == string(ledger.Authorized) && bound.Status == ledger.Paid {
		bound.Status = ledger.Authorized // it came before the capture, and is no word on it
	}
	if err := b.note(ctx, &bound, said.transaction, true); err != nil {
		return ledger.Bound{}, err
	}
	if bound.Status != ledger.Reversed {
		bound.Status = ledger.Status(record.PaymentStatus) // as it was bound when it arrived
	}
	return bound, nil
}

// isCapturing reports whether a capture of the payment is at work: events wait for it, since they may say paid after it.
func (b *binder) isCapturing(ctx context.Context, bound *ledger.Bound) (bool, error) {
	if bound.Status != ledger.Authorized || bound.Payment.Seq == 0 {
		return false, nil
	}
	payments, err := b.store.payments() //nolint:contextcheck // the store is opened for all, not for this message
	if err != nil {
		return false, err
	}
	return ledger.IsCapturing(ctx, payments, bound.Payment)
}

// provisionLedger finds out whether calls are recorded, and checks that nothing contradicts it.
func (p *Proxy) provisionLedger(ctx caddy.Context) error {
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	a := app.(*App)
	p.store = a.store
	switch {
	case p.Ledger == "" && a.store.isNamed:
		p.Ledger = "on"
	case p.Ledger == "on" && !a.store.isNamed:
		return errors.New("ledger on: there is nowhere to record calls; add store to the global option galaxypay")
	}
	if p.Ledger == "off" && a.store.isNamed {
		return a.ledgers.skip(p.merchant.name)
	}
	return nil
}

// askerFor returns the asker of a merchant, of which there is one for all handlers.
func (a *App) askerFor(ctx caddy.Context, b *binder) (*asker, error) {
	if existing := a.askers[b.merchant.book]; existing != nil {
		return existing, nil
	}
	questions := *b
	questions.isStrict = false // an answer is asked for, and not sent by a stranger
	made, err := newAsker(ctx, &questions)
	if err != nil {
		return nil, err
	}
	a.askers[b.merchant.book] = made
	return made, nil
}

// bind says what the reply to a query or a charge means for the payment, held against what was signed.
func (p *Proxy) bind(ctx context.Context, c *call, prob *problem.Problem) *problem.Problem {
	c.status = c.statusSaid(prob)
	if c.status == "" || p.Ledger != "on" {
		return prob
	}
	said := paymentOf(&c.opened)
	if c.operation.Name == operation.Query {
		p.bindQuery(ctx, c, &said)
		return prob
	}
	m := p.binder.message(c.request.requestID, &said)
	m.Status, m.OwnAnswer = c.status, true
	bound := c.payment.Bind(&m)
	c.order, c.status = bound.Order, bound.Status
	p.binder.reportDispute(&m, &bound)
	return prob
}

// bindReplayed says of the recorded reply to a charge what was said of it at first, with the payment status of now.
func (p *Proxy) bindReplayed(c *call, prob *problem.Problem) {
	status := c.statusSaid(prob)
	if status == "" {
		return
	}
	said := paymentOf(&c.opened)
	m := p.binder.message(c.request.requestID, &said)
	m.Status, m.OwnAnswer = status, true
	bound := c.payment.Bind(&m)
	if c.order = bound.Order; c.order == ledger.Mismatched {
		c.status = bound.Status
	}
}

// bindQuery binds the answer to a query. While the ledger cannot be read, nothing may be believed.
func (p *Proxy) bindQuery(ctx context.Context, c *call, said *payment) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	bound, err := p.binder.bindAnswer(ctx, c.request.text("transactionID"), said)
	if err != nil {
		c.status = ledger.Pending
		p.log.Error("the ledger cannot be read, so the answer to a query says pending", zap.String("merchant", p.merchant.name), zap.Error(err))
		return
	}
	c.order, c.status = bound.Order, bound.Status
	p.binder.noteOrLog(ctx, &bound, said.transaction, false)
}

// bindAnswer holds the answer to a query about a transaction against what was signed.
func (b *binder) bindAnswer(ctx context.Context, transaction string, said *payment) (ledger.Bound, error) {
	if !b.isOn {
		return ledger.Bound{Status: said.judgeQuery()}, nil
	}
	payments, err := b.store.payments() //nolint:contextcheck // the store is opened for all, not for this message
	if err != nil {
		return ledger.Bound{}, err
	}
	m := b.message("", said)
	m.AskedAbout, m.Status = transaction, said.judgeQuery()
	bound, err := ledger.Bind(ctx, payments, m)
	if err == nil {
		b.reportDispute(&m, &bound)
	}
	return bound, err
}

// captureWait is how long an event waits for a capture that is at work.
const captureWait = 5 * time.Second
