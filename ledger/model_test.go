package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// The model: two sidecars that share a store, apps that repeat their calls and change them, a gateway, its customers, an operator, and a
// network that loses, delays and repeats. Whatever the order in which they act, the promises of the ledger hold (see check).
type world struct {
	store    *memory
	sendings []*sending
	gateway  map[string]*carriedOut // by requestID
	mailbox  []Message              // what the gateway has ever said; each may come again at any time
	held     []heldMessage          // bound, and not noted yet
	claimed  []Payment              // payments that are being asked about

	answers map[string]string  // by requestID: what an accepted call was answered
	before  map[uint64]Payment // the records after the last action
}

// sending is one call on its way from a sidecar to the gateway and back.
type sending struct {
	sidecar int
	sent    Payment // as Begin returned it
	begun   time.Time
	stage   stage
	r       Result // what comes back, from stage replied on
	excused bool   // the gateway has answered 401, or an operator has said that nothing was done
}

type stage int

const (
	begun   stage = iota // nothing is written
	written              // on the wire: it arrives some time, whatever becomes of its sidecar
	arrived              // the gateway has it, and the answer is on its way
)

// carriedOut is a call that the gateway has carried out.
type carriedOut struct {
	call Payment // as it was signed
	paid bool
}

type heldMessage struct {
	bound       Bound
	transaction string
	kept        bool
}

// margin is how long a sender may wait before its first byte.
const margin = 15 * time.Second

// variants are the calls that apps make, by requestID: the first is repeated mostly, the others are mistakes.
var variants = map[string][]Call{
	"page":    {modelCall("page", "pay", operation.OpensPage, 100000), modelCall("page", "pay", operation.OpensPage, 200000), modelCall("page", "pay", operation.Charges, 100000)},
	"charge":  {modelCall("charge", "fastPay", operation.Charges, 150000), modelCall("charge", "fastPay", operation.Charges, 160000)},
	"second":  {modelCall("second", "pay", operation.OpensPage, 100000)}, // of the order of page
	"later":   {inModel("later", "pay", operation.Charges, 70000, deferred)},
	"refund1": {inModel("refund1", "refund", operation.Refunds, 60000, aboutOf("page")), inModel("refund1", "refund", operation.Refunds, 50000, aboutOf("page"))},
	"refund2": {inModel("refund2", "refund", operation.Refunds, 40000, aboutOf("page"))},
	"void":    {inModel("void", "void", operation.Voids, 70000, aboutOf("later"))},
	"capture": {inModel("capture", "capture", operation.Captures, 30000, aboutOf("later"))},
	"cards":   {modelCall("cards", "createToken", operation.KeepsCards, 0)},
	"other":   {modelCall("other", operation.Other, "", 5)},
}

func modelCall(requestID, name string, effect operation.Effect, amount int) Call {
	orderID := "order of " + requestID
	if requestID == "second" {
		orderID = "order of page"
	}
	return Call{
		Book: shop, RequestID: requestID, Operation: name, Effect: effect, Fingerprint: fmt.Sprint(name, amount),
		OrderID: orderID, Amount: strconv.Itoa(amount), Currency: "VND", Limit: limit,
	}
}

func inModel(requestID, name string, effect operation.Effect, amount int, change func(*Call)) Call {
	c := modelCall(requestID, name, effect, amount)
	change(&c)
	return c
}

func aboutOf(requestID string) func(*Call) {
	return func(c *Call) { c.About, c.OrderID = transactionOf(requestID), "order of "+requestID }
}

func transactionOf(requestID string) string { return "transaction of " + requestID }

// money reports whether the call is one that must not be done twice.
func money(e operation.Effect) bool {
	return e != operation.OpensPage && e != operation.KeepsCards
}

func newWorld() *world {
	return &world{
		store: newMemory(), gateway: make(map[string]*carriedOut),
		answers: make(map[string]string), before: make(map[uint64]Payment),
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range 5 { // one round is short
			t.Repeat(map[string]func(*rapid.T){
				"call":     w.call,
				"call2":    w.call, // the more calls, the more there is to go wrong
				"write":    w.write,
				"arrive":   w.arrive,
				"end":      w.end,
				"end2":     w.end,
				"crash":    w.crash,
				"pass":     w.pass,
				"sweep":    w.sweep,
				"customer": w.customer,
				"message":  w.message,
				"query":    w.query,
				"note":     w.note,
				"settle":   w.settle,
				"claim":    w.claim,
				"asked":    w.asked,
				"":         w.check,
			})
		}
		w.finish(t)
	})
}

