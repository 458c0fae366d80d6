package sqlite

import (
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// changesOfIndexed change a payment in each of indexedColumns, in their order.
var changesOfIndexed = []func(p *ledger.Payment){
	func(p *ledger.Payment) { p.Outcome = ledger.Unknown },
	func(p *ledger.Payment) { p.Status = ledger.Paid },
	func(p *ledger.Payment) { p.RecordedAt = p.RecordedAt.Add(time.Hour) },
	func(p *ledger.Payment) { p.OrderID = "another order" },
	func(p *ledger.Payment) { p.About = "another transaction" },
	func(p *ledger.Payment) { p.AskAt = now.Add(time.Hour) },
	func(p *ledger.Payment) { p.AskedUntil = now.Add(2 * time.Hour) },
}

// An update leaves out the indexed columns that stay as they are. Whatever changes and comes back is kept, and the indexes
// have it.
func TestEachSetOfIndexedColumns(t *testing.T) {
	if len(changesOfIndexed) != len(indexedColumns) {
		t.Fatal("a change is missing here")
	}
	s := openAt(t, t.TempDir()+"/store.db")
	defer s.Close()
	for set := range 1 << len(indexedColumns) {
		before := testPayment(set)
		putPayment(t, s, &before)
		after := before
		for i, change := range changesOfIndexed {
			if set>>i&1 == 1 {
				change(&after)
			}
		}
		seen := seenOf(&before)
		if changed := seen.changedColumns(&after); changed != set {
			t.Errorf("the set %b is taken for %b", set, changed)
		}
		for _, p := range []ledger.Payment{after, before} {
			putPayment(t, s, &p)
			if got, err := look(t, s, p.RequestID); err != nil || differs(got, &p) {
				t.Errorf("the set %b: %+v, %v, expected %+v", set, got, err, p)
			}
		}
		putPayment(t, s, &after)
	}
	err := s.view(t.Context(), func(c *conn) error {
		found, err := c.texts("SELECT integrity_check, '' FROM pragma_integrity_check")
		if _, ok := found["ok"]; !ok {
			t.Errorf("the file has %v", found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// differs reports whether two payments differ in an indexed column.
func differs(a, b *ledger.Payment) bool {
	seen := seenOf(a)
	return seen.changedColumns(b) != 0
}

// What a change has read and put is what its next Put is compared with; so is what another change has put since.
func TestPutTwiceInAChange(t *testing.T) {
	s := openAt(t, t.TempDir()+"/store.db")
	defer s.Close()
	kept := testPayment(1)
	err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		if p, err := tx.Payment(testBook, kept.RequestID); err != nil || p != nil {
			t.Errorf("%v, %v before it is put", p, err)
		}
		for _, order := range []string{"one", "two", "one"} {
			kept.OrderID, kept.Transactions = order, []string{"of order " + order}
			if err := tx.Put(&kept); err != nil {
				return err
			}
			p, err := tx.Payment(testBook, kept.RequestID)
			if err != nil {
				return err
			}
			if p.OrderID != order || p.Transactions[0] != "of order "+order {
				t.Errorf("order %q has the names %q", p.OrderID, p.Transactions)
			}
			p.OrderID, p.Transactions[0] = "altered and not put", "altered and not put" // a copy
		}
		second := testPayment(1)
		if err := tx.Put(&second); err == nil {
			t.Error("a second one of the key that was absent before is kept")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		for _, order := range []string{"three", "one"} { // without a look at what is kept
			kept.OrderID, kept.Transactions = order, []string{"of order " + order}
			if err := tx.Put(&kept); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"two", "three", "altered and not put"} {
		named, err := s.Payments().Named(t.Context(), testBook, "of order "+order)
		if err != nil || len(named) > 0 {
			t.Errorf("%q: %v, %v", order, named, err)
		}
	}
	if named, err := s.Payments().Named(t.Context(), testBook, "of order one"); err != nil || len(named) != 1 || named[0].OrderID != "one" {
		t.Errorf("%v, %v", named, err)
	}
}
