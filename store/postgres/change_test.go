//go:build unix

package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

// call is a call that moves money.
func call(requestID string) ledger.Call {
	return ledger.Call{
		Book: "shop https://gateway.example", RequestID: requestID, Operation: "refund", Effect: operation.Refunds,
		Fingerprint: "the same", About: "GP-1", Limit: time.Minute,
	}
}

// put keeps a new payment in a change.
func put(tx ledger.Tx, requestID string) error {
	return tx.Put(&ledger.Payment{Book: call("").Book, RequestID: requestID, Outcome: ledger.AtWork, RecordedAt: tx.Now()})
}

// keptPayments returns the records of a schema, by requestID.
func keptPayments(t *testing.T, s *postgres.Store) map[string]ledger.Payment {
	t.Helper()
	all := make(map[string]ledger.Payment)
	for p, err := range s.Payments().Payments(t.Context(), ledger.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[p.RequestID] = p
	}
	return all
}

// A call that several sidecars get at once is sent by one of them.
func TestSeveralSidecarsGetACallAtOnce(t *testing.T) {
	const sidecars, callers, calls = 3, 3, 10
	address := newSchema(t)
	var mu sync.Mutex
	verdicts := make(map[string]map[ledger.Verdict]int)
	var calling sync.WaitGroup
	for range sidecars {
		s := open(t, address).Payments()
		for range callers {
			calling.Go(func() {
				for i := range calls {
					id := fmt.Sprint("R", i)
					d, err := ledger.Begin(t.Context(), s, call(id))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if verdicts[id] == nil {
						verdicts[id] = make(map[ledger.Verdict]int)
					}
					verdicts[id][d.Verdict]++
					mu.Unlock()
				}
			})
		}
	}
	calling.Wait()
	for i := range calls {
		got := verdicts[fmt.Sprint("R", i)]
		if got[ledger.Send] != 1 || got[ledger.InProgress] != sidecars*callers-1 {
			t.Errorf("call %d: %v", i, got)
		}
	}
}

// Changes that come while one commits share the next transaction.
func TestChangesShareATransaction(t *testing.T) {
	const changes = 64
	s := open(t, newSchema(t))
	var working sync.WaitGroup
	for i := range changes {
		working.Go(func() {
			if err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return put(tx, fmt.Sprint("R", i)) }); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	transactions := make(map[time.Time]bool) // a transaction has one time
	all := keptPayments(t, s)
	for _, p := range all {
		transactions[p.RecordedAt] = true
	}
	if len(all) != changes || len(transactions) > changes/3 {
		t.Errorf("%d transactions for %d changes", len(transactions), len(all))
	}
}

// endSession ends the session that changes payments.
const endSession = `SELECT pg_terminate_backend(pid) FROM pg_locks
	WHERE locktype = 'advisory' AND classid = 1818584167 AND objid = 'galaxypay_payments'::regclass AND granted`

// When a transaction fails, so do all of its changes. Of one that has refused, what it saw is not true any more.
func TestTransactionOfChangesFails(t *testing.T) {
	for name, test := range map[string]struct {
		last      func(tx ledger.Tx) error // what the last change does when the session has ended
		isUnclear bool
	}{
		"its session ends before the commit":  {func(ledger.Tx) error { return nil }, true},
		"its session ends before a statement": {func(tx ledger.Tx) error { return put(tx, "last") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			const tries = 20 // until the last change is not alone in its transaction
			for range tries {
				if breakChanges(t, test.last, test.isUnclear) > 1 {
					return
				}
			}
			t.Error("the last change was alone in its transaction each time")
		})
	}
}

// breakChanges runs brokenChanges on a new store, and returns how many shared the transaction that failed.
func breakChanges(t *testing.T, last func(ledger.Tx) error, isUnclear bool) (shared int) {
	t.Helper()
	address := newSchema(t)
	s := open(t, address)
	b := &brokenChanges{times: make(map[int]time.Time), errs: make(map[int]error), last: func(tx ledger.Tx) error {
		execute(t, address, endSession)
		return last(tx)
	}}
	b.run(t, s)
	shared = b.check(t, keptPayments(t, s), isUnclear)
	if err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return put(tx, "later") }); err != nil {
		t.Errorf("later: %v", err)
	}
	return shared
}

// errOwn is the error with which every second change of brokenChanges refuses.
var errOwn = errors.New("its own")

// brokenChanges are changes that are begun at once, the last one of which breaks its transaction.
type brokenChanges struct {
	last func(ledger.Tx) error

	mu     sync.Mutex
	begun  int
	times  map[int]time.Time // of their transactions
	broken time.Time
	errs   map[int]error
}

const manyChanges = 32

func (b *brokenChanges) run(t *testing.T, s *postgres.Store) {
	t.Helper()
	var working sync.WaitGroup
	for i := range manyChanges {
		working.Go(func() {
			err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return b.change(tx, i) })
			b.mu.Lock()
			defer b.mu.Unlock()
			b.errs[i] = err
		})
	}
	working.Wait()
}

func (b *brokenChanges) change(tx ledger.Tx, i int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun++
	b.times[i] = tx.Now()
	if err := put(tx, fmt.Sprint("R", i)); err != nil {
		return err
	}
	if b.begun == manyChanges {
		b.broken = tx.Now()
		return b.last(tx)
	}
	if i%2 == 0 {
		return errOwn
	}
	return nil
}

