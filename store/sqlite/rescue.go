package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// A rescue copies the records of a damaged file into a new one. The new one takes the name of
// the damaged one, which is kept beside with its log. It is made under the first of these names.
// It has the second one when it is whole. If the process ends after that, the next start goes on.
const (
	rescuing    = ".rescuing"
	rescuedName = ".rescued"
)

// errNoStore is about a file in which there is nothing of ours.
var errNoStore = errors.New("it is not a store of the sidecar, or it is damaged beyond rescue; nothing was changed. Give another path, or move the file away")

// findings are what a damaged file has.
type findings struct {
	pages *pageFile
	// rows are where the events are: in which cell of which page.
	rows map[uint64]cellAt
	// payments are where those are, and keys the copies of their keys, of which there are two.
	payments map[uint64]cellAt
	keys     map[uint64]paymentKey
	// heads are the oldest pending records of the lanes.
	heads map[lane]uint64
	// doubtful are numbers of records that are not whole, or that indexes lead to, and from how
	// many pages.
	doubtful map[uint64]int
}

type cellAt struct {
	page uint32
	cell int
}

// rescue makes a new file of a damaged one. Lost counts the records that are missing, as far as
// numbers tell that were given to one.
func rescue(path string) (saved, lost int, err error) {
	pages, err := openPages(path)
	if err != nil {
		return 0, 0, err
	}
	defer pages.close()
	found, err := find(pages)
	if err != nil {
		return 0, 0, err
	}
	if len(found.rows)+len(found.payments)+len(found.keys) == 0 && checkHeader(path) != nil {
		return 0, 0, errNoStore
	}
	temp, err := newFile(path + rescuing)
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(temp)
	if saved, lost, err = found.copyTo(temp); err != nil {
		return 0, 0, err
	}
	if err := syncFile(temp); err != nil {
		return 0, 0, err
	}
	if err := errors.Join(os.Rename(temp, path+rescuedName), syncDir(filepath.Dir(path))); err != nil {
		return 0, 0, err
	}
	return saved, lost, finishRescue(path)
}

