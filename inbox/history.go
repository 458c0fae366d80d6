package inbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of the history of an event: lines, and bytes of one. Beyond the first the oldest lines give way.
const (
	maxHistory = 50
	maxLine    = 400
)

// historyTime is how a line begins: a time in UTC that sorts as a text.
const historyTime = "2006-01-02T15:04:05.000Z"

// Try is an attempt to deliver, as the history has it.
type Try struct {
	At time.Time
	// What says how it ended, in words for people. It holds nothing of a message.
	What string
}

// Tries are the attempts of a record, the oldest first. Lines that cannot be read are left out.
func (r *Record) Tries() (tries []Try) {
	for _, line := range r.History {
		at, what, _ := strings.Cut(line, " ")
		if t, err := time.Parse(historyTime, at); err == nil {
			tries = append(tries, Try{t, what})
		}
	}
	return tries
}

// withTry is the history of a record after an attempt.
func (r *Record) withTry(result Result, s Settlement) []string {
	line := s.At.UTC().Format(historyTime) + " " + describeTry(r.Attempts+1, result, s)
	line = strings.ToValidUTF8(line[:min(len(line), maxLine)], "")
	history := append(slices.Clip(r.History), line)
	return history[max(0, len(history)-maxHistory):]
}

// hasGrown reports whether an attempt has been recorded in after that is not in before.
func hasGrown(before, after []string) bool {
	if len(before) != maxHistory || len(after) != maxHistory {
		return len(after) > len(before)
	}
	return slices.Equal(before[1:], after[:maxHistory-1]) && !slices.Equal(before, after)
}

// describeTry says how an attempt ended.
func describeTry(attempt int, result Result, s Settlement) string {
	switch {
	case s.State == Repeated:
		return "not sent: the app has taken the same news before"
	case s.State == Overtaken:
		return "not sent: " + result.Reason
	case result.Delivered:
		return fmt.Sprintf("attempt %d: delivered, the app said %s", attempt, result.Answer.Status)
	case result.Uncounted:
		return "put off: " + result.Reason
	}
	return fmt.Sprintf("attempt %d: %s", attempt, result.Reason)
}
