package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// RunPayments tests the payments of a store: a test for each sentence about ledger.Store. Open and
// reopen are as for Run.
func RunPayments(t *testing.T, open func(t *testing.T) store.Store, reopen func(t *testing.T, closed store.Store) store.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, *payments)
	}{
		{"a payment is kept whole", paymentKeptWhole},
		{"a payment with little in it is kept whole", littlePayment},
		{"a payment with the longest names and a long reply is kept whole", longestPayment},
		{"odd texts are kept and found", oddTexts},
		{"what a payment is made of is copied", paymentCopied},
		{"a payment takes the place of the one before", paymentReplaced},
		{"a payment cannot take the place of another", paymentOfAnother},
		{"a book has a requestID once", requestIDOnce},
		{"a change goes on after a payment that was refused", afterRefusal},
		{"payments are found by the names of their transactions", named},
		{"refunds are found by what they are about", about},
		{"payments are found by their order", ordered},
		{"payments are due in the order of their times", due},
		{"payments that are asked about are counted", asking},
		{"several ask no more questions at once than one may", askingAtOnce},
		{"a change is alone", changeIsAlone},
		{"a change that fails keeps nothing", changeFails},
		{"a change that panics keeps nothing", changePanics},
		{"a change that ends its goroutine keeps nothing, and the store goes on", changeExits},
		{"changes that fail do not affect others", failingNeighbours},
		{"a change whose context has ended is not begun", changeEnded},
		{"the clock is one for a change, and does not go back", paymentClock},
		{"all changes of payments are there after a restart", paymentsDurable},
		{"a list of payments holds those that the filter picks", listPayments},
		{"a long list of payments has each once", longPaymentList},
		{"a list of payments can be left early, and the store can be used within", paymentListWithin},
		{"the numbers of payments add up", paymentStats},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			p := &payments{Store: s.Payments(), store: s, reopen: reopen}
			defer func() {
				if err := p.store.Close(); err != nil {
					t.Error(err)
				}
			}()
			test.run(t, p)
		})
	}
}

// payments are those of a store under test, with helpers.
type payments struct {
	ledger.Store
	store  store.Store
	reopen func(t *testing.T, closed store.Store) store.Store
}

const (
	book      = "shop https://gateway.example"
	otherBook = "airline https://gateway.example"
)

// payment is one of the book that opens a page.
func payment(requestID string) ledger.Payment {
	return ledger.Payment{
		Book: book, RequestID: requestID, Operation: "pay", Effect: operation.OpensPage, Fingerprint: "print of " + requestID,
		OrderID: "DH-" + requestID, RecordedAt: start, Outcome: ledger.AtWork, Status: ledger.Open,
	}
}

// whole is a payment with something in each field.
func whole() ledger.Payment {
	return ledger.Payment{
		Book: book, RequestID: "R1", Operation: "pay", Effect: operation.Charges, Fingerprint: "print", OrderID: "DH-1", Amount: "100000.50",
		Currency: "VND", Method: "INTERNATIONAL", About: "GP0", Deferred: true, Captured: true, Transactions: []string{"GP2", "GP1"},
		Address: []byte("\x00\x01sealed"), RecordedAt: at(1).Add(123456 * time.Microsecond), Deadline: at(2), EndedAt: at(3), Sending: 4,
		Outcome: ledger.Accepted, Code: "rejected", WasUnknown: true, Reply: []byte(`{"a": "\u1ec7"}`), Settled: ledger.Rejected, Reason: "đã hỏi",
		SettledAt: at(5), Status: ledger.Paid, Word: true, StatusAt: at(6), AskFrom: at(7), Asked: 8, Answered: 9, AskAt: at(10), AskedUntil: at(11),
		History: []string{"2026-01-02T03:04:05.000Z sent 1", "2026-01-02T03:04:06.000Z ended unknown"},
	}
}