// pick draws one of a list, and skips the action if there is none.
func pick[T any](t *rapid.T, list []T, label string) T {
	if len(list) == 0 {
		t.Skip("none")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, label)]
}

func (w *world) at(s stage) []*sending {
	return slices.DeleteFunc(slices.Clone(w.sendings), func(x *sending) bool { return x.stage != s })
}

func (w *world) remove(s *sending) {
	w.sendings = slices.DeleteFunc(w.sendings, func(x *sending) bool { return x == s })
}

// call is an app that calls a sidecar, the first time or again.
func (w *world) call(t *rapid.T) {
	calls := variants[rapid.SampledFrom([]string{
		"page", "page", "charge", "second", "later", "refund1", "refund2", "void", "capture", "cards", "other",
	}).Draw(t, "requestID")]
	c := calls[max(0, rapid.IntRange(-4, len(calls)-1).Draw(t, "variant"))]
	d := w.store.begun(t, c)
	p := d.Payment
	switch d.Verdict {
	case Send:
		if old := w.before[p.Seq]; old.isFinal() {
			t.Fatalf("%s is sent again, and it is %s", c.RequestID, old.Status)
		}
		w.sendings = append(w.sendings, &sending{sidecar: rapid.IntRange(0, 1).Draw(t, "sidecar"), sent: p, begun: w.store.now})
	case Replay:
		if p.Outcome != Accepted && p.Outcome != Rejected {
			t.Fatalf("%s is replayed, and it is %s", c.RequestID, p.Outcome)
		}
		if want, ok := w.answers[c.RequestID]; ok && string(p.Reply) != want {
			t.Fatalf("%s was answered %s, and now %s", c.RequestID, want, p.Reply)
		}
	case Denied, PageLost, Over:
		if p.isFinal() {
			t.Fatalf("the app is told that %s needs a new key (%d), and it is %s", c.RequestID, d.Verdict, p.Status)
		}
	case InProgress:
		if d.RetryAfter < 0 || p.Deadline.Before(w.store.now) {
			t.Fatalf("%s is at work beyond its deadline", c.RequestID)
		}
	}
	if d.Verdict != Reused && p.Fingerprint != c.Fingerprint {
		t.Fatalf("the verdict on %s is that on another call", c.RequestID)
	}
}

// write is the first byte of a call, unless its sender has waited for too long.
func (w *world) write(t *rapid.T) {
	s := pick(t, w.at(begun), "sending")
	if w.store.now.Sub(s.begun) > margin {
		w.finishSending(t, s, unreachable)
		return
	}
	if money(s.sent.Effect) {
		w.checkOnce(t, s)
	}
	s.stage = written
}

// checkOnce: money is moved at most once for a key, unless the gateway or an operator has said that it was not.
func (w *world) checkOnce(t *rapid.T, s *sending) {
	for _, other := range w.sendings {
		if other != s && other.sent.RequestID == s.sent.RequestID && other.stage != begun && !other.excused {
			t.Fatalf("%s may move money twice", s.sent.RequestID)
		}
	}
}

// arrive is a request at the gateway's door.
func (w *world) arrive(t *rapid.T) {
	s := pick(t, w.at(written), "sending")
	s.stage = arrived
	id := s.sent.RequestID
	how := rapid.SampledFrom([]string{"yes", "yes", "yes", "refused", "unauthorized", "garbled", "busy"}).Draw(t, "how")
	switch {
	case how == "unauthorized":
		s.excused, s.r = true, unauthorized
		return
	case w.gateway[id] != nil:
		s.r = duplicate
		return
	case how == "refused":
		s.r = refused
		return
	case how == "busy":
		s.r = Result{Outcome: Unknown, Code: "provider_timeout", Reply: []byte("504")}
		return
	}
	w.carryOut(t, s)
	if how == "garbled" {
		s.r = lostAnswer
	}
}

// carryOut is the gateway at its work.
func (w *world) carryOut(t *rapid.T, s *sending) {
	id := s.sent.RequestID
	done := &carriedOut{call: s.sent}
	w.gateway[id] = done
	s.r = accepted(transactionOf(id))
	s.r.Reply = fmt.Appendf(nil, "the answer to sending %d of %s", s.sent.Sending, id)
	if s.sent.TakesPayment() {
		s.r.AskAt = minutes.First(s.begun)
	}
	if s.sent.Effect != operation.OpensPage {
		done.paid = rapid.Bool().Draw(t, "paid")
		m := w.says(done)
		w.mailbox = append(w.mailbox, m)
		m.OwnAnswer = true
		s.r.Status = s.sent.Bind(&m).Status
	}
	if s.sent.Effect == operation.KeepsCards {
		s.r.Reply = nil // as without encrypt
	}
}

