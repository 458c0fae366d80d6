package inbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestArriveRelaysTheAppsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(thinksFor(4 * time.Second))
		b.arrive(t, event("a", "1", Paid), thanks)
		b.wasCalled(t, "a 1")
		if r := b.hasState(t, "a", Delivered); r.Answer != thanks || r.Attempts != 1 || r.SettledAt.IsZero() {
			t.Errorf("kept %+v", r)
		}
		b.counted(t, "shop delivered")
	})
}

func TestArriveDoesNotWaitForASlowApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(thinksFor(20 * time.Second))
		begun := time.Now()
		b.arrive(t, event("a", "1", Paid), kept)
		if waited := time.Since(begun); waited != 5*time.Second {
			t.Errorf("waited %s, want AnswerWithin", waited)
		}
		b.hasState(t, "a", Pending)
		time.Sleep(20 * time.Second)
		b.wasCalled(t, "a 1")
		b.hasState(t, "a", Delivered)
	})
}

func TestTheAttemptSurvivesTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(thinksFor(2 * time.Second))
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		if got, err := b.Arrive(ctx, event("a", "1", Paid)); err != nil || got != kept {
			t.Errorf("answer %+v, %v", got, err)
		}
		time.Sleep(time.Second)
		b.hasState(t, "a", Delivered)

		// Nor does it matter if the gateway has hung up before the event is kept.
		if got, err := b.Arrive(ctx, event("b", "2", Paid)); err != nil || got != kept {
			t.Errorf("answer %+v, %v", got, err)
		}
		time.Sleep(2 * time.Second)
		b.hasState(t, "b", Delivered)
	})
}

func TestDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.arrive(t, event("a", "1", Paid), thanks)
		b.app.answers(isDown)
		b.arrive(t, event("a", "1", Paid), thanks) // the first one's answer
		// Repeated events hold no slots either.
		for range 2 * atOnce {
			b.arrive(t, event("a", "1", Paid), thanks)
		}
		b.wasCalled(t, "a 1")

		// While the first is with the app, its duplicates wait for the same answer.
		b.app.answers(thinksFor(3 * time.Second))
		var gateways sync.WaitGroup
		for range 5 {
			gateways.Go(func() { b.arrive(t, event("b", "2", Paid), thanks) })
		}
		gateways.Wait()
		b.wasCalled(t, "b 1")

		// A pending event without an attempt at work is tried at once.
		b.app.answers(isDown)
		b.arrive(t, event("c", "3", Paid), kept)
		b.app.answers(takes)
		b.arrive(t, event("c", "3", Paid), thanks)
		b.wasCalled(t, "c 1", "c 2")
	})
}

// Repeating a message while the app is down must not use up its attempts.
func TestDuplicatesLeaveTheScheduleAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		for range 10 {
			b.arrive(t, event("a", "1", Paid), kept)
		}
		if r := b.hasState(t, "a", Pending); r.Attempts != 1 || time.Until(r.Due) > 2*time.Second {
			t.Errorf("%d attempts count, the next is in %s", r.Attempts, time.Until(r.Due))
		}
		b.app.answers(takes)
		time.Sleep(2 * time.Second)
		b.hasState(t, "a", Delivered)
	})
}

// Two merchants with one salt prove each other's messages. Each gets its own, whatever
// happens to the other's.
func TestTheSameMessageForTwoQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		other := &app{answer: thinksFor(time.Second)}
		q := other.queueOf()
		q.Name = "other"
		m := b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), q}})
		b.app.answers(isDown)
		ours, theirs := event("a", "1", Paid), event("a", "1", Paid)
		theirs.Queue = "other"
		var gateway sync.WaitGroup
		gateway.Go(func() {
			if got, err := m.Arrive(t.Context(), theirs); err != nil || got != thanks {
				t.Errorf("the other queue: %+v, %v", got, err) // and not the answer of this queue's app, which comes first
			}
		})
		synctest.Wait()
		b.arrive(t, ours, kept)
		gateway.Wait()
		b.app.answers(takes)
		time.Sleep(2 * time.Second)
		b.wasCalled(t, "a 1", "a 2")
		if got := other.calls(); !slices.Equal(got, []string{"a 1"}) {
			t.Errorf("the other app got %q", got)
		}
	})
}

func TestStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		full := errors.New("disk full")
		b.store.breaks(full)
		if _, err := b.Arrive(t.Context(), event("a", "1", Paid)); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Minute)
		b.wasCalled(t)
		b.store.breaks(nil)
		b.arrive(t, event("a", "1", Paid), thanks)

		b.wasCalled(t, "a 1")
	})
}

func TestSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.settings.Seal = func(e Event) ([]byte, error) { return append([]byte("sealed "), e.Message...), nil }
		b.settings.Unseal = func(e Event) ([]byte, error) {
			plain, ok := strings.CutPrefix(string(e.Message), "sealed ")
			if !ok {
				return nil, errors.New("no key")
			}
			return []byte(plain), nil
		}
		var got string
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			got = string(r.Message)
			return takes(ctx, r, attempt)
		})
		b.arrive(t, event("a", "1", Paid), thanks)
		if r := b.hasState(t, "a", Delivered); string(r.Message) != "sealed {}" || got != "{}" {
			t.Errorf("stored %q, delivered %q", r.Message, got)
		}

		// One that cannot be opened is not delivered, and is not lost.
		b.settings.Seal = nil
		b.arrive(t, event("b", "2", Paid), kept)
		if r := b.hasState(t, "b", Pending); r.LastError != "no key" {
			t.Errorf("kept %+v", r)
		}

		b.settings.Seal = func(Event) ([]byte, error) { return nil, errors.New("no key") }
		if _, err := b.Arrive(t.Context(), event("c", "3", Paid)); err == nil {
			t.Error("kept without being sealed")
		}
	})
}
