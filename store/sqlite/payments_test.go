package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// duePayment is one that is to be asked about.
func duePayment(i int) ledger.Payment {
	p := testPayment(i)
	p.AskAt = now
	return p
}

// pay keeps payments, in one change, and returns them.
func pay(t *testing.T, s *Store, all ...ledger.Payment) []ledger.Payment {
	t.Helper()
	err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		for i := range all {
			if err := tx.Put(&all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ledgerOf makes a file with n payments, and n events, and returns its path.
func ledgerOf(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	defer s.Close()
	for i := range n {
		pay(t, s, duePayment(i))
		add(t, s, testEvent(i))
	}
	return path
}

// lookUp reads a payment, with and within a change, which must say the same. What it meets at first
// may be damage that has to be rescued.
func lookUp(t *testing.T, s *Store, requestID string) (p ledger.Payment, ok bool, err error) {
	t.Helper()
	for range mostRescues {
		if p, ok, err = lookUpOnce(t, s, requestID); err == nil || errors.Is(err, ledger.ErrDamaged) {
			break
		}
		if !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", requestID, err)
		}
		afterRescue(t, s)
	}
	return p, ok, err
}

func lookUpOnce(t *testing.T, s *Store, requestID string) (p ledger.Payment, ok bool, err error) {
	t.Helper()
	p, ok, err = s.Payments().Payment(t.Context(), testBook, requestID)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return p, ok, err
	}
	var within *ledger.Payment
	errWithin := s.Payments().Change(t.Context(), func(tx ledger.Tx) (err error) {
		within, err = tx.Payment(testBook, requestID)
		return err
	})
	if ok != (within != nil) || ok && p.Seq != within.Seq || (err == nil) != (errWithin == nil) {
		t.Errorf("%s: %t, %v, and within a change %t, %v", requestID, ok, err, within != nil, errWithin)
	}
	return p, ok, err
}

// damages are ways in which a row may be damaged, as SQL.
var damages = map[string]string{
	"the reply":         "UPDATE galaxypay_payments SET reply = x'00' WHERE seq = 3",
	"the outcome":       "UPDATE galaxypay_payments SET outcome = 'not_sent' WHERE seq = 3",
	"the requestID":     "UPDATE galaxypay_payments SET request_id = 'other' WHERE seq = 3",
	"the book":          "UPDATE galaxypay_payments SET book = 'other' WHERE seq = 3",
	"the names":         "UPDATE galaxypay_payments SET transactions = '' WHERE seq = 3",
	"the checksum":      "UPDATE galaxypay_payments SET checksum = 7 WHERE seq = 3",
	"a time":            "UPDATE galaxypay_payments SET recorded_at = NULL WHERE seq = 3",
	"a number":          "UPDATE galaxypay_payments SET sendings = 7 WHERE seq = 3",
	"the time to ask":   "UPDATE galaxypay_payments SET ask_at = ask_at + 1 WHERE seq = 3",
	"a member in place": "UPDATE galaxypay_payments SET word = 1 - word WHERE seq = 3",
}

// A requestID whose record is damaged is not one that was never used: not now, not when the record
// was put aside, and not after a restart.
func TestDamagedPaymentStaysClosed(t *testing.T) {
	for name, sql := range damages {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				reported := newReports()
				path := ledgerOf(t, 3) // of which the second has number 3
				c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(c.run(sql), c.close()); err != nil {
					t.Fatal(err)
				}
				s, err := open(path, reported.add, small)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { s.Close() }()
				for range 3 {
					checkDamagedPayment(t, s)
					for i := range 2 { // and a check finds nothing more in the end
						if _, err := s.Check(t.Context()); i > 0 && err != nil {
							t.Errorf("checked: %v", err)
						}
						afterRescue(t, s)
					}
					checkDamagedPayment(t, s)
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					if s, err = open(path, reported.add, small); err != nil {
						t.Fatal(err)
					}
				}
				texts := reported.all()
				if len(texts) == 0 || !strings.Contains(strings.Join(texts, "\n"), "damaged") {
					t.Errorf("reported %q", texts)
				}
				if n := count(t, s).Quarantined; n != 1 {
					t.Errorf("%d are put aside", n)
				}
				if next := pay(t, s, duePayment(7)); next[0].Seq != 7 {
					t.Errorf("number %d", next[0].Seq)
				}
			})
		}
	}
}

