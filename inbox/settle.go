package inbox

import (
	"context"
	"errors"
	"time"
)

const (
	// settleTime is how long an attempt is settled again while the store fails.
	settleTime = 20 * time.Second
	// settlePause lies between the first two tries; each pause after it is twice as long.
	settlePause = 50 * time.Millisecond
)

// settle stores how an attempt ended. It does not use the engine's context: an attempt that
// was broken off is settled too, else the event could not be delivered before its lease is
// over.
func (m *Member) settle(r Record, s Settlement) (State, error) {
	var err error
	if s.Answer, err = m.sealAnswer(r.Event, s.Answer); err != nil {
		return s.State, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return m.engine.store.Settle(ctx, r, s)
}

// settleAgain tries again to settle after the store has failed, as long as the lease lasts: a
// restart of the database must not make the app get everything twice.
func (m *Member) settleAgain(r Record, s Settlement, err error) (State, error) {
	e := m.engine
	begun := e.clock.Now()
	for pause := settlePause; !errors.Is(err, ErrLeaseLost); pause *= 2 {
		if e.clock.Now().Add(pause).Sub(begun) > settleTime-storeTimeout {
			return s.State, err
		}
		select {
		case <-e.quit:
			return s.State, err
		case <-e.clock.After(pause):
		}
		var state State
		if state, err = m.settle(r, s); err == nil {
			return state, nil
		}
	}
	return s.State, err
}
