package inbox

import (
	"crypto/rand"
	"math/big"
	"time"
)

// longestRetryAfter bounds what an app can ask for.
const longestRetryAfter = 24 * time.Hour

// settlement turns the result of the n-th attempt into what is kept of it.
func (q *Queue) settlement(n int, result Result, now time.Time) Settlement {
	s := Settlement{State: Delivered, Answer: result.Answer, At: now}
	if result.Delivered {
		return s
	}
	s.LastError = result.Reason
	if n > len(q.Retry) {
		s.State = Dead
		return s
	}
	s.State = Pending
	s.Due = now.Add(max(jittered(q.Retry[n-1]), min(result.RetryAfter, longestRetryAfter)))
	return s
}

// offSchedule settles a failed attempt that the schedule did not ask for, or that the end
// of the engine broke off. It uses up none of the schedule's: else whoever repeats a message
// a few times while the app is down would make it a dead letter.
func offSchedule(r Record, result Result, now time.Time) Settlement {
	due := now.Add(min(result.RetryAfter, longestRetryAfter))
	if r.Due.After(due) {
		due = r.Due
	}
	return Settlement{State: Pending, Due: due, LastError: result.Reason, At: now, Uncounted: true}
}

// jittered makes a delay up to a fifth longer, so that what failed together does not come
// back together.
func jittered(delay time.Duration) time.Duration {
	more, err := rand.Int(rand.Reader, big.NewInt(int64(delay/5)+1))
	if err != nil {
		return delay
	}
	return delay + time.Duration(more.Int64())
}