// says is a true message of the gateway about what it has carried out.
func (w *world) says(done *carriedOut) Message {
	p := &done.call
	m := Message{
		Book: shop, RequestID: p.RequestID, Transaction: transactionOf(p.RequestID),
		OrderID: p.OrderID, Amount: p.Amount + ".00", Currency: p.Currency, Status: Failed,
	}
	if done.paid || !p.TakesPayment() {
		m.Status = Paid
	}
	return m
}

// end is an answer that arrives, early or late, or does not.
func (w *world) end(t *rapid.T) {
	s := pick(t, slices.DeleteFunc(slices.Clone(w.sendings), func(s *sending) bool { return s.sidecar < 0 }), "sending")
	r := s.r
	switch how := rapid.SampledFrom([]string{"arrives", "arrives", "arrives", "lost"}).Draw(t, "how"); {
	case s.stage == begun:
		r = unreachable // no connection
	case s.stage == written, how == "lost":
		r = lostAnswer
	}
	w.finishSending(t, s, r)
}

func (w *world) finishSending(t *rapid.T, s *sending, r Result) {
	was, old := w.statuses(), w.store.record(t, s.sent.RequestID)
	e, err := End(t.Context(), w.store, s.sent, r)
	if err != nil {
		t.Fatal(err)
	}
	p := e.Payment
	w.checkPaidTwice(t, was, p.RequestID, e.PaidTwice)
	if s.stage == begun {
		w.remove(s)
	}
	s.sidecar = -1 // the gateway may still get it
	w.checkEnd(t, s, &r, &old, &p)
}

// checkEnd: a late result changes nothing, and no other result says more than is known.
func (w *world) checkEnd(t *rapid.T, s *sending, r *Result, old, p *Payment) {
	isOver := old.Sending != s.sent.Sending || !old.SettledAt.Equal(s.sent.SettledAt) || old.Outcome == Accepted
	if (old.Fingerprint != s.sent.Fingerprint || isOver && r.Outcome != Accepted) && !samePayment(old, p) {
		t.Fatalf("a late %s of sending %d changes %+v to %+v", r.Outcome, s.sent.Sending, old, p)
	}
	done := w.gateway[p.RequestID]
	isDone := r.Duplicate && done.call.Fingerprint == p.Fingerprint && done.call.Sending < s.sent.Sending
	if isDone && !isOver && p.Outcome == Rejected && p.Code != CodePageLost {
		t.Fatalf("%s is refused, and an earlier sending of it was carried out", p.RequestID)
	}
	if p.Code == CodePageLost && old.Code != CodePageLost && p.Status != StatusUnknown {
		t.Fatalf("the page of %s is lost, and it is %s", p.RequestID, p.Status)
	}
	if p.Outcome == NotSent && p.WasUnknown && p.Settled != NotSent {
		t.Fatalf("%s was of unknown outcome, and is not sent", p.RequestID)
	}
	if p.Code == CodePageLost && (w.gateway[p.RequestID] == nil || money(p.Effect)) {
		t.Fatalf("the page of %s is lost, and there is none", p.RequestID)
	}
	if r.Outcome == Accepted && p.Fingerprint == s.sent.Fingerprint && p.Outcome != Accepted {
		t.Fatalf("%s was accepted, and is %s", p.RequestID, p.Outcome)
	}
}

// crash is the end of a sidecar. What is on the wire stays there.
func (w *world) crash(t *rapid.T) {
	sidecar := rapid.IntRange(0, 1).Draw(t, "sidecar")
	w.sendings = slices.DeleteFunc(w.sendings, func(s *sending) bool { return s.sidecar == sidecar && s.stage == begun })
	for _, s := range w.sendings {
		if s.sidecar == sidecar {
			s.sidecar = -1
		}
	}
}

func (w *world) pass(t *rapid.T) {
	w.store.pass(rapid.SampledFrom([]time.Duration{time.Second, margin, margin + 1, limit + 1, 11 * time.Minute, 3 * time.Hour}).Draw(t, "for"))
}

