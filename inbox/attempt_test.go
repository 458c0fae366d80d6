package inbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		begun := time.Now()
		b.arrive(t, event("a", "1", Paid), kept)
		time.Sleep(3 * time.Hour)
		b.wasCalled(t, "a 1", "a 2", "a 3", "a 4")
		for i, delay := range []time.Duration{time.Second, time.Minute, time.Hour} {
			if got := b.app.at[i+1].Sub(b.app.at[i]); got < delay || got > delay+delay/5 {
				t.Errorf("attempt %d came after %s, want %s and up to a fifth", i+2, got, delay)
			}
		}
		if b.app.at[0] != begun {
			t.Error("the first attempt was not made at once")
		}
		if r := b.hasState(t, "a", Dead); r.LastError != "it is down" || r.Attempts != 4 {
			t.Errorf("kept %+v", r)
		}
		b.counted(t, "shop retried", "shop retried", "shop retried", "shop dead")
		// If the gateway sends it again, the app gets another chance, with the whole schedule.
		b.arrive(t, event("a", "1", Paid), kept)
		time.Sleep(3 * time.Hour)
		b.wasCalled(t, "a 1", "a 2", "a 3", "a 4")
		b.hasState(t, "a", Dead)

		// A replay starts again from the first attempt, even if the engine is not woken.
		b.app.answers(takes)
		if _, err := b.store.Replay(t.Context(), Filter{ID: "a"}, time.Now()); err != nil {
			t.Error(err)
		}
		time.Sleep(pollInterval)
		b.wasCalled(t, "a 1")
		b.hasState(t, "a", Delivered)
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(hangs)
		b.arrive(t, event("a", "1", Paid), kept)
		time.Sleep(defaultTimeout)
		if r := b.hasState(t, "a", Pending); r.Attempts != 1 || !strings.Contains(r.LastError, "deadline") {
			t.Errorf("kept %+v", r)
		}
	})
}

// The log has a line for everything that an operator should know, and names the event.
func TestLog(t *testing.T) {
	unreachable := errors.New("the database cannot be reached")
	for name, test := range map[string]struct {
		happens func(t *testing.T, b *testEngine)
		level   zapcore.Level
		message string
		fields  map[string]any
	}{
		"delivered": {
			func(t *testing.T, b *testEngine) {
				t.Helper()
				b.arrive(t, event("a", "1", Paid), thanks)
			},
			zap.InfoLevel, "delivered",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "ipn_status": "200"},
		},
		"failed": {
			func(t *testing.T, b *testEngine) {
				t.Helper()
				b.app.answers(isDown)
				b.arrive(t, event("a", "1", Paid), kept)
			},
			zap.WarnLevel, "not delivered; another attempt follows",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "reason": "it is down"},
		},
		"a dead letter": {
			func(t *testing.T, b *testEngine) {
				t.Helper()
				b.rejoin(func(q *Queue) { q.Retry = nil })
				b.app.answers(isDown)
				b.arrive(t, event("a", "1", Paid), kept)
			},
			zap.ErrorLevel, "the last attempt failed: the event is a dead letter until it is replayed",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "reason": "it is down"},
		},
		"overtaken": {
			func(t *testing.T, b *testEngine) {
				t.Helper()
				b.arrive(t, event("a", "1", Paid), thanks)
				b.log.TakeAll()
				b.arrive(t, event("b", "1", "expired"), overtaken)
			},
			zap.WarnLevel, "a new message about a paid transaction does not say paid; it is kept and not delivered",
			map[string]any{"merchant": "shop", "delivery_id": "b", "request_id": "r", "payment_status": "expired"},
		},
		"an outcome that is not kept": {
			func(t *testing.T, b *testEngine) {
				t.Helper()
				b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
					b.store.breaks(ErrLeaseLost)
					return takes(ctx, r, attempt)
				})
				b.arrive(t, event("a", "1", Paid), thanks)
			},
			zap.ErrorLevel, "the result of an attempt could not be stored; the event is delivered again when its lease is over",
			map[string]any{"merchant": "shop", "delivery_id": "a", "attempt": int64(1), "error": ErrLeaseLost.Error()},
		},
		"a store that fails": {
			func(_ *testing.T, b *testEngine) {
				b.store.breaks(unreachable)
				b.Engine().wake()
			},
			zap.ErrorLevel, "the inbox cannot be read; trying again", map[string]any{"merchant": "shop", "error": unreachable.Error()},
		},
		"events forgotten": {
			func(_ *testing.T, b *testEngine) {
				b.store.forgets(7, nil)
				time.Sleep(steadyTime + pruneInterval)
			},
			zap.InfoLevel, "old messages of the inbox were dropped", map[string]any{"merchant": "shop", "events": int64(7)},
		},
		"events not forgotten": {
			func(_ *testing.T, b *testEngine) {
				b.store.forgets(0, unreachable)
				time.Sleep(steadyTime + pruneInterval)
			},
			zap.ErrorLevel, "the inbox cannot be pruned", map[string]any{"merchant": "shop", "error": unreachable.Error()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTestEngine(t)
				synctest.Wait()
				if n := b.log.Len(); n != 0 {
					t.Fatalf("%d lines about nothing: %v", n, b.log.All())
				}
				test.happens(t, b)
				synctest.Wait()
				b.logged(t, test.level, test.message, test.fields)
			})
		})
	}
}

func TestNothingOfAMessageIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		e := event("a", "1", Paid)
		e.Message = []byte(`{"card":"canary"}`)
		b.app.answers(isDown)
		b.arrive(t, e, kept)
		time.Sleep(3 * time.Hour)
		if b.log.Len() == 0 {
			t.Error("nothing was logged")
		}
		for _, entry := range b.log.All() {
			if strings.Contains(fmt.Sprint(entry.Message, entry.ContextMap()), "canary") {
				t.Errorf("logged %s %v", entry.Message, entry.ContextMap())
			}
		}
	})
}