// checkDamagedPayment checks a store of three payments, of which the second is damaged.
func checkDamagedPayment(t *testing.T, s *Store) {
	t.Helper()
	for i := range 3 {
		p, ok, err := lookUp(t, s, duePayment(i).RequestID)
		switch {
		case i == 1 && !errors.Is(err, ledger.ErrDamaged):
			t.Errorf("the damaged one: %t, %v", ok, err)
		case i != 1 && (err != nil || !ok || p.OrderID != duePayment(i).OrderID):
			t.Errorf("%d: %t, %v, %+v", i, ok, err, p)
		}
	}
	if _, ok, err := lookUp(t, s, "never used"); ok || err != nil {
		t.Errorf("one that was never used: %t, %v", ok, err)
	}
	checkNamed(t, s, duePayment(1).Transactions[0], true)
	checkNamed(t, s, duePayment(2).Transactions[0], false)
	again := duePayment(1)
	err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&again) })
	if !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("put again: %v", err)
	}
	listed := 0
	for _, err := range s.Payments().Payments(t.Context(), ledger.Filter{}) {
		if err != nil {
			t.Error(err)
		}
		listed++
	}
	if listed != 2 {
		t.Errorf("%d are listed", listed)
	}
}

// checkNamed looks a payment up by one of its names, with and within a change.
func checkNamed(t *testing.T, s *Store, name string, isDamaged bool) {
	t.Helper()
	found, err := s.Payments().Named(t.Context(), testBook, name)
	errWithin := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.Named(testBook, name)
		return err
	})
	if errors.Is(err, ledger.ErrDamaged) != isDamaged || errors.Is(errWithin, ledger.ErrDamaged) != isDamaged || len(found) == 0 != isDamaged {
		t.Errorf("named %.40s: %d, %v, and within a change %v", name, len(found), err, errWithin)
	}
}

