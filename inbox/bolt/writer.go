package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"

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
	var failed error
	for {
		select {
		case first := <-s.requests:
			batch := s.gather(first)
			if failed == nil {
				failed = s.commit(batch)
			} else {
				fail(batch, failed)
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
	if err != nil && !ran && len(batch) > 1 {
		for i := range batch {
			if broken := s.commit(batch[i : i+1]); broken != nil {
				fail(batch[i:], broken)
				return broken
			}
		}
		return nil
	}
	if err == nil {
		return nil
	}
	fail(batch, fmt.Errorf("inbox %s: %w", s.path, err))
	if !broken(err) {
		return nil
	}
	err = fmt.Errorf("inbox %s: not written to any more since the disk failed; check it and start anew: %w", s.path, err)
	s.report(err)
	return err
}

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// errUnchanged ends a transaction that has nothing to commit.
var errUnchanged = errors.New("nothing was changed")

// transact tells whether all requests were run, and with the error whether they are
// committed.
func (s *Store) transact(batch []*request) (ran bool, err error) {
	var wake bool
	err = survive(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			t := &tables{tx: tx}
			for _, r := range batch {
				if r.err = r.ctx.Err(); r.err != nil {
					continue
				}
				if r.run(t); t.err != nil {
					return t.err
				}
			}
			ran, wake = true, t.wake
			if !t.changed {
				return errUnchanged
			}
			return nil
		})
	})
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
