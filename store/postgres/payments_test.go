//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

const book = "shop https://gateway.example"

func payment(requestID string) ledger.Payment {
	return ledger.Payment{
		Book: book, RequestID: requestID, Operation: "pay", Effect: operation.OpensPage, OrderID: "DH-" + requestID,
		Transactions: []string{"GP-" + requestID}, About: "about " + requestID, RecordedAt: noon, Outcome: ledger.Accepted, Status: ledger.Paid,
	}
}

// addOne adds one to a number in a payment.
func addOne(tx ledger.Tx) error {
	p, err := tx.Payment(book, "R1")
	if err != nil {
		return err
	}
	if p == nil {
		p = new(payment("R1"))
	}
	p.Sending++
	return tx.Put(p)
}

// A change is alone among all sidecars, too.
func TestChangesOfSeveralSidecarsAreAlone(t *testing.T) {
	const sidecars, goroutines, changes = 3, 4, 10
	address := newSchema(t)
	var working sync.WaitGroup
	for range sidecars {
		s := open(t, address).Payments()
		for range goroutines {
			working.Go(func() {
				for range changes {
					if err := s.Change(t.Context(), addOne); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	working.Wait()
	p, ok, err := open(t, address).Payments().Payment(t.Context(), book, "R1")
	if err != nil || !ok || p.Sending != sidecars*goroutines*changes {
		t.Errorf("%d changes are kept, %t, %v", p.Sending, ok, err)
	}
}

// ledgerLock is the lock of a schema's payments.
const ledgerLock = "(1818584167::bigint << 32) | 'galaxypay_payments'::regclass::oid::bigint"

// locked runs f while another session has the lock of all payments.
func locked(t *testing.T, address string, f func()) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(t.Context(), "SELECT pg_advisory_lock("+ledgerLock+")"); err != nil {
		t.Fatal(err)
	}
	f()
	if _, err := c.Exec(t.Context(), "SELECT pg_advisory_unlock("+ledgerLock+")"); err != nil {
		t.Fatal(err)
	}
}

// While another sidecar has the lock, a change ends with its context, and keeps nothing. Reads need
// no lock, and neither do sidecars of another schema.
func TestLockIsWaitedForAsLongAsTheContextLasts(t *testing.T) {
	address := newSchema(t)
	s, elsewhere := open(t, address).Payments(), open(t, newSchema(t)).Payments()
	if err := s.Change(t.Context(), addOne); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	locked(t, address, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := s.Change(ctx, func(tx ledger.Tx) error {
			t.Error("it has begun")
			return addOne(tx)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if p, ok, err := s.Payment(t.Context(), book, "R1"); err != nil || !ok || p.Sending != 1 {
			t.Errorf("read: %+v, %t, %v", p, ok, err)
		}
		if err := elsewhere.Change(t.Context(), addOne); err != nil {
			t.Errorf("of another schema: %v", err)
		}
		go func() { done <- s.Change(t.Context(), addOne) }()
	})
	if err := <-done; err != nil {
		t.Errorf("when the lock is free: %v", err)
	}
	if p, ok, err := s.Payment(t.Context(), book, "R1"); err != nil || !ok || p.Sending != 2 {
		t.Errorf("%+v, %t, %v", p, ok, err)
	}
}

// A sidecar that is paused in its change loses it. Others go on without an error.
func TestPausedSidecarLosesTheLock(t *testing.T) {
	address := newSchema(t)
	paused, other := open(t, address).Payments(), open(t, address).Payments()
	began, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- paused.Change(t.Context(), func(tx ledger.Tx) error {
			if err := addOne(tx); err != nil {
				return err
			}
			close(began)
			<-goOn
			return addOne(tx)
		})
	}()
	<-began
	if err := other.Change(t.Context(), addOne); err != nil {
		t.Errorf("another sidecar: %v", err)
	}
	close(goOn)
	if err := <-done; err == nil {
		t.Error("the change of the paused sidecar is kept")
	}
	if p, ok, err := other.Payment(t.Context(), book, "R1"); err != nil || !ok || p.Sending != 1 {
		t.Errorf("%+v, %t, %v", p, ok, err)
	}
	if err := paused.Change(t.Context(), addOne); err != nil {
		t.Errorf("later: %v", err)
	}
}

// The clock is the database's: that of a sidecar does not count. Its times are those of changes in
// the order of the lock.
func TestClockIsTheDatabases(t *testing.T) {
	address := newSchema(t)
	var mu sync.Mutex
	var times []time.Time
	var working sync.WaitGroup
	for range 3 {
		s := open(t, address).Payments()
		for range 3 {
			working.Go(func() {
				err := s.Change(t.Context(), func(tx ledger.Tx) error {
					mu.Lock()
					defer mu.Unlock()
					times = append(times, tx.Now())
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	working.Wait()
	for i := 1; i < len(times); i++ {
		if times[i].Before(times[i-1]) {
			t.Errorf("%s after %s", times[i], times[i-1])
		}
	}
}

// An error of the database in a change is that change's alone, whatever its function makes of it.
func TestDatabaseErrorOfAChange(t *testing.T) {
	address := newSchema(t)
	s := open(t, address).Payments()
	execute(t, address, "ALTER TABLE galaxypay_payments ADD CHECK (code <> 'refused')")
	own := errors.New("its own")
	var working sync.WaitGroup
	for i := range 30 {
		working.Go(func() {
			p := payment(fmt.Sprint("R", i))
			if i%2 == 0 {
				p.Code = "refused"
			}
			err := s.Change(t.Context(), func(tx ledger.Tx) error {
				kept := p
				if err := tx.Put(&kept); err != nil && i%4 == 0 {
					return own
				}
				return nil
			})
			if i%2 == 1 && err != nil || i%2 == 0 && err == nil || i%4 == 0 && !errors.Is(err, own) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	working.Wait()
	for i := range 30 {
		if _, ok, err := s.Payment(t.Context(), book, fmt.Sprint("R", i)); err != nil || ok != (i%2 == 1) {
			t.Errorf("%d is kept: %t, %v", i, ok, err)
		}
	}
}

const fillPayments = `
ALTER TABLE galaxypay_payments SET (autovacuum_enabled = false);
INSERT INTO galaxypay_payments
	(book, request_id, operation, effect, fingerprint, order_id, amount, currency, method, about, deferred, captured, transactions, address,
	recorded_at, sendings, outcome, code, was_unknown, reply, settled, reason, status, word, asked, answered, history)
SELECT
	'` + book + `', format('K-%s', i), 'pay', 'page', '', format('K-%s', i), '', '', '', '', false, false, '[]', '',
	1767225600000000, 1, 'accepted', '', false, '', '', '', 'paid', true, 0, 0, '[]'
FROM generate_series(1, 20000) AS i`

// A full ledger must not make a call slower, nor what people look for, whatever the planner believes.
func TestChangesReadLittleOfAFullLedger(t *testing.T) {
	for name, filled := range map[string]string{"without statistics": fillPayments, "with statistics": fillPayments + "; ANALYZE galaxypay_payments"} {
		t.Run(name, func(t *testing.T) {
			const changes = 10
			address := newSchema(t)
			s := open(t, address)
			callAll(t, s, "before", changes)
			execute(t, address, filled)
			callAll(t, s, "after", changes)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			// The first Stats adds up the counts of all that were filled in, which the test did not.
			if n := readSoFar(t, address) - 2*20000; n > 100*2*changes {
				t.Errorf("%d rows were read for twice %d changes", n, changes)
			}
		})
	}
}

// callAll makes calls and looks them up, in each way.
func callAll(t *testing.T, s *postgres.Store, name string, changes int) {
	t.Helper()
	payments := s.Payments()
	for i := range changes {
		id := fmt.Sprint(name, i)
		err := payments.Change(t.Context(), func(tx ledger.Tx) error {
			if _, err := tx.Payment(book, id); err != nil {
				return err
			}
			p := payment(id)
			p.Outcome, p.Status, p.AskAt = ledger.Unknown, ledger.Open, noon
			if err := tx.Put(&p); err != nil {
				return err
			}
			for what, find := range map[string]func() ([]*ledger.Payment, error){
				"named":   func() ([]*ledger.Payment, error) { return tx.Named(book, "GP-"+id) },
				"about":   func() ([]*ledger.Payment, error) { return tx.About(book, "about "+id) },
				"ordered": func() ([]*ledger.Payment, error) { return tx.Ordered(book, "DH-"+id) },
				"due":     func() ([]*ledger.Payment, error) { return tx.Due([]string{book}, noon, 1) },
			} {
				if found, err := find(); err != nil || len(found) != 1 {
					t.Errorf("%s: %d, %v", what, len(found), err)
				}
			}
			if next, err := tx.NextDue([]string{book, "other"}); err != nil || !next.Equal(noon) {
				t.Errorf("next due %s, %v", next, err)
			}
			for _, f := range []ledger.Filter{
				{OrderID: "DH-" + id}, {RequestID: id}, {Transaction: "GP-" + id}, {Transaction: "about " + id, Book: book},
			} {
				for _, f.NewestFirst = range []bool{false, true} {
					listed := 0
					for _, err := range payments.Payments(t.Context(), f) {
						if err != nil {
							return err
						}
						listed++
					}
					if listed > 1 {
						t.Errorf("%+v: %d are listed", f, listed)
					}
				}
			}
			p.Outcome, p.Status, p.AskAt = ledger.Accepted, ledger.Paid, time.Time{}
			return tx.Put(&p)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := payments.Stats(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, f := range []ledger.Filter{{Outcome: ledger.Unknown}, {Status: ledger.Open}, {Since: noon.Add(time.Hour)}} {
			for _, err := range payments.Payments(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// The counts of payments are added up, by several sidecars at once too, and stay right.
func TestCountsAreAddedUp(t *testing.T) {
	const sidecars, changes = 3, 450
	address := newSchema(t)
	var working sync.WaitGroup
	for i := range sidecars {
		s := open(t, address).Payments()
		working.Go(func() {
			for j := range changes / 10 {
				err := s.Change(t.Context(), func(tx ledger.Tx) error {
					for k := range 10 {
						p := payment(fmt.Sprint("R", i, "-", 10*j+k))
						if err := tx.Put(&p); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := s.Stats(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	s := open(t, address).Payments()
	for range 2 {
		all, err := s.Stats(t.Context())
		if err != nil || len(all) != 1 || all[0].Statuses[ledger.Paid] != sidecars*changes || all[0].Outcomes[ledger.Accepted] != sidecars*changes {
			t.Errorf("counted %+v, %v", all, err)
		}
	}
	if rows := number(t, address, "SELECT count(*) FROM galaxypay_payment_counts"); rows > 1000 {
		t.Errorf("there are %d counts", rows)
	}
}
