package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"zombiezen.com/go/sqlite"
)

// The files beside the store's own that SQLite makes.
const (
	walSuffix = "-wal"
	shmSuffix = "-shm"
)

// prepareDir makes the directory of a file, and refuses file systems that keep nothing.
func prepareDir(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return refuseFileSystem(dir)
}

// openLocked opens the file, whose lock is taken.
func (s *Store) openLocked() error {
	if err := finishRescue(s.path); err != nil {
		return err
	}
	if err := s.putOrphanLogAside(); err != nil {
		return err
	}
	err := prepareFile(s.path)
	if err == nil {
		err = s.openWriter()
	}
	if errors.Is(err, errDamaged) {
		return s.rescueAtOpening(err)
	}
	return err
}

// putOrphanLogAside renames the log of a file that was removed: SQLite would take it for the log
// of the new file. It holds the latest events, so it is kept, and reported.
func (s *Store) putOrphanLogAside() error {
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, err := os.Lstat(s.path + walSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	beside := s.path + ".removed-" + info.ModTime().UTC().Format("20060102T150405.000000") + walSuffix
	if err := os.Rename(s.path+walSuffix, beside); err != nil {
		return err
	}
	if err := os.Remove(s.path + shmSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.report(fmt.Errorf("the file was removed, but not its log, which is kept as %s; the store begins with an empty file; "+
		"to go on with the old file, end the sidecar, and bring back both under their own names", beside))
	return nil
}

// rescueAtOpening rescues a file that was damaged before it was opened.
func (s *Store) rescueAtOpening(why error) error {
	saved, lost, err := rescue(s.path)
	if err != nil {
		return fmt.Errorf("%w, and could not be rescued: %w", why, err)
	}
	s.report(rescued(why, saved, lost))
	return s.openWriter()
}

func rescued(why error, saved, lost int) error {
	return fmt.Errorf("%w; %d records were saved, %d are missing; the damaged file is kept beside", why, saved, lost)
}

// prepareFile sees to it that there is a file of ours at path.
func prepareFile(path string) error {
	info, err := os.Lstat(path)
	if info != nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return createFile(path)
	}
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a file; give the path of a file in that directory")
	case info.Size() == 0:
		return errors.New("it is empty, which a store never is; remove it to begin with an empty store")
	}
	if err := checkHeader(path); err != nil {
		return err
	}
	return checkWAL(path)
}

// createFile makes a store under another name, and gives it its own when it is whole and on the
// disk: a power cut must not leave half a file.
func createFile(path string) error {
	temp, err := newFile(path + ".new")
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := makeTables(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// newFile makes an empty file that only its user can read, in place of what a process left that
// has ended.
func newFile(path string) (string, error) {
	for _, left := range []string{path, path + walSuffix, path + shmSuffix, path + "-journal"} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return "", err
	}
	return path, file.Close()
}

// makeTables makes the tables in an empty file, and closes it when all is on the disk.
func makeTables(path string) error {
	c, err := openConn(path, sqlite.OpenReadWrite, writerCache)
	if err != nil {
		return err
	}
	err = survive(func() error {
		if err := c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA journal_mode = WAL", applicationID)); err != nil {
			return err
		}
		return migrate(c)
	})
	return classify(errors.Join(err, c.close()))
}

var magic = []byte("SQLite format 3\x00")

// checkHeader compares the beginning of a file with that of a store. SQLite has the file closed
// now: closing it here while SQLite had it open would drop SQLite's locks.
func checkHeader(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return err
	}
	defer file.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(file, header); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	version := binary.BigEndian.Uint32(header[60:])
	switch {
	case !bytes.HasPrefix(header, magic), binary.BigEndian.Uint32(header[68:]) != applicationID, !isUsual(header):
		return fmt.Errorf("%w: it does not begin like a store", errDamaged)
	case int64(version) > int64(len(migrations)):
		return fmt.Errorf("its tables have version %d, and this sidecar supports versions up to %d; use a newer sidecar", version, len(migrations))
	}
	return nil
}

