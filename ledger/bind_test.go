package ledger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// message is a true message about payCall: it is paid.
func message(changes ...func(*Message)) Message {
	m := Message{
		Book: shop, RequestID: "r1", Others: []string{otherShop},
		Transaction: "t1", OrderID: "o1", Amount: "100000.00", Currency: "VND", Status: Paid,
	}
	for _, change := range changes {
		change(&m)
	}
	return m
}

const otherShop = "airline https://secure.galaxypay.vn"

func strict(m *Message) { m.Strict = true }

func says(status Status) func(*Message) { return func(m *Message) { m.Status = status } }

func costs(amount string) func(*Message) { return func(m *Message) { m.Amount = amount } }

func by(method string) func(*Message) { return func(m *Message) { m.Method = method } }

// answers makes the message the answer to a query about t1.
func answers(m *Message) { m.AskedAbout, m.RequestID = "t1", "q1" }

// names makes the message name another transaction.
func names(transaction string) func(*Message) {
	return func(m *Message) { m.Transaction = transaction }
}

// bound is what Bind says, which must be without an error.
func (s *memory) bound(t tester, m Message) Bound {
	t.Helper()
	b, err := Bind(context.Background(), s, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noted binds a message and notes it. It reports whether the order is paid twice.
func (s *memory) noted(t tester, m Message, kept bool) bool {
	t.Helper()
	twice, err := Note(context.Background(), s, s.bound(t, m), m.Transaction, kept)
	if err != nil {
		t.Fatal(err)
	}
	return twice
}

// opened is a store with the call of a message, accepted.
func opened(t tester, changes ...func(*Call)) *memory {
	t.Helper()
	s := newMemory()
	s.did(t, call(changes...), accepted("t1"))
	return s
}

func signed(change func(*Call)) func(tester) *memory {
	return func(t tester) *memory { return opened(t, change) }
}

func plain(*Call) {}

func amount(text string) func(*Call) { return func(c *Call) { c.Amount = text } }

// held is a payment that is only authorized until it is captured, of a method.
func held(method string) func(*Call) { return func(c *Call) { c.Deferred, c.Method = true, method } }

// is makes the record of r1 have a status.
func is(status Status, changes ...func(*Call)) func(tester) *memory {
	return func(t tester) *memory {
		s := opened(t, changes...)
		s.alter(t, "r1", func(p *Payment) { p.Status = status })
		return s
	}
}

func captured(t tester) *memory {
	s := opened(t, deferred)
	s.did(t, call(under("c1"), as("capture", operation.Captures), about("t1", "90000")), accepted(""))
	return s
}

var bindTests = []struct {
	name   string
	before func(tester) *memory
	m      Message
	order  Order
	status Status
}{
	{"all fits", signed(plain), message(), Matched, Paid},
	{"failed", signed(plain), message(says(Failed)), Matched, Failed},
	{"the amount by value", signed(amount("100000.5")), message(costs("100000.50")), Matched, Paid},
	{"the amount with an exponent", signed(plain), message(costs("1.0E5")), Matched, Paid},
	{"the amount with zeros before it", signed(plain), message(costs("0100000")), Matched, Paid},

	{"another order", signed(plain), message(func(m *Message) { m.OrderID = "o2" }), Mismatched, Disputed},
	{"an order in other letter case", signed(plain), message(func(m *Message) { m.OrderID = "O1" }), Mismatched, Disputed},
	{"another amount", signed(plain), message(costs("100001")), Mismatched, Disputed},
	{"another amount of equal length", signed(plain), message(costs("900000")), Mismatched, Disputed},
	{"an amount below", signed(plain), message(costs("99999.99")), Mismatched, Disputed},
	{"a negative amount", signed(plain), message(costs("-100000")), Mismatched, Disputed},
	{"no money", signed(plain), message(costs("0")), Mismatched, Disputed},
	{"an amount with a separator that makes it small", signed(plain), message(costs("100.000")), Mismatched, Disputed},
	{"another currency", signed(plain), message(func(m *Message) { m.Currency = "USD" }), Mismatched, Disputed},
	{"another order, failed", signed(plain), message(func(m *Message) { m.OrderID, m.Status = "o2", Failed }), Mismatched, Disputed},
	{"another order of a reversed payment", is(Reversed), message(func(m *Message) { m.OrderID = "o2" }), Mismatched, Disputed},
	{"another amount of a paid payment", is(Paid), message(costs("1")), Mismatched, Disputed},

	{"no order", signed(plain), message(func(m *Message) { m.OrderID = "" }), Matched, Paid},
	{"no currency", signed(plain), message(func(m *Message) { m.Currency = "" }), Matched, Paid},
	{"no order signed", signed(func(c *Call) { c.OrderID = "" }), message(), Matched, Paid},
	{"no currency signed", signed(func(c *Call) { c.Currency = "" }), message(), Matched, Paid},
	{"no amount", signed(plain), message(costs("")), Unsigned, Paid},
	{"no amount, failed", signed(plain), message(costs(""), says(Failed)), Unsigned, Failed},
	{"no amount, another order", signed(plain), message(costs(""), func(m *Message) { m.OrderID = "o2" }), Mismatched, Disputed},
	{"no amount signed", signed(amount("")), message(), Unsigned, Paid},
	{"no amount, strict", signed(plain), message(costs(""), strict), Unsigned, Disputed},
	{"no amount, strict, failed", signed(plain), message(costs(""), strict, says(Failed)), Unsigned, Failed},
	{"no amount, reversed", is(Reversed), message(costs("")), Unsigned, Reversed},
	{"no amount, reversed, strict", is(Reversed), message(costs(""), strict), Unsigned, Reversed},
	{"no amount, held only", signed(held("")), message(costs("")), Unsigned, Authorized},
	{"no amount, held only, strict", signed(held("")), message(costs(""), strict), Unsigned, Disputed},
	{"no amount, failed after paid", is(Paid), message(costs(""), says(Failed)), Unsigned, Failed},

	{"an unreadable amount", signed(plain), message(costs("much")), Mismatched, Disputed},
	{"an amount with separators", signed(plain), message(costs("100,000")), Mismatched, Disputed},
	{"an amount with two points", signed(plain), message(costs("1.000.00")), Mismatched, Disputed},
	{"an amount with an exponent that would take all memory", signed(plain), message(costs("1e999999999")), Mismatched, Disputed},
	{"an amount that is too long", signed(plain), message(costs("100000." + strings.Repeat("0", 40))), Mismatched, Disputed},
	{"an unreadable amount, as signed", signed(amount("100,000")), message(costs("100,000")), Unsigned, Paid},
	{"an unreadable amount was signed", signed(amount("100,000")), message(), Unsigned, Paid},

	{"not signed here", signed(plain), message(func(m *Message) { m.RequestID = "r2" }), Unsigned, Paid},
	{"not signed here, failed", signed(plain), message(func(m *Message) { m.RequestID = "r2" }, says(Failed)), Unsigned, Failed},
	{"not signed here, strict", signed(plain), message(func(m *Message) { m.RequestID = "r2" }, strict), Unsigned, Disputed},
	{"not signed here, strict, failed", signed(plain), message(func(m *Message) { m.RequestID = "r2" }, strict, says(Failed)), Unsigned, Failed},
	{"no requestID", signed(plain), message(func(m *Message) { m.RequestID = "" }), Unsigned, Paid},
	{"signed by another merchant", signed(func(c *Call) { c.Book = otherShop }), message(), Mismatched, Disputed},
	{"signed by another merchant, failed", signed(func(c *Call) { c.Book = otherShop }), message(says(Failed)), Mismatched, Disputed},
	{"signed by a merchant of another configuration", signed(func(c *Call) { c.Book = "x y" }), message(), Unsigned, Paid},
	{"not finished yet, and the callback is first", func(t tester) *memory {
		s := newMemory()
		s.sends(t, call())
		return s
	}, message(), Matched, Paid},
	{"of an unknown outcome", func(t tester) *memory {
		s := newMemory()
		s.did(t, call(), lostAnswer)
		return s
	}, message(), Matched, Paid},

	{"a link, whose order is the gateway's", signed(plain), message(names("n1"), func(m *Message) { m.OrderID, m.Currency = "n1", "" }), Matched, Paid},
	{"a link, another amount", signed(plain), message(names("n1"), costs("5"), func(m *Message) { m.OrderID = "n1" }), Mismatched, Disputed},

	{"an answer to a query", signed(plain), message(answers), Matched, Paid},
	{"an answer to a query, pending", signed(plain), message(answers, says(Pending)), Matched, Pending},
	{"an answer to a query about another transaction", signed(plain), message(answers, names("t2")), Mismatched, Disputed},
	{"an answer to a query that names no transaction", signed(plain), message(answers, names("")), Mismatched, Disputed},
	{"an answer to a query, another amount", signed(plain), message(answers, costs("5")), Mismatched, Disputed},
	{"an answer to a query about a transaction that is not known", signed(plain), message(answers, func(m *Message) { m.AskedAbout, m.Transaction = "t9", "t9" }), Unsigned, Paid},
	{"an answer to a query about a transaction that is not known, and about another", signed(plain), message(answers, func(m *Message) { m.AskedAbout = "t9" }), Mismatched, Disputed},
	{"an answer to a query is not found by its own requestID", signed(plain), message(func(m *Message) { m.AskedAbout, m.Transaction = "t9", "t9" }), Unsigned, Paid},
	{"an answer to a query about a refund's transaction", signed(as("refund", operation.Refunds)), message(answers), Unsigned, Paid},
	{"an answer to a query, reversed", is(Reversed), message(answers), Matched, Reversed},
	{"an answer to a query, held only", signed(held("")), message(answers), Matched, Authorized},

	{"the answer to a charge without an amount", signed(charge), message(costs(""), own), Matched, Paid},
	{"the answer to a charge, pending", signed(charge), message(costs(""), own, says(Pending)), Matched, Pending},
	{"the answer to a charge with another amount", signed(charge), message(costs("5"), own), Mismatched, Disputed},
	{"the answer to a charge with another order", signed(charge), message(own, func(m *Message) { m.OrderID = "o2" }), Mismatched, Disputed},

	{"a refund", signed(as("refund", operation.Refunds)), message(), Matched, None},
	{"a refund, failed", signed(as("refund", operation.Refunds)), message(says(Failed)), Matched, None},
	{"a refund without an amount", signed(as("refund", operation.Refunds)), message(costs("")), Unsigned, None},
	{"a refund without an amount, strict", signed(as("refund", operation.Refunds)), message(costs(""), strict), Unsigned, None},
	{"a refund of another order", signed(as("refund", operation.Refunds)), message(func(m *Message) { m.OrderID = "o2" }), Mismatched, Disputed},
	{"a void", signed(as("void", operation.Voids)), message(), Matched, None},
	{"a capture", signed(as("capture", operation.Captures)), message(), Matched, None},
	{"an unheard of call", signed(unheard), message(), Matched, Paid},

	{"reversed", is(Reversed), message(), Matched, Reversed},
	{"reversed, failed", is(Reversed), message(says(Failed)), Matched, Reversed},
	{"reversed, pending", is(Reversed), message(says(Pending)), Matched, Reversed},
	{"reversed, held only", is(Reversed, held("")), message(), Matched, Reversed},

	{"held", signed(held("")), message(), Matched, Authorized},
	{"held, by card", signed(held("INTERNATIONAL")), message(), Matched, Authorized},
	{"held, the message says by card", signed(held("")), message(by("INTERNATIONAL")), Matched, Authorized},
	{"held, the message says otherwise", signed(held("INTERNATIONAL")), message(by("DOMESTIC")), Matched, Paid},
	{"held, the message says by card after all", signed(held("DOMESTIC")), message(by("INTERNATIONAL")), Matched, Authorized},
	{"a method that cannot be held", signed(held("QRPAY")), message(), Matched, Paid},
	{"held, failed", signed(held("")), message(says(Failed)), Matched, Failed},
	{"held, then captured in part", captured, message(), Matched, Paid},
	{"held, but known as paid", is(Paid, held("")), message(), Matched, Paid},
	{"a method of cards, captured at once", signed(func(c *Call) { c.Method = "INTERNATIONAL" }), message(by("INTERNATIONAL")), Matched, Paid},

	{"failed after paid", is(Paid), message(says(Failed)), Matched, Paid},
	{"cancelled after paid", is(Paid), message(says(Cancelled)), Matched, Paid},
	{"expired after paid", is(Paid), message(says(Expired)), Matched, Paid},
	{"failed after paid, of another transaction", is(Paid), message(says(Failed), names("t2")), Matched, Paid},
	{"failed after authorized", is(Authorized, held("")), message(says(Failed)), Matched, Authorized},
	{"expired after authorized", is(Authorized, held("")), message(says(Expired)), Matched, Authorized},
	{"paid after failed", is(Failed), message(), Matched, Paid},
	{"failed after cancelled", is(Cancelled), message(says(Failed)), Matched, Failed},
}

func own(m *Message) { m.OwnAnswer = true }

func TestBind(t *testing.T) {
	for _, test := range bindTests {
		t.Run(test.name, func(t *testing.T) {
			b := test.before(t).bound(t, test.m)
			if b.Order != test.order || b.Status != test.status {
				t.Errorf("order %s and status %s, want %s and %s", b.Order, b.Status, test.order, test.status)
			}
		})
	}
}

// What does not fit moves no payment, and is a word on none.
func TestNoteMovesOnlyWhatFits(t *testing.T) {
	for _, test := range bindTests {
		t.Run(test.name, func(t *testing.T) {
			s := test.before(t)
			b := s.bound(t, test.m)
			before := b.Payment
			s.noted(t, test.m, true)
			if before.Seq == 0 {
				return
			}
			after := s.record(t, before.RequestID)
			if b.Order != Matched && (after.Status != before.Status || after.Word) {
				t.Errorf("moved from %s to %s, word %v", before.Status, after.Status, after.Word)
			}
			if b.Order == Mismatched && !samePayment(&before, &after) {
				t.Errorf("changed from\n%+v to\n%+v", before, after)
			}
			if b.Order != Mismatched && test.m.Transaction != "" && !slices.Contains(after.Transactions, test.m.Transaction) {
				t.Errorf("transactions %v", after.Transactions)
			}
		})
	}
}

func TestNote(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(tester) *memory
		m      Message
		kept   bool
		status Status
		word   bool
	}{
		{"paid, by an event", signed(plain), message(), true, Paid, true},
		{"paid, by a result", signed(plain), message(), false, Paid, false},
		{"failed, by an event", signed(plain), message(says(Failed)), true, Failed, true},
		{"pending", signed(plain), message(says(Pending)), true, Open, false},
		{"held", signed(held("")), message(), true, Authorized, true},
		{"held, then captured", captured, message(), true, Paid, true},
		{"failed after paid", is(Paid), message(says(Failed)), true, Paid, true},
		{"failed after reversed", is(Reversed), message(says(Failed)), true, Reversed, true},
		{"paid after silent", is(Silent), message(), true, Paid, true},
		{"paid after abandoned", is(Abandoned), message(), true, Paid, true},
		{"paid after the page was lost", func(t tester) *memory {
			s := newMemory()
			s.did(t, call(), lostAnswer)
			s.did(t, call(), duplicate)
			return s
		}, message(), true, Paid, true},
		{"paid by a result after a failure that was told", func(t tester) *memory {
			s := opened(t)
			s.noted(t, message(says(Failed)), true)
			return s
		}, message(), false, Paid, false},
		{"of a refund", signed(as("refund", operation.Refunds)), message(), true, "", false},
		{"of an unheard of call", signed(unheard), message(), true, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.before(t)
			s.noted(t, test.m, test.kept)
			if p := s.record(t, "r1"); p.Status != test.status || p.Word != test.word {
				t.Errorf("status %q, word %v, want %q, %v", p.Status, p.Word, test.status, test.word)
			}
		})
	}
}

