package galaxypay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

const (
	// mostQuestions is how many questions are put to gateways at once, by all that share a store.
	mostQuestions = 4
	// questionMargin is how much longer a claim lasts than a question may take: the time to make it.
	questionMargin = 5 * time.Second
	// longestPoll is how long the ledger is not looked into for questions that are due.
	longestPoll = 30 * time.Second
	// shortestPause and longestPause bound how long no question is put to a gateway that did not answer the last one.
	shortestPause = time.Second
	longestPause  = 5 * time.Minute
)

// jitterShare is which part of a delay is added to it at random at most, so that payments of one moment are not asked about
// in one moment.
const jitterShare = 5

// defaultReconcile are the delays of questions about a payment.
var defaultReconcile = []caddy.Duration{
	caddy.Duration(10 * time.Minute), caddy.Duration(30 * time.Minute), caddy.Duration(2 * time.Hour), caddy.Duration(6 * time.Hour), caddy.Duration(24 * time.Hour),
}

// provisionReconcile checks the option reconcile.
func (a *App) provisionReconcile() error {
	if a.Reconcile == nil {
		a.Reconcile = defaultReconcile
	}
	for i, delay := range a.Reconcile {
		if delay <= 0 || i > 0 && delay <= a.Reconcile[i-1] {
			return errors.New("reconcile: expected durations above zero, each longer than the one before; they count from the payment")
		}
		a.store.schedule = append(a.store.schedule, time.Duration(delay))
	}
	return nil
}

// startReconciling asks about payments until the configuration ends.
func (a *App) startReconciling() {
	if !a.store.isNamed {
		return
	}
	if !a.store.seals() {
		a.log.Warn("the store has no encrypt, so it holds the gateway's answers as they are, and calls that store or remove cards are sent again instead of answered from it; add encrypt <key id> <key>")
	}
	r := &reconciler{store: a.store, schedule: a.store.schedule, askers: a.askers, log: a.log, paused: make(map[string]pause)}
	a.reconciler = r
	for _, asker := range a.askers {
		if len(r.schedule) > 0 && a.store.inboxes[asker.binder.merchant.book] == nil {
			a.log.Warn("payments of this merchant are asked about, and what the gateway answers is recorded but not delivered, since it has no inbox; add inbox to its galaxypay_ipn",
				zap.String("merchant", asker.binder.merchant.name))
		}
	}
	a.store.asking.Go(func() { r.run(a.store.opening) })
}

// firstQuestion is when the gateway is asked about a payment first; zero: it is not.
func (m *membership) firstQuestion(p *ledger.Payment) time.Time {
	first := m.schedule.First(p.RecordedAt)
	if first.IsZero() {
		return first
	}
	return first.Add(rand.N(m.schedule[0]/jitterShare + 1)) //nolint:gosec // G404: to spread questions
}

// reconciler asks gateways about payments that no word has come about, and makes events of the answers.
type reconciler struct {
	store    *membership
	schedule ledger.Schedule
	askers   map[string]*asker // by book
	log      *zap.Logger

	mu     sync.Mutex
	paused map[string]pause // by book
}

// pause is how long a gateway that did not answer is left alone.
type pause struct {
	until time.Time
	took  time.Duration
}

// question is a payment that is claimed to be asked about.
type question struct {
	ledger.Payment
	claimed time.Time // or shortly before, by this sidecar's clock
	lease   time.Duration
}

// run asks until the context ends.
func (r *reconciler) run(ctx context.Context) {
	for ctx.Err() == nil {
		due, next, err := r.claim(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("the ledger cannot be looked into for payments to ask about; it is tried again", zap.Error(err))
		}
		if len(due) == 0 {
			r.interruptOverdue(ctx)
			r.wait(ctx, next)
			continue
		}
		var asked sync.WaitGroup
		for _, q := range due {
			asked.Go(func() { r.reconcile(ctx, q) })
		}
		asked.Wait()
	}
}

// interruptOverdue ends the calls that are at work beyond their deadline, whose sidecar has died.
func (r *reconciler) interruptOverdue(ctx context.Context) {
	payments, err := r.store.payments() //nolint:contextcheck // the store is opened for all, not for these questions
	if err == nil {
		_, err = ledger.InterruptOverdue(ctx, payments)
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("calls whose sidecar has died could not be looked for; it is tried again", zap.Error(err))
	}
}

// claim claims the payments to be asked about now. Of a gateway that did not answer the last question, one is enough to find
// out whether it does now.
func (r *reconciler) claim(ctx context.Context) (due []question, next time.Time, err error) {
	if len(r.schedule) == 0 {
		return nil, time.Time{}, nil
	}
	answering, doubtful, next := r.books()
	for _, book := range doubtful {
		if due, _, err = r.claimOf(ctx, []string{book}, 1); len(due) > 0 || err != nil {
			return due, next, err
		}
	}
	due, soon, err := r.claimOf(ctx, answering, mostQuestions)
	return due, earlier(next, soon), err
}

