package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

const testBook = "shop https://gateway.example"

func testPayment(i int) ledger.Payment {
	return ledger.Payment{
		Book: testBook, RequestID: fmt.Sprintf("request-%08d", i), Operation: "pay", Effect: operation.OpensPage, Fingerprint: "fingerprint",
		OrderID: fmt.Sprintf("order-%08d", i), Amount: "10000", Currency: "VND", Transactions: []string{fmt.Sprintf("transaction-%08d", i)},
		RecordedAt: now.Add(time.Duration(i) * time.Second), Outcome: ledger.Accepted, Sending: 1, Status: ledger.Open,
		Reply: messageOf(i), Address: []byte("address"),
	}
}

func putPayment(t *testing.T, s *Store, p *ledger.Payment) {
	t.Helper()
	if err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(p) }); err != nil {
		t.Fatal(err)
	}
}

// look reads a payment as Begin does.
func look(t *testing.T, s *Store, requestID string) (p *ledger.Payment, err error) {
	t.Helper()
	err = s.Payments().Change(t.Context(), func(tx ledger.Tx) (err error) {
		p, err = tx.Payment(testBook, requestID)
		return err
	})
	return p, err
}

// paymentFileOf makes a file of n payments, with an event behind each, and returns its path.
func paymentFileOf(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	for i := range n {
		p := testPayment(i)
		putPayment(t, s, &p)
		add(t, s, testEvent(i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// The record says the table's columns in their order.
func TestPaymentFileFitsTheTable(t *testing.T) {
	c, err := openMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	columns := func(table string) (names []string) {
		err := c.each("SELECT name FROM pragma_table_info(?)", []any{table}, func(stmt *sqliteStmt) (bool, error) {
			names = append(names, stmt.ColumnText(0))
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	want := []string{"seq"}
	for _, of := range paymentOrder {
		if of < 0 {
			want = append(want, "checksum")
		} else {
			want = append(want, paymentNames[of])
		}
	}
	if got := columns("galaxypay_payments"); !slices.Equal(got, want) || len(want) != len(paymentNames)+1 {
		t.Errorf("the table has %v, expected %v", got, want)
	}
	if got := columns("galaxypay_payment_quarantine"); !slices.Equal(got, append(want, "put_aside_at")) {
		t.Errorf("the quarantine has %v", got)
	}
}

// Each part of a payment is in its checksum.
func TestPaymentChecksum(t *testing.T) {
	seen := map[uint32]int{}
	for i := range store.PaymentFields(new(ledger.Payment)) {
		p := testPayment(1)
		switch field := store.PaymentFields(&p)[i].(type) {
		case *uint64:
			*field += 7
		case *int:
			*field += 7
		case *bool:
			*field = !*field
		case *string:
			*field += "x"
		case *store.Names:
			*field = append(*field, "x")
		case *[]byte:
			*field = append(*field, 'x')
		case *store.Time:
			*field = store.Time(time.Time(*field).Add(time.Microsecond))
		}
		sum := paymentChecksum(&p)
		if other, ok := seen[sum]; ok {
			t.Errorf("parts %d and %d do not count", other, i)
		}
		seen[sum] = i
	}
	whole := testPayment(1)
	if _, ok := seen[paymentChecksum(&whole)]; ok {
		t.Error("a part does not count")
	}
}

// A call that was at work when the process ended is of unknown outcome, and no other is touched.
func TestInterruptedCalls(t *testing.T) {
	const n = chunk + 10
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
		for i := range n {
			p := testPayment(i)
			p.Outcome, p.Deadline, p.Reply = ledger.AtWork, now.Add(time.Minute), nil
			if i%10 == 0 {
				p.Effect, p.Status = operation.Refunds, ""
			}
			if err := tx.Put(&p); err != nil {
				return err
			}
		}
		for i, outcome := range []ledger.Outcome{ledger.Accepted, ledger.Rejected, ledger.NotSent, ledger.Unknown} {
			p := testPayment(n + i)
			p.Outcome, p.Code = outcome, "code"
			if err := tx.Put(&p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := look(t, s, testPayment(1).RequestID); err != nil || p.Outcome != ledger.AtWork {
		t.Errorf("before: %+v, %v", p, err)
	}
	s, reported, err := damagedAgain(t, s)
	if err != nil || len(reported.all()) != 0 {
		t.Fatal(err)
	}
	stats, err := s.Payments().Stats(t.Context())
	if err != nil || len(stats) != 1 {
		t.Fatalf("%v, %v", stats, err)
	}
	if of := stats[0].Outcomes; of[ledger.AtWork] != 0 || of[ledger.Unknown] != n+1 || of[ledger.Accepted] != 1 || of[ledger.Rejected] != 1 || of[ledger.NotSent] != 1 {
		t.Errorf("counted %v", of)
	}
	if of := stats[0].Statuses; of[ledger.StatusUnknown] != n-n/10 || of[ledger.Open] != 4 {
		t.Errorf("counted %v", of)
	}
	p, err := look(t, s, testPayment(1).RequestID)
	if err != nil || p.Outcome != ledger.Unknown || !p.WasUnknown || p.Status != ledger.StatusUnknown || p.EndedAt.IsZero() || p.Transactions[0] != testPayment(1).Transactions[0] {
		t.Errorf("interrupted: %+v, %v", p, err)
	}
	if p, err := look(t, s, testPayment(n).RequestID); err != nil || p.WasUnknown || p.Code != "code" {
		t.Errorf("not at work: %+v, %v", p, err)
	}
}

// A payment that was asked about when the process ended is due at once, and its place is free.
func TestInterruptedQuestions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	asked, told, other := testPayment(0), testPayment(1), testPayment(2)
	later := clock().Add(time.Hour)
	asked.AskAt, asked.AskedUntil = later, later
	told.AskedUntil = later
	other.AskAt = later
	pay(t, s, asked, told, other)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	defer s.Close()
	for i, isDue := range []bool{true, false, false} {
		p, err := look(t, s, testPayment(i).RequestID)
		if err != nil || !p.AskedUntil.IsZero() || (!p.AskAt.IsZero() && !p.AskAt.After(clock())) != isDue {
			t.Errorf("payment %d: %+v, %v", i, p, err)
		}
	}
}

// A rescue while the store is open interrupts nothing: the calls are still at work.
func TestRescueInterruptsNoCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	reported := newReports()
	s, err := open(path, reported.add, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := testPayment(0)
	p.Outcome = ledger.AtWork
	putPayment(t, s, &p)
	signal(s.damage)
	for len(reported.texts) == 0 {
		afterRescue(t, s)
	}
	if found, err := look(t, s, p.RequestID); err != nil || found.Outcome != ledger.AtWork || found.Seq != p.Seq {
		t.Errorf("%+v, %v", found, err)
	}
}

func damagePayment(t *testing.T, s *Store, seq uint64, set string) {
	t.Helper()
	err := s.update(t.Context(), func(t *tx) error {
		return t.c.run("UPDATE galaxypay_payments SET "+set+" WHERE seq = ?", seq)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A call whose record is damaged is never taken for a new one, however the damage is found. Other
// payments go on.
func TestDamagedPaymentFailsClosed(t *testing.T) {
	first, second := testPayment(0), testPayment(1)
	for name, set := range map[string]string{
		"its reply":        "reply = x'00'",
		"its outcome":      "outcome = 'not_sent'",
		"its number":       "sendings = 7",
		"its fingerprint":  "fingerprint = ''",
		"its names":        "transactions = '{'",
		"its checksum":     "checksum = 0",
		"its payment time": "recorded_at = NULL",
	} {
		for how, find := range map[string]func(*testing.T, *Store){
			"a call": func(*testing.T, *Store) {},
			"a read": func(t *testing.T, s *Store) {
				t.Helper()
				isDamaged(t, s, first.RequestID)
			},
			"the check": func(t *testing.T, s *Store) {
				t.Helper()
				if _, err := s.Check(t.Context()); !errors.Is(err, errDamaged) {
					t.Errorf("checked: %v", err)
				}
			},
			"a list": func(t *testing.T, s *Store) {
				t.Helper()
				n := 0
				for p, err := range s.Payments().Payments(t.Context(), ledger.Filter{}) {
					if n++; err != nil || p.RequestID != second.RequestID {
						t.Errorf("listed %+v, %v", p, err)
					}
				}
				if n != 1 {
					t.Errorf("%d are listed", n)
				}
			},
			"a call for the same order": func(t *testing.T, s *Store) {
				t.Helper()
				err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
					_, err := tx.Ordered(testBook, first.OrderID)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			},
			"a call that fails": func(t *testing.T, s *Store) {
				t.Helper()
				failing := errors.New("failing")
				err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
					_, _ = tx.Named(testBook, first.Transactions[0])
					return failing
				})
				if !errors.Is(err, failing) {
					t.Error(err)
				}
			},
		} {
			t.Run(name+", found by "+how, func(t *testing.T) {
				reported := newReports()
				s, err := open(filepath.Join(t.TempDir(), "store.db"), reported.add, smallFile)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { s.Close() }()
				a, b := first, second
				putPayment(t, s, &a)
				putPayment(t, s, &b)
				damagePayment(t, s, a.Seq, set)
				find(t, s)
				isClosed(t, s, &a, &b)
				if len(reported.all()) == 0 {
					t.Error("nothing was reported")
				}
				if s, _, err = damagedAgain(t, s); err != nil {
					t.Fatal(err)
				}
				isClosed(t, s, &a, &b)
				isNotEnded(t, s, &a, &b)
			})
		}
	}
}

// isDamaged reads a payment whose record is damaged.
func isDamaged(t *testing.T, s *Store, requestID string) {
	t.Helper()
	if p, ok, err := s.Payments().Payment(t.Context(), testBook, requestID); ok || !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("read %+v, %v", p, err)
	}
}

// isClosed checks that a damaged payment does not count as new, and that another is served.
func isClosed(t *testing.T, s *Store, damaged, other *ledger.Payment) {
	t.Helper()
	for range 2 {
		if p, err := look(t, s, damaged.RequestID); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("the damaged one is %+v, %v", p, err)
		}
	}
	isDamaged(t, s, damaged.RequestID)
	if p, err := look(t, s, other.RequestID); err != nil || p == nil || p.Seq != other.Seq || !bytes.Equal(p.Reply, other.Reply) {
		t.Errorf("the other one is %+v, %v", p, err)
	}
	if stats := count(t, s); stats.Quarantined != 1 {
		t.Errorf("%d are put aside", stats.Quarantined)
	}
}

// isNotEnded ends a call whose record was damaged: what it became cannot be kept, and the
// requestID stays closed.
func isNotEnded(t *testing.T, s *Store, sent, other *ledger.Payment) {
	t.Helper()
	if e, err := ledger.End(t.Context(), s.Payments(), *sent, ledger.Result{Outcome: ledger.NotSent}); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("ended as %+v, %v", e.Payment, err)
	}
	again := testPayment(0)
	if err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&again) }); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("put a second time: %v", err)
	}
	isClosed(t, s, sent, other)
}

// A damaged index can hide a record. The copy of its key shows it, before a second one is made.
func TestHiddenPaymentIsNotNew(t *testing.T) {
	path := paymentFileOf(t, 5)
	alterIndex(t, path, "galaxypay_payments_request")
	reported := newReports()
	s, err := open(path, reported.add, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := testPayment(3)
	begin := func() error {
		return s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
			p, err := tx.Payment(testBook, want.RequestID)
			if err != nil || p != nil {
				return err
			}
			p = &want
			return tx.Put(p)
		})
	}
	if err := begin(); !errors.Is(err, errDamaged) {
		t.Errorf("begun: %v", err)
	}
	afterRescue(t, s)
	if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "10 records were saved, 0 are missing") {
		t.Errorf("reported %q", texts)
	}
	if err := begin(); err != nil {
		t.Errorf("begun after the rescue: %v", err)
	}
	if p, err := look(t, s, want.RequestID); err != nil || p == nil || !bytes.Equal(p.Reply, want.Reply) {
		t.Errorf("there is %+v, %v", p, err)
	}
}