// A payment that a rescue cannot save is still known by its names: however many there are, and
// however long.
func TestNamesOfMissingPayments(t *testing.T) {
	for what, lengths := range map[string][]int{"short": {0, 0}, "long": {500, 900}, "with a part on another page": {1000, 1010}} {
		t.Run(what, func(t *testing.T) {
			const n = 300
			path := filepath.Join(t.TempDir(), "store.db")
			s := openAt(t, path)
			all := make([]ledger.Payment, n)
			for i := range all {
				all[i] = duePayment(i)
				all[i].Transactions = []string{fmt.Sprintf("first%d", i) + strings.Repeat("x", lengths[0]), fmt.Sprintf("second%d", i) + strings.Repeat("x", lengths[1])}
			}
			pay(t, s, all...)
			err := errors.Join(s.update(t.Context(), func(t *tx) error { return t.c.run("UPDATE galaxypay_payments SET amount = '1' WHERE seq % 2 = 0") }), s.Close())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"150 records were saved, 150 are missing", ""} { // the second time, the file is whole
				reported := newReports()
				s, err := open(path, reported.add, 1<<30) // checked at opening, however large
				if err != nil {
					t.Fatal(err)
				}
				if text := strings.Join(reported.all(), ""); !strings.Contains(text, want) || (text == "") != (want == "") {
					t.Errorf("reported %q", text)
				}
				for i, p := range all {
					for _, name := range p.Transactions {
						checkNamed(t, s, name, i%2 == 1)
					}
				}
				checkNamesAreOwn(t, s, n)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// checkNamesAreOwn checks that n payments of two names each have no others.
func checkNamesAreOwn(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.view(t.Context(), func(c *conn) error {
		kept, err := c.number("SELECT count(*) FROM galaxypay_payment_transactions WHERE transaction_id LIKE 'first%' OR transaction_id LIKE 'second%'")
		if kept != 2*n {
			t.Errorf("%d names are kept, want %d", kept, 2*n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A damaged payment is put aside in whatever way it is met, and hides no other.
func TestDamagedPaymentIsMet(t *testing.T) {
	for name, meet := range map[string]func(*testing.T, ledger.Store){
		"in a list": func(t *testing.T, s ledger.Store) {
			t.Helper()
			for _, err := range s.Payments(t.Context(), ledger.Filter{Status: ledger.Open, NewestFirst: true}) {
				if err != nil {
					t.Error(err)
				}
			}
		},
		"when it is due": func(t *testing.T, s ledger.Store) {
			t.Helper()
			err := s.Change(t.Context(), func(tx ledger.Tx) error {
				due, err := tx.Due([]string{testBook}, now, 10)
				if len(due) != 2 {
					t.Errorf("%d are due", len(due))
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		},
		"by its transaction": func(t *testing.T, s ledger.Store) {
			t.Helper()
			for range 2 {
				if found, err := s.Named(t.Context(), testBook, duePayment(1).Transactions[0]); !errors.Is(err, ledger.ErrDamaged) {
					t.Errorf("%v, %v", found, err)
				}
			}
		},
		"by its transaction, in a change": func(t *testing.T, s ledger.Store) {
			t.Helper()
			for range 2 {
				err := s.Change(t.Context(), func(tx ledger.Tx) error {
					_, err := tx.Named(testBook, duePayment(1).Transactions[0])
					return err
				})
				if !errors.Is(err, ledger.ErrDamaged) {
					t.Error(err)
				}
			}
		},
		"in a change that fails": func(t *testing.T, s ledger.Store) {
			t.Helper()
			failed := errors.New("failed")
			err := s.Change(t.Context(), func(tx ledger.Tx) error {
				if _, err := tx.Ordered(testBook, duePayment(1).OrderID); err != nil {
					return err
				}
				return failed
			})
			if !errors.Is(err, failed) {
				t.Error(err)
			}
		},
		"when it is replaced": func(t *testing.T, s ledger.Store) {
			t.Helper()
			p := duePayment(1)
			p.Seq = 3
			if err := s.Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&p) }); !errors.Is(err, ledger.ErrDamaged) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := ledgerOf(t, 3)
			reported := newReports()
			s, err := Open(path, reported.add)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.update(t.Context(), func(t *tx) error { return t.c.run(damages["the reply"]) })
			if err != nil {
				t.Fatal(err)
			}
			meet(t, s.Payments())
			if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "record 3, of a payment, is damaged") {
				t.Errorf("reported %q", texts)
			}
			checkDamagedPayment(t, s)
			if stats := count(t, s); stats.Quarantined != 1 || stats.States[inbox.Pending] != 3 {
				t.Errorf("counted %+v", stats)
			}
		})
	}
}

// lookUpAll looks up n payments, and counts those that are damaged. Each other one must be whole.
func lookUpAll(t *testing.T, s *Store, n int) (damaged int) {
	t.Helper()
	for i := range n {
		want := duePayment(i)
		p, ok, err := lookUp(t, s, want.RequestID)
		want.Seq = p.Seq
		switch {
		case errors.Is(err, ledger.ErrDamaged):
			damaged++
		case err != nil || !ok || !reflect.DeepEqual(p, want):
			t.Errorf("%d: %t, %v, %+v", i, ok, err, p)
		}
	}
	return damaged
}

// What is kept twice of a payment is compared by the check, and made again.
func TestLostCopies(t *testing.T) {
	for name, sql := range map[string]string{
		"a key":            "DELETE FROM galaxypay_payment_keys WHERE seq = 3",
		"another key":      "UPDATE galaxypay_payment_keys SET request_id = 'other' WHERE seq = 3",
		"a name":           "DELETE FROM galaxypay_payment_transactions WHERE seq = 3",
		"counts":           "UPDATE galaxypay_payment_counts SET payments = 7",
		"no counts":        "DELETE FROM galaxypay_payment_counts",
		"counts of others": "INSERT INTO galaxypay_payment_counts VALUES ('other', 'open', 'unknown', 1)",
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				path := ledgerOf(t, 3)
				c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(c.run(sql), c.close()); err != nil {
					t.Fatal(err)
				}
				reported := newReports()
				s, err := open(path, reported.add, small)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Check(t.Context()); (err == nil) == (small == 0) {
					t.Errorf("checked: %v", err)
				}
				afterRescue(t, s)
				if _, err := s.Check(t.Context()); err != nil {
					t.Errorf("checked again: %v", err)
				}
				if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "6 records were saved, 0 are missing") {
					t.Errorf("reported %q", texts)
				}
				found, err := s.Payments().Named(t.Context(), testBook, duePayment(1).Transactions[0])
				if err != nil || len(found) != 1 {
					t.Errorf("named %v, %v", found, err)
				}
				all, err := s.Payments().Stats(t.Context())
				if err != nil || len(all) != 1 || all[0].Statuses[ledger.Open] != 3 {
					t.Errorf("counted %+v, %v", all, err)
				}
			})
		}
	}
}

// Events and payments share their numbers.
func TestNumbersAreShared(t *testing.T) {
	path := ledgerOf(t, 2)
	s := openAt(t, path)
	defer s.Close()
	failed := errors.New("failed")
	err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		p := duePayment(5)
		return errors.Join(tx.Put(&p), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if p := pay(t, s, duePayment(6)); p[0].Seq != 5 {
		t.Errorf("number %d of a payment", p[0].Seq)
	}
	if r := add(t, s, testEvent(6)); r.Seq != 6 {
		t.Errorf("number %d of an event", r.Seq)
	}
}

// An index that has lost a payment hides none: not its requestID at any time, and nothing after the
// check.
func TestAlteredIndexOfPayments(t *testing.T) {
	for _, name := range []string{
		"galaxypay_payments_request", "galaxypay_payments_order", "galaxypay_payments_recorded", "galaxypay_payments_ask",
		"galaxypay_payments_open", "galaxypay_payments_status", "galaxypay_payment_keys", "galaxypay_payment_keys_seq", "galaxypay_payment_transactions",
		"galaxypay_payment_counts",
	} {
		t.Run(name, func(t *testing.T) {
			path := ledgerOf(t, 10)
			alterIndex(t, path, name)
			reported := newReports()
			s, err := open(path, reported.add, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if damaged := lookUpAll(t, s, 10); damaged != 0 {
				t.Errorf("%d are damaged", damaged)
			}
			for range 2 {
				_, err = s.Check(t.Context())
				afterRescue(t, s)
			}
			if texts := reported.all(); err != nil || len(texts) != 1 || !strings.Contains(texts[0], "20 records were saved, 0 are missing") {
				t.Errorf("checked: %v, reported %q", err, texts)
			}
			if damaged := lookUpAll(t, s, 10); damaged != 0 {
				t.Errorf("%d are damaged after the rescue", damaged)
			}
			found, err := s.Payments().Named(t.Context(), testBook, duePayment(4).Transactions[0])
			if err != nil || len(found) != 1 {
				t.Errorf("named %v, %v", found, err)
			}
			pay(t, s, duePayment(11))
		})
	}
}

// A full disk is no reason not to open a store: the deadlines of calls count then.
func TestInterruptedOnAFullDisk(t *testing.T) {
	reported := newReports()
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), reported.add)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := make([]ledger.Payment, chunk)
	for i := range all {
		all[i] = testPayment(i)
		all[i].Outcome, all[i].Reply, all[i].Address = ledger.AtWork, nil, nil // many fit on a page, and soon do no more
	}
	pay(t, s, all...)
	err = s.update(t.Context(), func(t *tx) error {
		pages, err := t.c.number("PRAGMA page_count")
		return errors.Join(err, t.c.script(fmt.Sprintf("PRAGMA max_page_count = %d", pages)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.interruptCalls(t.Context()); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "the disk is full") {
		t.Errorf("reported %q", texts)
	}
	if p, ok, err := lookUp(t, s, all[0].RequestID); err != nil || !ok || p.Outcome != ledger.AtWork {
		t.Errorf("%+v, %t, %v", p, ok, err)
	}
}
