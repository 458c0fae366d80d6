package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

const (
	// checkpointAfter is how long after a commit its pages are copied into the file. Pages that
	// change often are then copied once for many commits.
	checkpointAfter = 250 * time.Millisecond
	// fewPages is how many pages the writer may have to copy itself, between two commits.
	fewPages = 200
	// longWAL is at how many pages SQLite's log shall begin again, and so about how long
	// it gets: 32 MiB.
	longWAL = 8000
)

// checkpoints copies what was committed from SQLite's log into the file, on a connection of its
// own, so that commits need not wait for it. It ends with the store.
func (s *Store) checkpoints() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-s.written:
		}
		timer.Reset(checkpointAfter)
		select {
		case <-s.closing:
			return
		case <-timer.C:
		}
		if err := s.checkpoint(); err != nil && !errors.Is(err, ErrClosed) {
			s.report(fmt.Errorf("what was committed could not be copied into the file, and will be copied later: %w", err))
		}
	}
}

// checkpoint makes one. While the store is in use, pages are added as fast as others are copied.
// So when the log has become long, and only a few pages are left, the writer copies them between
// two commits. With the next one the log begins again.
func (s *Store) checkpoint() error {
	length, copied, err := s.copyPages()
	for i := 0; i < 3 && err == nil && copied > fewPages; i++ {
		length, copied, err = s.copyPages()
	}
	if errors.Is(err, errBroken) || err == nil && length >= longWAL {
		failed := err
		return s.update(context.Background(), func(*tx) error {
			s.finishCheckpoint = true
			return failed // the writer has to stop, too
		})
	}
	return err
}

// copyPages copies pages once. Length is that of the log, in pages.
func (s *Store) copyPages() (length, copied int, err error) {
	s.files.RLock()
	defer s.files.RUnlock()
	if err := s.identity.check(s.path); err != nil {
		return 0, 0, err
	}
	if s.checkpointer == nil {
		if s.checkpointer, err = openConn(s.path, sqlite.OpenReadWrite, readerCache); err != nil {
			return 0, 0, err
		}
	}
	before := s.backfilled
	if length, s.backfilled, err = s.checkpointer.checkpoint(); err != nil {
		return 0, 0, errors.Join(err, s.closeCheckpointer())
	}
	if copied = s.backfilled - before; copied < 0 {
		copied = s.backfilled // the log has begun again
	}
	return length, copied, nil
}

// checkpoint copies what it can without waiting for another connection. It returns how many
// pages the log has, and how many of them have been copied.
func (c *conn) checkpoint() (length, copied int, err error) {
	err = survive(func() error {
		return c.each("PRAGMA wal_checkpoint(PASSIVE)", nil, func(stmt *sqliteStmt) (bool, error) {
			length, copied = max(0, stmt.ColumnInt(1)), max(0, stmt.ColumnInt(2))
			return true, nil
		})
	})
	return length, copied, classify(err)
}