// A record under another key is not taken for that of another call, nor its own call for a new one.
func TestPaymentUnderAnotherKey(t *testing.T) {
	for _, set := range []string{"request_id = 'another'", "book = 'another'"} {
		reported := newReports()
		s, err := open(filepath.Join(t.TempDir(), "store.db"), reported.add, smallFile)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p, again := testPayment(0), testPayment(0)
		putPayment(t, s, &p)
		damagePayment(t, s, p.Seq, set)
		err = s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return tx.Put(&again) })
		if !errors.Is(err, errDamaged) {
			t.Errorf("%s: put a second time, %v", set, err)
		}
		afterRescue(t, s)
		if p, err := look(t, s, p.RequestID); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("%s: found %+v, %v", set, p, err)
		}
		if p, err := look(t, s, "another"); err != nil || p != nil {
			t.Errorf("%s: under the other key is %+v, %v", set, p, err)
		}
		if len(reported.all()) == 0 {
			t.Errorf("%s: nothing was reported", set)
		}
	}
}

// Whatever page is damaged, a call that has a record never counts as new, and no record is served
// with other content.
func TestAnyDamagedPageWithPayments(t *testing.T) {
	const n = 40
	whole := content(t, paymentFileOf(t, n))
	for name, damage := range map[string]func(page []byte){
		"zeroed":      func(page []byte) { clear(page) },
		"overwritten": func(page []byte) { copy(page, bytes.Repeat([]byte{0xa5}, len(page))) },
		"a bit in its head": func(page []byte) {
			page[3] ^= 0x10
			page[0] ^= 0x01
		},
		"texts altered": func(page []byte) {
			copy(page, bytes.ReplaceAll(page, []byte("request-0000000"), []byte("request-0000009")))
		},
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				for page := range len(whole) / usualPageSize {
					b := slices.Clone(whole)
					damage(b[page*usualPageSize : (page+1)*usualPageSize])
					s, _, err := damagedWith(t, filepath.Join(t.TempDir(), "store.db"), b, small)
					if err != nil {
						continue // it is refused
					}
					checkPayments(t, s, n)
					if err := s.Close(); err != nil {
						t.Error(err)
					}
					if t.Failed() {
						t.Fatalf("page %d", page+1)
					}
				}
			})
		}
	}
}

