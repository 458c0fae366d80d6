//go:build unix

package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

func TestSeveralSidecarsStartAtOnce(t *testing.T) {
	address := newSchema(t)
	stores := make([]*postgres.Store, 4)
	var starting sync.WaitGroup
	for i := range stores {
		starting.Go(func() {
			s, err := postgres.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = s
		})
	}
	starting.Wait()
	for i, s := range stores {
		if s == nil {
			continue
		}
		if _, isNew, err := s.Arrive(t.Context(), event(fmt.Sprint(i), "", "paid"), leaseAt(0)); err != nil || !isNew {
			t.Errorf("Arrive: new %t, %v", isNew, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Every event arrives at all sidecars at once, while all of them claim and settle.
func TestEventsArriveAndAreClaimedAtOnce(t *testing.T) {
	const transactions, perTransaction = 20, 5
	for _, sidecars := range []int{2, 4} {
		t.Run(fmt.Sprint(sidecars), func(t *testing.T) {
			address := newSchema(t)
			log := newDeliveries()
			var working sync.WaitGroup
			for range sidecars {
				s := open(t, address)
				working.Go(func() { arriveAll(t, s, log, transactions, perTransaction) })
				working.Go(func() { deliverAll(t, s, log, transactions*perTransaction) })
			}
			working.Wait()
			log.check(t, transactions, perTransaction)
		})
	}
}

// arriveAll lets all events arrive, and delivers those that it gets claimed.
func arriveAll(t *testing.T, s *postgres.Store, log *deliveries, transactions, perTransaction int) {
	t.Helper()
	for n := range perTransaction {
		for i := range transactions {
			e := event(fmt.Sprintf("%d-%d", i, n), fmt.Sprintf("T-%d", i), "pending")
			r, isNew, err := s.Arrive(t.Context(), e, leaseAt(0))
			if err != nil {
				t.Error(err)
				return
			}
			if isNew {
				log.add(1)
			}
			if r.Lease != "" {
				log.deliver(t, s, r)
			}
		}
	}
}

// deliverAll claims and delivers until everything is delivered.
func deliverAll(t *testing.T, s *postgres.Store, log *deliveries, all int) {
	t.Helper()
	for log.count() < all && t.Context().Err() == nil && !t.Failed() {
		records, err := s.Claim(t.Context(), []string{"default"}, leaseAt(0), 7)
		if err != nil {
			t.Error(err)
			return
		}
		for _, r := range records {
			log.deliver(t, s, r)
		}
	}
}

// deliveries is what an app got.
type deliveries struct {
	mu    sync.Mutex
	added int
	under map[string]string   // the delivery that is under way, by transaction
	got   map[string][]uint64 // by transaction
	seen  map[string]bool     // by ID
}

func newDeliveries() *deliveries {
	return &deliveries{under: make(map[string]string), got: make(map[string][]uint64), seen: make(map[string]bool)}
}

func (d *deliveries) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.added += n
}

func (d *deliveries) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.seen)
}

func (d *deliveries) deliver(t *testing.T, s *postgres.Store, r inbox.Record) {
	t.Helper()
	d.mu.Lock()
	if other, busy := d.under[r.Transaction]; busy {
		t.Errorf("%s is delivered while %s of its transaction is", r.ID, other)
	}
	if d.seen[r.ID] {
		t.Errorf("%s is delivered twice", r.ID)
	}
	d.under[r.Transaction], d.seen[r.ID] = r.ID, true
	d.got[r.Transaction] = append(d.got[r.Transaction], r.Seq)
	d.mu.Unlock()

	d.mu.Lock()
	delete(d.under, r.Transaction)
	d.mu.Unlock()
	settle(t, s, r, inbox.Delivered, noon)
}

func (d *deliveries) check(t *testing.T, transactions, perTransaction int) {
	t.Helper()
	if d.added != transactions*perTransaction {
		t.Errorf("%d events were new, want %d", d.added, transactions*perTransaction)
	}
	if len(d.seen) != transactions*perTransaction {
		t.Errorf("%d events were delivered, want %d", len(d.seen), transactions*perTransaction)
	}
	for transaction, got := range d.got {
		for i := 1; i < len(got); i++ {
			if got[i-1] >= got[i] {
				t.Errorf("%s: not delivered in the order of arrival: %v", transaction, got)
			}
		}
	}
}

// Whatever the order of arrival at two sidecars, an event after a paid one that is not paid
// itself is overtaken.
func TestPaidWinsAmongSidecars(t *testing.T) {
	address := newSchema(t)
	a, b := open(t, address), open(t, address)
	for i := range 50 {
		transaction := fmt.Sprint("T-", i)
		var paid, failed inbox.Record
		var arriving sync.WaitGroup
		arriving.Go(func() { paid = arrive(t, a, event("paid"+transaction, transaction, "paid"), leaseAt(0)) })
		arriving.Go(func() { failed = arrive(t, b, event("failed"+transaction, transaction, "failed"), leaseAt(0)) })
		arriving.Wait()
		want := inbox.Pending
		if failed.Seq > paid.Seq {
			want = inbox.Overtaken
		}
		if failed.State != want || (failed.Lease != "" && paid.Lease != "") {
			t.Fatalf("paid %d (lease %q), failed %d (lease %q): %s, want %s",
				paid.Seq, paid.Lease, failed.Seq, failed.Lease, failed.State, want)
		}
	}
}

func TestLeaseOfADeadSidecarIsTakenOver(t *testing.T) {
	address := newSchema(t)
	dying, other := open(t, address), open(t, address)
	first := arrive(t, dying, event("1", "T", "pending"), leaseAt(0))
	arrive(t, dying, event("2", "T", "paid"), leaseAt(0))

	if _, ids := claim(t, other, leaseAt(59*time.Second), 10); ids != "" {
		t.Fatalf("claimed %s before the lease was over", ids)
	}
	if due, err := other.NextDue(t.Context(), []string{"default"}, leaseAt(59*time.Second)); err != nil || !due.Equal(noon.Add(time.Minute)) {
		t.Fatalf("NextDue: %v, %v", due, err)
	}
	records, ids := claim(t, other, leaseAt(time.Minute), 10)
	if ids != "1" {
		t.Fatalf("claimed %q after the lease, want 1", ids)
	}
	_, err := dying.Settle(t.Context(), first, inbox.Settlement{State: inbox.Dead, At: noon})
	if !errors.Is(err, inbox.ErrLeaseLost) {
		t.Fatalf("the lost lease settled: %v", err)
	}
	settle(t, other, records[0], inbox.Delivered, noon.Add(time.Minute))
	if _, ids := claim(t, other, leaseAt(time.Minute), 10); ids != "2" {
		t.Fatalf("claimed %q behind the first, want 2", ids)
	}
}

func TestOneSidecarWakesAnother(t *testing.T) {
	address := newSchema(t)
	a, b := open(t, address), open(t, address)
	<-b.Wake() // it listens
	r := arrive(t, a, event("1", "T", "pending"), leaseAt(0))
	arrive(t, a, event("2", "T", "pending"), leaseAt(0))
	settle(t, a, r, inbox.Delivered, noon)
	select {
	case <-b.Wake():
	case <-t.Context().Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the other sidecar was not woken")
	}
	if _, ids := claim(t, b, leaseAt(0), 10); ids != "2" {
		t.Fatalf("claimed %q, want 2", ids)
	}
}

func TestServerRestarts(t *testing.T) {
	address := newSchema(t)
	s := open(t, address)
	var acknowledged []string
	failures := 0
	arriveOne := func(i int) bool {
		e := event(fmt.Sprint(i), fmt.Sprint("T-", i), "paid")
		if _, _, err := s.Arrive(t.Context(), e, leaseAt(0)); err != nil {
			failures++
			return false
		}
		acknowledged = append(acknowledged, e.ID)
		return true
	}
	for i := range 20 {
		arriveOne(i)
	}
	r := arrive(t, s, event("open", "T", "pending"), leaseAt(0))
	if err := needServer(t).Stop(); err != nil {
		t.Fatal(err)
	}
	if arriveOne(20) {
		t.Error("an event was acknowledged without a server")
	}
	if err := needServer(t).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The pool may still hand out a connection that broke; the gateway gets 503 then.
	for i := 21; !arriveOne(i) && t.Context().Err() == nil; i++ {
		if failures > 100 {
			t.Fatal("the inbox does not recover")
		}
	}
	settle(t, s, r, inbox.Delivered, noon)
	kept := make(map[string]bool)
	for r, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		kept[r.ID] = true
	}
	for _, id := range acknowledged {
		if !kept[id] {
			t.Errorf("event %s was acknowledged, and is not kept", id)
		}
	}
	// Whether it listens again by now or later: it gets the notice of another sidecar, or looks
	// for what it has missed.
	drain(s.Wake())
	other := open(t, address)
	head := arrive(t, other, event("head", "U", "pending"), leaseAt(0))
	arrive(t, other, event("behind", "U", "pending"), leaseAt(0))
	settle(t, other, head, inbox.Delivered, noon)
	select {
	case <-s.Wake():
	case <-time.After(20 * time.Second):
		t.Error("the inbox does not listen any more")
	}
}

func drain(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}
