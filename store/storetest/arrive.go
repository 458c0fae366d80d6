package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func keptWhole(t *testing.T, s *suite) {
	e := event("a", "GP1", "cancelled")
	e.RequestID, e.OrderID, e.Block = "R1", "DH-1", "site"
	e.Request = inbox.Request{Scheme: "https", Host: "shop.example", URI: "/ipn?a=%20b", RemoteAddr: "192.0.2.1:4711", Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	e.Message = []byte("\x00\xffnot text: \u1ec7") // opaque bytes, sealed perhaps
	s.arrive(t, e, 1)
	r := s.get(t, "a")
	if r.ID != e.ID || r.Queue != e.Queue || r.Transaction != e.Transaction || r.RequestID != e.RequestID ||
		r.OrderID != e.OrderID || r.Request != e.Request || r.Block != e.Block || r.PaymentStatus != e.PaymentStatus || !r.ReceivedAt.Equal(e.ReceivedAt) || !bytes.Equal(r.Message, e.Message) {
		t.Errorf("kept %+v of %+v", r, e)
	}
	later := s.arrive(t, event("b", "GP1", "cancelled"), 1)
	if r.Seq == 0 || later.Seq <= r.Seq {
		t.Errorf("numbers %d and %d do not grow", r.Seq, later.Seq)
	}
}

func longestNames(t *testing.T, s *suite) {
	name := func() string { // random: a store that compresses its keys must not be spared
		text := ""
		for len(text) < inbox.MaxName {
			text += rand.Text()
		}
		return text[:inbox.MaxName]
	}
	e := inbox.Event{
		ID: name(), Queue: name(), Transaction: name(), OrderID: name(), RequestID: name(), PaymentStatus: name(),
		ReceivedAt: start, Message: []byte("{}"),
	}
	r := s.arrive(t, e, 1)
	s.deliver(t, r, 2)
	s.again(t, e, 3)
	if got := s.list(t, inbox.Filter{ID: e.ID, Queue: e.Queue, Transaction: e.Transaction, OrderID: e.OrderID, RequestID: e.RequestID, PaymentStatus: e.PaymentStatus}); len(got) != 1 ||
		got[0].RequestID != e.RequestID || got[0].State != inbox.Delivered {
		t.Errorf("%d events are kept", len(got))
	}
}

func newIsClaimed(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", "pending"), 1)
	expect(t, "state", r.State, inbox.Pending)
	expect(t, "attempts", r.Attempts, 0)
	same(t, "due", r.Due, at(1))
	claimed(t, r, true)
	second := s.arrive(t, event("b", "GP1", inbox.Paid), 2)
	expect(t, "state", second.State, inbox.Pending)
	claimed(t, second, false)
	s.claim(t, 3)
	s.deliver(t, r, 3)
	s.isDelivered(t, "a")
}

func repeated(t *testing.T, s *suite) {
	first := s.arrive(t, event("a", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Delivered, At: at(2), Answer: inbox.Answer{Status: "200", Description: "taken"}})
	e := event("a", "GP2", "failed") // queue and ID alone count
	e.Message = []byte("other")
	r := s.again(t, e, 3)
	claimed(t, r, false)
	expect(t, "seq", r.Seq, first.Seq)
	expect(t, "transaction", r.Transaction, "GP1")
	expect(t, "message", string(r.Message), string(first.Message))
	expect(t, "state", r.State, inbox.Delivered)
	expect(t, "answer", r.Answer, inbox.Answer{Status: "200", Description: "taken"})
	expect(t, "records", len(s.ids(t, inbox.Filter{})), 1)
	s.claim(t, 100)
}

func repeatedIsClaimed(t *testing.T, s *suite) {
	first := s.arrive(t, event("a", "GP1", inbox.Paid), 1)
	claimed(t, s.again(t, event("a", "GP1", inbox.Paid), 2), false)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(3)})
	r := s.again(t, event("a", "GP1", inbox.Paid), 4)
	claimed(t, r, true) // though it is not due
	claimed(t, s.again(t, event("a", "GP1", inbox.Paid), 5), false)
	after := s.again(t, event("a", "GP1", inbox.Paid), 14) // the lease has ended
	claimed(t, after, true)
	s.settleLost(t, r, inbox.Settlement{State: inbox.Delivered, At: at(15)})
	s.deliver(t, after, 15)
}

