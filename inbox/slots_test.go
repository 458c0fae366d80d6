package inbox

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Transactions that hang again with every retry hold up no other one, however many they are.
func TestTransactionsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "new" {
				return takes(ctx, r, attempt)
			}
			return hangs(ctx, r, attempt)
		})
		var gateways sync.WaitGroup
		for i := range 3 * atOnce {
			gateways.Go(func() { b.arrive(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept) })
		}
		gateways.Wait()
		time.Sleep(defaultTimeout)
		synctest.Wait()
		b.arrive(t, event("new", "new", Paid), thanks)
	})
}

// An app that hangs holds a bounded number of attempts, and no slots of other queues.
func TestAnAppThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		other := &app{answer: takes}
		quick := other.queueOf()
		quick.Name = "quick"
		b.Member = b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), quick}})
		b.app.answers(hangs)
		const events = 3 * atOnce
		var gateways sync.WaitGroup
		for i := range events {
			gateways.Go(func() { b.arrive(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept) })
		}
		gateways.Wait()
		synctest.Wait()
		if n := len(b.app.calls()); n != 2*atOnce { // arrivals, and what the loop claimed
			t.Errorf("%d attempts at once, want %d", n, 2*atOnce)
		}
		e := event("q", "1", Paid)
		e.Queue = "quick"
		b.arrive(t, e, thanks)

		// Events that had no slot were not claimed, so they need not wait for a lease to end.
		b.app.answers(takes)
		time.Sleep(defaultTimeout + 2*time.Second)
		for i := range events {
			b.hasState(t, fmt.Sprint(i), Delivered)
		}
	})
}
