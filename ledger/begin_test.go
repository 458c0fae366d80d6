package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

const (
	shop  = "default https://secure.galaxypay.vn"
	limit = 45 * time.Second
)

// payCall is a call that opens a page.
func payCall() Call {
	return Call{
		Book: shop, RequestID: "r1", Operation: "pay", Effect: operation.OpensPage, Fingerprint: "f1",
		OrderID: "o1", Amount: "100000", Currency: "VND", Limit: limit, Address: []byte("https://shop.example/ipn"),
	}
}

// call is payCall with changes.
func call(changes ...func(*Call)) Call {
	c := payCall()
	for _, change := range changes {
		change(&c)
	}
	return c
}

func as(name string, effect operation.Effect) func(*Call) {
	return func(c *Call) { c.Operation, c.Effect = name, effect }
}

var (
	charge  = as("fastPay", operation.Charges)
	cards   = as("createToken", operation.KeepsCards)
	unheard = as(operation.Other, "")
)

func under(requestID string) func(*Call) { return func(c *Call) { c.RequestID = requestID } }

// about makes the call one about a transaction; amount may be "".
func about(transaction, amount string) func(*Call) {
	return func(c *Call) { c.About, c.Amount, c.OrderID = transaction, amount, "o1" }
}

func deferred(c *Call) { c.Deferred = true }

