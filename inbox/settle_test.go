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
