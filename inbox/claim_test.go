package inbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneTransactionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.Transaction == "1" && attempt == 1 {
				return thinksFor(2*time.Second)(ctx, r, attempt)
			}
			return takes(ctx, r, attempt)
		})
		var gateways sync.WaitGroup
		gateways.Go(func() { b.arrive(t, event("a", "1", "expired"), thanks) })
		synctest.Wait()
		gateways.Go(func() { b.arrive(t, event("b", "1", Paid), thanks) })
		synctest.Wait()
		b.arrive(t, event("c", "2", Paid), thanks) // waits for neither
		b.wasCalled(t, "a 1", "c 1")
		gateways.Wait()
		b.wasCalled(t, "b 1")
	})
}

func TestPaidWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.arrive(t, event("a", "1", Paid), thanks)
		b.arrive(t, event("b", "1", "cancelled"), overtaken)
		b.arrive(t, event("b", "1", "cancelled"), overtaken)
		b.wasCalled(t, "a 1")
		b.hasState(t, "b", Overtaken)
		b.counted(t, "shop delivered", "shop overtaken", "shop duplicate")

		b.arrive(t, event("c", "2", "expired"), thanks)
		b.arrive(t, event("d", "2", Paid), thanks)
		b.wasCalled(t, "c 1", "d 1")
	})
}

// A dead letter does not hold up the events behind it.
func TestTheDeadDoNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "a" {
				return isDown(ctx, r, attempt)
			}
			return takes(ctx, r, attempt)
		})
		b.arrive(t, event("a", "1", "expired"), kept)
		b.arrive(t, event("b", "1", "failed"), kept)
		time.Sleep(3 * time.Hour)
		b.hasState(t, "a", Dead)
		b.hasState(t, "b", Delivered)
	})
}

// However much is due, the loop delivers for all queues, by the newest configuration, and
// begins nothing when the engine ends.
func TestMuchIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		other := &app{answer: isDown}
		quiet := other.queueOf()
		quiet.Name = "quiet"
		m := b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), quiet}})
		b.app.answers(isDown)
		const backlog = 12 * atOnce
		for i := range backlog {
			b.arrive(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept)
		}
		e := event("q", "q", Paid)
		e.Queue = "quiet"
		if _, err := m.Arrive(t.Context(), e); err != nil {
			t.Error(err)
		}
		b.app.calls()
		other.calls()
		b.app.answers(takes)
		other.answers(takes)

		b.store.delays("Claim", time.Second) // time enough for the app to take what was claimed before
		time.Sleep(5 * time.Second)
		if got := other.calls(); !slices.Equal(got, []string{"q 2"}) {
			t.Errorf("of the other queue, %q was delivered", got)
		}
		if n := len(b.app.calls()); n == 0 || n == backlog {
			t.Fatalf("%d of %d were delivered", n, backlog)
		}
		next := &app{answer: takes}
		b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}})
		time.Sleep(2 * time.Second)
		b.app.calls()
		time.Sleep(2 * time.Second)
		if n := len(b.app.calls()); n != 0 {
			t.Errorf("%d were delivered by the old configuration", n)
		}
		if n := len(next.calls()); n == 0 || n >= backlog/2 {
			t.Fatalf("%d of %d were delivered by the new configuration", n, backlog)
		}
		closing := make(chan error)
		go func() { closing <- b.Engine().Close() }()
		time.Sleep(2 * time.Second)
		next.calls()
		time.Sleep(grace)
		if n := len(next.calls()); n != 0 {
			t.Errorf("%d were delivered after the end", n)
		}
		if err := <-closing; err != nil {
			t.Error(err)
		}
	})
}

// While nothing is due, a thousand queues cost as much as one: a read each time.
func TestManyQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		queues := make([]Queue, 1000)
		for i := range queues {
			queues[i] = b.app.queueOf()
			queues[i].Name = fmt.Sprint("shop", i)
		}
		b.Member = b.Engine().Join(Settings{Queues: queues})
		synctest.Wait()
		b.store.calls("NextDue")
		time.Sleep(10*pollInterval + time.Millisecond)
		synctest.Wait()
		if n := b.store.calls("NextDue"); n != 10 {
			t.Errorf("the store was read %d times in ten intervals", n)
		}

		b.app.answers(isDown)
		e := event("a", "1", Paid)
		e.Queue = "shop700"
		b.arrive(t, e, kept)
		b.app.answers(takes)
		synctest.Wait()
		b.store.calls("NextDue")
		time.Sleep(2 * time.Second) // the first delay is one second and up to a fifth
		b.wasCalled(t, "a 1", "a 2")
		if n := b.store.calls("NextDue"); n > 30 {
			t.Errorf("the store was read %d times to find one event", n)
		}
		if n := b.store.calls("Claim"); n != 1 {
			t.Errorf("claimed %d times", n)
		}
	})
}
