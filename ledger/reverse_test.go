package ledger

import (
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

func refund(requestID, amount string) Call {
	return call(under(requestID), as("refund", operation.Refunds), about("t1", amount))
}

func void(requestID string) Call {
	return call(under(requestID), as("void", operation.Voids), about("t1", ""))
}

func capture(requestID, amount string) Call {
	return call(under(requestID), as("capture", operation.Captures), about("t1", amount))
}

func TestReverse(t *testing.T) {
	type ending struct {
		call Call
		r    Result
	}
	done := accepted("")
	for _, test := range []struct {
		name  string
		calls []ending
		want  Status
	}{
		{"a void", []ending{{void("v1"), done}}, Reversed},
		{"a refused void", []ending{{void("v1"), refused}}, Paid},
		{"a lost void", []ending{{void("v1"), lostAnswer}}, Paid},
		{"a refund of all", []ending{{refund("a", "100000"), done}}, Reversed},
		{"a refund of all, by value", []ending{{refund("a", "100000.00"), done}}, Reversed},
		{"a refund of more", []ending{{refund("a", "100001"), done}}, Reversed},
		{"a refund of a part", []ending{{refund("a", "99999.99"), done}}, Paid},
		{"refunds that reach the amount", []ending{{refund("a", "0.01"), done}, {refund("b", "50000"), done}, {refund("c", "49999.99"), done}}, Reversed},
		{"refunds that do not", []ending{{refund("a", "50000"), done}, {refund("b", "49999"), done}}, Paid},
		{"refunds of which one was refused", []ending{{refund("a", "50000"), done}, {refund("b", "50000"), refused}}, Paid},
		{"refunds of which one is unknown", []ending{{refund("a", "50000"), done}, {refund("b", "50000"), lostAnswer}}, Paid},
		{"refunds of which one was not sent", []ending{{refund("a", "50000"), done}, {refund("b", "50000"), unreachable}}, Paid},
		{"one refund that is repeated", []ending{{refund("a", "50000"), unreachable}, {refund("a", "50000"), done}}, Paid},
		{"a refund without an amount", []ending{{refund("a", ""), done}}, Paid},
		{"a refund of less than nothing does not count", []ending{{refund("a", "100000"), done}, {refund("b", "-5"), done}}, Reversed},
		{"a refund with an unreadable amount", []ending{{refund("a", "100,000"), done}}, Paid},
		{"a refund of another transaction", []ending{{call(under("a"), as("refund", operation.Refunds), about("t2", "100000")), done}}, Paid},
		{"a refund of another merchant", []ending{{call(under("a"), as("refund", operation.Refunds), about("t1", "100000"), func(c *Call) { c.Book = otherShop }), done}}, Paid},
		{"a capture is no refund", []ending{{capture("a", "100000"), done}}, Paid},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := opened(t)
			s.noted(t, message(), true)
			for _, e := range test.calls {
				s.did(t, e.call, e.r)
			}
			if p := s.record(t, "r1"); p.Status != test.want {
				t.Errorf("status %s, want %s", p.Status, test.want)
			}
		})
		t.Run(test.name+", before the transaction is known", func(t *testing.T) {
			s := newMemory()
			s.did(t, call(), lostAnswer)
			for _, e := range test.calls {
				s.did(t, e.call, e.r)
			}
			if p := s.record(t, "r1"); p.Status != StatusUnknown {
				t.Errorf("status %s", p.Status)
			}
			s.noted(t, message(), true)
			if p := s.record(t, "r1"); p.Status != test.want {
				t.Errorf("by a message: status %s, want %s", p.Status, test.want)
			}
		})
		t.Run(test.name+", before the answer", func(t *testing.T) {
			s := newMemory()
			sent := s.sends(t, call(charge))
			for _, e := range test.calls {
				s.did(t, e.call, e.r)
			}
			r := accepted("t1")
			r.Status = Paid
			s.ended(t, sent, r)
			if p := s.record(t, "r1"); p.Status != test.want {
				t.Errorf("status %s, want %s", p.Status, test.want)
			}
		})
	}
}

