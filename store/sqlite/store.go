// Package sqlite keeps what must not be lost in one file on this machine, which SQLite manages.
//
// One goroutine writes. While a commit waits for the disk, the next one gathers, so that many
// callbacks share an fsync. Who has claimed an event is kept in memory: only one process can
// have the file open. Each record has a checksum, which is compared whenever it is read.
//
// The file can be read by others while it is open: with sqlite3, by Litestream.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("the store is closed")

var (
	// errDamaged is about a file or a record that is not what was written.
	errDamaged = errors.New("damaged")
	// errBroken is about a disk or a connection that failed, after which nothing is certain.
	errBroken = errors.New("the disk failed")
	// errReplaced is about a file that was removed or replaced while it was open.
	errReplaced = errors.New("the file or its -wal was removed or replaced while it was in use")
)

// Store is a store in a file. It implements store.Store.
type Store struct {
	path   string
	report func(error)
	small  int // how many pages a file may have that is checked when it is opened

	lock     *lockFile
	identity identity

	// These are the writer's.
	writer           *conn
	nextSeq          uint64
	failed           error // why nothing may be written any more
	finishCheckpoint bool  // after this batch
	runner           store.Runner

	rescues int

	claims     *claims
	backfilled int // how many pages of SQLite's log are copied; the checkpoints'

	// files is held while a connection of pool is in use. A rescue, which replaces the file,
	// takes it alone.
	files        sync.RWMutex
	isClosed     bool
	pool         chan *conn // idle readers; nil stands for one that is not open
	checkpointer *conn      // nil: not open

	requests chan *request
	wake     chan struct{}
	damage   chan struct{} // a reader has found damage
	written  chan struct{} // there is more for a checkpoint
	closing  chan struct{}
	stopped  chan struct{}
	ended    context.Context // ends with closing
	work     sync.WaitGroup

	close func() error
}

// readers bounds how many queries run at once.
const readers = 4

// Open opens the store in the file at path, and creates it, with its directory, if there is
// none. A damaged file is rescued: it is kept beside under another name, and what can be read of
// it is served. That, and damage that shows later, goes to report, in words that hold nothing of
// a message; nil: it is not reported.
//
// Open fails if another process has the file, if it is on a file system in memory or on a
// network, belongs to another application or to a newer sidecar, or cannot be read at all.
func Open(path string, report func(error)) (*Store, error) { return open(path, report, smallFile) }

// open opens a store, and checks the whole file first if it is small, in pages.
func open(path string, report func(error), small int) (*Store, error) {
	if report == nil {
		report = func(error) {}
	}
	s := &Store{
		path:     path,
		small:    small,
		report:   func(err error) { report(fmt.Errorf("store %s: %w", path, err)) },
		claims:   newClaims(),
		pool:     make(chan *conn, readers),
		requests: make(chan *request),
		wake:     make(chan struct{}, 1),
		damage:   make(chan struct{}, 1),
		written:  make(chan struct{}, 1),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	for range readers {
		s.pool <- nil
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	ended, end := context.WithCancel(context.Background())
	s.ended = ended
	s.close = sync.OnceValue(func() error {
		end()
		return s.end()
	})
	go s.write()
	if err := s.interruptCalls(ended); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.work.Go(s.checkpoints)
	s.work.Go(func() { s.watch(s.ended, checkAfter) })
	return s, nil
}

// open locks the file, and opens the writer's connection.
func (s *Store) open() (err error) {
	if err := prepareDir(s.path); err != nil {
		return err
	}
	if s.lock, err = takeLock(s.path + ".lock"); err != nil {
		return err
	}
	if err = s.openLocked(); err != nil {
		s.lock.release()
	}
	return err
}

// Close waits for the commit that is under way. What has not begun fails with ErrClosed.
func (s *Store) Close() error { return s.close() }

func (s *Store) end() error {
	close(s.closing)
	<-s.stopped
	s.work.Wait()
	s.files.Lock()
	defer s.files.Unlock()
	s.isClosed = true
	err := errors.Join(s.closeReaders(), s.closeCheckpointer(), s.closeWriter())
	s.lock.release()
	if err != nil {
		return fmt.Errorf("store %s: %w", s.path, err)
	}
	return nil
}

// closeReaders closes the connections of the pool. The caller holds files alone.
func (s *Store) closeReaders() (err error) {
	for range readers {
		if c := <-s.pool; c != nil {
			err = errors.Join(err, c.close())
		}
		s.pool <- nil
	}
	return err
}

func (s *Store) closeCheckpointer() error {
	c := s.checkpointer
	if s.checkpointer = nil; c == nil {
		return nil
	}
	return c.close()
}

// closeWriter closes the last connection, with which SQLite copies its log into the file.
func (s *Store) closeWriter() error {
	c := s.writer
	if s.writer = nil; c == nil {
		return nil
	}
	return c.close()
}

// Wake implements inbox.Store.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Clock implements inbox.Store.
func (s *Store) Clock(ctx context.Context, now time.Time) (since time.Time, err error) {
	now = truncated(now)
	err = s.update(ctx, func(t *tx) error {
		since, err = t.tellClock(now)
		return err
	})
	return since, err
}

func (t *tx) tellClock(now time.Time) (time.Time, error) {
	var told, since store.Time
	err := t.c.each(store.ReadClock, nil, func(stmt *sqliteStmt) (bool, error) {
		column(stmt, 0, &told)
		column(stmt, 1, &since)
		return true, nil
	})
	if err != nil {
		return time.Time{}, err
	}
	steady := store.SteadySince(time.Time(since), time.Time(told), now)
	return steady, t.c.run(store.WriteClock, store.Time(now), store.Time(steady))
}

// Interface guards
var _ store.Store = (*Store)(nil)
