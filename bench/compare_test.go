package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeatCountsAndTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := repeat(t.Context(), 4, time.Second, func(context.Context) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		})
		if want := (sample{PerSecond: 400, P50: 10_000, P99: 10_000}); err != nil || got != want {
			t.Errorf("measured %+v, %v, expected %+v", got, err, want)
		}
	})
}

func TestRepeatEndsWithAFailureAndWithItsContext(t *testing.T) {
	broken := errors.New("disk full")
	if _, err := repeat(t.Context(), 2, time.Hour, func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("ended with %v, expected %v", err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := repeat(ctx, 2, time.Hour, func(context.Context) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, expected %v", err, context.Canceled)
	}
}

// No candidate may always be the first, or always behind the same one.
func TestCompareChangesTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		candidates := []*candidate{{name: "a", writers: 1}, {name: "b", writers: 1}}
		for _, c := range candidates {
			c.do = func(context.Context) error {
				order = append(order, c.name)
				time.Sleep(time.Second)
				return nil
			}
		}
		b := &bench{settings: settings{rounds: 2, duration: 2 * time.Second}}
		if err := b.compare(t.Context(), "test", candidates); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "b", "a"}; !slices.Equal(order, want) {
			t.Errorf("went %v, expected %v", order, want)
		}
		for _, c := range candidates {
			if len(c.samples) != 2 || c.samples[0].Round != 0 || c.samples[1].Round != 1 {
				t.Errorf("%s has %+v, expected one sample of each round", c.name, c.samples)
			}
		}
	})
}
