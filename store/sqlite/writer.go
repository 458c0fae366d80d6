package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// maxBatch bounds how many requests share a commit.
const maxBatch = 256

// request is a change that waits for its commit.
type request struct {
	ctx  context.Context
	run  func(*tx) error // may be called again after a failure, so it sets its results again
	err  error           // valid when done is closed
	done chan struct{}
}

// tx is the transaction of a batch.
type tx struct {
	s *Store
	c *conn
	// wake: Claim may have more to return after the commit.
	wake bool
	// damage is what was put aside.
	damage []error
}

// update has the writer make a change, and returns when it is committed. A context that ends
// stops a change that has not begun. Later the outcome is waited for, since otherwise it would
// not be known whether the change was kept.
func (s *Store) update(ctx context.Context, run func(*tx) error) error {
	r := &request{ctx: ctx, run: run, done: make(chan struct{})}
	select {
	case s.requests <- r:
		<-r.done
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return ErrClosed
	}
}

// write commits requests until the store closes.
func (s *Store) write() {
	defer close(s.stopped)
	defer s.runner.End()
	for {
		select {
		case first := <-s.requests:
			s.writeBatch(s.gather(first))
			if s.finishCheckpoint && s.failed == nil {
				_, _, err := s.writer.checkpoint()
				s.afterError(err)
			}
			s.finishCheckpoint = false
		case <-s.damage:
			s.rescueUnlessFailed(errDamaged)
		case <-s.closing:
			return
		}
	}
}

// gather takes the requests that wait. Those whose commit has just ended get the chance to come
// back before the next begins; else every other commit would go out nearly empty.
func (s *Store) gather(first *request) []*request {
	batch := []*request{first}
	for idle := 0; idle < 3 && len(batch) < maxBatch; {
		select {
		case r := <-s.requests:
			batch = append(batch, r)
			idle = 0
		default:
			idle++
			runtime.Gosched()
		}
	}
	return batch
}

// writeBatch gives every request of a batch its result.
func (s *Store) writeBatch(batch []*request) {
	err := s.failed
	if err == nil {
		err = s.commit(batch)
	} else {
		fail(batch, err)
	}
	for _, r := range batch {
		close(r.done)
	}
	s.afterError(err)
}

// afterError does what an error asks for: nothing may be written after a disk has failed, since
// an fsync that is tried again can succeed without having written anything.
func (s *Store) afterError(err error) {
	switch {
	case s.failed != nil:
	case errors.Is(err, errDamaged):
		s.rescueUnlessFailed(err)
	case errors.Is(err, errBroken), errors.Is(err, errReplaced):
		s.stopWriting(err)
	}
}

func (s *Store) stopWriting(err error) {
	s.failed = fmt.Errorf("store %s is not written to any more; check the disk and start the sidecar again: %w", s.path, err)
	s.report(fmt.Errorf("it is not written to any more; check the disk and start the sidecar again: %w", err))
}

// commit runs a batch in one transaction. If one of the requests cannot be run, each gets a
// transaction of its own, so that it affects no other. It returns the worst error.
func (s *Store) commit(batch []*request) error {
	ran, err := s.transact(batch)
	switch {
	case err == nil:
		return nil
	case isFinal(err):
		fail(batch, fmt.Errorf("store %s: %w", s.path, err))
		return err
	case ran || len(batch) == 1:
		fail(batch, fmt.Errorf("store %s: %w", s.path, err))
		return err
	}
	var worst error
	for i := range batch {
		err := s.commit(batch[i : i+1])
		if isFinal(err) {
			fail(batch[i:], fmt.Errorf("store %s: %w", s.path, err))
			return err
		}
		if errors.Is(err, errDamaged) {
			worst = err
		}
	}
	return worst
}

// isFinal tells whether nothing may be written after an error.
func isFinal(err error) bool { return errors.Is(err, errBroken) || errors.Is(err, errReplaced) }

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// transact runs a batch and commits it. Ran is false if one of the requests failed; other errors
// concern all of them, such as another program that has the file's lock.
func (s *Store) transact(batch []*request) (ran bool, err error) {
	t := &tx{s: s, c: s.writer}
	before := s.nextSeq
	err = survive(func() error {
		ran = true
		if err := t.c.run("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		ran = false
		if err := t.runAll(batch); err != nil {
			return err
		}
		ran = true
		if err := t.c.run("COMMIT"); err != nil {
			return afterCommit(err)
		}
		return s.identity.check(s.path)
	})
	if err != nil {
		s.nextSeq = before
		s.claims.rollback()
		return ran, errors.Join(classify(err), s.rollback(err))
	}
	s.claims.commit()
	for _, damage := range t.damage {
		s.report(damage)
	}
	if t.wake {
		signal(s.wake)
	}
	signal(s.written)
	return true, nil
}

// rollback ends a transaction that failed, unless SQLite has done so itself.
func (s *Store) rollback(err error) error {
	if errors.Is(err, errBroken) {
		return nil // the connection is not used any more
	}
	return survive(func() error {
		if s.writer.AutocommitEnabled() {
			return nil
		}
		if err := s.writer.run("ROLLBACK"); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		return nil
	})
}

// afterCommit is the error of a commit. Only a full disk leaves no doubt: SQLite has written
// the pages, and what it has not, before it marks the transaction as a whole one.
func afterCommit(err error) error {
	if errors.Is(classify(err), syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// runAll stops at the first request that cannot be run.
func (t *tx) runAll(batch []*request) error {
	for _, r := range batch {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		if err := r.run(t); err != nil {
			return err
		}
	}
	return nil
}