// All records of payments are damaged, and then each page in turn, those with the copies of their keys too: no requestID counts as new.
func TestAnyDamagedPageBesideDamagedPayments(t *testing.T) {
	const n = 100 // so that the keys need pages above their leaves
	path := paymentFileOf(t, n)
	c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.run("UPDATE galaxypay_payments SET amount = '1'"), c.close()); err != nil {
		t.Fatal(err)
	}
	whole := content(t, path)
	for name, damage := range map[string]func(page []byte){
		"zeroed":        func(page []byte) { clear(page) },
		"its type":      func(page []byte) { page[0] ^= 0x08 },
		"texts altered": func(page []byte) { copy(page, bytes.ReplaceAll(page, []byte("request-"), []byte("requesT-"))) },
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				for page := range len(whole) / usualPageSize {
					b := slices.Clone(whole)
					damage(b[page*usualPageSize : (page+1)*usualPageSize])
					if bytes.Equal(b, whole) || !hasKeys(whole[page*usualPageSize:(page+1)*usualPageSize]) && page%10 > 0 {
						continue
					}
					s, _, err := damagedWith(t, filepath.Join(t.TempDir(), "store.db"), b, small)
					if err != nil {
						continue // it is refused
					}
					noneIsNew(t, s, n)
					if err := s.Close(); err != nil {
						t.Error(err)
					}
					if t.Failed() {
						t.Fatalf("page %d", page+1)
					}
				}
			})
		}
	}
}