// claimOf claims payments of some books, while no more than that are asked about at once.
func (r *reconciler) claimOf(ctx context.Context, books []string, atOnce int) (due []question, next time.Time, err error) {
	if len(books) == 0 {
		return nil, time.Time{}, nil
	}
	payments, err := r.store.payments() //nolint:contextcheck // the store is opened for all, not for these questions
	if err != nil {
		return nil, time.Time{}, err
	}
	lease := questionMargin
	for _, book := range books {
		lease = max(lease, time.Duration(r.askers[book].line.Timeout)+questionMargin)
	}
	now := time.Now()
	claimed, next, err := ledger.ClaimDue(ctx, payments, books, atOnce, lease)
	for _, p := range claimed {
		due = append(due, question{p, now, lease})
	}
	return due, next, err
}

// books are the books whose gateways answer, and those of which it is time to find out. The others are left alone, the first
// of them until then.
func (r *reconciler) books() (answering, doubtful []string, then time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for book := range r.askers {
		p, isPaused := r.paused[book]
		switch {
		case !isPaused:
			answering = append(answering, book)
		case !time.Now().Before(p.until):
			doubtful = append(doubtful, book)
		default:
			then = earlier(then, p.until)
		}
	}
	return answering, doubtful, then
}

// earlier is the earlier of two times; a zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// wait waits until a question is due, or may have become due.
func (r *reconciler) wait(ctx context.Context, next time.Time) {
	delay := longestPoll
	if len(r.schedule) > 0 {
		delay = min(delay, r.schedule[0]/2+time.Millisecond)
	}
	if !next.IsZero() {
		delay = min(delay, max(time.Until(next), time.Millisecond))
	}
	select {
	case <-ctx.Done():
	case <-r.store.askable:
	case <-time.After(delay):
	}
}

// reconcile asks about a payment, and records what came of it. A question must not outlast its claim: others would ask too
// many then.
func (r *reconciler) reconcile(ctx context.Context, q question) {
	if time.Since(q.claimed) > questionMargin || ctx.Err() != nil {
		r.release(ctx, &q.Payment)
		return
	}
	a := r.askers[q.Book]
	_, err := r.askAndTell(ctx, a, &q)
	if ctx.Err() != nil {
		r.release(ctx, &q.Payment)
		return
	}
	if err != nil {
		r.log.Warn("the gateway was asked about a payment, to no effect; it is asked again",
			zap.String("merchant", a.binder.merchant.name), zap.String("request_id", q.RequestID), zap.Error(err))
	}
	if _, isSilent := errors.AsType[noWordError](err); err == nil || isSilent || errors.Is(err, ledger.ErrDamaged) {
		r.settle(ctx, a, q.Payment, err == nil)
	} // else the store has failed, so what was answered is not kept: its claim ends, and the gateway is asked again
}

// askAndTell puts a question to the gateway, and makes an event of an answer that is news.
func (r *reconciler) askAndTell(ctx context.Context, a *asker, q *question) (*news, error) {
	a.binder.metrics.countLedger(a.binder.merchant.name, ledgerAsked)
	asking, cancel := context.WithDeadline(ctx, q.claimed.Add(q.lease))
	n, err := a.ask(asking, q.Transactions[len(q.Transactions)-1])
	cancel()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	silence, _ := errors.AsType[noWordError](err)
	r.remember(q.Book, !silence.isOut)
	if err != nil {
		return nil, err
	}
	return n, r.tell(ctx, a, &q.Payment, n)
}

// askNow asks about a payment because an operator wants it, besides the schedule. It ends with the configuration, and not with
// the operator's request: what the gateway answers is news for the app in any case.
func (r *reconciler) askNow(book, requestID string) (answer desk.Answer, err error) {
	a := r.askers[book]
	if a == nil {
		return answer, desk.ErrNoAsker
	}
	ctx := r.store.opening
	payments, err := r.store.payments()
	if err != nil {
		return answer, err
	}
	q := question{claimed: time.Now(), lease: time.Duration(a.line.Timeout) + questionMargin}
	claiming, cancel := context.WithTimeout(ctx, recordTimeout)
	q.Payment, err = ledger.ClaimNow(claiming, payments, book, requestID, mostQuestions, q.lease)
	cancel()
	if err != nil {
		return answer, err
	}
	n, askErr := r.askAndTell(ctx, a, &q)
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if answer.Payment, err = ledger.AskedNow(recording, payments, q.Payment, askErr == nil); err != nil {
		return answer, err
	}
	if silence, isSilent := errors.AsType[noWordError](askErr); isSilent {
		return answer, desk.NoAnswerError{Code: string(silence.code)}
	}
	if askErr == nil {
		answer.Said, answer.Order = string(n.bound.Status), string(n.bound.Order)
	}
	return answer, askErr
}