func repeatedWaits(t *testing.T, s *suite) {
	first := s.arrive(t, event("a", "GP1", inbox.Paid), 1)
	s.arrive(t, event("b", "GP1", inbox.Paid), 1)
	s.settle(t, first, inbox.Settlement{State: inbox.Pending, Due: at(1000), At: at(2)})
	claimed(t, s.again(t, event("b", "GP1", inbox.Paid), 3), false)
	s.deliver(t, s.again(t, event("a", "GP1", inbox.Paid), 4), 5)
	claimed(t, s.again(t, event("b", "GP1", inbox.Paid), 6), true)
}

func repeatedDead(t *testing.T, s *suite) {
	r := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	s.settle(t, r, inbox.Settlement{State: inbox.Dead, At: at(1), LastError: "answered 500", Answer: inbox.Answer{Status: inbox.NotFound}})
	behind := s.arrive(t, event("b", "GP1", inbox.Paid), 2)
	claimed(t, behind, true)
	r = s.again(t, event("a", "GP1", inbox.Paid), 3)
	expect(t, "state", r.State, inbox.Pending)
	expect(t, "attempts", r.Attempts, 0)
	same(t, "due", r.Due, at(3))
	same(t, "settled", r.SettledAt, time.Time{})
	claimed(t, r, false) // while "b" is with the app
	s.deliver(t, behind, 4)
	s.deliver(t, s.again(t, event("a", "GP1", inbox.Paid), 5), 6)

	// A dead letter that a paid event has overtaken stays one.
	s.settle(t, s.arrive(t, event("c", "GP2", "failed"), 7), inbox.Settlement{State: inbox.Dead, At: at(8)})
	s.deliver(t, s.arrive(t, event("d", "GP2", inbox.Paid), 9), 10)
	r = s.again(t, event("c", "GP2", "failed"), 11)
	expect(t, "state", r.State, inbox.Dead)
	claimed(t, r, false)
}

// sameID has the same message signed for two merchants that have the same salt.
func sameID(t *testing.T, s *suite) {
	other := event("a", "GP1", inbox.Paid)
	other.Queue = "other"
	theirs := s.arrive(t, other, 0)
	ours := s.arrive(t, event("a", "GP1", inbox.Paid), 0)
	claimed(t, ours, true)
	s.deliver(t, ours, 1)
	s.isDelivered(t, "a")
	both := s.list(t, inbox.Filter{ID: "a"})
	if len(both) != 2 || both[0].Queue != "other" || both[0].State != inbox.Pending || both[1].Queue != queue {
		t.Fatalf("both: %+v", both)
	}
	expect(t, "the first of both", len(s.list(t, inbox.Filter{ID: "a", Limit: 1})), 1)
	s.deliver(t, theirs, 2)
	expect(t, "state", s.again(t, event("a", "GP1", inbox.Paid), 3).State, inbox.Delivered)
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "a"}, at(4)); err != nil || n != 2 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if n, err := s.Replay(t.Context(), inbox.Filter{ID: "unknown"}, at(4)); err != nil || n != 0 {
		t.Errorf("replayed %d of none, %v", n, err)
	}

	// Claimed together, they are settled one by one.
	both, err := s.Claim(t.Context(), []string{queue, "other"}, lease(20), 10)
	if err != nil || len(both) != 2 {
		t.Fatalf("claimed %+v, %v", both, err)
	}
	for _, r := range both {
		s.deliver(t, r, 21)
	}
	if n, err := s.Prune(t.Context(), "other", at(30)); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	expect(t, "message", string(s.get(t, "a").Message), `{"id":"a"}`) // of the queue itself
}

func ended(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Arrive(ctx, event("a", "GP1", inbox.Paid), lease(0)); err == nil {
		t.Error("kept though the context had ended")
	}
	expect(t, "records", len(s.ids(t, inbox.Filter{ID: "a"})), 0)
}

// manyArrive has 64 goroutines in which events arrive, each event in four of them.
func manyArrive(t *testing.T, s *suite) {
	const writers, distinct = 64, 16
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		arrived = map[string]int{}
		leases  = map[string]int{}
	)
	for i := range writers {
		wg.Go(func() {
			for j := range 4 {
				id := fmt.Sprintf("%d of %d", j, i%distinct)
				r, isNew, err := s.Arrive(t.Context(), event(id, id, inbox.Paid), lease(0))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if isNew {
					arrived[id]++
				}
				if r.Lease != "" {
					leases[id]++
				}
				if r.ID != id {
					t.Errorf("got event %s for %s", r.ID, id)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	expect(t, "events", len(arrived), distinct*4)
	for id, n := range arrived {
		if n != 1 || leases[id] != 1 {
			t.Errorf("event %s was new %d times and claimed %d times", id, n, leases[id])
		}
	}
	expect(t, "records", len(s.ids(t, inbox.Filter{})), distinct*4)
}