// hasKeys reports whether there are requestIDs on a page.
func hasKeys(page []byte) bool { return bytes.Contains(page, []byte("reques")) }

// noneIsNew begins calls again that were made, and whose records are damaged.
func noneIsNew(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		want := testPayment(i)
		err := errDamaged
		for tries := 0; tries < 4 && errors.Is(err, errDamaged); tries++ {
			err = s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
				p := want
				return tx.Put(&p)
			})
		}
		if !errors.Is(err, ledger.ErrDamaged) {
			t.Fatalf("payment %d is put a second time: %v", i, err)
		}
	}
	if _, ok, err := lookUp(t, s, "never used"); ok || err != nil {
		t.Errorf("one that was never used: %t, %v", ok, err)
	}
}

// checkPayments begins each call again. Damage may be met, and rescued, on the way.
func checkPayments(t *testing.T, s *Store, n int) {
	t.Helper()
	served := 0
	for i := range n + 3 {
		want := testPayment(i)
		isNew := false
		var found *ledger.Payment
		err := errDamaged
		for tries := 0; tries < 4 && errors.Is(err, errDamaged); tries++ {
			err = s.Payments().Change(t.Context(), func(tx ledger.Tx) (err error) {
				isNew = false
				if found, err = tx.Payment(testBook, want.RequestID); err != nil || found != nil {
					return err
				}
				isNew = true
				p := want
				return tx.Put(&p)
			})
		}
		switch {
		case i >= n:
			if err != nil || !isNew {
				t.Errorf("a new payment %d: new %t, %v", i, isNew, err)
			}
		case isNew && err == nil:
			t.Errorf("payment %d counts as new", i)
		case errors.Is(err, ledger.ErrDamaged):
		case err != nil:
			t.Errorf("payment %d: %v", i, err)
		default:
			served++
			found.Seq = 0
			if found.RecordedAt = found.RecordedAt.UTC(); paymentChecksum(found) != paymentChecksum(&want) {
				t.Errorf("payment %d is served as %+v", i, found)
			}
		}
	}
	if served < n/2 {
		t.Errorf("%d of %d are served", served, n)
	}
}

