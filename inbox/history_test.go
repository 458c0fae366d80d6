package inbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The history of an event has each attempt, with its time, and outlives a replay.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		begun := time.Now()
		b.arrive(t, event("a", "1", Paid), kept)
		time.Sleep(3 * time.Hour)
		b.app.answers(takes)
		if _, err := b.store.Replay(t.Context(), Filter{ID: "a"}, time.Now()); err != nil {
			t.Error(err)
		}
		time.Sleep(pollInterval)
		r := b.hasState(t, "a", Delivered)
		tries := r.Tries()
		if len(tries) != 5 {
			t.Fatalf("%d tries: %q", len(tries), r.History)
		}
		for i, try := range tries[:4] {
			if want := fmt.Sprintf("attempt %d: it is down", i+1); try.What != want || !slices.IsSortedFunc(tries, func(a, b Try) int { return a.At.Compare(b.At) }) {
				t.Errorf("%+v, want %s", try, want)
			}
		}
		if !strings.HasPrefix(tries[4].What, "attempt 1: delivered, the app said 200") || tries[0].At.Sub(begun).Abs() > time.Second {
			t.Errorf("%+v", tries)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	var r Record
	for i := range 3 * maxHistory {
		r.History = r.withTry(Result{Reason: fmt.Sprint(i, strings.Repeat("ệ", maxLine), "\xff")}, Settlement{At: time.Unix(int64(i), 0)})
	}
	if tries := r.Tries(); len(tries) != maxHistory || !strings.HasPrefix(tries[maxHistory-1].What, fmt.Sprintf("attempt 1: %d", 3*maxHistory-1)) || len(r.History[0]) > maxLine {
		t.Errorf("%d tries, the last is %q", len(tries), r.History[len(r.History)-1])
	}
	for name, test := range map[string]struct {
		result Result
		how    Settlement
		want   string
	}{
		"put off":   {Result{Uncounted: true, Reason: "later"}, Settlement{State: Pending, Uncounted: true}, "put off: later"},
		"repeated":  {Result{Delivered: true}, Settlement{State: Repeated}, "not sent: the app has taken the same news before"},
		"overtaken": {Result{Overtaken: true, Reason: "paid"}, Settlement{State: Overtaken}, "not sent: paid"},
	} {
		if got := describeTry(1, test.result, test.how); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	r.History = []string{"no time", "", "2026-01-02T03:04:05.000Z ok"}
	if tries := r.Tries(); len(tries) != 1 || tries[0].What != "ok" {
		t.Errorf("read %+v", tries)
	}
}

func TestHistoryHasGrown(t *testing.T) {
	lines := func(from, to int) (history []string) {
		for n := from; n <= to; n++ {
			history = append(history, fmt.Sprint("line ", n))
		}
		return history
	}
	for name, c := range map[string]struct {
		before, after []string
		want          bool
	}{
		"both are empty":            {nil, nil, false},
		"the first attempt":         {nil, lines(1, 1), true},
		"another attempt":           {lines(1, 3), lines(1, 4), true},
		"nothing since":             {lines(1, 3), lines(1, 3), false},
		"before is the newer one":   {lines(1, 4), lines(1, 3), false},
		"full, nothing since":       {lines(1, maxHistory), lines(1, maxHistory), false},
		"full since":                {lines(1, maxHistory-1), lines(1, maxHistory), true},
		"full, another attempt":     {lines(1, maxHistory), lines(2, maxHistory+1), true},
		"full, before is the newer": {lines(2, maxHistory+1), lines(1, maxHistory), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasGrown(c.before, c.after); got != c.want {
				t.Errorf("has grown: %t", got)
			}
		})
	}
}
