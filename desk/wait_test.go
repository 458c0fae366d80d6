package desk

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// numbered is a store that only lists. It has records with these numbers, which arrived so long ago.
type numbered struct {
	inbox.Store
	age map[uint64]time.Duration
	now time.Time
}

func (s numbered) List(_ context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		left := f.Limit
		for seq := f.After + 1; seq < 1000 && left > 0; seq++ {
			age, exists := s.age[seq]
			if !exists {
				continue
			}
			left--
			if !yield(inbox.Record{Seq: seq, Event: inbox.Event{ReceivedAt: s.now.Add(-age), Message: []byte(fmt.Sprintf("{ %d }", seq))}}, nil) {
				return
			}
		}
	}
}

// Behind a number that is missing, an event waits until no other one can come before it.
func TestEventsAfter(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		age    map[uint64]time.Duration
		after  uint64
		want   string
		cursor uint64
	}{
		"none":                         {nil, 3, "[]", 3},
		"the next ones":                {map[uint64]time.Duration{4: 0, 5: 0}, 3, "[4 5]", 5},
		"a new one behind a gap":       {map[uint64]time.Duration{5: 0}, 3, "[]", 3},
		"an old one behind a gap":      {map[uint64]time.Duration{5: mayBeLate}, 3, "[5]", 5},
		"new ones on both sides":       {map[uint64]time.Duration{4: 0, 6: time.Second, 7: time.Hour}, 3, "[4]", 4},
		"an old gap, then new ones":    {map[uint64]time.Duration{6: time.Minute, 7: 0, 8: 0}, 3, "[6 7 8]", 8},
		"from the beginning":           {map[uint64]time.Duration{1: 0}, 0, "[1]", 1},
		"from the beginning, with gap": {map[uint64]time.Duration{2: 0}, 0, "[]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			show := func(r inbox.Record) entry { return entry{Record: r, Message: r.Message} }
			answer, err := eventsAfter(t.Context(), numbered{age: test.age, now: now}, show, test.after, now)
			if err != nil {
				t.Fatal(err)
			}
			got := []uint64{}
			for _, e := range answer.Events {
				got = append(got, e.Seq)
				if string(e.MessageBytes) != fmt.Sprintf("{ %d }", e.Seq) || e.Message != nil || e.Event.Message != nil {
					t.Errorf("event %d has the message %s", e.Seq, e.MessageBytes)
				}
			}
			if fmt.Sprint(got) != test.want || answer.Cursor != test.cursor {
				t.Errorf("events %v, cursor %d, want %s, %d", got, answer.Cursor, test.want, test.cursor)
			}
		})
	}
}

// The events of an answer are bounded; the cursor leads to the rest.
func TestEventsAfterAreBounded(t *testing.T) {
	s := numbered{age: make(map[uint64]time.Duration), now: time.Now()}
	for seq := range uint64(250) {
		s.age[seq+1] = 0
	}
	var lengths []int
	for cursor := uint64(0); cursor < 250; {
		answer, err := eventsAfter(t.Context(), s, func(r inbox.Record) entry { return entry{Record: r} }, cursor, s.now)
		if err != nil || len(answer.Events) == 0 {
			t.Fatalf("%d events behind %d, %v", len(answer.Events), cursor, err)
		}
		lengths = append(lengths, len(answer.Events))
		cursor = answer.Cursor
	}
	if fmt.Sprint(lengths) != "[100 100 50]" {
		t.Errorf("answers of %v events", lengths)
	}
}

func TestLastEvent(t *testing.T) {
	for want, list := range map[uint64][]uint64{0: nil, 1: {1}, 2: {1, 2}, 7: {7}, 999: {3, 500, 999}, 512: {1, 511, 512}} {
		s := numbered{age: make(map[uint64]time.Duration)}
		for _, seq := range list {
			s.age[seq] = 0
		}
		if got, err := lastEvent(t.Context(), s); err != nil || got != want {
			t.Errorf("%v: the last is %d, %v", list, got, err)
		}
	}
}
