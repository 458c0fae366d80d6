package storetest

import (
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// horizon has a clock that was years ahead when an attempt failed, and one claimed.
func horizon(t *testing.T, s *suite) {
	const year = 365 * 24 * time.Hour
	r := s.arrive(t, event("due", "GP1", inbox.Paid), 0)
	s.settle(t, r, inbox.Settlement{State: inbox.Pending, Due: start.Add(5 * year), At: at(1)})
	if _, _, err := s.Arrive(t.Context(), event("leased", "GP2", inbox.Paid), inbox.Lease{Now: start.Add(4 * year), Until: start.Add(5 * year)}); err != nil {
		t.Fatal(err)
	}
	s.settle(t, s.arrive(t, event("soon", "GP3", inbox.Paid), 0), inbox.Settlement{State: inbox.Pending, Due: at(3600), At: at(1)})
	now := inbox.Lease{Now: at(2), Until: at(12), Horizon: at(2).Add(24 * time.Hour)}
	next, err := s.NextDue(t.Context(), []string{queue}, now)
	if err != nil || next.After(now.Now) {
		t.Errorf("due at %s, %v", next, err)
	}
	records, err := s.Claim(t.Context(), []string{queue}, now, 10)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "claimed", len(records), 2)
	for _, r := range records {
		s.deliver(t, r, 3)
	}
	s.isDelivered(t, "due")
	s.isDelivered(t, "leased")
	next, err = s.NextDue(t.Context(), []string{queue}, now)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "next due", next, at(3600))
}

func clock(t *testing.T, s *suite) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		what          string
		now, expected time.Duration
	}{
		{"the first time", 0, 0},
		{"an hour later", time.Hour, 0},
		{"a day later", time.Hour + day, 0},
		{"after a weekend", time.Hour + 3*day, 0},
		{"a year ahead", 365 * day, 365 * day},
		{"an hour after that", 365*day + time.Hour, 365 * day},
		{"set back", 4 * day, 4 * day},
		{"a second back", 4*day - time.Second, 4*day - time.Second},
	} {
		since, err := s.Clock(t.Context(), start.Add(test.now))
		if err != nil {
			t.Fatal(err)
		}
		same(t, test.what, since, start.Add(test.expected))
	}
	s.Store = s.reopen(t, closed(t, s.Store))
	since, err := s.Clock(t.Context(), start.Add(4*day))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after a restart", since, start.Add(4*day-time.Second))
}

func closed(t *testing.T, s inbox.Store) inbox.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}