// change runs a change that must succeed.
func (p *payments) change(t *testing.T, change func(ledger.Tx) error) {
	t.Helper()
	if err := p.Change(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// put keeps payments, in one change, and returns them with their numbers.
func (p *payments) put(t *testing.T, all ...ledger.Payment) []ledger.Payment {
	t.Helper()
	kept := make([]ledger.Payment, len(all))
	p.change(t, func(tx ledger.Tx) error {
		copy(kept, all)
		for i := range kept {
			if err := tx.Put(&kept[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return kept
}

func (p *payments) get(t *testing.T, book, requestID string) ledger.Payment {
	t.Helper()
	found, ok, err := p.Payment(t.Context(), book, requestID)
	if err != nil || !ok {
		t.Fatalf("%q: found %t, %v", requestID, ok, err)
	}
	return found
}

// absent fails if there is a payment of the book with a requestID.
func (p *payments) absent(t *testing.T, requestID string) {
	t.Helper()
	if found, ok, err := p.Payment(t.Context(), book, requestID); ok || err != nil || !reflect.DeepEqual(found, ledger.Payment{}) {
		t.Errorf("%q: found %t, %v, %+v", requestID, ok, err, found)
	}
}

// samePayment compares payments. No bytes are none, be it nil or not.
func samePayment(t *testing.T, what string, got, expected ledger.Payment) {
	t.Helper()
	for _, p := range []*ledger.Payment{&got, &expected} {
		if len(p.Address) == 0 {
			p.Address = nil
		}
		if len(p.Reply) == 0 {
			p.Reply = nil
		}
		if len(p.Transactions) == 0 {
			p.Transactions = nil
		}
		if len(p.History) == 0 {
			p.History = nil
		}
	}
	if !reflect.DeepEqual(got, expected) {
		t.Errorf("%s:\n%+v, expected\n%+v", what, got, expected)
	}
}

// found checks that a payment is found in each way as it was put.
func (p *payments) found(t *testing.T, expected ledger.Payment) {
	t.Helper()
	samePayment(t, "Payment", p.get(t, expected.Book, expected.RequestID), expected)
	p.change(t, func(tx ledger.Tx) error {
		got, err := tx.Payment(expected.Book, expected.RequestID)
		if err != nil || got == nil {
			return fmt.Errorf("not found: %w", err)
		}
		samePayment(t, "in a change", *got, expected)
		return nil
	})
	listed := p.list(t, ledger.Filter{Book: expected.Book, RequestID: expected.RequestID})
	if len(listed) != 1 {
		t.Fatalf("%d are listed", len(listed))
	}
	samePayment(t, "in a list", listed[0], expected)
}

func (p *payments) list(t *testing.T, f ledger.Filter) (listed []ledger.Payment) {
	t.Helper()
	for got, err := range p.Payments(t.Context(), f) {
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		listed = append(listed, got)
	}
	return listed
}

// requestIDs are those that a filter picks, in their order.
func (p *payments) requestIDs(t *testing.T, f ledger.Filter) string {
	t.Helper()
	var ids []string
	for _, got := range p.list(t, f) {
		ids = append(ids, got.RequestID)
	}
	return strings.Join(ids, " ")
}

// idsIn are the requestIDs of what a change finds.
func (p *payments) idsIn(t *testing.T, find func(ledger.Tx) ([]*ledger.Payment, error)) string {
	t.Helper()
	var ids []string
	p.change(t, func(tx ledger.Tx) error {
		ids = nil
		found, err := find(tx)
		for _, got := range found {
			ids = append(ids, got.RequestID)
		}
		return err
	})
	return strings.Join(ids, " ")
}

func paymentKeptWhole(t *testing.T, p *payments) {
	p.absent(t, "R1")
	p.change(t, func(tx ledger.Tx) error {
		if found, err := tx.Payment(book, "R1"); found != nil || err != nil {
			t.Errorf("found %+v, %v", found, err)
		}
		return nil
	})
	value := reflect.ValueOf(whole())
	for i := range value.NumField() {
		if name := value.Type().Field(i).Name; value.Field(i).IsZero() != (name == "Seq") {
			t.Errorf("%s is not tested", name)
		}
	}
	kept := p.put(t, whole())[0]
	if kept.Seq == 0 {
		t.Error("it has no number")
	}
	p.found(t, kept)
}

func littlePayment(t *testing.T, p *payments) {
	kept := p.put(t, ledger.Payment{Book: book, RequestID: "R1"}, ledger.Payment{Book: book, RequestID: "R2"})
	p.found(t, kept[0])
	if kept[1].Seq <= kept[0].Seq {
		t.Errorf("numbers %d and %d do not grow", kept[0].Seq, kept[1].Seq)
	}
	for what, find := range map[string]func(ledger.Tx) ([]*ledger.Payment, error){
		"named": func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Named(book, "") },
		"about": func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.About(book, "GP1") },
		"due":   func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Due([]string{book}, at(1000), 10) },
	} {
		expect(t, what, p.idsIn(t, find), "")
	}
}

// longName is a random one: a store that compresses its keys must not be spared.
func longName(length int) string {
	text := ""
	for len(text) < length {
		text += rand.Text()
	}
	return text[:length]
}

func longestPayment(t *testing.T, p *payments) {
	name := func() string { return longName(ledger.MaxName) }
	long := whole()
	long.Book, long.RequestID, long.OrderID, long.About = name(), name(), name(), name()
	long.Operation, long.Fingerprint, long.Amount, long.Currency, long.Method, long.Code = name(), name(), name(), name(), name(), name()
	long.Transactions = nil
	for range 100 {
		long.Transactions = append(long.Transactions, name())
	}
	long.Reply, long.Address = make([]byte, 1<<20), []byte(longName(8<<10))
	_, _ = rand.Read(long.Reply)
	kept := p.put(t, long)[0]
	p.found(t, kept)
	named, err := p.Named(t.Context(), long.Book, long.Transactions[99])
	if err != nil || len(named) != 1 || named[0].Seq != kept.Seq {
		t.Errorf("%d are named, %v", len(named), err)
	}
}

func oddTexts(t *testing.T, p *payments) {
	for i, odd := range []string{
		"a\x00b", "\x00", "\xff\xfe", "a\xc3", `"'; DROP TABLE galaxypay_payments; --`, "'", `\`, `{"a":[]}`, "NULL", "%_", "ệ\u2028", "\ufffd", " ", "\r\n",
	} {
		kept := payment(odd)
		kept.Book, kept.OrderID, kept.About, kept.Reason, kept.AskAt = fmt.Sprint(odd, i), odd, odd, odd, at(1)
		kept.Transactions = []string{odd, "GP1"}
		kept = p.put(t, kept)[0]
		got := p.get(t, kept.Book, odd)
		if got.Seq != kept.Seq || got.Fingerprint == "" || len(got.Transactions) != 2 {
			t.Errorf("%q: found %+v", odd, got)
		}
		for what, find := range map[string]func(ledger.Tx) ([]*ledger.Payment, error){
			"named":   func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Named(kept.Book, odd) },
			"about":   func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.About(kept.Book, odd) },
			"ordered": func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Ordered(kept.Book, odd) },
			"due":     func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Due([]string{kept.Book}, at(1), 9) },
		} {
			expect(t, fmt.Sprintf("%s by %q", what, odd), p.idsIn(t, find), got.RequestID)
		}
		for _, f := range []ledger.Filter{{Book: kept.Book, RequestID: odd}, {Book: kept.Book, OrderID: odd}, {Book: kept.Book, Transaction: odd}} {
			expect(t, fmt.Sprintf("listed by %q", odd), p.requestIDs(t, f), got.RequestID)
		}
		got.Code = "again"
		p.put(t, got) // what was read can be put
		kept.Code = "again and again"
		p.put(t, kept) // and so can what was put
		second := payment(odd)
		second.Book = kept.Book
		if err := p.Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&second) }); err == nil {
			t.Errorf("%q: a second one is kept", odd)
		}
	}
}

func paymentCopied(t *testing.T, p *payments) {
	first := whole()
	p.change(t, func(tx ledger.Tx) error {
		first = whole()
		if err := tx.Put(&first); err != nil {
			return err
		}
		first.History[0] = "other"
		first.Transactions[0], first.Reply[0], first.Address[0], first.Code = "other", 'x', 'x', "other"
		got, err := tx.Payment(book, "R1")
		if err != nil {
			return err
		}
		got.Transactions[0], got.Code = "other", "other"
		return nil
	})
	expected := whole()
	expected.Seq = first.Seq
	p.found(t, expected)
}

func paymentReplaced(t *testing.T, p *payments) {
	kept := p.put(t, payment("R1"), payment("R2"), payment("R3"))
	replaced := whole()
	replaced.Seq, replaced.RequestID = kept[1].Seq, "R2"
	if got := p.put(t, replaced)[0]; got.Seq != kept[1].Seq {
		t.Errorf("number %d has become %d", kept[1].Seq, got.Seq)
	}
	p.found(t, replaced)
	p.found(t, kept[0])
	p.found(t, kept[2])
	back := payment("R2")
	back.Seq = kept[1].Seq
	p.put(t, back)
	p.found(t, back)
	if named, err := p.Named(t.Context(), book, "GP1"); err != nil || len(named) != 0 {
		t.Errorf("%d are found by the names of the one before, %v", len(named), err)
	}
	expect(t, "order", p.requestIDs(t, ledger.Filter{}), "R1 R2 R3")
}

func paymentOfAnother(t *testing.T, p *payments) {
	kept := p.put(t, payment("R1"), payment("R2"))
	for name, wrong := range map[string]ledger.Payment{
		"an unknown number": {Seq: kept[1].Seq + 1000, Book: book, RequestID: "R1"},
		"another book":      {Seq: kept[0].Seq, Book: otherBook, RequestID: "R1"},
		"another requestID": {Seq: kept[0].Seq, Book: book, RequestID: "R9"},
		"that of another":   {Seq: kept[0].Seq, Book: book, RequestID: "R2"},
	} {
		if err := p.Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&wrong) }); err == nil {
			t.Errorf("%s: it is kept", name)
		}
	}
	p.found(t, kept[0])
	p.found(t, kept[1])
}

func requestIDOnce(t *testing.T, p *payments) {
	kept := p.put(t, payment("R1"))[0]
	second := payment("R1")
	if err := p.Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&second) }); err == nil {
		t.Error("a second one is kept")
	}
	twice := func(tx ledger.Tx) error {
		one, two := payment("R2"), payment("R2")
		return errors.Join(tx.Put(&one), tx.Put(&two))
	}
	if err := p.Change(t.Context(), twice); err == nil {
		t.Error("two of one change are kept")
	}
	p.absent(t, "R2")
	other := payment("R1")
	other.Book = otherBook
	other = p.put(t, other)[0]
	p.found(t, kept)
	p.found(t, other)
}

func afterRefusal(t *testing.T, p *payments) {
	kept := p.put(t, payment("R1"))[0]
	p.change(t, func(tx ledger.Tx) error {
		again, other := payment("R1"), payment("R2")
		if err := tx.Put(&again); err == nil {
			t.Error("a second one is kept")
		}
		return tx.Put(&other)
	})
	p.found(t, kept)
	p.get(t, book, "R2")
}

func named(t *testing.T, p *payments) {
	var all []ledger.Payment
	for id, transactions := range map[string][]string{"R1": {"GP1", "GP2"}} {
		one := payment(id)
		one.Transactions = transactions
		all = append(all, one)
	}
	two, three, other := payment("R2"), payment("R3"), payment("R4")
	two.Transactions, three.Transactions = []string{"GP3"}, []string{"GP2", "GP4"}
	two.About = "GP1" // is another thing
	other.Book, other.Transactions = otherBook, []string{"GP2"}
	kept := p.put(t, append(all, two, three, other)...)
	for transaction, expected := range map[string]string{"GP1": "R1", "GP2": "R1 R3", "GP3": "R2", "GP4": "R3", "GP5": "", "gp1": "", "": ""} {
		find := func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Named(book, transaction) }
		expect(t, "named "+transaction, p.idsIn(t, find), expected)
		found, err := p.Named(t.Context(), book, transaction)
		var ids []string
		for _, one := range found {
			ids = append(ids, one.RequestID)
		}
		if err != nil || strings.Join(ids, " ") != expected {
			t.Errorf("named %s: %v, %v", transaction, ids, err)
		}
	}
	more := kept[1]
	more.Transactions = []string{"GP3", "GP2"}
	p.put(t, more)
	expect(t, "with a new name", p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Named(book, "GP2") }), "R1 R2 R3")
}

func about(t *testing.T, p *payments) {
	one, two, other, unrelated := payment("R1"), payment("R2"), payment("R3"), payment("R4")
	one.About, two.About, other.About, unrelated.Transactions = "GP1", "GP1", "GP1", []string{"GP1"}
	other.Book = otherBook
	p.put(t, two, other, unrelated, one)
	for transaction, expected := range map[string]string{"GP1": "R2 R1", "GP2": ""} {
		expect(t, "about "+transaction, p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.About(book, transaction) }), expected)
	}
}

func ordered(t *testing.T, p *payments) {
	var all []ledger.Payment
	for i, effect := range []operation.Effect{
		operation.OpensPage, operation.Reads, operation.Charges, operation.Refunds, operation.Voids, operation.Captures, operation.KeepsCards, "", operation.OpensPage,
	} {
		one := payment(fmt.Sprint("R", i))
		one.OrderID, one.Effect = "DH-1", effect
		all = append(all, one)
	}
	other, elsewhere := payment("R9"), payment("R9")
	elsewhere.Book, elsewhere.OrderID = otherBook, "DH-1"
	p.put(t, append(all, other, elsewhere)...)
	for order, expected := range map[string]string{"DH-1": "R0 R2 R8", "DH-R9": "R9", "DH-2": ""} {
		expect(t, "of "+order, p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Ordered(book, order) }), expected)
	}
}

func due(t *testing.T, p *payments) {
	var all []ledger.Payment
	for i, second := range []int{30, 10, 20, 10, 40, -1} {
		one := payment(fmt.Sprint("R", i))
		if second >= 0 {
			one.AskAt = at(second)
		}
		all = append(all, one)
	}
	other, third := payment("O"), payment("T")
	other.Book, other.AskAt = otherBook, at(15)
	third.Book, third.AskAt = "third", at(1)
	kept := p.put(t, append(all, other, third)...)
	for _, test := range []struct {
		books    []string
		now      time.Time
		limit    int
		expected string
	}{
		{[]string{book}, at(9), 10, ""},
		{[]string{book}, at(10), 10, "R1 R3"},
		{[]string{book}, at(100), 10, "R1 R3 R2 R0 R4"},
		{[]string{book}, at(100), 3, "R1 R3 R2"},
		{[]string{book, otherBook}, at(30), 10, "R1 R3 O R2 R0"},
		{[]string{otherBook, book}, at(30), 4, "R1 R3 O R2"},
		{[]string{"none"}, at(100), 10, ""},
		{nil, at(100), 10, ""},
		{[]string{book}, at(100), 0, ""},
	} {
		got := p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Due(test.books, test.now, test.limit) })
		expect(t, fmt.Sprintf("%d due at %s of %q", test.limit, test.now, test.books), got, test.expected)
	}
	next := func(expected time.Time, books ...string) {
		t.Helper()
		p.change(t, func(tx ledger.Tx) error {
			got, err := tx.NextDue(books)
			same(t, fmt.Sprint("next of ", books), got, expected)
			return err
		})
	}
	next(at(10), book)
	next(at(10), otherBook, book)
	next(at(15), otherBook)
	next(time.Time{}, "none")
	next(time.Time{})
	kept[1].AskAt, kept[3].AskAt = time.Time{}, at(50)
	p.put(t, kept[1], kept[3])
	next(at(20), book)
	expect(t, "later", p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Due([]string{book}, at(100), 10) }), "R2 R0 R4 R3")
}

func asking(t *testing.T, p *payments) {
	count := func(now time.Time, expected int) {
		t.Helper()
		p.change(t, func(tx ledger.Tx) error {
			n, err := tx.Asking(now)
			expect(t, fmt.Sprint("asked about at ", now), n, expected)
			return err
		})
	}
	count(at(0), 0)
	one, two, other, never := payment("R1"), payment("R2"), payment("R1"), payment("R3")
	one.AskedUntil, two.AskedUntil, other.AskedUntil = at(10), at(20), at(15)
	other.Book, never.AskAt = otherBook, at(1)
	kept := p.put(t, one, two, other, never)
	count(at(0), 3)
	count(at(10).Add(-time.Microsecond), 3)
	count(at(10), 2)
	count(at(15), 1)
	count(at(20), 0)
	kept[1].AskedUntil, kept[0].AskedUntil = time.Time{}, at(30)
	p.change(t, func(tx ledger.Tx) error {
		err := errors.Join(tx.Put(&kept[0]), tx.Put(&kept[1]))
		n, counting := tx.Asking(at(15))
		expect(t, "asked about within the change", n, 1)
		return errors.Join(err, counting)
	})
	count(at(0), 2)
	count(at(29), 1)
}

// askingAtOnce lets several sidecars ask about all payments of a store. Each counts its questions while it asks them.
func askingAtOnce(t *testing.T, p *payments) {
	const atOnce, all, sidecars = 4, 60, 3
	var due []ledger.Payment
	for i := range all {
		one := payment(fmt.Sprint("R", i))
		one.Transactions, one.AskAt, one.AskFrom = []string{fmt.Sprint("GP", i)}, at(i), at(0)
		if i%3 == 0 {
			one.Book = otherBook
		}
		due = append(due, one)
	}
	p.put(t, due...)
	var running, most, asked atomic.Int64
	var group sync.WaitGroup
	for range sidecars {
		group.Go(func() {
			for asked.Load() < all && !t.Failed() {
				claimed, _, err := ledger.ClaimDue(t.Context(), p, []string{book, otherBook}, atOnce, time.Minute)
				if err != nil {
					t.Error(err)
				}
				for n := running.Add(int64(len(claimed))); n > most.Load(); n = running.Load() {
					most.Store(n)
				}
				for i := range claimed {
					running.Add(-1)
					asked.Add(1)
					if _, err := ledger.Asked(t.Context(), p, claimed[i], true, ledger.Schedule{time.Hour}, 0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	expect(t, "asked", asked.Load(), all)
	if most.Load() > atOnce {
		t.Errorf("%d were asked about at once, at most %d may be", most.Load(), atOnce)
	}
	for _, one := range p.list(t, ledger.Filter{}) {
		if one.Asked != 1 || !one.AskedUntil.IsZero() || one.Status != ledger.Abandoned {
			t.Errorf("%+v", one)
		}
	}
}

// errChange is an error of a change's function.
var errChange = errors.New("this change is not to be kept")

func paymentClock(t *testing.T, p *payments) {
	var before time.Time
	for range 20 {
		p.change(t, func(tx ledger.Tx) error {
			now := tx.Now()
			if now.Location() != time.UTC || !now.Equal(now.Truncate(time.Microsecond)) || time.Since(now).Abs() > time.Minute {
				t.Errorf("now is %s", now)
			}
			if now.Before(before) || !tx.Now().Equal(now) {
				t.Errorf("now is %s after %s, then %s", now, before, tx.Now())
			}
			before = now
			return nil
		})
	}
}

func paymentsDurable(t *testing.T, p *payments) {
	one := whole()
	one.AskedUntil = time.Time{} // a question ends with its sidecar, where there is one
	kept := p.put(t, one, payment("R2"), payment("R3"))
	kept[1].Outcome, kept[1].AskAt, kept[1].Transactions = ledger.Accepted, at(5), []string{"GP7"}
	kept[2].Outcome, kept[2].Status = ledger.Rejected, ledger.Failed
	p.put(t, kept[1], kept[2])
	before, err := p.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Change(t.Context(), func(ledger.Tx) error { return nil }); err == nil {
		t.Error("a change of a closed store succeeds")
	}
	if _, _, err := p.Payment(t.Context(), book, "R1"); err == nil {
		t.Error("a closed store can be read")
	}
	p.store = p.reopen(t, p.store)
	p.Store = p.store.Payments()
	for _, one := range kept {
		p.found(t, one)
	}
	after, err := p.Stats(t.Context())
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("numbers %+v, %v, expected %+v", after, err, before)
	}
	expect(t, "named", p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Named(book, "GP7") }), "R2")
	expect(t, "due", p.idsIn(t, func(tx ledger.Tx) ([]*ledger.Payment, error) { return tx.Due([]string{book}, at(9), 5) }), "R2")
	if next := p.put(t, payment("R4"))[0]; next.Seq <= kept[2].Seq {
		t.Errorf("number %d after %d", next.Seq, kept[2].Seq)
	}
}

func paymentStats(t *testing.T, p *payments) {
	get := func() map[string]ledger.Stats {
		t.Helper()
		all, err := p.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]ledger.Stats{}
		for _, s := range all {
			by[s.Book] = s
			if len(s.Statuses) != len(ledger.Statuses()) || len(s.Outcomes) != len(ledger.Outcomes()) {
				t.Errorf("not all are counted: %+v", s)
			}
		}
		expect(t, "books", len(by), len(all))
		return by
	}
	expect(t, "books at first", len(get()), 0)
	var all []ledger.Payment
	for i, status := range []ledger.Status{ledger.Paid, ledger.StatusUnknown, ledger.Open, ledger.Authorized, ledger.Paid, ledger.Failed} {
		one := payment(fmt.Sprint("R", i))
		one.Status, one.Outcome, one.RecordedAt = status, ledger.Accepted, at(100-i)
		all = append(all, one)
	}
	refund, other := payment("refund"), payment("R0")
	refund.Effect, refund.Status, refund.Outcome, refund.RecordedAt = operation.Refunds, "", ledger.Unknown, at(-1)
	other.Book, other.Status = otherBook, ledger.Cancelled
	kept := p.put(t, append(all, refund, other)...)
	counted := get()
	shop := counted[book]
	expect(t, "paid", shop.Statuses[ledger.Paid], 2)
	expect(t, "open", shop.Statuses[ledger.Open], 1)
	expect(t, "reversed", shop.Statuses[ledger.Reversed], 0)
	expect(t, "without a status", shop.Statuses[""], 0)
	expect(t, "accepted", shop.Outcomes[ledger.Accepted], 6)
	expect(t, "unknown", shop.Outcomes[ledger.Unknown], 1)
	same(t, "oldest", shop.OldestOpen, at(97))
	expect(t, "of another book", counted[otherBook].Statuses[ledger.Cancelled], 1)
	same(t, "oldest of another book", counted[otherBook].OldestOpen, time.Time{})
	for _, i := range []int{1, 2, 3} {
		kept[i].Status, kept[i].Outcome = ledger.Paid, ledger.Rejected
	}
	p.put(t, kept[1:4]...)
	shop = get()[book]
	expect(t, "paid at last", shop.Statuses[ledger.Paid], 5)
	expect(t, "open at last", shop.Statuses[ledger.Open], 0)
	expect(t, "rejected at last", shop.Outcomes[ledger.Rejected], 3)
	expect(t, "accepted at last", shop.Outcomes[ledger.Accepted], 3)
	same(t, "oldest at last", shop.OldestOpen, time.Time{})
	err := p.Change(t.Context(), func(tx ledger.Tx) error {
		one := payment("failing")
		return errors.Join(tx.Put(&one), errChange)
	})
	if expect(t, "outcomes after a failure", get()[book].Outcomes[ledger.AtWork], 0); !errors.Is(err, errChange) {
		t.Error(err)
	}
}

func listPayments(t *testing.T, p *payments) {
	one, two, three, four, five := payment("R1"), payment("R2"), payment("R3"), payment("R4"), payment("R5")
	one.RecordedAt, two.RecordedAt, three.RecordedAt, four.RecordedAt, five.RecordedAt = at(5), at(4), at(3), at(2), at(1)
	one.Transactions, two.About, three.Transactions = []string{"GP1", "GP3"}, "GP1", []string{"GP2"}
	two.Operation, two.Effect, two.Status, two.Outcome = "refund", operation.Refunds, "", ledger.Accepted
	three.OrderID, four.OrderID = "DH-1", "DH-1"
	three.Status, four.Status, four.Outcome, five.Book = ledger.Paid, ledger.Paid, ledger.NotSent, otherBook
	five.Transactions, five.Outcome, five.Status = []string{"GP1"}, ledger.Unknown, ledger.Silent
	p.put(t, one, two, three, four, five)
	for _, test := range []struct {
		filter   ledger.Filter
		expected string
	}{
		{ledger.Filter{}, "R1 R2 R3 R4 R5"},
		{ledger.Filter{Book: book}, "R1 R2 R3 R4"},
		{ledger.Filter{Book: "none"}, ""},
		{ledger.Filter{Merchant: "shop"}, "R1 R2 R3 R4"},
		{ledger.Filter{Merchant: "airline", RequestStart: "R"}, "R5"},
		{ledger.Filter{Merchant: "sho"}, ""},
		{ledger.Filter{Merchant: "shop", OrderID: "DH-1"}, "R3 R4"},
		{ledger.Filter{Merchant: "airline", Transaction: "GP1"}, "R5"},
		{ledger.Filter{Merchant: "s%"}, ""},
		{ledger.Filter{Merchant: "\xff"}, ""},
		{ledger.Filter{RequestID: "R2"}, "R2"},
		{ledger.Filter{RequestID: "R2", Book: otherBook}, ""},
		{ledger.Filter{RequestStart: "R"}, "R1 R2 R3 R4 R5"},
		{ledger.Filter{RequestStart: "R3"}, "R3"},
		{ledger.Filter{RequestStart: "R", Book: otherBook}, "R5"},
		{ledger.Filter{RequestStart: "R3x"}, ""},
		{ledger.Filter{RequestStart: "Q"}, ""},
		{ledger.Filter{RequestStart: "\xff"}, ""},
		{ledger.Filter{RequestStart: "R%"}, ""},
		{ledger.Filter{OrderID: "DH-1"}, "R3 R4"},
		{ledger.Filter{OrderID: "DH-1", Book: otherBook}, ""},
		{ledger.Filter{Transaction: "GP1"}, "R1 R2 R5"},
		{ledger.Filter{Transaction: "GP1", Book: book}, "R1 R2"},
		{ledger.Filter{Transaction: "GP1", Operation: "refund"}, "R2"},
		{ledger.Filter{Transaction: "GP9"}, ""},
		{ledger.Filter{Operation: "pay"}, "R1 R3 R4 R5"},
		{ledger.Filter{Outcome: ledger.AtWork}, "R1 R3"},
		{ledger.Filter{Outcome: ledger.Accepted}, "R2"},
		{ledger.Filter{Outcome: ledger.NotSent}, "R4"},
		{ledger.Filter{Outcome: ledger.Unknown}, "R5"},
		{ledger.Filter{Outcome: ledger.Rejected}, ""},
		{ledger.Filter{Status: ledger.Paid}, "R3 R4"},
		{ledger.Filter{Status: ledger.Open}, "R1"},
		{ledger.Filter{Status: ledger.Silent}, "R5"},
		{ledger.Filter{Status: ledger.Paid, Outcome: ledger.NotSent}, "R4"},
		{ledger.Filter{Status: ledger.Open, Outcome: ledger.AtWork}, "R1"},
		{ledger.Filter{Since: at(3)}, "R1 R2 R3"},
		{ledger.Filter{Until: at(3)}, "R4 R5"},
		{ledger.Filter{Since: at(2), Until: at(4)}, "R3 R4"},
		{ledger.Filter{Since: at(100)}, ""},
		{ledger.Filter{Since: at(2), Status: ledger.Paid, Book: book}, "R3 R4"},
		{ledger.Filter{Until: at(3), Outcome: ledger.Unknown}, "R5"},
		{ledger.Filter{Limit: 2}, "R1 R2"},
		{ledger.Filter{Limit: 2, Operation: "pay"}, "R1 R3"},
		{ledger.Filter{Limit: 9}, "R1 R2 R3 R4 R5"},
	} {
		expect(t, fmt.Sprintf("%+v", test.filter), p.requestIDs(t, test.filter), test.expected)
		if test.filter.Limit > 0 {
			continue
		}
		test.filter.NewestFirst = true
		ids := strings.Fields(test.expected)
		slices.Reverse(ids)
		expect(t, fmt.Sprintf("%+v", test.filter), p.requestIDs(t, test.filter), strings.Join(ids, " "))
	}
	expect(t, "the newest two", p.requestIDs(t, ledger.Filter{NewestFirst: true, Limit: 2}), "R5 R4")
	expect(t, "the newest of the book", p.requestIDs(t, ledger.Filter{NewestFirst: true, Limit: 1, Book: book}), "R4")
}

func longPaymentList(t *testing.T, p *payments) {
	const kept = 250
	var all []ledger.Payment
	for i := range kept {
		one := payment(fmt.Sprintf("R%03d", i))
		one.OrderID, one.Transactions = "DH-1", []string{"GP1"}
		all = append(all, one)
	}
	p.put(t, all...)
	for _, f := range []ledger.Filter{{}, {OrderID: "DH-1"}, {Transaction: "GP1"}, {Status: ledger.Open}, {Outcome: ledger.AtWork}, {Since: start}, {Limit: 101}, {Limit: 200}} {
		expected := kept
		if f.Limit > 0 {
			expected = f.Limit
		}
		for _, f.NewestFirst = range []bool{false, true} {
			listed := p.list(t, f)
			isSorted := slices.IsSortedFunc(listed, func(a, b ledger.Payment) int {
				if f.NewestFirst {
					a, b = b, a
				}
				return int(a.Seq) - int(b.Seq) //nolint:gosec // G115: small numbers
			})
			if len(listed) != expected || !isSorted {
				t.Errorf("%+v: %d are listed, expected %d, sorted %t", f, len(listed), expected, isSorted)
			}
		}
	}
}

func paymentListWithin(t *testing.T, p *payments) {
	p.put(t, payment("R0"), payment("R1"), payment("R2"), payment("R3"), payment("R4"))
	seen := 0
	for got, err := range p.Payments(t.Context(), ledger.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		p.get(t, book, got.RequestID)
		p.put(t, payment(got.RequestID+" more"))
		if seen++; seen == 3 {
			break
		}
	}
	expect(t, "seen", seen, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var ended []error
	for _, err := range p.Payments(ctx, ledger.Filter{}) {
		ended = append(ended, err)
	}
	if len(ended) != 1 || ended[0] == nil {
		t.Errorf("a list whose context had ended yielded %v, expected an error", ended)
	}
}