// isUsual reports whether what SQLite believes of the file's header is what it writes there: by
// other values it would take the file as one that may not be written to, or misread it.
func isUsual(header []byte) bool {
	const write, read, reserved, utf8 = 18, 19, 20, 1
	return header[write] <= 2 && header[read] <= 2 && bytes.Equal(header[reserved:reserved+4], []byte{0, 64, 32, 32}) &&
		binary.BigEndian.Uint32(header[56:]) == utf8
}

// openWriter opens the writer's connection.
func (s *Store) openWriter() (err error) {
	c, err := openConn(s.path, sqlite.OpenReadWrite, writerCache)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.close()
		}
	}()
	err = survive(func() error {
		if err := requireWAL(c); err != nil {
			return err
		}
		if err := emptyLog(c); err != nil {
			return err
		}
		if err := migrate(c); err != nil {
			return err
		}
		if err := checkSchema(c); err != nil {
			return err
		}
		last, err := c.number(lastNumber)
		s.nextSeq = uint64(last) + 1 //nolint:gosec // G115: written as uint64
		if err != nil {
			return err
		}
		return checkSmall(c, s.small)
	})
	if err != nil {
		return classify(err)
	}
	if s.identity, err = identify(s.path); err != nil {
		return err
	}
	s.writer = c
	return nil
}

// lastNumber is the last one that was given. Events and payments share their numbers, so that a
// rescue can tell how many records are missing.
const lastNumber = `SELECT max(
	(SELECT coalesce(max(seq), 0) FROM galaxypay_events),
	(SELECT coalesce(max(seq), 0) FROM galaxypay_payments),
	(SELECT coalesce(max(seq), 0) FROM galaxypay_payment_keys))`

// smallFile is how large a file may be, in pages, that is checked as a whole when it is
// opened: 2 MiB, which takes a few milliseconds.
const smallFile = 512

// checkSmall checks a file that is small.
func checkSmall(c *conn, small int) error {
	pages, err := c.number("PRAGMA page_count")
	if err != nil || pages > small {
		return err
	}
	problems, err := c.check()
	if err == nil && len(problems) > 0 {
		return fmt.Errorf("%w: %s", errDamaged, strings.Join(problems, "; "))
	}
	return err
}

// requireWAL makes SQLite write changes to a file of their own first. It begins that
// file, so that it can be identified from now on.
func requireWAL(c *conn) error {
	mode := ""
	err := c.each("PRAGMA journal_mode = WAL", nil, func(stmt *sqliteStmt) (bool, error) {
		mode = stmt.ColumnText(0)
		return true, nil
	})
	if err != nil {
		return err
	}
	if !strings.EqualFold(mode, "wal") {
		return fmt.Errorf("SQLite's journal mode is %s and cannot be changed to WAL; another program may have the file open", mode)
	}
	return c.run("SELECT count(*) FROM galaxypay_clock")
}

// emptyLog copies what a process has left in SQLite's log, and makes it empty. checkWAL relies
// on that: frames that a crash broke off must not lie behind new ones. A full disk only puts it off.
func emptyLog(c *conn) error {
	err := c.script("PRAGMA wal_checkpoint(TRUNCATE)")
	if errors.Is(classify(err), syscall.ENOSPC) {
		return nil
	}
	return err
}

// identity is that of the files: names can be given to others.
type identity struct{ file, wal os.FileInfo }

func identify(path string) (id identity, err error) {
	if id.file, err = os.Stat(path); err != nil {
		return id, err
	}
	id.wal, err = os.Stat(path + walSuffix)
	return id, err
}

// check fails if the files of a path are others by now. It does not open them: closing them again
// would drop SQLite's locks.
func (id *identity) check(path string) error {
	now, err := identify(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errReplaced, err)
	}
	if !os.SameFile(now.file, id.file) || !os.SameFile(now.wal, id.wal) {
		return errReplaced
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: the operator's choice
	if err != nil {
		// A parent that this user may not read was not made by it either.
		if errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrPermission) { // Windows cannot
		return fmt.Errorf("the directory %s: %w", dir, err)
	}
	return nil
}
