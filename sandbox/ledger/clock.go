package ledger

import (
	"errors"
	"time"
)

// maxAhead is how far the sandbox's clock can be advanced.
const maxAhead = 10 * 365 * 24 * time.Hour

var errTooFar = errors.New("the clock cannot be ten years ahead")

// Now is the sandbox's time.
func (l *Ledger) Now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

// AdvanceClock moves the sandbox's time on, at most ten years in all. Only Reset moves it
// back.
func (l *Ledger) AdvanceClock(by time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if by > maxAhead-time.Duration(l.ahead.Load()) {
		return errTooFar
	}
	l.ahead.Add(int64(by))
	l.subscribers.notify(Everything)
	return nil
}
