package sandbox

import (
	"errors"
	"sync"
)

// maxListeners is how many can listen at once.
const maxListeners = 20

var errFull = errors.New("too many are listening")

// audience is those who want to hear which transactions change. Nobody in it can keep the
// ledger waiting: what a slow listener has not heard yet is noted once, however often it
// happens.
type audience struct {
	mu        sync.Mutex
	listeners map[*listener]bool
}

// listener has something to hear when its bell rings.
type listener struct {
	bell   chan struct{}
	missed map[string]bool // guarded by the audience's lock
}

// everything takes the place of a transaction's id where more than one, or something else,
// has changed.
const everything = ""

// join lets one more listen, unless it is one too many. The first thing to hear is that
// everything may have changed since the listener looked last.
func (a *audience) join() (*listener, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.listeners) >= maxListeners {
		return nil, errFull
	}
	l := &listener{bell: make(chan struct{}, 1)}
	l.note(everything)
	if a.listeners == nil {
		a.listeners = make(map[*listener]bool)
	}
	a.listeners[l] = true
	return l, nil
}

func (a *audience) leave(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, l)
}

// tell says that a transaction has changed.
func (a *audience) tell(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for l := range a.listeners {
		l.note(id)
	}
}

// take returns what there is to hear, each id once and in no order.
func (a *audience) take(l *listener) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, 0, len(l.missed))
	for id := range l.missed {
		ids = append(ids, id)
	}
	l.missed = nil
	return ids
}

// note adds to what a listener has missed. Beyond what the sandbox remembers it is simpler
// to look at everything again.
func (l *listener) note(id string) {
	if len(l.missed) >= maxTransactions {
		l.missed, id = nil, everything
	}
	if l.missed == nil {
		l.missed = make(map[string]bool)
	}
	l.missed[id] = true
	select {
	case l.bell <- struct{}{}:
	default: // it rings already
	}
}
