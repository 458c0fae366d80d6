package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"
)

// What the gateway is told when it is not the app's word. In any case it need not send the
// event again.
var (
	kept      = Answer{Status: "200", Description: "Received, kept for delivery"}
	overtaken = Answer{Status: "200", Description: "Received, the transaction is paid already"}
)

// errForeign: two merchants share a salt, or one was given another name.
var errForeign = errors.New("another merchant has this event in the inbox")

// Take keeps an event and begins to deliver it. What it returns is for the gateway: the
// app's answer, if it comes within AnswerWithin, else one that says the event is kept. A
// repeated event gets the answer of the first one.
//
// An error says that the event may not be kept, so it must not be acknowledged.
func (m *Member) Take(ctx context.Context, event Event) (Answer, error) {
	e, q := m.engine, m.queue(event.Queue)
	// From here on, so that no answer falls between the store's and the waiting.
	answers := e.watch(event.ID)
	defer e.unwatch(event.ID, answers)

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
	slot := e.reserve(q.Name, 1) == 1
	if !slot {
		lease.Until = lease.Now // for the loop to claim when a slot is free
	}
	// Not under the request's context: the gateway may hang up, and whether the event was
	// kept would be left open.
	ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
	defer cancel()
	r, added, err := e.store.Add(ctx, event, lease)
	if err == nil && r.Queue != event.Queue {
		err = e.refuse(ctx, r, lease.Now)
	}
	claimed := err == nil && r.Lease != ""
	if slot && claimed {
		m.begin(q, r)
		return r, added, nil
	}
	if slot {
		e.release(q.Name, 1)
	}
	// Without a slot too: the loop may have had them all only while it looked, before this
	// was kept, and has no reason of its own to look again.
	e.wake()
	return r, added, err
}

// refuse gives up the claim on a record of another queue, as it was. Its message is not
// that of the merchant it arrived for: to acknowledge it could lose a payment of either.
func (e *Engine) refuse(ctx context.Context, r Record, now time.Time) error {
	if r.Lease == "" {
		return errForeign
	}
	s := Settlement{State: Pending, Due: r.Due, Answer: r.Answer, LastError: r.LastError, At: now, Uncounted: true}
	return errors.Join(errForeign, e.store.Settle(ctx, r, s))
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

// watch returns a channel that gets how the next attempt on an event ends.
func (e *Engine) watch(id string) chan Answer {
	answers := make(chan Answer, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers[id] = append(e.watchers[id], answers)
	return answers
}

func (e *Engine) unwatch(id string, answers chan Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	left := slices.DeleteFunc(e.watchers[id], func(other chan Answer) bool { return other == answers })
	if len(left) == 0 {
		delete(e.watchers, id)
		return
	}
	e.watchers[id] = left
}

// announce tells everybody who waits for an event.
func (e *Engine) announce(id string, answer Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, answers := range e.watchers[id] {
		select {
		case answers <- answer:
		default: // it has one already, and takes no second
		}
	}
}