// begun is what Begin says, which must be without an error.
func (s *memory) begun(t tester, c Call) Decision {
	t.Helper()
	d, err := Begin(context.Background(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sends begins a call that is to be sent, and returns its record.
func (s *memory) sends(t tester, c Call) Payment {
	t.Helper()
	d := s.begun(t, c)
	if d.Verdict != Send {
		t.Fatalf("the verdict on %s is %d, want Send", c.RequestID, d.Verdict)
	}
	return d.Payment
}

// ended is what End says, which must be without an error.
func (s *memory) ended(t tester, sent Payment, r Result) Payment {
	t.Helper()
	e, err := End(context.Background(), s, sent, r)
	if err != nil {
		t.Fatal(err)
	}
	return e.Payment
}

// did sends a call and ends it.
func (s *memory) did(t tester, c Call, r Result) Payment {
	t.Helper()
	return s.ended(t, s.sends(t, c), r)
}

func accepted(transaction string) Result {
	return Result{Outcome: Accepted, Reply: []byte(`{"transactionID":"` + transaction + `"}`), Transaction: transaction}
}

var (
	refused      = Result{Outcome: Rejected, Code: "gateway_bad_request", Reply: []byte(`{"responseCode":"400"}`)}
	lostAnswer   = Result{Outcome: Unknown, Code: "gateway_no_answer"}
	unreachable  = Result{Outcome: NotSent, Code: "gateway_unreachable"}
	unauthorized = Result{Outcome: NotSent, Code: "gateway_unauthorized", Reply: []byte(`{"responseCode":"401"}`)}
	duplicate    = Result{Outcome: Rejected, Code: "transaction_duplicate", Reply: []byte(`{"responseCode":"409"}`), Duplicate: true}
)

func (s *memory) settled(t tester, requestID string, as Outcome) {
	t.Helper()
	if _, err := Settle(context.Background(), s, shop, requestID, as, "the gateway says so"); err != nil {
		t.Fatal(err)
	}
}

func TestBegin(t *testing.T) {
	other := func(c *Call) { c.Fingerprint = "f2" }
	for _, test := range []struct {
		name   string
		before func(tester, *memory)
		call   Call
		want   Verdict
	}{
		{"a new call is sent", func(tester, *memory) {}, call(), Send},
		{"one of another merchant does not count", func(t tester, s *memory) {
			s.sends(t, call(func(c *Call) { c.Book = "other https://secure.galaxypay.vn" }))
		}, call(), Send},
		{"one at another gateway does not count", func(t tester, s *memory) {
			s.sends(t, call(func(c *Call) { c.Book = "default https://uat-secure.galaxypay.vn" }))
		}, call(), Send},

		{"at work", func(t tester, s *memory) { s.sends(t, call()) }, call(), InProgress},
		{"at work, another call", func(t tester, s *memory) { s.sends(t, call()) }, call(other), Reused},
		{"at work until the deadline", func(t tester, s *memory) { s.sends(t, call()); s.pass(limit) }, call(), InProgress},
		{"a page after the deadline", func(t tester, s *memory) { s.sends(t, call()); s.pass(limit + 1) }, call(), Send},
		{"a charge after the deadline", func(t tester, s *memory) { s.sends(t, call(charge)); s.pass(limit + 1) }, call(charge), Repeat},

		{"accepted", func(t tester, s *memory) { s.did(t, call(), accepted("t1")) }, call(), Replay},
		{"accepted, another call", func(t tester, s *memory) { s.did(t, call(), accepted("t1")) }, call(other), Reused},
		{"refused", func(t tester, s *memory) { s.did(t, call(), refused) }, call(), Replay},
		{"refused, another call", func(t tester, s *memory) { s.did(t, call(), refused) }, call(other), Reused},
		{"a duplicate that was not sent before", func(t tester, s *memory) { s.did(t, call(), duplicate) }, call(), Replay},

		{"not sent", func(t tester, s *memory) { s.did(t, call(), unreachable) }, call(), Send},
		{"not sent, another call", func(t tester, s *memory) { s.did(t, call(), unreachable) }, call(other), Send},
		{"unauthorized", func(t tester, s *memory) { s.did(t, call(charge), unauthorized) }, call(charge), Send},
		{"unauthorized, another call", func(t tester, s *memory) { s.did(t, call(charge), unauthorized) }, call(other), Send},
		{"not sent, and unauthorized", func(t tester, s *memory) {
			s.did(t, call(charge), unreachable)
			s.did(t, call(charge), unauthorized)
		}, call(other), Send},
		{"not sent, but a message shows that it was", func(t tester, s *memory) {
			s.did(t, call(charge), unauthorized)
			s.noted(t, message(), true)
		}, call(charge), Repeat},
		{"not sent, but a message shows that it was, another call", func(t tester, s *memory) {
			s.did(t, call(charge), unauthorized)
			s.noted(t, message(), true)
		}, call(other), Reused},

		{"a page of unknown outcome", func(t tester, s *memory) { s.did(t, call(), lostAnswer) }, call(), Send},
		{"a page of unknown outcome, another call", func(t tester, s *memory) { s.did(t, call(), lostAnswer) }, call(other), Reused},
		{"a page of unknown outcome, now with a card", func(t tester, s *memory) { s.did(t, call(), lostAnswer) }, call(charge), Repeat},
		{"a charge of unknown outcome", func(t tester, s *memory) { s.did(t, call(charge), lostAnswer) }, call(charge), Repeat},
		{"a charge of unknown outcome, now without a card", func(t tester, s *memory) { s.did(t, call(charge), lostAnswer) }, call(), Repeat},
		{"a refund of unknown outcome", unknown(as("refund", operation.Refunds)), call(as("refund", operation.Refunds)), Repeat},
		{"a void of unknown outcome", unknown(as("void", operation.Voids)), call(as("void", operation.Voids)), Repeat},
		{"a capture of unknown outcome", unknown(as("capture", operation.Captures)), call(as("capture", operation.Captures)), Repeat},
		{"an unheard of call of unknown outcome", unknown(unheard), call(unheard), Repeat},
		{"stored cards of unknown outcome", unknown(cards), call(cards), Send},

		{"a page of unknown outcome that was paid", unknownThen(Paid), call(), Repeat},
		{"a page of unknown outcome that failed once", unknownThen(Failed), call(), Repeat},
		{"a page of unknown outcome that was cancelled", unknownThen(Cancelled), call(), Over},
		{"a page of unknown outcome that expired", unknownThen(Expired), call(), Over},

		{"accepted, then paid", acceptedThen(Paid), call(), Replay},
		{"accepted, then failed", acceptedThen(Failed), call(), Replay},
		{"accepted, then cancelled", acceptedThen(Cancelled), call(), Over},
		{"accepted, then expired", acceptedThen(Expired), call(), Over},
		{"accepted, then cancelled, another call", acceptedThen(Cancelled), call(other), Reused},
		{"refused as cancelled", func(t tester, s *memory) {
			s.did(t, call(charge), Result{Outcome: Rejected, Code: "payment_cancelled", Reply: []byte("{}"), Status: Cancelled})
		}, call(charge), Replay},

		{"the page is lost", func(t tester, s *memory) { s.did(t, call(), lostAnswer); s.did(t, call(), duplicate) }, call(), PageLost},
		{"the page is lost, another call", func(t tester, s *memory) { s.did(t, call(), lostAnswer); s.did(t, call(), duplicate) }, call(other), Reused},
		{"the page is lost, but was paid", func(t tester, s *memory) {
			s.did(t, call(), lostAnswer)
			s.did(t, call(), duplicate)
			s.noted(t, message(), true)
		}, call(), Repeat},
		{"the page is lost, then its answer came", func(t tester, s *memory) {
			first := s.did(t, call(), lostAnswer)
			s.did(t, call(), duplicate)
			s.ended(t, first, accepted("t1"))
		}, call(), Replay},

		{"settled as accepted", settledAs(charge, Accepted), call(charge), Confirmed},
		{"settled as rejected", settledAs(charge, Rejected), call(charge), Denied},
		{"settled as not sent", settledAs(charge, NotSent), call(charge), Send},
		{"settled as accepted, another call", settledAs(charge, Accepted), call(charge, other), Reused},
		{"settled as rejected, another call", settledAs(charge, Rejected), call(charge, other), Reused},
		{"a page settled as accepted, then cancelled", func(t tester, s *memory) {
			settledAs(func(*Call) {}, Accepted)(t, s)
			s.noted(t, message(func(m *Message) { m.Status = Cancelled }), true)
		}, call(), Over},
		{"settled as rejected, then its answer came", func(t tester, s *memory) {
			sent := s.did(t, call(charge), lostAnswer)
			s.settled(t, "r1", Rejected)
			s.ended(t, sent, accepted("t1"))
		}, call(charge), Replay},
		{"settled as rejected, then paid", func(t tester, s *memory) {
			settledAs(charge, Rejected)(t, s)
			s.noted(t, message(), true)
		}, call(charge), Repeat},
		{"settled as rejected after the gateway said that it was busy, then paid", func(t tester, s *memory) {
			s.did(t, call(charge), Result{Outcome: Unknown, Code: "provider_timeout", Reply: []byte("504")})
			s.settled(t, "r1", Rejected)
			s.noted(t, message(), true)
		}, call(charge), Repeat},
		{"refused by the gateway, but paid", func(t tester, s *memory) {
			s.did(t, call(charge), refused)
			s.noted(t, message(), true)
		}, call(charge), Replay},
		{"settled as accepted, then its answer came", func(t tester, s *memory) {
			sent := s.did(t, call(charge), lostAnswer)
			s.settled(t, "r1", Accepted)
			s.ended(t, sent, accepted("t1"))
		}, call(charge), Confirmed},
		{"settled as not sent, then refused", func(t tester, s *memory) {
			settledAs(charge, NotSent)(t, s)
			s.did(t, call(charge), refused)
		}, call(charge), Replay},
		{"settled as not sent, then accepted", func(t tester, s *memory) {
			settledAs(charge, NotSent)(t, s)
			s.did(t, call(charge), accepted("t1"))
		}, call(charge), Replay},
		{"settled as not sent, then unknown again", func(t tester, s *memory) {
			settledAs(charge, NotSent)(t, s)
			s.did(t, call(charge), lostAnswer)
		}, call(charge), Repeat},
		{"settled as not sent, then known to the gateway", func(t tester, s *memory) {
			settledAs(charge, NotSent)(t, s)
			s.did(t, call(charge), duplicate)
		}, call(charge), Repeat},

		{"stored cards with the answer kept", func(t tester, s *memory) { s.did(t, call(cards), accepted("")) }, call(cards), Replay},
		{"stored cards without the answer", func(t tester, s *memory) { s.did(t, call(cards), Result{Outcome: Accepted}) }, call(cards), Send},
		{"stored cards refused, without the answer", func(t tester, s *memory) { s.did(t, call(cards), Result{Outcome: Rejected, Code: "x"}) }, call(cards), Send},
		{"stored cards settled as rejected", settledAs(cards, Rejected), call(cards), Denied},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			test.before(t, s)
			if d := s.begun(t, test.call); d.Verdict != test.want {
				t.Errorf("the verdict is %d, want %d; the record: %+v", d.Verdict, test.want, d.Payment)
			}
		})
	}
}

func unknown(change func(*Call)) func(tester, *memory) {
	return func(t tester, s *memory) { s.did(t, call(change), lostAnswer) }
}

func unknownThen(status Status) func(tester, *memory) {
	return func(t tester, s *memory) {
		s.did(t, call(), lostAnswer)
		s.noted(t, message(func(m *Message) { m.Status = status }), true)
	}
}

func acceptedThen(status Status) func(tester, *memory) {
	return func(t tester, s *memory) {
		s.did(t, call(), accepted("t1"))
		s.noted(t, message(func(m *Message) { m.Status = status }), true)
	}
}

func settledAs(change func(*Call), as Outcome) func(tester, *memory) {
	return func(t tester, s *memory) {
		s.did(t, call(change), lostAnswer)
		s.settled(t, "r1", as)
	}
}

func TestBeginRecords(t *testing.T) {
	s := newMemory()
	p := s.sends(t, call(deferred, func(c *Call) { c.Method = "INTERNATIONAL" }))
	if kept := s.record(t, "r1"); kept.Seq == 0 || kept.Seq != p.Seq {
		t.Fatalf("kept %+v, returned %+v", kept, p)
	}
	want := Payment{
		Seq: p.Seq, Book: shop, RequestID: "r1", Operation: "pay", Effect: operation.OpensPage, Fingerprint: "f1",
		OrderID: "o1", Amount: "100000", Currency: "VND", Method: "INTERNATIONAL", Deferred: true, Address: []byte("https://shop.example/ipn"),
		RecordedAt: monday, AskFrom: monday, Deadline: monday.Add(limit), Sending: 1, Outcome: AtWork, Status: Open, StatusAt: monday,
		History: []string{"2026-11-30T09:00:00.000Z sent 1"},
	}
	if !samePayment(&p, &want) {
		t.Errorf("recorded\n%+v, want\n%+v", p, want)
	}
}

func TestBeginSaysHowLongACallMayTake(t *testing.T) {
	s := newMemory()
	s.sends(t, call())
	s.pass(40 * time.Second)
	if d := s.begun(t, call()); d.RetryAfter != 5*time.Second {
		t.Errorf("retry after %v, want 5s", d.RetryAfter)
	}
}

// A call that does not take a payment has no payment status.
func TestBeginRefundHasNoStatus(t *testing.T) {
	s := newMemory()
	p := s.sends(t, call(as("refund", operation.Refunds), about("t1", "5")))
	if p.Status != "" || p.About != "t1" {
		t.Errorf("status %q, about %q", p.Status, p.About)
	}
}

// Names are bounded; a call is not refused for one.
func TestBeginLeavesOutLongNames(t *testing.T) {
	s := newMemory()
	long := string(make([]byte, MaxName+1))
	p := s.sends(t, call(func(c *Call) { c.OrderID, c.Amount, c.Currency, c.Method, c.About = long, long, long, long, long }))
	if p.OrderID+p.Amount+p.Currency+p.Method+p.About != "" {
		t.Errorf("kept %d bytes", len(p.OrderID+p.Amount+p.Currency+p.Method+p.About))
	}
	p.addTransaction(long)
	for range maxTransactions + 10 {
		p.addTransaction(time.Duration(len(p.Transactions)).String())
		p.addTransaction("0s")
	}
	if len(p.Transactions) != maxTransactions {
		t.Errorf("%d transactions, want %d", len(p.Transactions), maxTransactions)
	}
}

// A replaced record is that of the new call alone.
func TestBeginAsAnotherCallForgetsTheOtherCall(t *testing.T) {
	s := newMemory()
	s.did(t, call(charge, deferred), lostAnswer)
	s.noted(t, message(func(m *Message) { m.Status = Failed }), true)
	s.alter(t, "r1", func(p *Payment) { p.Captured, p.AskAt = true, monday })
	s.settled(t, "r1", NotSent)
	s.pass(time.Minute)
	p := s.sends(t, call(func(c *Call) { c.Fingerprint, c.OrderID = "f2", "o2" }))
	if p.Status != Open || p.Word || p.Captured || len(p.Transactions) > 0 || !p.AskAt.IsZero() || p.Deferred {
		t.Errorf("the new call has of the other one: %+v", p)
	}
	if p.Sending != 2 || !p.WasUnknown || p.Settled != NotSent || p.Reason == "" || p.SettledAt != monday || !p.RecordedAt.Equal(monday.Add(time.Minute)) {
		t.Errorf("the audit is lost: %+v", p)
	}
}

// The same call sent again keeps what is known of the payment.
func TestBeginAgainKeepsWhatIsKnown(t *testing.T) {
	s := newMemory()
	s.did(t, call(), lostAnswer)
	s.noted(t, message(func(m *Message) { m.Amount = "" }), true) // names the transaction only
	s.alter(t, "r1", func(p *Payment) {
		p.Captured, p.AskAt, p.AskFrom, p.Asked, p.Answered = true, monday.Add(1), monday.Add(2), 3, 2
	})
	s.pass(time.Minute)
	p := s.sends(t, call())
	if p.Status != StatusUnknown || !p.Captured || len(p.Transactions) != 1 || p.Asked != 3 || p.Answered != 2 || p.AskAt != monday.Add(1) || p.AskFrom != monday.Add(2) {
		t.Errorf("sent again: %+v", p)
	}
}

// After a call that was not sent, the payment is open again.
func TestBeginAfterNotSentOpens(t *testing.T) {
	s := newMemory()
	if p := s.did(t, call(), unreachable); p.Status != Failed {
		t.Errorf("not sent: %s", p.Status)
	}
	if p := s.sends(t, call()); p.Status != Open || p.Sending != 2 || p.WasUnknown {
		t.Errorf("sent again: %+v", p)
	}
}

// What the deadline has ended stays ended, whatever the call that found it.
func TestBeginEndsWhatIsOverdue(t *testing.T) {
	s := newMemory()
	s.sends(t, call(charge))
	s.pass(limit + 1)
	s.begun(t, call(func(c *Call) { c.Fingerprint = "f2" }))
	if p := s.record(t, "r1"); p.Outcome != Unknown || !p.WasUnknown || p.Status != StatusUnknown || !p.EndedAt.Equal(monday.Add(limit+1)) {
		t.Errorf("the record: %+v", p)
	}
}

// An answer from the ledger costs no commit.
func TestBeginReplayWritesNothing(t *testing.T) {
	s := newMemory()
	s.did(t, call(), accepted("t1"))
	before := s.puts
	s.begun(t, call())
	if s.puts != before {
		t.Errorf("%d records were written", s.puts-before)
	}
}

func TestBeginWithABrokenStore(t *testing.T) {
	s := newMemory()
	s.broken = errors.New("the disk is full")
	d, err := Begin(t.Context(), s, call())
	if !errors.Is(err, s.broken) || d.Verdict != 0 || d.Payment.Seq != 0 {
		t.Errorf("decision %+v, error %v", d, err)
	}
	s.broken = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Begin(ctx, s, call()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestInterruptOverdue(t *testing.T) {
	s := newMemory()
	s.sends(t, call(under("overdue")))
	s.sends(t, call(under("refund"), as("refund", operation.Refunds)))
	s.did(t, call(under("done")), accepted("t1"))
	s.pass(time.Second)
	s.sends(t, call(under("in time")))
	s.pass(limit)
	n, err := InterruptOverdue(t.Context(), s)
	if n != 2 || err != nil {
		t.Errorf("%d calls, error %v", n, err)
	}
	for requestID, want := range map[string]Outcome{"overdue": Unknown, "refund": Unknown, "done": Accepted, "in time": AtWork} {
		if p := s.record(t, requestID); p.Outcome != want {
			t.Errorf("%s is %s, want %s", requestID, p.Outcome, want)
		}
	}
	if n, err := InterruptOverdue(t.Context(), s); n != 0 || err != nil {
		t.Errorf("a second time: %d calls, error %v", n, err)
	}
	s.broken = errors.New("the disk is full")
	if _, err := InterruptOverdue(t.Context(), s); !errors.Is(err, s.broken) {
		t.Errorf("error %v", err)
	}
}