// Ask asks the gateway about a payment now, for the admin API.
func (a *App) Ask(book, requestID string) (desk.Answer, error) {
	if a.reconciler == nil {
		return desk.Answer{}, desk.ErrNoAsker
	}
	return a.reconciler.askNow(book, requestID)
}

// release gives a claim back, so that another need not wait for its end.
func (r *reconciler) release(ctx context.Context, p *ledger.Payment) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	payments, err := r.store.payments() //nolint:contextcheck // the store is opened for all, not for this question
	if err == nil {
		err = ledger.Release(ctx, payments, *p)
	}
	if err != nil {
		r.log.Warn("the claim of a payment that was to be asked about could not be given back; it ends by itself", zap.String("request_id", p.RequestID), zap.Error(err))
	}
}

// remember notes whether a gateway has answered.
func (r *reconciler) remember(book string, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answered {
		delete(r.paused, book)
		return
	}
	took := min(max(2*r.paused[book].took, shortestPause), longestPause)
	r.paused[book] = pause{time.Now().Add(took), took}
}

// settle records that a question was asked.
func (r *reconciler) settle(ctx context.Context, a *asker, p ledger.Payment, answered bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	payments, err := r.store.payments() //nolint:contextcheck // the store is opened for all, not for these questions
	if err == nil {
		var ended ledger.Status
		ended, err = ledger.Asked(ctx, payments, p, answered, r.schedule, rand.N(r.schedule[0]/jitterShare+1)) //nolint:gosec // G404: to spread questions
		r.report(a, &p, ended)
	}
	if err != nil {
		r.log.Warn("it could not be recorded that the gateway was asked; it is asked again", zap.String("request_id", p.RequestID), zap.Error(err))
	}
}

// report logs and counts, once, a payment that is not asked about any more and still open.
func (r *reconciler) report(a *asker, p *ledger.Payment, ended ledger.Status) {
	if ended == "" {
		return
	}
	a.binder.metrics.countLedger(a.binder.merchant.name, string(ended))
	r.log.Warn("the last question about a payment is asked, and it is not paid: abandoned where the gateway said that it is open, silent where it never answered",
		zap.String("merchant", a.binder.merchant.name), zap.String("order_id", p.OrderID), zap.String("request_id", p.RequestID), zap.String("payment_status", string(ended)))
}

// tell makes an event of an answer that is news, or records it where the merchant has no inbox.
func (r *reconciler) tell(ctx context.Context, a *asker, p *ledger.Payment, n *news) error {
	b := &n.bound
	if b.Status == ledger.Pending || b.Payment.Word && b.Payment.Status == b.Status {
		return nil
	}
	queue := r.store.inboxes[a.binder.merchant.book]
	if queue != nil {
		if err := r.arrive(ctx, a, p, n); err != nil {
			return err
		}
	}
	a.binder.metrics.countLedger(a.binder.merchant.name, ledgerReconciled)
	return a.binder.note(ctx, b, n.said.transaction, true)
}

// arrive keeps an event like that of an IPN. Its id is the same for every answer that says the same of a payment.
func (r *reconciler) arrive(ctx context.Context, a *asker, p *ledger.Payment, n *news) error {
	member, err := r.store.join() //nolint:contextcheck // the store is opened for all, not for this question
	if err != nil {
		return err
	}
	id := sha256.Sum256([]byte("query\n" + p.RequestID + "\n" + string(n.bound.Status)))
	_, err = member.Arrive(ctx, inbox.Event{
		ID:            hex.EncodeToString(id[:]),
		Kind:          kindQuery,
		Queue:         a.binder.merchant.book,
		Transaction:   nameOf(n.said.transaction),
		OrderID:       p.OrderID,
		RequestID:     nameOf(p.RequestID),
		PaymentStatus: string(n.bound.Status),
		ReceivedAt:    time.Now().UTC(),
		Message:       n.text,
		Request:       a.requestFor(p),
	})
	return err
}

// requestFor is the request that an IPN would have been, by the signed ipnURL.
func (a *asker) requestFor(p *ledger.Payment) inbox.Request {
	sent := inbox.Request{Scheme: "http", Host: "localhost", URI: "/", RemoteAddr: "127.0.0.1:0"}
	u, err := a.signedAddress(p)
	if err != nil {
		return sent
	}
	sent.Scheme, sent.Host, sent.URI = u.Scheme, u.Host, u.RequestURI()
	return sent
}

func (a *asker) signedAddress(p *ledger.Payment) (*url.URL, error) {
	if len(p.Address) == 0 {
		return nil, errors.New("none was signed")
	}
	address, err := a.binder.store.open(p.Address, sealedAddress, p.Book, p.RequestID)
	if err != nil {
		return nil, err
	}
	return url.Parse(string(address))
}