// A file is damaged at random places, DAMAGES times.
func TestRandomDamageOfPayments(t *testing.T) {
	const n = 40
	whole := content(t, paymentFileOf(t, n))
	for name, damage := range map[string]func(*rand.Rand, []byte){
		"a bit flipped": func(rng *rand.Rand, b []byte) { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8) },
		"a sector of zeros": func(rng *rand.Rand, b []byte) {
			at := rng.IntN(len(b)/512) * 512
			clear(b[at : at+512])
		},
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				rng, seed := newRand(t)
				for range number(t, "DAMAGES", 20) {
					b := slices.Clone(whole)
					damage(rng, b)
					s, _, err := damagedWith(t, filepath.Join(t.TempDir(), "store.db"), b, small)
					if err != nil {
						continue
					}
					checkPayments(t, s, n)
					if err := s.Close(); err != nil {
						t.Error(err)
					}
					if t.Failed() {
						t.Fatalf("SEED=%d", seed)
					}
				}
			})
		}
	}
}

// Events and payments share their numbers, and a rescue tells them apart.
func TestRescueOfEventsAndPayments(t *testing.T) {
	path := paymentFileOf(t, 10)
	b := content(t, path)
	b[0] ^= 0xff
	s, reported, err := damagedWith(t, path, b, smallFile)
	if err != nil {
		t.Fatal(err)
	}
	if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "20 records were saved, 0 are missing") {
		t.Errorf("reported %q", texts)
	}
	stats, err := s.Payments().Stats(t.Context())
	if err != nil || len(stats) != 1 || stats[0].Statuses[ledger.Open] != 10 || stats[0].OldestOpen.UnixMicro() != now.UnixMicro() {
		t.Errorf("counted %+v, %v", stats, err)
	}
	if of := count(t, s); of.States[inbox.Pending] != 10 || of.Quarantined != 0 {
		t.Errorf("counted %+v", of)
	}
	named, err := s.Payments().Named(t.Context(), testBook, testPayment(7).Transactions[0])
	if err != nil || len(named) != 1 || named[0].RequestID != testPayment(7).RequestID {
		t.Errorf("named %+v, %v", named, err)
	}
	p := testPayment(10)
	if putPayment(t, s, &p); p.Seq != 21 {
		t.Errorf("number %d", p.Seq)
	}
}

// A rescue saves the largest payments that there are.
func TestRescueOfALargePayment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	p := testPayment(0)
	p.Reply, p.Address, p.Reason = bytes.Repeat([]byte("r"), 16<<20), bytes.Repeat([]byte("a"), 16<<20), strings.Repeat("\x01", 64<<10)
	p.Transactions = nil
	for i := range 100 {
		p.Transactions = append(p.Transactions, fmt.Sprint(i)+strings.Repeat("\x01", ledger.MaxName-3))
	}
	putPayment(t, s, &p)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b := content(t, path)
	b[0] ^= 0xff
	s, reported, err := damagedWith(t, path, b, smallFile)
	if err != nil {
		t.Fatal(err)
	}
	if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "1 records were saved, 0 are missing") {
		t.Errorf("reported %q", texts)
	}
	if found, err := look(t, s, p.RequestID); err != nil || paymentChecksum(found) != paymentChecksum(&p) {
		t.Errorf("%v", err)
	}
}

