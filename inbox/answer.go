package inbox

import (
	"context"
	"slices"

	"go.uber.org/zap"
)

// What the gateway is told when it is not the app's word. In any case it need not send the
// event again.
var (
	kept      = Answer{Status: "200", Description: "Received, kept for delivery"}
	overtaken = Answer{Status: "200", Description: "Received, the transaction is paid already"}
)

// Take keeps an event and begins to deliver it. What it returns is for the gateway: the
// app's answer, if it comes within AnswerWithin, else one that says the event is kept. A
// repeated event gets the answer of the first one.
//
// An error says that the event may not be kept, so it must not be acknowledged.
func (m *Member) Take(ctx context.Context, event Event) (Answer, error) {
	e, q := m.engine, m.queue(event.Queue)
	// From here on, so that no answer falls between the store's and the waiting.
	answers := e.watch(keyOf(event))
	defer e.unwatch(keyOf(event), answers)

	r, added, err := m.add(q, event) //nolint:contextcheck // the gateway may hang up, see add
	if err != nil {
		return Answer{}, err
	}
	if !added {
		m.settings.Count(event.Queue, CountDuplicate)
	}
	switch r.State {
	case Overtaken:
		if added {
			m.reportOvertaken(r)
		}
		return overtaken, nil
	case Delivered:
		return r.Answer, nil
	case Dead:
		return kept, nil
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-e.clock.After(q.AnswerWithin):
	case <-ctx.Done():
	case <-e.quit:
	}
	return kept, nil
}

// add stores an event. If there is a slot for it, it is claimed, and its first attempt
// begins.
func (m *Member) add(q *Queue, event Event) (Record, bool, error) {
	e := m.engine
	if !e.enter() {
		return Record{}, false, ErrClosed
	}
	defer e.work.Done()
	if m.settings.Seal != nil {
		sealed, err := m.settings.Seal(event)
		if err != nil {
			return Record{}, false, err
		}
		event.Message = sealed
	}
	lease := m.lease(q)
	p := pool{q.Name, false}
	slot := e.reserve(p, 1) == 1
	if !slot {
		lease.Until = lease.Now // for the loop to claim when a slot is free
	}
	// Not under the request's context: the gateway may hang up, and whether the event was
	// kept would be left open.
	ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
	defer cancel()
	r, added, err := e.store.Add(ctx, event, lease)
	if slot && r.Lease != "" {
		m.begin(q, r, p)
		return r, added, nil
	}
	if slot {
		e.release(p, 1)
	}
	// Without a slot too: the loop may have had them all only while it looked, before this
	// was kept, and has no reason of its own to look again.
	e.wake()
	return r, added, err
}

func (m *Member) reportOvertaken(r Record) {
	m.settings.Count(r.Queue, CountOvertaken)
	m.settings.Log.Warn("a paid transaction has got another message, which is kept and not delivered",
		zap.String("merchant", r.Queue),
		zap.String("delivery_id", r.ID),
		zap.String("request_id", r.RequestID),
		zap.String("payment_status", r.PaymentStatus))
}

// enter begins a piece of work, for which Close waits. It fails if Close has been called.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.work.Add(1)
	return true
}

// eventKey is what makes an event one and the same.
type eventKey struct{ queue, id string }

func keyOf(e Event) eventKey { return eventKey{e.Queue, e.ID} }

// watch returns a channel that gets how the next attempt on an event ends.
func (e *Engine) watch(key eventKey) chan Answer {
	answers := make(chan Answer, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers[key] = append(e.watchers[key], answers)
	return answers
}

func (e *Engine) unwatch(key eventKey, answers chan Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	left := slices.DeleteFunc(e.watchers[key], func(other chan Answer) bool { return other == answers })
	if len(left) == 0 {
		delete(e.watchers, key)
		return
	}
	e.watchers[key] = left
}

// announce tells everybody who waits for an event.
func (e *Engine) announce(key eventKey, answer Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, answers := range e.watchers[key] {
		select {
		case answers <- answer:
		default: // it has one already, and takes no second
		}
	}
}
