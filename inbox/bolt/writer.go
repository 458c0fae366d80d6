package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"go.etcd.io/bbolt"
)

// maxBatch bounds how many requests share a commit, and so what one failure concerns.
const maxBatch = 256

// request is a change that waits for its commit.
type request struct {
	ctx  context.Context
	run  func(*tables) // may be called again after a failure, so it sets its results anew
	err  error         // valid when done is closed
	done chan struct{}
}

// update has the writer run a change, and returns when it is committed. A context that ends
// stops a change that has not begun; afterwards its outcome is waited for, since nobody
// could tell otherwise whether it was kept.
func (s *Store) update(ctx context.Context, run func(*tables)) error {
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
	for {
		select {
		case first := <-s.requests:
			batch := s.gather(first)
			if s.failed == nil {
				s.failed = s.commit(batch)
			} else {
				fail(batch, s.failed)
			}
			for _, r := range batch {
				close(r.done)
			}
		case <-s.closing:
			return
		}
	}
}

// gather takes the requests that wait. Those whose commit has just ended get the chance to
// come back before the next begins; else every other commit would go out nearly empty.
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

// commit runs a batch in one transaction and gives every request its result. If one of them
// cannot be run, each gets a transaction of its own, so that it spoils no other. It returns
// an error after which nothing more may be written.
func (s *Store) commit(batch []*request) error {
	ran, err := s.transact(batch)
	if err != nil && !ran && len(batch) > 1 && !final(err) {
		for i := range batch {
			if err := s.commit(batch[i : i+1]); err != nil {
				fail(batch[i:], err)
				return err
			}
		}
		return nil
	}
	if err == nil {
		return nil
	}
	fail(batch, fmt.Errorf("inbox %s: %w", s.path, err))
	if !final(err) {
		return nil
	}
	err = fmt.Errorf("inbox %s: not written to any more; check the disk and start anew: %w", s.path, err)
	s.report(err)
	return err
}

// final tells whether nothing may be written after an error. An fsync that is tried again
// after it has failed can succeed without having written anything.
func final(err error) bool { return errors.Is(err, errStuck) || errors.Is(err, syscall.EIO) }

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// errStuck is about a transaction that ended in a panic of bbolt's own, in its commit or in
// its rollback. bbolt keeps its lock then, and can neither begin another nor be closed.
var errStuck = errors.New("the file cannot be written to any more")

// errUnchanged ends a transaction that has nothing to commit.
var errUnchanged = errors.New("nothing was changed")

// transact tells whether all requests were run, and with the error whether they are
// committed.
func (s *Store) transact(batch []*request) (ran bool, err error) {
	var wake bool
	returned := false
	err = survive(func() error {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			t := &tables{tx: tx}
			if err := runAll(batch, t); err != nil {
				return err
			}
			ran, wake = true, t.wake
			if !t.changed {
				return errUnchanged
			}
			return t.flush()
		})
		returned = true
		return err
	})
	if !returned {
		return ran, fmt.Errorf("%w: %w", errStuck, err)
	}
	if errors.Is(err, errUnchanged) {
		return ran, nil
	}
	if err == nil && wake {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return ran, err
}

// runAll stops at the first request that cannot be run. A panic ends here, before it can
// get into bbolt.
func runAll(batch []*request, t *tables) error {
	for _, r := range batch {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		err := survive(func() error {
			r.run(t)
			return t.err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
