//go:build linux

package crashtest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// schedule is the one of the documents.
var schedule = []time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// An app answers 500, or does not answer, for an hour. All callbacks are acknowledged in that
// hour, and none is lost or delivered twice afterwards. The clock is the test's own.
func TestAppFails(t *testing.T) {
	for name, fail := range map[string]func(context.Context) inbox.Result{
		"500": func(context.Context) inbox.Result { return inbox.Result{Reason: "the app answered 500"} },
		"hanging": func(ctx context.Context) inbox.Result {
			<-ctx.Done()
			return inbox.Result{Reason: "the app did not answer"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { deliverAfter(t, fail) })
		})
	}
}

func deliverAfter(t *testing.T, fail func(context.Context) inbox.Result) {
	t.Helper()
	store, err := openUndamaged(t.Context(), "sqlite", filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	over := time.Now().Add(time.Hour)
	var mu sync.Mutex
	taken := map[callback]int{}
	engine := inbox.NewEngine(store, inbox.SystemClock)
	member := engine.Join(inbox.Settings{Queues: []inbox.Queue{{
		Name: queue,
		Deliver: func(ctx context.Context, r inbox.Record, _ int) inbox.Result {
			c, err := callbackOf(r)
			if err != nil {
				t.Error(err)
			}
			if time.Now().Before(over) {
				return fail(ctx)
			}
			mu.Lock()
			defer mu.Unlock()
			taken[c]++
			return inbox.Result{Delivered: true, Answer: inbox.Answer{Status: "200"}}
		},
		AnswerWithin: 5 * time.Second,
		Retry:        schedule,
	}}})
	const transactions = 30
	for i := range transactions {
		for _, c := range transaction(fmt.Sprintf("t-%d", i)) {
			if answer, err := member.Arrive(t.Context(), c.event()); err != nil || answer.Status != "200" {
				t.Fatalf("%v is answered %v, %v", c, answer, err)
			}
		}
	}
	time.Sleep(24 * time.Hour)
	// The paid ones overtake all others that wait; and a second one says what the first did.
	if want := transactions * paidOfEach; len(taken) != want {
		t.Errorf("the app took %d callbacks, not %d", len(taken), want)
	}
	for c, n := range taken {
		if n != 1 {
			t.Errorf("the app took %v %d times", c, n)
		}
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}