// sweep ends what is overdue.
func (w *world) sweep(t *rapid.T) {
	if _, err := InterruptOverdue(t.Context(), w.store); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.store.payments {
		if p.Outcome == AtWork && p.Deadline.Before(w.store.now) {
			t.Fatalf("%s is at work beyond its deadline", p.RequestID)
		}
	}
}

// customer is what a customer does on a page.
func (w *world) customer(t *rapid.T) {
	done := w.gateway[rapid.SampledFrom([]string{"page", "second"}).Draw(t, "page")]
	if done == nil {
		t.Skip("no page")
	}
	what := rapid.SampledFrom([]Status{Paid, Paid, Failed, Cancelled, Expired}).Draw(t, "what")
	m := w.says(done)
	m.Status = what
	done.paid = done.paid || what == Paid
	w.mailbox = append(w.mailbox, m)
}

// message is a callback: one that the gateway has sent, early, late or again, or one that is about something else.
func (w *world) message(t *rapid.T) {
	m := pick(t, w.mailbox, "message")
	how := rapid.SampledFrom([]string{"", "", "", "", "order", "amount", "currency", "no amount", "request"}).Draw(t, "altered")
	switch how {
	case "order":
		m.OrderID = "order of nothing"
	case "amount":
		m.Amount = rapid.SampledFrom([]string{"1", "100001", "10000O", "1e999999999"}).Draw(t, "amount")
	case "currency":
		m.Currency = "USD"
	case "no amount":
		m.Amount = ""
	case "request":
		m.RequestID = "never signed"
	}
	w.told(t, m, how)
}

// query is the answer to a question of an app, which may lag, or be about another transaction.
func (w *world) query(t *rapid.T) {
	m := pick(t, w.mailbox, "message")
	m.AskedAbout, m.RequestID = m.Transaction, "query"
	how := rapid.SampledFrom([]string{"", "", "transaction", "amount"}).Draw(t, "altered")
	switch how {
	case "transaction":
		m.Transaction = "transaction of nothing"
	case "amount":
		m.Amount = "1"
	}
	if rapid.Bool().Draw(t, "lags") {
		m.Status = Pending
	}
	w.told(t, m, how)
}

// told binds a message, and notes it now or later.
func (w *world) told(t *rapid.T, m Message, altered string) {
	m.Strict = rapid.Bool().Draw(t, "strict")
	b := w.store.bound(t, m)
	p := &b.Payment
	isOther := altered == "order" || altered == "amount" || altered == "currency" || altered == "transaction"
	if isOther && (p.Seq != 0 || altered == "transaction") && (b.Status != Disputed || b.Order != Mismatched) {
		t.Fatalf("a message with another %s is %s, %s", altered, b.Order, b.Status)
	}
	if b.Status == Paid && b.Order != Matched && m.Strict {
		t.Fatalf("strict, and paid is told of what does not fit: %+v", b)
	}
	if p.Status == Reversed && b.Order != Mismatched && b.Status != Reversed {
		t.Fatalf("%s is reversed, and the app is told of %s", p.RequestID, b.Status)
	}
	if b.Status == Paid && b.Order == Matched {
		w.checkPaid(t, p)
	}
	news := heldMessage{b, m.Transaction, rapid.Bool().Draw(t, "kept")}
	if p.Seq != 0 && p.Outcome != AtWork {
		news.bound.AskAt = w.store.now
	}
	w.held = append(w.held, news)
	if rapid.Bool().Draw(t, "at once") {
		w.noteHeld(t, len(w.held)-1)
	}
}

// checkPaid: what is called paid is what was signed, and the gateway has charged it.
func (w *world) checkPaid(t *rapid.T, p *Payment) {
	if !p.TakesPayment() {
		return
	}
	done := w.gateway[p.RequestID]
	if done == nil || !done.paid || done.call.OrderID != p.OrderID || done.call.Amount != p.Amount {
		t.Fatalf("%s is paid, and the gateway has %+v", p.RequestID, done)
	}
	if p.Deferred && !p.Captured {
		t.Fatalf("%s is paid, and not captured", p.RequestID)
	}
}

func (w *world) note(t *rapid.T) {
	pick(t, w.held, "held")
	w.noteHeld(t, rapid.IntRange(0, len(w.held)-1).Draw(t, "which"))
}

