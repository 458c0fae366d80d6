package inbox

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// storeTimeout bounds one call of the store.
	storeTimeout = 10 * time.Second
	// pollInterval is how often the store is read without a reason: another process may have
	// died, or its notice may be lost.
	pollInterval = 5 * time.Second
	// grace is how long Close lets attempts finish.
	grace = 5 * time.Second
)

// ErrClosed is the error of Arrive when the engine has ended. Nothing was kept.
var ErrClosed = errors.New("the inbox is closed")

// Clock is where the engine gets the time from.
type Clock struct {
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// SystemClock is the real time.
var SystemClock = Clock{Now: time.Now, After: time.After}

// Engine delivers what a store keeps. It is shared by the configurations that use the
// store: while one follows another, both are members.
type Engine struct {
	store   Store
	clock   Clock
	slots   slots
	waiters waiters

	ctx    context.Context // of attempts
	cancel context.CancelFunc
	quit   chan struct{} // closed by Close: nothing new is begun
	kick   chan struct{} // there may be something to claim

	mu      sync.Mutex
	closed  bool
	work    sync.WaitGroup // the loop, arrivals and attempts
	members []*Member      // the newest is last
}

// NewEngine starts an engine, which owns the store from then on. It delivers nothing
// before a member joins.
func NewEngine(store Store, clock Clock) *Engine {
	e := &Engine{
		store: store,
		clock: clock,
		quit:  make(chan struct{}),
		kick:  make(chan struct{}, 1),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.work.Go(e.run)
	return e
}

// Store returns the engine's store, to read it. It must not be closed.
func (e *Engine) Store() Store { return e.store }

// Replay makes the picked events pending again, as Store.Replay does, and delivers them at
// once.
func (e *Engine) Replay(ctx context.Context, f Filter) (int, error) {
	n, err := e.store.Replay(ctx, f, e.clock.Now())
	e.wake()
	return n, err
}

// Close ends the engine and its store. Attempts have five seconds to finish; those that
// take longer are broken off and stay pending.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	e.closed = true
	close(e.quit)
	e.mu.Unlock()

	settled := make(chan struct{})
	go func() {
		e.work.Wait()
		close(settled)
	}()
	select {
	case <-settled:
	case <-e.clock.After(grace):
	}
	e.cancel()
	<-settled
	return e.store.Close()
}

// enter begins a piece of work that Close waits for. It fails if Close has been called.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.work.Add(1)
	return true
}

// run claims what is due until the engine ends.
func (e *Engine) run() {
	var pruned time.Time
	for !e.ending() {
		wait := pollInterval
		if m := e.current(); m != nil {
			wait = m.claimDue()
			if now := e.clock.Now(); now.Sub(pruned) >= pruneInterval {
				e.work.Go(func() { m.prune(now) }) // deliveries do not wait for it
				pruned = now
			}
		}
		select {
		case <-e.quit:
		case <-e.kick:
		case <-e.store.Wake():
		case <-e.clock.After(wait):
		}
	}
}

// ending reports whether Close has been called.
func (e *Engine) ending() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}

// wake lets the loop look for work.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}
