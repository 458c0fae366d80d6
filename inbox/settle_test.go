package inbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// How an attempt ended is stored as soon as the store works again. If that is after the end of
// the lease, the attempt is made again. The gateway waits for neither.
func TestStoreFailsToSettle(t *testing.T) {
	tests := map[string]struct {
		down  time.Duration
		calls []string
	}{
		"for a moment": {5 * time.Second, []string{"a 1"}},
		"for long":     {settleTime, []string{"a 1", "a 1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTestEngine(t)
				b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
					b.store.breaks(errors.New("the database cannot be reached"))
					return takes(ctx, r, attempt)
				})
				begun := time.Now()
				b.arrive(t, event("a", "1", Paid), thanks)
				if waited := time.Since(begun); waited != 0 {
					t.Errorf("the gateway waited %s", waited)
				}
				b.app.answers(takes)
				time.Sleep(test.down)
				b.store.breaks(nil)
				time.Sleep(2 * (defaultTimeout + leaseMargin))
				b.wasCalled(t, test.calls...)
				b.hasState(t, "a", Delivered)
			})
		})
	}
}

// An event whose lease was lost is counted by the sidecar that has it now. Where the store has failed before, it may be recorded, so
// it is counted: better twice than not at all.
func TestAttemptThatLostItsLeaseIsNotCounted(t *testing.T) {
	for name, test := range map[string]struct {
		fails []error
		want  []string
	}{
		"lost":               {[]error{ErrLeaseLost}, nil},
		"a failure":          {[]error{errors.New("the connection ended"), nil}, []string{"shop dead"}},
		"lost after failure": {[]error{errors.New("the connection ended"), ErrLeaseLost}, []string{"shop dead"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTestEngine(t)
				b.rejoin(func(q *Queue) { q.Retry = nil })
				b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
					b.store.breaks(test.fails[0])
					return isDown(ctx, r, attempt)
				})
				b.arrive(t, event("a", "1", Paid), kept)
				if len(test.fails) > 1 {
					b.store.breaks(test.fails[1])
					time.Sleep(2 * settlePause)
				}
				b.counted(t, test.want...)
				b.store.breaks(nil)
			})
		})
	}
}