func (w *world) noteHeld(t *rapid.T, i int) {
	news := w.held[i]
	w.held = slices.Delete(w.held, i, i+1)
	was, before := w.statuses(), w.store.payments[news.bound.Payment.Seq]
	twice, err := Note(t.Context(), w.store, news.bound, news.transaction, news.kept)
	if err != nil {
		t.Fatal(err)
	}
	p := &news.bound.Payment
	w.checkPaidTwice(t, was, p.RequestID, twice)
	if now := w.store.payments[p.Seq]; before.Fingerprint != p.Fingerprint && !samePayment(&before, &now) {
		t.Fatalf("a message about another call changes %s", p.RequestID)
	}
	if news.bound.Order != Matched || !p.TakesPayment() {
		return
	}
	after := w.store.record(t, p.RequestID)
	if after.Word && !before.Word && after.Status != news.bound.Status && after.Status != Reversed {
		t.Fatalf("%s is %s by the word %s", p.RequestID, after.Status, news.bound.Status)
	}
	if after.Fingerprint == p.Fingerprint && news.bound.Status == Paid && after.Status != Paid && after.Status != Reversed {
		t.Fatalf("%s is paid, and the record is %s", p.RequestID, after.Status)
	}
}

// settle is an operator, who may be wrong.
func (w *world) settle(t *rapid.T) {
	records := w.store.read().pick(func(*Payment) bool { return true })
	unknown := slices.DeleteFunc(slices.Clone(records), func(p *Payment) bool { return p.Outcome != Unknown })
	if rapid.IntRange(0, 9).Draw(t, "by mistake") == 9 {
		unknown = records
	}
	p := pick(t, unknown, "call")
	as := rapid.SampledFrom([]Outcome{Accepted, Rejected, NotSent}).Draw(t, "as")
	_, err := Settle(t.Context(), w.store, shop, p.RequestID, as, "a reason")
	isUnknown := p.Outcome == Unknown || p.Outcome == AtWork && w.store.now.After(p.Deadline)
	if isRefused := !isUnknown || as != Accepted && p.isFinal(); (err != nil) != isRefused {
		t.Fatalf("settle %s, which is %s, as %s: %v", p.RequestID, p.Status, as, err)
	}
	if err == nil && as == NotSent {
		for _, s := range w.sendings {
			s.excused = s.excused || s.sent.RequestID == p.RequestID
		}
	}
}

func (w *world) claim(t *rapid.T) {
	const atOnce = 2
	due, _, err := ClaimDue(t.Context(), w.store, books, atOnce, lease)
	if err != nil {
		t.Fatal(err)
	}
	running := len(due)
	for _, c := range w.claimed {
		if c.AskedUntil.After(w.store.now) {
			running++
		}
	}
	if running > atOnce {
		t.Fatalf("%d questions are asked at once", running)
	}
	for _, p := range due {
		if p.hasLastWord() || len(p.Transactions) == 0 || !p.TakesPayment() {
			t.Fatalf("there is nothing to ask about %s: %+v", p.RequestID, p)
		}
		if slices.ContainsFunc(w.claimed, func(c Payment) bool {
			return c.RequestID == p.RequestID && c.AskedUntil.After(w.store.now)
		}) {
			t.Fatalf("%s is asked about twice at once", p.RequestID)
		}
	}
	w.claimed = append(w.claimed, due...)
}

func (w *world) asked(t *rapid.T) {
	p := pick(t, w.claimed, "claimed")
	w.claimed = slices.DeleteFunc(w.claimed, func(c Payment) bool { return samePayment(&c, &p) })
	if _, err := Asked(t.Context(), w.store, p, rapid.Bool().Draw(t, "answered"), minutes, 0); err != nil {
		t.Fatal(err)
	}
}

// check is what holds after every action.
func (w *world) check(t *rapid.T) {
	for seq, p := range w.store.payments {
		if old, ok := w.before[seq]; ok {
			w.checkMove(t, &old, &p)
		}
		if p.Status == Paid {
			w.checkPaid(t, &p)
		}
		if p.hasLastWord() && !p.AskAt.IsZero() {
			t.Fatalf("%s is asked about after the last word", p.RequestID)
		}
		if isReversed := w.isReversed(&p); p.TakesPayment() && isReversed != (p.Status == Reversed) {
			t.Fatalf("%s is %s; reversed: %v", p.RequestID, p.Status, isReversed)
		}
		if p.TakesPayment() && w.isCaptured(&p) && !p.Captured {
			t.Fatalf("%s is captured, and its record is not", p.RequestID)
		}
		w.checkAnswer(t, &p)
		w.before[seq] = p
	}
}