// finishRescue gives the new file of a rescue its name, if there is one.
func finishRescue(path string) error {
	info, err := os.Stat(path + rescuedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	beside := path + ".damaged-" + info.ModTime().UTC().Format("20060102T150405.000000")
	for _, suffix := range []string{"", walSuffix} {
		if err := os.Rename(path+suffix, beside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(path + shmSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(path+rescuedName, path), syncDir(filepath.Dir(path)))
}

// find looks at all pages.
func find(p *pageFile) (*findings, error) {
	f := &findings{
		pages: p, rows: map[uint64]cellAt{}, payments: map[uint64]cellAt{}, keys: map[uint64]paymentKey{},
		heads: map[lane]uint64{}, doubtful: map[uint64]int{},
	}
	for number := uint32(1); number <= p.count; number++ {
		page, err := p.page(number)
		if err != nil {
			return nil, err
		}
		if page[0] == indexLeaf {
			err = f.indexPage(page)
		} else {
			err = f.tablePage(number, page) // its type may be what is damaged
		}
		if err = errors.Join(err, f.keyPage(page)); err != nil {
			return nil, err
		}
	}
	for seq, at := range f.rows {
		r, err := f.read(seq, at)
		if err != nil {
			return nil, err
		}
		if oldest, ok := f.heads[laneOf(&r.Record)]; r.State == inbox.Pending && (!ok || seq < oldest) {
			f.heads[laneOf(&r.Record)] = seq
		}
	}
	return f, nil
}

func (f *findings) indexPage(page []byte) (err error) {
	seen := map[uint64]bool{}
	cells(page, func(_ int, cell []byte) {
		content, failed := f.pages.indexCell(cell)
		err = errors.Join(err, failed)
		if seq := indexKey(content); seq != 0 && !seen[seq] {
			seen[seq] = true
			f.doubtful[seq]++
		}
	})
	return err
}

// keyPage notes the keys of payments on a page, which may be a leaf or not: its type may be what is damaged.
func (f *findings) keyPage(page []byte) (err error) {
	visit := func(cell []byte) {
		content, failed := f.pages.indexCell(cell)
		err = errors.Join(err, failed)
		if seq, key, ok := decodeKey(content); ok {
			f.keys[seq] = key
		}
	}
	leafCells(page, visit)
	nodeCells(page, visit)
	return err
}

func (f *findings) tablePage(number uint32, page []byte) (err error) {
	cells(page, func(i int, cell []byte) {
		key, content, failed := f.pages.tableCell(cell)
		if content == nil || failed != nil {
			err = errors.Join(err, failed)
			return
		}
		known, failed := f.row(key, content, cellAt{number, i})
		err = errors.Join(err, failed)
		if !known && page[0] == tableLeaf && !isSchema(content) {
			f.doubtful[key]++
		}
	})
	return err
}

// row notes what a row is, if it is whole.
func (f *findings) row(seq uint64, content []byte, at cellAt) (known bool, err error) {
	if r, ok := decodeRow(seq, content); ok {
		return true, f.add(&r, at)
	}
	if p, ok := decodePayment(seq, content); ok {
		return true, f.addPayment(&p, at)
	}
	return false, nil
}

// addPayment notes a payment. Of two copies, the one counts that has come further.
func (f *findings) addPayment(p *ledger.Payment, at cellAt) error {
	if before, ok := f.payments[p.Seq]; ok {
		other, err := f.readPayment(p.Seq, before)
		if err != nil || isPaymentFurther(&other, p) {
			return err
		}
	}
	f.payments[p.Seq] = at
	return nil
}

func isPaymentFurther(a, b *ledger.Payment) bool {
	return cmp.Or(cmp.Compare(a.Sending, b.Sending), lastChange(a).Compare(lastChange(b)), cmp.Compare(a.Asked, b.Asked)) > 0
}

// lastChange is the latest time that a payment has of what has happened to it.
func lastChange(p *ledger.Payment) time.Time {
	return slices.MaxFunc([]time.Time{p.RecordedAt, p.EndedAt, p.SettledAt, p.StatusAt, p.AskFrom}, time.Time.Compare)
}

// add notes a record. Of two copies, the one counts that has come further.
func (f *findings) add(r *row, at cellAt) error {
	if before, ok := f.rows[r.Seq]; ok {
		other, err := f.read(r.Seq, before)
		if err != nil || isFurther(&other.Record, &r.Record) {
			return err
		}
	}
	f.rows[r.Seq] = at
	return nil
}

func isFurther(a, b *inbox.Record) bool {
	if a.State != b.State && (a.State == inbox.Pending || b.State == inbox.Pending) {
		return b.State == inbox.Pending
	}
	return a.Attempts > b.Attempts || len(a.Message) == 0
}

// read reads an event again that was found whole.
func (f *findings) read(seq uint64, at cellAt) (row, error) {
	return readAgain(f.pages, seq, at, decodeRow)
}

// readPayment is read for a payment.
func (f *findings) readPayment(seq uint64, at cellAt) (ledger.Payment, error) {
	return readAgain(f.pages, seq, at, decodePayment)
}

func readAgain[T any](pages *pageFile, seq uint64, at cellAt, decode func(key uint64, content []byte) (T, bool)) (found T, err error) {
	page, err := pages.page(at.page)
	if err != nil {
		return found, err
	}
	ok := false
	cells(page, func(i int, cell []byte) {
		if i != at.cell {
			return
		}
		key, content, failed := pages.tableCell(cell)
		if err = failed; err == nil && content != nil && key == seq {
			found, ok = decode(key, content)
		}
	})
	if err == nil && !ok {
		err = fmt.Errorf("%w: record %d changed while it was read", errDamaged, seq)
	}
	return found, err
}

// copyTo writes the records into an empty file.
func (f *findings) copyTo(path string) (saved, lost int, err error) {
	if err := makeTables(path); err != nil {
		return 0, 0, err
	}
	c, err := openConn(path, sqlite.OpenReadWrite, rescueCache)
	if err != nil {
		return 0, 0, err
	}
	err = survive(func() error {
		// It is synced as a whole in the end, and thrown away if anything fails.
		if err := c.script("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"); err != nil {
			return err
		}
		err := withoutIndexes(c, func() (err error) {
			if saved, err = f.copyRows(c); err != nil {
				return err
			}
			payments, err := f.copyPayments(c)
			saved += payments
			return err
		})
		if err != nil {
			return err
		}
		if lost, err = f.noteMissing(c); err != nil {
			return err
		}
		return c.script("PRAGMA journal_mode = WAL")
	})
	return saved, lost, classify(errors.Join(err, c.close()))
}

// rescueCache is the size of the page cache, in KiB, while a file is filled again.
const rescueCache = 64 << 10

// withoutIndexes makes the indexes when the table has been filled, which is much faster. The one
// that keeps ids unique stays.
func withoutIndexes(c *conn, fill func() error) error {
	indexes, err := c.texts("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql NOT LIKE '%UNIQUE%'")
	if err != nil {
		return err
	}
	for name := range indexes {
		if err := c.script("DROP INDEX " + name); err != nil {
			return err
		}
	}
	if err := fill(); err != nil {
		return err
	}
	for _, sql := range indexes {
		if err := c.script(sql); err != nil {
			return err
		}
	}
	return nil
}

func (f *findings) copyRows(c *conn) (saved int, err error) {
	return copyEach(c, f.rows, func(seq uint64) (bool, error) {
		r, err := f.read(seq, f.rows[seq])
		if err != nil {
			return false, err
		}
		r.ready = readyTime(&r, r.State == inbox.Pending && f.heads[laneOf(&r.Record)] == seq)
		return r.insert(c)
	})
}

// copyPayments copies payments. Of those that are missing, it keeps the keys in the quarantine, and the names: their
// requestIDs must not count as new, and their transactions not as others' payments.
func (f *findings) copyPayments(c *conn) (saved int, err error) {
	saved, err = copyEach(c, f.payments, func(seq uint64) (bool, error) {
		p, err := f.readPayment(seq, f.payments[seq])
		if err != nil {
			return false, err
		}
		return insertPayment(c, &p)
	})
	if err != nil {
		return 0, err
	}
	names, err := f.namesOfMissing()
	if err != nil {
		return 0, err
	}
	_, err = copyEach(c, f.keys, func(seq uint64) (bool, error) {
		if _, ok := f.payments[seq]; ok {
			return false, nil
		}
		return f.putAside(c, seq, names[seq])
	})
	return saved, err
}

// putAside keeps what is known of a payment that is missing.
func (f *findings) putAside(c *conn, seq uint64, names []string) (isNew bool, err error) {
	key := f.keys[seq]
	isKnown, err := c.number("SELECT count(*) FROM galaxypay_payment_keys WHERE request_id = ? AND book = ?", key.requestID, key.book)
	if err != nil || isKnown > 0 {
		return false, err
	}
	if err := insertKey(c, seq, key.book, key.requestID); err != nil {
		return false, err
	}
	if err := insertNames(c, &ledger.Payment{Seq: seq, Book: key.book}, names); err != nil {
		return false, err
	}
	return true, c.run("INSERT INTO galaxypay_payment_quarantine (seq, book, request_id, put_aside_at) VALUES (?, ?, ?, ?)",
		seq, key.book, key.requestID, store.Time(time.Now()))
}

// namesOfMissing looks at all pages again for the names of payments that are missing. It may take a
// requestID for a name, which names no other payment and so does no harm.
func (f *findings) namesOfMissing() (names map[uint64][]string, err error) {
	names = map[uint64][]string{}
	for seq := range f.keys {
		if _, ok := f.payments[seq]; !ok {
			names[seq] = nil
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	for number := uint32(1); number <= f.pages.count; number++ {
		page, err := f.pages.page(number)
		if err != nil {
			return nil, err
		}
		if err := f.addNames(names, page); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// addNames adds those of a page.
func (f *findings) addNames(names map[uint64][]string, page []byte) (err error) {
	indexCells(page, func(cell []byte) {
		content, failed := f.pages.indexCell(cell)
		err = errors.Join(err, failed)
		n, ok := decodeName(content)
		if _, isMissing := names[n.seq]; ok && isMissing && n.book == f.keys[n.seq].book {
			names[n.seq] = append(names[n.seq], n.name)
		}
	})
	return err
}

// copyEach calls one for each number of what was found, in their order, and counts what was new.
func copyEach[T any](c *conn, found map[uint64]T, one func(seq uint64) (isNew bool, err error)) (copied int, err error) {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(found)), 1000) {
		err := inTransaction(c, func() error {
			for _, seq := range some {
				isNew, err := one(seq)
				if err != nil {
					return err
				}
				if isNew {
					copied++
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return copied, nil
}

// noteMissing puts the numbers of records that are missing into the quarantine, and counts them.
// Numbers are given without gaps. Payments whose key is known are in their own quarantine.
func (f *findings) noteMissing(c *conn) (lost int, err error) {
	last := uint64(0)
	for _, seqs := range []iter.Seq[uint64]{maps.Keys(f.rows), maps.Keys(f.payments), maps.Keys(f.keys)} {
		for seq := range seqs {
			last = max(last, seq)
		}
	}
	// An index has each record once. One page that leads to a record may be damaged itself.
	for seq, pages := range f.doubtful {
		if pages > 1 && seq < last+uint64(f.pages.count)*uint64(f.pages.size)/32 { //nolint:gosec // G115: not negative
			last = max(last, seq)
		}
	}
	err = inTransaction(c, func() error {
		for seq := uint64(1); seq <= last; seq++ {
			_, isEvent := f.rows[seq]
			_, isPayment := f.payments[seq]
			if isEvent || isPayment {
				continue
			}
			lost++
			if _, ok := f.keys[seq]; ok {
				continue
			}
			if err := c.run("INSERT INTO galaxypay_quarantine (seq) VALUES (?)", seq); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}

func inTransaction(c *conn, run func() error) error {
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := run(); err != nil {
		return errors.Join(err, c.run("ROLLBACK"))
	}
	return c.run("COMMIT")
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// mostRescues bounds how often a running process rescues its file. A disk that damages it again
// and again has to be replaced.
const mostRescues = 3

// rescueUnlessFailed replaces the file while the store is open. It is the writer's. If it does
// not succeed, nothing is written any more.
func (s *Store) rescueUnlessFailed(why error) {
	if s.failed != nil {
		return
	}
	if err := s.rescueOpen(why); err != nil {
		s.stopWriting(fmt.Errorf("%w, and could not be rescued: %w", why, err))
	}
}

func (s *Store) rescueOpen(why error) error {
	s.files.Lock()
	defer s.files.Unlock()
	if err := s.identity.check(s.path); err != nil {
		return err
	}
	if s.rescues++; s.rescues > mostRescues {
		return errors.New("it was damaged again and again")
	}
	// What they say no longer matters. The log is read below, and SQLite must not have it then.
	_, _, _ = s.closeReaders(), s.closeCheckpointer(), s.closeWriter()
	saved, lost, err := rescue(s.path)
	if err != nil {
		return err
	}
	s.report(rescued(why, saved, lost))
	select {
	case <-s.damage: // of the file before
	default:
	}
	return s.openWriter()
}
