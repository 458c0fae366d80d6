//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

// blocked runs f while every event of a transaction has to wait for another session's lock, and
// returns when f has.
func blocked(t *testing.T, address, key string, f func()) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(t.Context(), "SELECT pg_advisory_lock($1)", laneKey(key)); err != nil {
		t.Fatal(err)
	}
	f()
	if _, err := c.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", laneKey(key)); err != nil {
		t.Fatal(err)
	}
}

// commits returns how many transactions have changed the table of events.
func commits(t *testing.T, address string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), "SELECT count(DISTINCT xmin::text) FROM galaxypay_events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// arriveAtOnce lets events arrive at the same time, and returns the errors by ID.
func arriveAtOnce(t *testing.T, s *postgres.Store, events []inbox.Event) map[string]error {
	t.Helper()
	var mu sync.Mutex
	failed := make(map[string]error)
	var arriving sync.WaitGroup
	for _, e := range events {
		arriving.Go(func() {
			r, isNew, err := s.Arrive(t.Context(), e, leaseAt(0))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[e.ID] = err
			} else if !isNew || r.ID != e.ID || r.Lease == "" {
				t.Errorf("%s arrives as %+v, new %t", e.ID, r, isNew)
			}
		})
	}
	arriving.Wait()
	return failed
}

func eventsOf(n int) []inbox.Event {
	events := make([]inbox.Event, n)
	for i := range events {
		events[i] = event(fmt.Sprint(i), fmt.Sprint("T-", i), "paid")
	}
	return events
}

// What waits while two batches are under way shares the next transaction.
func TestArrivalsShareATransaction(t *testing.T) {
	const events = 64
	address := newSchema(t)
	s := open(t, address)
	for id, err := range arriveAtOnce(t, s, eventsOf(events)) {
		t.Errorf("%s: %v", id, err)
	}
	if n := commits(t, address); n > events/3 {
		t.Errorf("%d transactions for %d events", n, events)
	}
}

// One event that the database refuses does not take the others of its batch with it.
func TestOneOfABatchIsRefused(t *testing.T) {
	address := newSchema(t)
	s := open(t, address)
	execute(t, address, "ALTER TABLE galaxypay_events ADD CHECK (id NOT IN ('7', '13'))")
	failed := arriveAtOnce(t, s, eventsOf(64))
	if len(failed) != 2 || failed["7"] == nil || failed["13"] == nil {
		t.Errorf("refused: %v", failed)
	}
	if n := len(list(t, s, inbox.Filter{})); n != 62 {
		t.Errorf("%d events are kept", n)
	}
	// The same where the database refuses at the very end, when it commits.
	execute(t, address, `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = 'integrity_constraint_violation'; END $$;
		CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON galaxypay_events DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (NEW.id IN ('late-7', 'late-13')) EXECUTE FUNCTION refuse()`)
	events := eventsOf(64)
	for i := range events {
		events[i].ID, events[i].Transaction = "late-"+events[i].ID, "late-"+events[i].Transaction
	}
	failed = arriveAtOnce(t, s, events)
	if len(failed) != 2 || failed["late-7"] == nil || failed["late-13"] == nil {
		t.Errorf("refused at the commit: %v", failed)
	}
	if n := len(list(t, s, inbox.Filter{})); n != 124 {
		t.Errorf("%d events are kept", n)
	}
}

// An operation that has lost its lease does not take the others of its batch with it.
func TestOneOfABatchHasLostItsLease(t *testing.T) {
	s := open(t, newSchema(t))
	records := make([]inbox.Record, 32)
	for i := range records {
		records[i] = arrive(t, s, event(fmt.Sprint(i), fmt.Sprint("T-", i), "paid"), leaseAt(0))
	}
	records[5].Lease = "another"
	var settling sync.WaitGroup
	for i, r := range records {
		settling.Go(func() {
			state, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: noon})
			if i == 5 && !errors.Is(err, inbox.ErrLeaseLost) || i != 5 && (err != nil || state != inbox.Delivered) {
				t.Errorf("%d: %s, %v", i, state, err)
			}
		})
	}
	settling.Wait()
}

// While another sidecar, or a person, holds up one transaction, all others go on.
func TestOneTransactionIsLocked(t *testing.T) {
	address := newSchema(t)
	s := open(t, address)
	var held inbox.Record
	var waiting sync.WaitGroup
	begun := time.Now()
	blocked(t, address, "T-held", func() {
		waiting.Go(func() { held = arrive(t, s, event("held", "T-held", "paid"), leaseAt(0)) })
		waiting.Go(func() { arrive(t, s, event("held too", "T-held", "paid"), leaseAt(0)) })
		arriving := slices.Insert(eventsOf(64), 40, event("held in a batch", "T-held", "paid"))
		var others sync.WaitGroup
		for _, e := range arriving {
			group := &others
			if e.Transaction == "T-held" {
				group = &waiting
			}
			group.Go(func() { arrive(t, s, e, leaseAt(0)) })
		}
		others.Wait()
		for round := range 10 {
			for i, e := range eventsOf(8) {
				e.ID, e.Transaction = fmt.Sprint(round, "-", i), fmt.Sprint("T-", round, "-", i)
				settle(t, s, arrive(t, s, e, leaseAt(0)), inbox.Delivered, noon)
			}
		}
		if took := time.Since(begun); took > 4*time.Second { // lock_timeout ends the wait after five
			t.Errorf("224 operations took %s beside a transaction that was locked", took)
		}
	})
	waiting.Wait()
	if held.Seq == 0 {
		t.Error("the event whose transaction was locked is not kept")
	}
}

// A caller that gives up before its turn has changed nothing.
func TestWithdrawnBeforeItsTurn(t *testing.T) {
	address := newSchema(t)
	s := open(t, address)
	var waiting sync.WaitGroup
	blocked(t, address, "T", func() {
		waiting.Go(func() { arrive(t, s, event("first", "T", "paid"), leaseAt(0)) })
		awaitLock(t, address, "T")
		ctx, cancel := context.WithCancel(t.Context())
		waiting.Go(func() {
			if _, _, err := s.Arrive(ctx, event("second", "T", "paid"), leaseAt(0)); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
		cancel()
	})
	waiting.Wait()
	if kept := list(t, s, inbox.Filter{}); len(kept) != 1 || kept[0].ID != "first" {
		t.Errorf("kept: %+v", kept)
	}
}