func (b *brokenChanges) check(t *testing.T, all map[string]ledger.Payment, isUnclear bool) (shared int) {
	t.Helper()
	for i := range manyChanges {
		_, isKept := all[fmt.Sprint("R", i)]
		err := b.errs[i]
		switch {
		case b.times[i].Equal(b.broken):
			shared++
			if err == nil || errors.Is(err, errOwn) || isKept || strings.Contains(err.Error(), "not clear") != isUnclear {
				t.Errorf("%d, of the transaction that failed: kept %t, %v", i, isKept, err)
			}
		case i%2 == 0 && (err != errOwn || isKept), i%2 == 1 && (err != nil || !isKept): //nolint:errorlint // as it is
			t.Errorf("%d: kept %t, %v", i, isKept, err)
		}
	}
	return shared
}

// The server has committed on its own disk, and then the wait for the standby ends. The change must
// count as not recorded, and the error says that it may be.
func TestCommitOfAChangeIsInterrupted(t *testing.T) {
	for how, want := range map[string]string{"pg_terminate_backend": "not clear whether the changes are kept", "pg_cancel_backend": "standby"} {
		t.Run(how, func(t *testing.T) {
			_, address := newDatabase(t)
			s := open(t, address)
			defer execute(t, address, "SELECT pg_reload_conf()") // the other tests share the server
			defer execute(t, address, "ALTER SYSTEM RESET synchronous_standby_names")
			execute(t, address, "ALTER SYSTEM SET synchronous_standby_names = 'absent'")
			execute(t, address, "SELECT pg_reload_conf()")
			type result struct {
				n   int
				err error
			}
			failed := make(chan result)
			go func() {
				var last result
				for i := 0; last.err == nil && i < 10000; i++ { // until the reload has reached the session
					last = result{i, s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return put(tx, fmt.Sprint("R", i)) })}
				}
				failed <- last
			}()
			interrupt := "SELECT count(" + how + "(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"
			for number(t, address, interrupt) == 0 {
			}
			last := <-failed
			if last.err == nil || !strings.Contains(last.err.Error(), want) {
				t.Errorf("error %v", last.err)
			}
			execute(t, address, "ALTER SYSTEM RESET synchronous_standby_names")
			execute(t, address, "SELECT pg_reload_conf()")
			if _, ok := keptPayments(t, s)[fmt.Sprint("R", last.n)]; !ok {
				t.Error("the test did not interrupt a commit: nothing is kept")
			}
			if err := s.Payments().Change(t.Context(), func(tx ledger.Tx) error { return put(tx, "later") }); err != nil {
				t.Errorf("later: %v", err)
			}
		})
	}
}

// What was changed before a restart of the server is kept. A change that the restart interrupts is not.
func TestServerRestartsBetweenChanges(t *testing.T) {
	s := open(t, newSchema(t))
	change := func(id string, within func()) error {
		return s.Payments().Change(t.Context(), func(tx ledger.Tx) error {
			err := put(tx, id)
			within()
			return err
		})
	}
	for i := range 10 {
		if err := change(fmt.Sprint("before ", i), func() {}); err != nil {
			t.Fatal(err)
		}
	}
	err := change("interrupted", func() {
		if err := needServer(t).Kill(); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("interrupted: %v", err)
	}
	if err := change("without a server", func() {}); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("without a server: %v", err)
	}
	if err := needServer(t).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The pool may still hand out connections that broke.
	for failures := 0; ; failures++ {
		err := change("after", func() {})
		if err == nil {
			break
		}
		if failures > 100 {
			t.Fatalf("changes do not recover: %v", err)
		}
	}
	all := keptPayments(t, s)
	for i := range 10 {
		if _, ok := all[fmt.Sprint("before ", i)]; !ok {
			t.Errorf("change %d is not kept", i)
		}
	}
	if _, ok := all["after"]; !ok || len(all) != 11 {
		t.Errorf("%d are kept", len(all))
	}
}

// A session that can only read fails changes, and is given up: after a failover, another one can write.
func TestChangesOfADatabaseThatIsReadOnly(t *testing.T) {
	name, address := newDatabase(t)
	s := open(t, address)
	begin := func(id string) error {
		_, err := ledger.Begin(t.Context(), s.Payments(), call(id))
		return err
	}
	if err := begin("before"); err != nil {
		t.Fatal(err)
	}
	execute(t, address, "ALTER DATABASE "+name+` SET default_transaction_read_only = on;
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	for i := range 20 {
		if err := begin(fmt.Sprint("during ", i)); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("new session %d: %v", i, err)
		}
	}
	execute(t, writing(address), "ALTER DATABASE "+name+" RESET default_transaction_read_only")
	recovers(t, func(i int) error { return begin(fmt.Sprint("after ", i)) })

	defer execute(t, writing(address), "SELECT pg_reload_conf()") // the other tests share the server
	defer execute(t, writing(address), "ALTER SYSTEM RESET default_transaction_read_only")
	execute(t, address, "ALTER SYSTEM SET default_transaction_read_only = on")
	execute(t, address, "SELECT pg_reload_conf()")
	var err error
	for i := 0; err == nil && i < 10000; i++ { // until the reload has reached the session
		err = begin(fmt.Sprint("until ", i))
	}
	for i := range 20 {
		if err := begin(fmt.Sprint("during ", i)); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("open session %d: %v", i, err)
		}
	}
	execute(t, writing(address), "ALTER SYSTEM RESET default_transaction_read_only")
	execute(t, writing(address), "SELECT pg_reload_conf()")
	recovers(t, func(i int) error { return begin(fmt.Sprint("again ", i)) })
	for id := range keptPayments(t, s) {
		if strings.HasPrefix(id, "during") {
			t.Errorf("%s was refused, and is kept", id)
		}
	}
}

// recovers repeats until there is no error, and fails if that takes long.
func recovers(t *testing.T, try func(i int) error) {
	t.Helper()
	begun := time.Now()
	for i := 0; ; i++ {
		err := try(i)
		if err == nil {
			return
		}
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("not writable again: %v", err)
		}
	}
}
