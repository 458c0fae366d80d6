// Package bolt keeps an inbox in one file on this machine. One goroutine writes: while a
// commit waits for the disk, the next one gathers, so that many callbacks share an fsync.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// ErrClosed is what a store answers after Close.
var ErrClosed = errors.New("the inbox is closed")

// errDamaged is about a file, a page or a record that does not hold what was written.
var errDamaged = errors.New("damaged")

// chunk is how many records one transaction looks at or changes where there may be
// any number of them. A long transaction would hold up others, or keep the file from
// using its free pages.
const chunk = 1000

// Store is an inbox in a file. It implements inbox.Store.
type Store struct {
	db       *bbolt.DB
	path     string
	report   func(error)
	requests chan *request
	wake     chan struct{}
	closing  chan struct{}
	stopped  chan struct{}
	failed   error // why nothing may be written any more; the writer's, until it has stopped
	close    func() error
}

// Open opens the inbox in the file at path, and creates it, with its directory, if there is
// none. A damaged file is repaired: it is kept beside under another name, and what can be
// read of it is served. That, and damage that shows later, goes to report, in words that
// hold nothing of a message; nil: nobody listens.
//
// Open fails if the file is locked by another process, lies on a network's file system, or
// cannot be read at all.
func Open(path string, report func(error)) (*Store, error) {
	if report == nil {
		report = func(error) {}
	}
	db, file, err := openChecked(path, report)
	if err != nil {
		return nil, fmt.Errorf("inbox %s: %w", path, err)
	}
	s := &Store{
		db:       db,
		path:     path,
		report:   func(err error) { report(fmt.Errorf("inbox %s: %w", path, err)) },
		requests: make(chan *request),
		wake:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	s.close = sync.OnceValue(func() error {
		close(s.closing)
		<-s.stopped
		if errors.Is(s.failed, errStuck) {
			return letGo(file)
		}
		return db.Close()
	})
	// Who could say how those deliveries ended is gone. Without room on the disk they wait
	// until their leases end.
	release := &request{ctx: context.Background(), run: func(t *tables) { t.releaseAll() }}
	s.failed = s.commit([]*request{release})
	if release.err != nil {
		report(fmt.Errorf("events that were being delivered when the sidecar ended wait for a while: %w", release.err))
	}
	go s.write()
	return s, nil
}

// Close waits for the commit that is under way. What has not begun fails with ErrClosed.
func (s *Store) Close() error { return s.close() }

// Wake implements inbox.Store.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// Arrive implements inbox.Store.
func (s *Store) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	if err := checkEvent(e); err != nil {
		return inbox.Record{}, false, err
	}
	var (
		r     inbox.Record
		isNew bool
	)
	err := s.update(ctx, func(t *tables) { r, isNew = t.arrive(e, lease) })
	if err != nil {
		return inbox.Record{}, false, err
	}
	return r, isNew, nil
}

// Claim implements inbox.Store. Among several queues, what is due the longest comes first.
func (s *Store) Claim(ctx context.Context, queues []string, lease inbox.Lease, limit int) ([]inbox.Record, error) {
	var idle bool
	err := s.view(func(t *tables) { idle = len(t.claimable(queues, lease.Now, 1)) == 0 })
	if err != nil || idle || limit <= 0 {
		return nil, err
	}
	var (
		claimed []inbox.Record
		damage  []error
	)
	err = s.update(ctx, func(t *tables) { claimed, damage = t.claim(queues, lease, limit) })
	if err != nil {
		return nil, err
	}
	for _, d := range damage {
		s.report(d)
	}
	return claimed, nil
}

// Settle implements inbox.Store.
func (s *Store) Settle(ctx context.Context, r inbox.Record, how inbox.Settlement) error {
	switch how.State {
	case inbox.Pending, inbox.Delivered, inbox.Dead:
	default:
		return fmt.Errorf("an attempt cannot end as %q", how.State)
	}
	held := false
	if err := s.update(ctx, func(t *tables) { held = t.settle(r, how) }); err != nil {
		return err
	}
	if !held {
		return inbox.ErrLeaseLost
	}
	return nil
}

// NextDue implements inbox.Store.
func (s *Store) NextDue(_ context.Context, queues []string) (time.Time, error) {
	var next time.Time
	err := s.view(func(t *tables) { next = t.nextDue(queues) })
	return next, err
}

// List implements inbox.Store. No transaction is open while the caller has a record, so it
// may take its time and use the store. Damaged records are reported and left out, but the
// one that is asked for by its ID is an error.
func (s *Store) List(ctx context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		if f.ID != "" {
			s.listID(f, yield)
			return
		}
		var l listing
		if err := s.view(func(t *tables) { l = t.listing(f) }); err != nil {
			yield(inbox.Record{}, err)
			return
		}
		for !l.done {
			err := ctx.Err()
			if err == nil {
				err = s.view(func(t *tables) { l = t.list(f, l) })
			}
			if err != nil {
				yield(inbox.Record{}, err)
				return
			}
			for _, d := range l.damage {
				s.report(d)
			}
			for _, r := range l.records {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) listID(f inbox.Filter, yield func(inbox.Record, error) bool) {
	var records []inbox.Record
	if err := s.view(func(t *tables) { records = t.withID(f) }); err != nil {
		yield(inbox.Record{}, err)
		return
	}
	for _, r := range records {
		if !yield(r, nil) {
			return
		}
	}
}

// Replay implements inbox.Store. It goes through the records in several transactions; when
// it fails, those before stay replayed, and are counted.
func (s *Store) Replay(ctx context.Context, f inbox.Filter, now time.Time) (int, error) {
	total := 0
	var seqs []uint64
	flush := func() error {
		n := 0
		err := s.update(ctx, func(t *tables) { n = t.replay(seqs, f, now) })
		if err == nil {
			total += n
		}
		seqs = seqs[:0]
		return err
	}
	for r, err := range s.List(ctx, f) {
		if err != nil {
			return total, err
		}
		if seqs = append(seqs, r.Seq); len(seqs) == chunk {
			if err := flush(); err != nil {
				return total, err
			}
		}
	}
	if len(seqs) == 0 {
		return total, nil
	}
	err := flush()
	return total, err
}

// Prune implements inbox.Store, in several transactions if there is much to forget.
func (s *Store) Prune(ctx context.Context, queue string, before time.Time) (int, error) {
	total := 0
	for {
		n := 0
		if err := s.update(ctx, func(t *tables) { n = t.prune(queue, before) }); err != nil {
			return total, err
		}
		total += n
		if n < chunk {
			return total, nil
		}
	}
}

// Stats implements inbox.Store.
func (s *Store) Stats(context.Context) (inbox.Stats, error) {
	var stats inbox.Stats
	err := s.view(func(t *tables) { stats = t.stats() })
	return stats, err
}

// Pending implements inbox.Store.
func (s *Store) Pending(context.Context) (map[string]int, error) {
	var pending map[string]int
	err := s.view(func(t *tables) { pending = t.pending() })
	return pending, err
}

// view runs a reading transaction.
func (s *Store) view(run func(*tables)) error {
	err := view(s.db, run)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func view(db *bbolt.DB, run func(*tables)) error {
	return survive(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			t := &tables{tx: tx}
			run(t)
			return t.err
		})
	})
}

// survive turns panics into errors. A damaged page makes bbolt panic, and a page that the
// file has lost faults when it is read through the memory map, which would end the process.
func survive(run func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return run()
}

// Interface guards
var _ inbox.Store = (*Store)(nil)
