package inbox

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What an earlier process left is delivered as soon as a member joins.
func TestJoiningDeliversAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.Leave()
		synctest.Wait()
		now := time.Now()
		if _, _, err := b.store.Arrive(t.Context(), event("a", "1", Paid), Lease{Now: now, Until: now}); err != nil {
			t.Fatal(err)
		}
		b.Engine().Join(b.settings)
		b.wasCalled(t, "a 1")
	})
}

// The newest configuration that has not left decides where pending events go.
func TestMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		b.arrive(t, event("a", "1", Paid), kept)
		next := &app{answer: isDown}
		m := b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}})
		time.Sleep(2 * time.Second)
		m.Leave() // its configuration did not start after all
		b.app.answers(takes)
		time.Sleep(2 * time.Minute)
		b.wasCalled(t, "a 1", "a 3")
		if got := next.calls(); !slices.Equal(got, []string{"a 2"}) {
			t.Errorf("the next configuration delivered %q", got)
		}
		b.Leave()
		b.app.answers(isDown)
		b.arrive(t, event("b", "2", Paid), kept) // a request that is late
		time.Sleep(time.Hour)
		b.wasCalled(t, "b 1")
	})
}

// An attempt that ends after its configuration has left is counted in the new one's metrics.
func TestAttemptOutlivesItsConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(thinksFor(2 * time.Second))
		var gateway sync.WaitGroup
		gateway.Go(func() { b.arrive(t, event("a", "1", Paid), thanks) })
		synctest.Wait()
		next := &app{answer: takes}
		b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}, Count: next.count})
		b.Leave()
		gateway.Wait()
		b.wasCalled(t, "a 1")
		b.counted(t)
		if want := []string{"shop delivered"}; !slices.Equal(next.counted, want) {
			t.Errorf("the new configuration counted %q, want %q", next.counted, want)
		}
	})
}