// checkMove: a final word is never lost, nor what an operator has said. A call that takes the place of another begins alone.
func (w *world) checkMove(t *rapid.T, old, p *Payment) {
	switch {
	case old.Settled != "" && p.SettledAt.Before(old.SettledAt):
		t.Fatalf("what an operator said of %s is lost", p.RequestID)
	case old.Fingerprint != p.Fingerprint:
		if old.isFinal() || len(p.Transactions) > 0 || p.Status != Open && p.Status != "" {
			t.Fatalf("%s has taken the place of another call, and has what was its: %+v", p.RequestID, p)
		}
	case old.Status == Reversed && p.Status != Reversed,
		old.Status == Paid && p.Status != Paid && p.Status != Reversed,
		old.Status == Authorized && !p.isFinal():
		t.Fatalf("%s was %s, and is %s", p.RequestID, old.Status, p.Status)
	case old.hasLastWord() && !p.Word && p.Status == old.Status && (!p.Captured || old.Status != Authorized):
		t.Fatalf("the last word on %s is lost", p.RequestID)
	case old.Captured && !p.Captured:
		t.Fatalf("the capture of %s is lost", p.RequestID)
	case old.WasUnknown && !p.WasUnknown:
		t.Fatalf("%s was of unknown outcome, and that is forgotten", p.RequestID)
	case len(old.Transactions) > len(p.Transactions):
		t.Fatalf("a transaction of %s is lost", p.RequestID)
	}
}

// checkAnswer: what an accepted call was answered stays.
func (w *world) checkAnswer(t *rapid.T, p *Payment) {
	if p.Effect == operation.KeepsCards {
		return
	}
	want, ok := w.answers[p.RequestID]
	if ok && (p.Outcome != Accepted || string(p.Reply) != want) {
		t.Fatalf("%s was accepted and answered %q; now it is %s with %q", p.RequestID, want, p.Outcome, p.Reply)
	}
	if p.Outcome == Accepted {
		w.answers[p.RequestID] = string(p.Reply)
	}
}

func (w *world) isCaptured(p *Payment) bool {
	for _, c := range w.store.payments {
		if c.Effect == operation.Captures && c.Outcome == Accepted && slices.Contains(p.Transactions, c.About) {
			return true
		}
	}
	return false
}

// isReversed reckons with whole numbers what the ledger does by its rules.
func (w *world) isReversed(p *Payment) bool {
	sum := 0
	for _, c := range w.store.payments {
		if c.Outcome != Accepted || c.About == "" || !slices.Contains(p.Transactions, c.About) {
			continue
		}
		if c.Effect == operation.Voids {
			return true
		}
		if c.Effect == operation.Refunds {
			part, _ := strconv.Atoi(c.Amount)
			sum += part
		}
	}
	amount, _ := strconv.Atoi(p.Amount)
	return sum > 0 && sum >= amount
}

func (w *world) statuses() map[string]Status {
	statuses := make(map[string]Status)
	for _, p := range w.store.payments {
		statuses[p.RequestID] = p.Status
	}
	return statuses
}

// checkPaidTwice: it is said when a payment becomes the second paid one of its order, and only then.
func (w *world) checkPaidTwice(t *rapid.T, was map[string]Status, requestID string, twice bool) {
	p, ok, err := w.store.Payment(t.Context(), shop, requestID)
	if err != nil {
		t.Fatal(err)
	}
	want := false
	for _, other := range w.store.payments {
		want = want || other.OrderID == p.OrderID && other.Seq != p.Seq && other.Status == Paid
	}
	if want = want && ok && p.Status == Paid && was[requestID] != Paid; want != twice {
		t.Fatalf("%s paid twice: %v, want %v", requestID, twice, want)
	}
}

// finish lets everything come to its end: no call stays at work, and no question is asked for ever.
func (w *world) finish(t *rapid.T) {
	w.store.pass(limit + 1)
	w.sweep(t)
	for range len(minutes) + 2 {
		w.store.pass(24 * time.Hour)
		due, _, err := ClaimDue(t.Context(), w.store, books, 100, lease)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range due {
			if _, err := Asked(t.Context(), w.store, p, true, minutes, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range w.store.payments {
		if !p.AskAt.IsZero() || p.Outcome == AtWork {
			t.Fatalf("%s has not come to its end: %+v", p.RequestID, p)
		}
	}
	w.check(t)
}
