package sqlite

import (
	"sync"
	"time"
)

// processClock is the clock of payments. It is that of the machine, but for one thing: it stands
// still while that one is behind what it has told before.
var processClock struct {
	sync.Mutex
	told time.Time
}

func clock() time.Time {
	processClock.Lock()
	defer processClock.Unlock()
	if now := truncated(time.Now()); now.After(processClock.told) {
		processClock.told = now
	}
	return processClock.told
}