// Between Bind and Note, the world may have moved.
func TestNoteOfAnOldBinding(t *testing.T) {
	for _, test := range []struct {
		name   string
		then   func(tester, *memory)
		m      Message
		status Status
		word   bool
	}{
		{"failed, and paid since", func(t tester, s *memory) { s.noted(t, message(), false) }, message(says(Failed)), Paid, false},
		{"paid, and reversed since", func(t tester, s *memory) {
			s.did(t, call(under("v1"), as("void", operation.Voids), about("t1", "")), accepted(""))
		}, message(), Reversed, false},
		{"paid, and another call since", func(t tester, s *memory) {
			s.alter(t, "r1", func(p *Payment) { p.Fingerprint = "f2" })
		}, message(), Open, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := opened(t)
			b := s.bound(t, test.m)
			test.then(t, s)
			if _, err := Note(t.Context(), s, b, test.m.Transaction, true); err != nil {
				t.Fatal(err)
			}
			if p := s.record(t, "r1"); p.Status != test.status || p.Word != test.word {
				t.Errorf("status %s, word %v", p.Status, p.Word)
			}
		})
	}
}

func TestNoteOfNewsThatIsNoneWritesNothing(t *testing.T) {
	for _, m := range []Message{message(), message(says(Failed)), message(says(Cancelled)), message(says(Expired))} {
		t.Run(string(m.Status), func(t *testing.T) {
			s := opened(t)
			s.noted(t, m, true)
			before := s.puts
			s.noted(t, m, true)
			if s.puts != before {
				t.Errorf("%d records were written", s.puts-before)
			}
		})
	}
}

