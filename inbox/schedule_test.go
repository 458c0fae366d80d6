package inbox

import (
	"testing"
	"time"
)

// Events that failed together do not all come back at the same moment.
func TestDelaysDiffer(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 100 {
		seen[jittered(time.Hour)] = true
	}
	if len(seen) < 2 {
		t.Error("a hundred delays are the same")
	}
}

func TestRetryAfter(t *testing.T) {
	for name, test := range map[string]struct{ asked, least, most time.Duration }{
		"longer than the schedule":  {10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		"shorter than the schedule": {time.Millisecond, time.Second, 1200 * time.Millisecond},
		"without end":               {1 << 62, longestRetryAfter, longestRetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1e9, 0)
			q := Queue{Retry: []time.Duration{time.Second}}
			s := q.settlement(1, Result{Reason: "busy", RetryAfter: test.asked}, now)
			if got := s.Due.Sub(now); s.State != Pending || got < test.least || got > test.most {
				t.Errorf("%s, due after %s, want %s to %s", s.State, got, test.least, test.most)
			}
		})
	}
}
