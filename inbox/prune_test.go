package inbox

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		time.Sleep(steadyTime - 30*time.Minute)
		if n := len(b.store.pruned); n != 0 {
			t.Errorf("pruned %d times before the clock was steady for a day", n)
		}
		for range 270 { // the loop runs all the time
			b.Engine().wake()
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := len(b.store.pruned); n != 5 {
			t.Errorf("pruned %d times in four hours, want each hour", n)
		}
		for _, p := range b.store.pruned {
			if age := p.at.Sub(p.before); p.queue != "shop" || age != 24*time.Hour {
				t.Errorf("pruned what is older than %s of %s, want Keep", age, p.queue)
			}
		}
	})
}

func TestWithoutKeepNothingIsPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		synctest.Wait()
		b.store.pruned = nil
		b.rejoin(func(q *Queue) { q.Keep = 0 })
		time.Sleep(steadyTime + 5*time.Hour)
		synctest.Wait()
		if len(b.store.pruned) != 0 {
			t.Errorf("pruned %v", b.store.pruned)
		}
	})
}

// Deliveries do not wait while old events are deleted.
func TestPruneIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.store.isSteadySince(time.Now().Add(-2 * steadyTime))
		time.Sleep(pruneInterval - 500*time.Millisecond)
		b.store.delays("Prune", 20*time.Second)
		b.app.answers(isDown)
		b.arrive(t, event("a", "1", Paid), kept)
		b.app.answers(takes)
		time.Sleep(600 * time.Millisecond)
		b.arrive(t, event("b", "2", Paid), thanks) // the loop runs, and it is time to prune
		time.Sleep(10 * time.Second)
		b.hasState(t, "a", Delivered)
	})
}

// An app must not get a paid event with nothing in it.
func TestReplayAfterItsMessageWasDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.arrive(t, event("a", "1", Paid), thanks)
		b.wasCalled(t, "a 1")
		b.store.records[0].Message = nil // as Prune leaves it
		if _, err := b.Engine().Replay(t.Context(), Filter{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.wasCalled(t)
		if r := b.hasState(t, "a", Pending); !strings.Contains(r.LastError, "dropped after keep") {
			t.Errorf("kept %+v", r)
		}
	})
}