// The refunds of all transactions of a payment add up.
func TestReverseOverSeveralTransactions(t *testing.T) {
	s := opened(t)
	s.noted(t, message(), true)
	s.did(t, call(under("a"), as("refund", operation.Refunds), about("t2", "60000")), accepted(""))
	s.did(t, refund("b", "40000"), accepted(""))
	s.noted(t, message(names("t2")), true)
	if p := s.record(t, "r1"); p.Status != Reversed {
		t.Errorf("status %s", p.Status)
	}
}

// Whatever a payment was, it can be reversed, and nothing follows.
func TestReversedStays(t *testing.T) {
	for _, status := range Statuses() {
		t.Run(string(status), func(t *testing.T) {
			s := is(status)(t)
			s.did(t, void("v1"), accepted(""))
			for _, m := range []Message{message(), message(says(Failed)), message(says(Cancelled))} {
				s.noted(t, m, true)
				if p := s.record(t, "r1"); p.Status != Reversed {
					t.Errorf("after %s: %s", m.Status, p.Status)
				}
			}
			s.did(t, capture("c1", "5"), accepted(""))
			if p := s.record(t, "r1"); p.Status != Reversed || !p.AskAt.IsZero() {
				t.Errorf("after a capture: %s, ask at %v", p.Status, p.AskAt)
			}
		})
	}
}

func TestCapture(t *testing.T) {
	s := opened(t, deferred)
	s.noted(t, message(), true)
	s.pass(time.Hour)
	s.did(t, capture("c1", "40000"), accepted(""))
	p := s.record(t, "r1")
	if p.Status != Authorized || !p.Captured || p.Word || !p.AskAt.Equal(monday.Add(time.Hour)) || !p.AskFrom.Equal(p.AskAt) {
		t.Fatalf("captured: %+v", p)
	}
	// A message about the capture does not begin the questions again.
	s.alter(t, "r1", func(p *Payment) { p.AskAt = time.Time{} })
	s.noted(t, message(func(m *Message) { m.RequestID, m.Amount = "c1", "40000" }), true)
	if p := s.record(t, "r1"); !p.AskAt.IsZero() {
		t.Errorf("after a message about it: %+v", p)
	}
	// A second capture does.
	s.did(t, capture("c2", "60000"), accepted(""))
	if p := s.record(t, "r1"); p.AskAt.IsZero() {
		t.Errorf("after the second: %+v", p)
	}
	s.noted(t, message(), true)
	if p := s.record(t, "r1"); p.Status != Paid || !p.Word || !p.AskAt.IsZero() {
		t.Errorf("paid: %+v", p)
	}
	s.did(t, capture("c3", "1"), accepted(""))
	if p := s.record(t, "r1"); !p.Word || !p.AskAt.IsZero() {
		t.Errorf("the last word is lost: %+v", p)
	}
}

func TestCaptureThatWasNotAccepted(t *testing.T) {
	for _, r := range []Result{refused, lostAnswer, unreachable} {
		t.Run(string(r.Outcome), func(t *testing.T) {
			s := opened(t, deferred)
			s.noted(t, message(), true)
			s.did(t, capture("c1", "100000"), r)
			s.noted(t, message(func(m *Message) { m.RequestID = "c1" }), true) // about the capture
			if p := s.record(t, "r1"); p.Captured || !p.Word || p.Status != Authorized {
				t.Errorf("%+v", p)
			}
		})
	}
}

// A capture may be accepted before it is known whose transaction it is about.
func TestCaptureBeforeTheTransactionIsKnown(t *testing.T) {
	s := newMemory()
	s.did(t, call(deferred), lostAnswer)
	s.did(t, capture("c1", "100000"), accepted(""))
	s.noted(t, message(), true)
	if p := s.record(t, "r1"); !p.Captured || p.AskAt.IsZero() || p.Word {
		t.Errorf("%+v", p)
	}
	if b := s.bound(t, message()); b.Status != Paid {
		t.Errorf("status %s", b.Status)
	}
}