// No query reads the whole table, whatever it holds.
func TestPaymentQueriesUseIndexes(t *testing.T) {
	path := paymentFileOf(t, 10)
	s := openAt(t, path)
	defer s.Close()
	list := func(f ledger.Filter) string {
		sql, _ := listPayments(f, bounds{}, 0)
		return sql
	}
	for name, test := range map[string]struct{ sql, index string }{
		"by requestID":        {paymentOf, "galaxypay_payments_request"},
		"by name":             {namedPayments, "PRIMARY KEY (transaction_id=? AND book=?)"},
		"by about":            {aboutPayments, "galaxypay_payments_about"},
		"by order":            {orderedPayments, "galaxypay_payments_order"},
		"due":                 {duePayments, "galaxypay_payments_ask (book=? AND ask_at<?)"},
		"asked now":           {paymentsAsked, "COVERING INDEX galaxypay_payments_asked (asked_until>?)"},
		"asked at the end":    {questionsAsked, "galaxypay_payments_asked"},
		"next due":            {nextDuePayment, "galaxypay_payments_ask"},
		"at work":             {callsAtWork, "galaxypay_payments_outcome (outcome=?)"},
		"oldest open":         {oldestOpen, "USING COVERING INDEX galaxypay_payments_open"},
		"filter requestID":    {list(ledger.Filter{RequestID: "a"}), "galaxypay_payments_request"},
		"filter order":        {list(ledger.Filter{OrderID: "a", Book: "b", NewestFirst: true}), "galaxypay_payments_order"},
		"filter transaction":  {list(ledger.Filter{Transaction: "a", Book: "b"}), "PRIMARY KEY (transaction_id=?)"},
		"filter about":        {list(ledger.Filter{Transaction: "a", Book: "b"}), "galaxypay_payments_about"},
		"filter open":         {list(ledger.Filter{Status: ledger.Open}), "galaxypay_payments_status"},
		"filter unknown":      {list(ledger.Filter{Outcome: ledger.Unknown, Book: "b"}), "galaxypay_payments_outcome"},
		"filter paid, newest": {list(ledger.Filter{Status: ledger.Paid, NewestFirst: true}), "INTEGER PRIMARY KEY"},
		"put aside":           {"SELECT count(*) FROM galaxypay_payment_quarantine WHERE request_id = ? AND book = ?", "galaxypay_payment_quarantine_request"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, s, test.sql)
			if !strings.Contains(plan, test.index) || strings.Contains(plan, "SCAN galaxypay_payments\n") {
				t.Errorf("the plan is %s", plan)
			}
		})
	}
}

// People look at payments in a view, with readable times and without what is sealed.
func TestLedgerView(t *testing.T) {
	s := openAt(t, paymentFileOf(t, 3))
	defer s.Close()
	var got []string
	err := s.view(t.Context(), func(c *conn) error {
		return c.each("SELECT request_id, status, recorded_at, reply_bytes, transactions FROM galaxypay_ledger WHERE order_id = 'order-00000002'", nil, func(stmt *sqliteStmt) (bool, error) {
			for i := range stmt.ColumnCount() {
				got = append(got, stmt.ColumnText(i))
			}
			return true, nil
		})
	})
	const want = `request-00000002|open|2026-01-02T03:04:07Z|600|["transaction-00000002"]`
	if text := strings.Join(got, "|"); err != nil || text != want {
		t.Errorf("got %q, %v", text, err)
	}
}

// Another program that holds the file's lock makes changes fail, and ends nothing.
func TestChangeWhileAnotherProgramHoldsTheLock(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	other, err := openConn(s.path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.run("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ran := false
	err = s.Payments().Change(t.Context(), func(ledger.Tx) error {
		ran = true
		return nil
	})
	if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || ran {
		t.Errorf("ran %t, %v", ran, err)
	}
	if err := other.run("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	p := testPayment(0)
	putPayment(t, s, &p)
}

// After Close nothing is done, and nothing panics.
func TestPaymentsAfterClose(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	payments := s.Payments()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := payments.Change(t.Context(), func(ledger.Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("changed: %v", err)
	}
	if _, _, err := payments.Payment(t.Context(), testBook, "a"); !errors.Is(err, ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := payments.Stats(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("counted: %v", err)
	}
	if info, err := os.Stat(s.path); err != nil || info.Size() == 0 {
		t.Errorf("the file: %v", err)
	}
}
