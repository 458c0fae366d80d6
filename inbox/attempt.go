package inbox

import (
	"context"

	"go.uber.org/zap"
)

// startAttempt makes an attempt on a claimed record, for which a slot is reserved, in a
// goroutine of the engine's: it does not end with the request that brought the event.
func (m *Member) startAttempt(q *Queue, r Record, p pool) {
	e := m.engine
	e.work.Go(func() { // the loop or the arrival that calls this counts as work, so Close waits
		m.attempt(q, r)
		e.slots.release(p, 1)
		e.wake() // for what waited for the slot, or for its turn in the transaction
	})
}

// attempt delivers a claimed record once and settles it.
func (m *Member) attempt(q *Queue, r Record) {
	e, key := m.engine, keyOf(r.Event)
	early := r.Due.After(e.clock.Now()) // the event arrived again before its time
	result := m.deliver(q, r)
	now := e.clock.Now()
	s := q.settlement(r.Attempts+1, result, now)
	if !result.Delivered && (early || e.ctx.Err() != nil) {
		s = offSchedule(r, result, now)
	}
	answer := kept
	if result.Delivered {
		answer = s.Answer
	}
	err := m.settle(r, s)
	if err != nil {
		// The gateway need not wait for further tries to settle: the event is kept.
		e.waiters.answer(key, answer)
		err = m.settleAgain(r, s, err)
	}
	m.logAttempt(r, result, s, err)
	e.waiters.answer(key, answer)
}

// deliver hands a record to the app, with its plain message.
func (m *Member) deliver(q *Queue, r Record) Result {
	message, err := m.Message(r.Event)
	if err != nil {
		return Result{Reason: err.Error()}
	}
	r.Message = message
	ctx, cancel := context.WithTimeout(m.engine.ctx, q.timeout())
	defer cancel()
	return q.Deliver(ctx, r, r.Attempts+1)
}

// logAttempt logs and counts how an attempt ended. It uses the newest configuration: the
// metrics of one that has left are not read any more.
func (m *Member) logAttempt(r Record, result Result, s Settlement, err error) {
	if newest := m.engine.current(); newest != nil {
		m = newest
	}
	log := m.settings.Log.With(
		zap.String("merchant", r.Queue),
		zap.String("delivery_id", r.ID),
		zap.String("request_id", r.RequestID),
		zap.String("payment_status", r.PaymentStatus),
		zap.Int("attempt", r.Attempts+1))
	if err != nil {
		log.Error("the result of an attempt could not be stored; the event is delivered again when its lease is over", zap.Error(err))
	}
	switch s.State {
	case Delivered:
		m.settings.Count(r.Queue, CountDelivered)
		log.Info("delivered", zap.String("ipn_status", s.Answer.Status))
	case Dead:
		m.settings.Count(r.Queue, CountDead)
		log.Error("the last attempt failed: the event is a dead letter until it is replayed", zap.String("reason", result.Reason))
	default:
		m.settings.Count(r.Queue, CountRetried)
		log.Warn("not delivered; another attempt follows", zap.String("reason", result.Reason), zap.Time("due", s.Due))
	}
}
