package inbox

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Attempts may finish while the engine ends. Those that do not finish are broken off, and the
// next engine can make them at once.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, a := newMemory(), new(app)
		a.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "slow" {
				return hangs(ctx, r, attempt)
			}
			return thinksFor(2*time.Second)(ctx, r, attempt)
		})
		e := NewEngine(store, SystemClock)
		m := e.Join(Settings{Queues: []Queue{a.queueOf()}})
		var gateways sync.WaitGroup
		for _, id := range []string{"slow", "quick"} {
			gateways.Go(func() {
				if got, err := m.Arrive(t.Context(), event(id, id, Paid)); err != nil || got != kept {
					t.Errorf("%s: %+v, %v", id, got, err)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != grace {
			t.Errorf("took %s", took)
		}
		gateways.Wait()
		for id, want := range map[string]State{"slow": Pending, "quick": Delivered} {
			if r, _ := store.get("shop", id); r.State != want || r.Lease != "" {
				t.Errorf("%s is %s, lease %q", id, r.State, r.Lease)
			}
		}
		if err := e.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("closed a second time: %v", err)
		}
		if _, err := m.Arrive(t.Context(), event("late", "late", Paid)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}

		store.closed = false
		a.answers(takes)
		e = NewEngine(store, SystemClock)
		e.Join(Settings{Queues: []Queue{a.queueOf()}})
		time.Sleep(time.Minute)
		if r, _ := store.get("shop", "slow"); r.State != Delivered || r.Attempts != 1 { // what was broken off does not count
			t.Errorf("slow is %s after %d attempts", r.State, r.Attempts)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestReplayIsDeliveredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.arrive(t, event("a", "1", Paid), thanks)
		b.wasCalled(t, "a 1")
		if n, err := b.Engine().Replay(t.Context(), Filter{ID: "a"}); n != 1 || err != nil {
			t.Errorf("replayed %d, %v", n, err)
		}
		b.wasCalled(t, "a 1")
	})
}
