package inbox

import (
	"slices"
	"sync"
)

// waiters are the arrivals that wait for the app's answer, by event. Its zero value is ready
// to use.
type waiters struct {
	mu     sync.Mutex
	events map[eventKey][]chan Answer
}

// add returns a channel that gets the answer of the next attempt on an event.
func (w *waiters) add(key eventKey) chan Answer {
	answers := make(chan Answer, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events == nil {
		w.events = make(map[eventKey][]chan Answer)
	}
	w.events[key] = append(w.events[key], answers)
	return answers
}

func (w *waiters) remove(key eventKey, answers chan Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.events[key], func(other chan Answer) bool { return other == answers })
	if len(left) == 0 {
		delete(w.events, key)
		return
	}
	w.events[key] = left
}

// answer gives an answer to all arrivals that wait for an event.
func (w *waiters) answer(key eventKey, answer Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answers := range w.events[key] {
		select {
		case answers <- answer:
		default: // it holds an earlier one, which counts
		}
	}
}
