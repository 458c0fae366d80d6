package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func limit(t *testing.T, s *suite) {
	for i := range 5 {
		s.arrive(t, event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), i)
	}
	seen := map[string]bool{}
	for _, expected := range []int{2, 2, 1, 0} {
		records, err := s.Claim(t.Context(), []string{queue}, lease(50), 2)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "claimed", len(records), expected)
		for _, r := range records {
			if seen[r.ID] {
				t.Errorf("event %s was claimed twice", r.ID)
			}
			seen[r.ID] = true
		}
	}
}

func longestDue(t *testing.T, s *suite) {
	for i, due := range []int{500, 300, 400, 200} {
		e := event(fmt.Sprint(due), fmt.Sprint("GP", i), inbox.Paid)
		e.Queue = []string{queue, "other"}[i%2]
		s.settle(t, s.arrive(t, e, i), inbox.Settlement{State: inbox.Pending, Due: at(due), At: at(i)})
	}
	for _, queues := range [][]string{{queue, "other"}, {"other", queue}} {
		next, err := s.NextDue(t.Context(), queues, inbox.Lease{Now: start})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "next due", next, at(200))
	}
	for _, id := range []string{"200", "300", "400", "500"} {
		records, err := s.Claim(t.Context(), []string{queue, "other"}, lease(1000), 1)
		if err != nil || len(records) != 1 || records[0].ID != id {
			t.Fatalf("claimed %+v, %v, expected %s", records, err, id)
		}
	}
}

func leaseEnds(t *testing.T, s *suite) {
	dead := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	s.claim(t, 9)
	taken := s.claim(t, 10, "a")["a"]
	s.claim(t, 19)
	s.settleLost(t, dead, inbox.Settlement{State: inbox.Delivered, At: at(11)})
	r := s.get(t, "a")
	expect(t, "state", r.State, inbox.Pending)
	expect(t, "attempts", r.Attempts, 0)
	s.deliver(t, taken, 12)
	s.claim(t, 100)
}

// manyClaim delivers 20 transactions of three events each from several goroutines: each
// event once, each transaction in order.
func manyClaim(t *testing.T, s *suite) {
	const transactions, each, workers = 20, 3, 8
	for i := range transactions {
		for j := range each {
			s.arrive(t, event(fmt.Sprintf("%d-%d", i, j), fmt.Sprint("GP", i), "pending"), 0)
		}
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		last = map[string]uint64{}
		done = 0
	)
	take := func(r inbox.Record) {
		mu.Lock()
		defer mu.Unlock()
		if r.Seq <= last[r.Transaction] {
			t.Errorf("event %s was delivered after a later one, or twice", r.ID)
		}
		last[r.Transaction] = r.Seq
		done++
	}
	for range workers {
		wg.Go(func() {
			for {
				records, err := s.Claim(t.Context(), []string{queue}, lease(20), 3)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range records {
					take(r)
					if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: at(21)}); err != nil {
						t.Error(err)
						return
					}
				}
				mu.Lock()
				finished := done == transactions*each
				mu.Unlock()
				if finished {
					return
				}
			}
		})
	}
	wg.Wait()
	expect(t, "delivered", done, transactions*each)
}
