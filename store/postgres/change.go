package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// mostChanges bounds how many changes of this sidecar share a transaction. Others wait for its end.
const mostChanges = 64

// The states of a change that waits.
const (
	isWaiting = iota
	hasBegun
	isWithdrawn
)

// change is a function that waits for its transaction.
type change struct {
	ctx   context.Context
	run   func(ledger.Tx) error
	state atomic.Int32 // isWaiting, hasBegun, isWithdrawn
	done  chan struct{}

	// How it ended; valid when done is closed.
	refused  error // by the function itself
	panicked any
	failed   error // by the database
}

// changes lets changes that wait share transactions, one transaction at a time: a second one would
// wait for the first one's lock.
type changes struct {
	commit func([]*change)

	mu      sync.Mutex
	waiting []*change
	running bool
	work    sync.WaitGroup
}

func (q *changes) add(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if !q.running {
		q.running = true
		q.work.Go(q.run)
	}
}

func (q *changes) run() {
	for batch := q.take(); len(batch) > 0; batch = q.take() {
		q.commit(batch)
		for _, c := range batch {
			close(c.done)
		}
	}
}

func (q *changes) take() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), mostChanges)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.running = n > 0
	return batch
}

// wait returns when nothing is under way. No change may be added any more.
func (q *changes) wait() { q.work.Wait() }

// Change implements ledger.Store. A panic of the function goes on in the goroutine that has called
// Change.
func (p *payments) Change(ctx context.Context, run func(ledger.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{ctx: ctx, run: run, done: make(chan struct{})}
	p.s.changes.add(c)
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(isWaiting, isWithdrawn) {
			return ctx.Err()
		}
		<-c.done
	}
	switch {
	case c.failed != nil:
		return p.s.failed(ctx, "changing payments", c.failed)
	case c.panicked != nil:
		panic(c.panicked)
	}
	return c.refused
}

// commitChanges runs a batch in one transaction. When it fails, all fail, but those that have panicked:
// one that has refused may have done so because of what another one has put.
func (s *Store) commitChanges(batch []*change) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	err := s.runChanges(ctx, batch)
	if err == nil {
		return
	}
	for _, c := range batch {
		if c.panicked == nil && c.failed == nil {
			c.failed = err
		}
	}
}

func (s *Store) runChanges(ctx context.Context, batch []*change) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	t, err := begin(ctx, c.Conn())
	if err != nil {
		return err
	}
	if len(batch) == 1 {
		return t.runAlone(batch[0])
	}
	for _, one := range batch {
		if err := t.run(one); err != nil {
			t.rollback()
			return err
		}
	}
	return t.commit()
}

// runAlone runs the only change of a transaction.
func (t *transaction) runAlone(c *change) error {
	if c.begins() {
		(&changing{transaction: t}).call(c)
	}
	if c.hasFailed() {
		t.rollback()
		return nil
	}
	return t.commit()
}

// run runs one of several changes, in a savepoint. Its error ends the transaction.
func (t *transaction) run(c *change) error {
	if !c.begins() {
		return nil
	}
	t.save()
	x := &changing{transaction: t}
	x.call(c)
	if t.conn.IsClosed() {
		return x.failed
	}
	if c.hasFailed() {
		return t.undo()
	}
	t.keep()
	return nil
}

// begins reports whether a change is to be run: it still waits, and its context lasts.
func (c *change) begins() bool {
	if !c.state.CompareAndSwap(isWaiting, hasBegun) {
		return false
	}
	c.refused = c.ctx.Err()
	return c.refused == nil
}

func (c *change) hasFailed() bool { return c.refused != nil || c.panicked != nil || c.failed != nil }

// call runs a change's function, and notes how it ended.
func (x *changing) call(c *change) {
	c.panicked, c.refused = store.Run(func() error { return c.run(x) })
	x.isOver = true
	switch {
	case x.failed == nil:
	case c.refused == nil || errors.Is(c.refused, x.failed):
		c.failed = x.failed
	default:
		c.failed = fmt.Errorf("%w: %w", c.refused, x.failed)
	}
}
