package inbox

import (
	"cmp"
	"context"
	"errors"

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

// attempt delivers a claimed record once, unless the app has taken the same news before, and
// settles it.
func (m *Member) attempt(q *Queue, r Record) {
	if taken, ok := m.repeats(r); ok {
		answer := m.Answer(taken)
		m.end(r, Result{Delivered: true, Answer: answer}, Settlement{
			State: Repeated, Answer: answer, At: m.engine.clock.Now(), Uncounted: true,
		})
		return
	}
	early := !m.lease(q).IsPast(r.Due) // the event arrived again before its time
	result := m.deliver(q, r)
	now := m.engine.clock.Now()
	s := q.settlement(r.Attempts+1, result, now)
	if !result.Delivered && (early || result.Uncounted || m.engine.ctx.Err() != nil) {
		s = offSchedule(r, result, now)
	}
	if result.Overtaken {
		s = Settlement{State: Overtaken, LastError: result.Reason, At: now, Uncounted: true}
	}
	s.Answer = cmp.Or(s.Answer, m.Answer(r)) // what the app said last, for people
	m.end(r, result, s)
}

// end settles an attempt and answers the gateway, if it still waits.
func (m *Member) end(r Record, result Result, s Settlement) {
	e, key := m.engine, keyOf(r.Event)
	answer := attemptAnswer{r.History, cmp.Or(result.Answer, kept)}
	s.History = r.withTry(result, s)
	state, err := m.settle(r, s)
	isOthers := errors.Is(err, ErrLeaseLost) // the sidecar that has the event now counts what becomes of it
	if err != nil {
		// The gateway need not wait for further tries to settle: the event is kept.
		e.waiters.answer(key, answer)
		state, err = m.settleAgain(r, s, err)
	}
	newest := m.newest()
	if !isOthers {
		newest.settings.Count(r.Queue, counts[state])
	}
	newest.logAttempt(r, result, s, state, err)
	e.waiters.answer(key, answer)
}

// deliver hands a record to the app, with its plain message.
func (m *Member) deliver(q *Queue, r Record) Result {
	message, err := m.Message(r.Event)
	if err != nil {
		return Result{Reason: err.Error()}
	}
	if len(message) == 0 {
		return Result{Reason: "its message was dropped after keep; ask the gateway with query"}
	}
	r.Message = message
	ctx, cancel := context.WithTimeout(m.engine.ctx, q.timeout())
	defer cancel()
	return q.Deliver(ctx, r, r.Attempts+1)
}

// newest is the newest configuration, for the log and the counts: the metrics of one that has left are not read any more.
func (m *Member) newest() *Member { return cmp.Or(m.engine.current(), m) }

// logAttempt logs how an attempt ended.
func (m *Member) logAttempt(r Record, result Result, s Settlement, state State, err error) {
	log := m.settings.Log.With(
		zap.String("merchant", MerchantOf(r.Queue)),
		zap.String("delivery_id", r.ID),
		zap.String("request_id", r.RequestID),
		zap.String("payment_status", r.PaymentStatus),
		zap.Int("attempt", r.Attempts+1))
	if err != nil {
		log.Error("the result of an attempt could not be stored; the event is delivered again when its lease is over", zap.Error(err))
	}
	switch state {
	case Delivered:
		log.Info("delivered", zap.String("ipn_status", s.Answer.Status))
	case Repeated:
		log.Info("the app has taken the same news before; it is kept and not delivered")
	case Overtaken:
		log.Warn("not delivered; its transaction is paid by now, so there is no other attempt", zap.String("reason", result.Reason))
	case Dead:
		log.Error("the last attempt failed: the event is a dead letter until it is replayed", zap.String("reason", result.Reason))
	default:
		log.Warn("not delivered; another attempt follows", zap.String("reason", result.Reason), zap.Time("due", s.Due))
	}
}

var counts = map[State]string{
	Pending:   CountRetried,
	Delivered: CountDelivered,
	Dead:      CountDead,
	Overtaken: CountOvertaken,
	Repeated:  CountRepeated,
}
