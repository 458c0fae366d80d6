package inbox

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// The answers to the gateway that are not the app's own. After either of them the gateway need
// not send the event again.
var (
	kept      = Answer{Status: "200", Description: "Received, kept for delivery"}
	overtaken = Answer{Status: "200", Description: "Received, the transaction is paid already"}
)

// Arrive keeps an event and begins to deliver it. It returns the answer for the gateway: the
// app's own, if that comes within AnswerWithin, else one that says the event is kept. An event
// that is kept already gets the answer that it got before, if that was final; else, so where it
// is a dead letter or the app did not know its order, it gets a new attempt.
//
// An error says that the event may not be kept, so it must not be acknowledged.
func (m *Member) Arrive(ctx context.Context, event Event) (Answer, error) {
	e, q := m.engine, m.queue(event.Queue)
	// Before the event is stored: its attempt can end before the store returns.
	answers := e.waiters.add(keyOf(event))
	defer e.waiters.remove(keyOf(event), answers)

	r, isNew, err := m.keep(q, event) //nolint:contextcheck // the gateway may hang up, see arriveInStore
	if err != nil {
		return Answer{}, err
	}
	m.logArrival(r, isNew)
	switch r.State {
	case Overtaken:
		return overtaken, nil
	case Delivered, Repeated:
		return m.Answer(r), nil
	case Dead: // and its transaction is paid, else it would be pending again
		return kept, nil
	}
	return e.await(ctx, answers, r.History, e.clock.After(q.AnswerWithin)), nil
}

// await waits for the answer of an attempt. An answer of an attempt that was recorded before the
// arrival does not count: such an attempt may not have sent it to the waiters yet.
func (e *Engine) await(ctx context.Context, answers <-chan attemptAnswer, history []string, enough <-chan time.Time) Answer {
	for {
		select {
		case answer := <-answers:
			if !hasGrown(answer.before, history) {
				return answer.Answer
			}
		case <-enough:
			return kept
		case <-ctx.Done():
			return kept
		case <-e.quit:
			return kept
		}
	}
}

// keep seals an event and stores it. If there is a slot for it, it is claimed, and its first
// attempt begins.
func (m *Member) keep(q *Queue, event Event) (r Record, isNew bool, err error) {
	e := m.engine
	if !e.enter() {
		return Record{}, false, ErrClosed
	}
	defer e.work.Done()
	if m.settings.Seal != nil {
		if event.Message, err = m.settings.Seal(event); err != nil {
			return Record{}, false, err
		}
	}
	lease := m.lease(q)
	p := pool{q.Name, forArrivals}
	slot := e.slots.reserve(p, 1) == 1
	if !slot {
		lease.Until = lease.Now // for the loop to claim when a slot is free
	}
	r, isNew, err = e.arriveInStore(event, lease)
	if slot && r.Lease != "" {
		m.startAttempt(q, r, p)
		return r, isNew, nil
	}
	if slot {
		e.slots.release(p, 1)
	}
	// Without a slot too: the loop has to claim the event, and may have looked before it was
	// stored.
	e.wake()
	return r, isNew, err
}

// arriveInStore does not use the request's context: if the gateway hung up, it would not be
// clear whether the event was kept.
func (e *Engine) arriveInStore(event Event, lease Lease) (r Record, isNew bool, err error) {
	ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
	defer cancel()
	return e.store.Arrive(ctx, event, lease)
}

// logArrival counts an arrival that is not simply kept, and logs one that is overtaken.
func (m *Member) logArrival(r Record, isNew bool) {
	if !isNew {
		m.settings.Count(r.Queue, CountDuplicate)
		return
	}
	if r.State != Overtaken {
		return
	}
	m.settings.Count(r.Queue, CountOvertaken)
	m.settings.Log.Warn("a new message about a paid transaction does not say paid; it is kept and not delivered",
		zap.String("merchant", MerchantOf(r.Queue)),
		zap.String("delivery_id", r.ID),
		zap.String("request_id", r.RequestID),
		zap.String("payment_status", r.PaymentStatus))
}
