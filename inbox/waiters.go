package inbox

import (
	"slices"
	"sync"
)

// waiters are the arrivals that wait for the app's answer, by event. Its zero value is ready
// to use.
type waiters struct {
	mu     sync.Mutex
	events map[eventKey][]chan attemptAnswer
}

// attemptAnswer is what the gateway is answered after an attempt.
type attemptAnswer struct {
	before []string // the history of the event when the attempt began
	Answer
}

// add returns a channel that gets the answer of the newest attempt on an event that has ended.
func (w *waiters) add(key eventKey) chan attemptAnswer {
	answers := make(chan attemptAnswer, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events == nil {
		w.events = make(map[eventKey][]chan attemptAnswer)
	}
	w.events[key] = append(w.events[key], answers)
	return answers
}

func (w *waiters) remove(key eventKey, answers chan attemptAnswer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.events[key], func(other chan attemptAnswer) bool { return other == answers })
	if len(left) == 0 {
		delete(w.events, key)
		return
	}
	w.events[key] = left
}

// answer gives an answer to all arrivals that wait for an event.
func (w *waiters) answer(key eventKey, answer attemptAnswer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answers := range w.events[key] {
		select {
		case <-answers: // of an earlier attempt
		default:
		}
		answers <- answer // does not block: it has room for one, and w.mu keeps others from sending
	}
}