func TestNotePaidTwice(t *testing.T) {
	second := func(m *Message) { m.RequestID, m.Transaction = "r2", "t2" }
	s := opened(t)
	s.did(t, call(under("r2")), accepted("t2"))
	s.did(t, call(under("r3"), func(c *Call) { c.OrderID = "o3" }), accepted("t3"))
	s.did(t, call(under("r4"), func(c *Call) { c.OrderID = "" }), accepted("t4"))
	s.did(t, call(under("r5"), func(c *Call) { c.OrderID = "" }), accepted("t5"))
	for _, test := range []struct {
		name string
		m    Message
		want bool
	}{
		{"the first", message(), false},
		{"the first again", message(), false},
		{"another failed", message(second, says(Failed)), false},
		{"the second", message(second), true},
		{"the second again", message(second), false},
		{"of another order", message(func(m *Message) { m.RequestID, m.OrderID = "r3", "o3" }), false},
		{"without an order", message(func(m *Message) { m.RequestID = "r4" }), false},
		{"another without an order", message(func(m *Message) { m.RequestID = "r5" }), false},
	} {
		if got := s.noted(t, test.m, true); got != test.want {
			t.Errorf("%s: paid twice %v, want %v", test.name, got, test.want)
		}
	}
}

// A charge tells by its own answer that it is paid.
func TestEndPaidTwice(t *testing.T) {
	s := opened(t)
	s.noted(t, message(), true)
	r := accepted("t2")
	r.Status = Paid
	if e, err := End(t.Context(), s, s.sends(t, call(under("r2"), charge)), r); !e.PaidTwice || err != nil {
		t.Errorf("paid twice %v, error %v", e.PaidTwice, err)
	}
}

func TestBindWithABrokenStore(t *testing.T) {
	s := opened(t)
	b := s.bound(t, message())
	s.broken = errors.New("the disk is full")
	for _, m := range []Message{message(), message(answers)} {
		if _, err := Bind(t.Context(), s, m); !errors.Is(err, s.broken) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := Note(t.Context(), s, b, "t1", true); !errors.Is(err, s.broken) {
		t.Errorf("error %v", err)
	}
}
