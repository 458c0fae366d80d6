package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func list(t *testing.T, s *suite) {
	arrive := func(id, name, transaction, status string, second int) {
		e := event(id, transaction, status)
		e.Queue, e.ReceivedAt = name, at(second)
		s.arrive(t, e, second)
	}
	// Arrival counts, not the ID nor the time that they carry.
	arrive("e", queue, "GP1", "expired", 5)
	arrive("d", queue, "GP1", inbox.Paid, 4)
	arrive("c", "other", "GP1", inbox.Paid, 3)
	arrive("b", queue, "GP2", "failed", 2)
	arrive("a", queue, "GP1", "failed", 1)
	second := s.get(t, "d").Seq
	for _, test := range []struct {
		name     string
		filter   inbox.Filter
		expected string
	}{
		{"all", inbox.Filter{}, "[e d c b a]"},
		{"after", inbox.Filter{After: second}, "[c b a]"},
		{"after, with a limit", inbox.Filter{After: second, Limit: 2}, "[c b]"},
		{"after, of a state", inbox.Filter{After: second, State: inbox.Pending}, "[c b]"},
		{"after the last", inbox.Filter{After: 1 << 62}, "[]"},
		{"ID", inbox.Filter{ID: "c"}, "[c]"},
		{"unknown ID", inbox.Filter{ID: "x"}, "[]"},
		{"ID of another queue", inbox.Filter{ID: "c", Queue: queue}, "[]"},
		{"queue", inbox.Filter{Queue: queue}, "[e d b a]"},
		{"merchant", inbox.Filter{Merchant: queue}, "[e d b a]"},
		{"the beginning of a merchant", inbox.Filter{Merchant: queue[:3]}, "[]"},
		{"transaction", inbox.Filter{Transaction: "GP1"}, "[e d c a]"},
		{"transaction of a queue", inbox.Filter{Queue: queue, Transaction: "GP1"}, "[e d a]"},
		{"pending", inbox.Filter{State: inbox.Pending}, "[e d c b]"},
		{"overtaken", inbox.Filter{State: inbox.Overtaken}, "[a]"},
		{"dead", inbox.Filter{State: inbox.Dead}, "[]"},
		{"payment status", inbox.Filter{PaymentStatus: "failed"}, "[b a]"},
		{"since", inbox.Filter{Since: at(3)}, "[e d c]"},
		{"until", inbox.Filter{Until: at(3)}, "[b a]"},
		{"since and until", inbox.Filter{Since: at(2), Until: at(4)}, "[c b]"},
		{"limit", inbox.Filter{Limit: 2}, "[e d]"},
		{"limit of a queue", inbox.Filter{Queue: queue, Limit: 3}, "[e d b]"},
	} {
		expect(t, test.name, fmt.Sprint(s.ids(t, test.filter)), test.expected)
	}
}

func listByPrefix(t *testing.T, s *suite) {
	for _, id := range []string{"5b7e", "5b", "5a", "6b7e", "5b7f"} {
		s.arrive(t, event(id, id, inbox.Paid), 0)
	}
	for prefix, expected := range map[string]string{"5": "[5b7e 5b 5a 5b7f]", "5b7": "[5b7e 5b7f]", "5b7e": "[5b7e]", "7": "[]", "%": "[]", "": "[5b7e 5b 5a 6b7e 5b7f]"} {
		expect(t, prefix, fmt.Sprint(s.ids(t, inbox.Filter{IDPrefix: prefix})), expected)
	}
}

func listWithin(t *testing.T, s *suite) {
	for i := range 5 {
		s.arrive(t, event(fmt.Sprint(i), fmt.Sprint("GP", i), inbox.Paid), 0)
	}
	seen := 0
	for r, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.get(t, r.ID)
		s.arrive(t, event(r.ID+" more", "", inbox.Paid), 0)
		if seen++; seen == 3 {
			break
		}
	}
	expect(t, "seen", seen, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var ended []error
	for _, err := range s.List(ctx, inbox.Filter{}) {
		ended = append(ended, err)
	}
	if len(ended) != 1 || ended[0] == nil {
		t.Errorf("a list whose context had ended yielded %v, expected an error", ended)
	}
}
