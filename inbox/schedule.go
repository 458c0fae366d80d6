package inbox

import (
	"math/rand/v2"
	"time"
)

// longestRetryAfter bounds the pause that an app can ask for.
const longestRetryAfter = 24 * time.Hour

// longestDelay is the longest time that can lie between an attempt and the next one.
func (q *Queue) longestDelay() time.Duration {
	longest := max(longestRetryAfter, q.timeout()+leaseMargin)
	for _, delay := range q.Retry {
		longest = max(longest, delay+delay/5)
	}
	return longest
}

// settlement turns the result of the n-th attempt into what is stored of it.
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

// offSchedule settles a failed attempt that the schedule did not ask for, or that the end of
// the engine broke off. It uses up no attempt of the schedule: else anyone who repeats a
// message a few times while the app is down would make it a dead letter.
func offSchedule(r Record, result Result, now time.Time) Settlement {
	due := now.Add(min(result.RetryAfter, longestRetryAfter))
	if r.Due.After(due) {
		due = r.Due
	}
	return Settlement{State: Pending, Due: due, Answer: result.Answer, LastError: result.Reason, At: now, Uncounted: true}
}

// jittered makes a delay up to a fifth longer, so that events that failed together do not come
// back together.
func jittered(delay time.Duration) time.Duration {
	return delay + rand.N(delay/5+1) //nolint:gosec // G404: jitter is no secret
}
