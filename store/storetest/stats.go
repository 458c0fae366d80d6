package storetest

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func stats(t *testing.T, s *suite) {
	get := func() inbox.Stats {
		t.Helper()
		got, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	pending := func(expected map[string]int) {
		t.Helper()
		if got, err := s.Pending(t.Context()); err != nil || !maps.Equal(got, expected) {
			t.Errorf("pending are %v, %v, expected %v", got, err, expected)
		}
	}
	same(t, "oldest of none", get().Oldest, time.Time{})
	expect(t, "states", len(get().States), len(inbox.States()))
	pending(map[string]int{})
	var records []inbox.Record
	for i := range 6 {
		e := event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid)
		e.ReceivedAt = at(i)
		records = append(records, s.arrive(t, e, i))
	}
	s.arrive(t, event("overtaken", "GP0", "failed"), 7)
	same(t, "oldest", get().Oldest, at(0))
	s.deliver(t, records[0], 8)
	s.deliver(t, records[1], 8)
	s.settle(t, records[2], inbox.Settlement{State: inbox.Dead, At: at(8)})
	s.settle(t, records[3], inbox.Settlement{State: inbox.Pending, Due: at(100), At: at(8), Answer: inbox.Answer{Status: inbox.NotFound}})
	got := get()
	expect(t, "delivered", got.States[inbox.Delivered], 2)
	expect(t, "dead", got.States[inbox.Dead], 1)
	expect(t, "overtaken", got.States[inbox.Overtaken], 1)
	expect(t, "pending", got.States[inbox.Pending], 3)
	expect(t, "not found", got.NotFound, 1)
	expect(t, "quarantined", got.Quarantined, 0)
	same(t, "oldest", got.Oldest, at(3))
	if _, err := s.Replay(t.Context(), inbox.Filter{State: inbox.Dead}, at(9)); err != nil {
		t.Fatal(err)
	}
	got = get()
	expect(t, "delivered", got.States[inbox.Delivered], 2)
	expect(t, "dead", got.States[inbox.Dead], 0)
	expect(t, "overtaken", got.States[inbox.Overtaken], 1)
	expect(t, "pending", got.States[inbox.Pending], 4)
	same(t, "oldest", got.Oldest, at(2))
	other := event("other", "GP0", inbox.Paid)
	other.Queue = "other"
	r := s.arrive(t, other, 10)
	pending(map[string]int{queue: 4, "other": 1})
	s.deliver(t, r, 11)
	pending(map[string]int{queue: 4})
}
