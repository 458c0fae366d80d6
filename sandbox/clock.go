package sandbox

import (
	"errors"
	"regexp"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// maxAhead is how far the sandbox's clock can be advanced.
const maxAhead = 10 * 365 * 24 * time.Hour

var errTooFar = errors.New("the clock cannot be ten years ahead")

// advanceClock moves the sandbox's time on. It never goes back but by a reset.
func (l *ledger) advanceClock(by time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if by > maxAhead-time.Duration(l.ahead.Load()) {
		return errTooFar
	}
	l.ahead.Add(int64(by))
	l.audience.tell(everything)
	return nil
}

// now is the sandbox's time.
func (l *ledger) now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

var stamped = regexp.MustCompile(`"responseDateTime":"([0-9]{14})"`)

// dayBefore moves the time of a message back by one day.
func dayBefore(text []byte) []byte {
	return stamped.ReplaceAllFunc(text, func(member []byte) []byte {
		then, err := time.Parse(message.StampLayout, string(stamped.FindSubmatch(member)[1]))
		if err != nil {
			return member
		}
		return []byte(`"responseDateTime":"` + then.AddDate(0, 0, -1).Format(message.StampLayout) + `"`)
	})
}
