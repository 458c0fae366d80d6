package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// lockTimeout is how long Open waits for another process to let go of the file: a sidecar
// that is just being replaced.
const lockTimeout = 2 * time.Second

// openChecked opens the file, and repairs it if it is damaged.
func openChecked(path string, report func(error)) (*bbolt.DB, *os.File, error) {
	if err := prepare(path); err != nil {
		return nil, nil, err
	}
	db, file, err := openFile(path, false)
	if err == nil {
		if err = check(db); err == nil {
			return db, file, checkMeta(path, db, report)
		}
		if closed := db.Close(); closed != nil {
			return nil, nil, closed
		}
	}
	if !errors.Is(err, errDamaged) {
		return nil, nil, err
	}
	kept, lost, repairErr := repair(path)
	if repairErr != nil {
		return nil, nil, fmt.Errorf("%w, and could not be repaired: %w", err, repairErr)
	}
	report(fmt.Errorf("inbox %s: %w; %d records were saved, %d could not be; the damaged file is kept beside", path, err, kept, lost))
	return openFile(path, false)
}

func openFile(path string, readOnly bool) (db *bbolt.DB, file *os.File, err error) {
	err = survive(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      lockTimeout,
			ReadOnly:     readOnly,
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				// prepare has made the file. One that vanished since must not begin anew here, half-written.
				file, err = os.OpenFile(name, flag&^os.O_CREATE, mode) //nolint:gosec // G304: the operator's choice
				return file, err
			},
		})
		return err
	})
	if errors.Is(err, errDamaged) && file != nil {
		_ = letGo(file)
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, nil, errors.New("it is locked by another process, which has this inbox open")
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, nil, fmt.Errorf("it is no inbox, or damaged beyond repair; nothing was changed: %w", err)
	}
	return db, file, err
}

// checkMeta reports if one of the file's two first pages is damaged. Each commit writes the
// other one, and bbolt goes back to the commit before if the newer one cannot be read.
func checkMeta(path string, db *bbolt.DB, report func(error)) error {
	f, err := os.Open(path) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return err
	}
	defer f.Close()
	const head, size, sum = 16, 64, 56 // of a page, of what is kept on it, of what its checksum is about
	for page := range int64(2) {
		meta := make([]byte, size)
		if _, err := f.ReadAt(meta, page*int64(db.Info().PageSize)+head); err != nil {
			return err
		}
		h := fnv.New64a()
		h.Write(meta[:sum])
		if h.Sum64() != binary.NativeEndian.Uint64(meta[sum:]) {
			report(fmt.Errorf("inbox %s: page %d is %w; the last commit may be missing", path, page, errDamaged))
		}
	}
	return nil
}

// check reads the whole file once: every page is where it belongs, every record has its
// checksum, the indexes lead to all records and to nothing else, and no page that is in use
// counts as free.
func check(db *bbolt.DB) error {
	info, err := os.Stat(db.Path())
	if err != nil {
		return err
	}
	var wrong error
	err = view(db, func(t *tables) {
		if t.tx.Size() > info.Size() {
			wrong = fmt.Errorf("%w: %d bytes are missing at its end", errDamaged, t.tx.Size()-info.Size())
			return
		}
		wrong = t.check()
	})
	return errors.Join(err, wrong)
}

func (t *tables) check() error {
	for _, name := range buckets() {
		if t.tx.Bucket(name) == nil {
			return fmt.Errorf("%w: it lacks the table %s", errDamaged, name)
		}
	}
	if format := t.get(bucketMeta, keyFormat); !bytes.Equal(format, formatVersion) {
		return fmt.Errorf("it is of format %x, and this program knows %x", format, formatVersion)
	}
	states, waiting := map[inbox.State]uint64{}, map[string]int{}
	c := t.tx.Bucket(bucketRecords).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		r, err := decodeRecord(lastNumber(key), value)
		if err != nil {
			return err
		}
		if !bytes.Equal(t.get(bucketRecords, key), value) {
			return fmt.Errorf("%w: a key above record %d leads elsewhere", errDamaged, r.Seq)
		}
		if err := t.checkIndex(r); err != nil {
			return err
		}
		states[r.State]++
		if r.State == inbox.Pending {
			waiting[r.Queue]++
		}
	}
	pending := states[inbox.Pending]
	final := states[inbox.Delivered] + states[inbox.Dead] + states[inbox.Overtaken]
	for state, n := range states {
		if counted := t.count(keyCount(state)); counted != n {
			return fmt.Errorf("%w: %d records are %s, and %d were kept", errDamaged, n, state, counted)
		}
	}
	if counted := t.pending(); !maps.Equal(counted, waiting) {
		return fmt.Errorf("%w: the numbers of pending records do not add up", errDamaged)
	}
	lanes := t.entries(bucketLanes)
	for _, index := range []struct {
		name     []byte
		expected uint64
	}{{bucketPending, pending}, {bucketWaiting, pending}, {bucketFinal, final}, {bucketDue, lanes}} {
		if n := t.entries(index.name); n != index.expected {
			return fmt.Errorf("%w: %d entries in %s instead of %d", errDamaged, n, index.name, index.expected)
		}
	}
	if n := t.entries(bucketIDs); n < pending+final {
		return fmt.Errorf("%w: %d ids of %d records", errDamaged, n, pending+final)
	}
	t.entries(bucketPaid)
	t.entries(bucketQuarantine)
	if err := t.checkLanes(); err != nil {
		return err
	}
	return t.checkPages()
}

// checkIndex compares what leads to a record with the record, which has a checksum. By a
// wrong time, for one, an event would wait for years.
func (t *tables) checkIndex(r inbox.Record) error {
	for _, e := range append(lastingIndex(r), stateIndex(r)...) {
		if value := t.get(e.bucket, e.key); value == nil || !bytes.Equal(value, e.value) {
			return fmt.Errorf("%w: %s does not lead to record %d", errDamaged, e.bucket, r.Seq)
		}
	}
	if r.State == inbox.Pending && t.get(bucketLanes, laneKey(r)) == nil {
		return fmt.Errorf("%w: %s does not lead to record %d", errDamaged, bucketLanes, r.Seq)
	}
	return nil
}

// checkLanes compares what is kept of each lane with its first pending record.
func (t *tables) checkLanes() error {
	c := t.tx.Bucket(bucketLanes).Cursor()
	for lane, state := c.First(); lane != nil; lane, state = c.Next() {
		l := decodeLane(state)
		head, due := t.first(lane)
		key := join(queueOfLane(lane), l.at, l.head)
		if head == 0 || l.head != head || l.at != max(due, l.until) || !bytes.Equal(t.get(bucketDue, key), lane) {
			return fmt.Errorf("%w: %s does not lead to record %d", errDamaged, bucketDue, head)
		}
	}
	return nil
}

// entries walks through a bucket, so that it comes upon damaged pages. It goes by no key, and
// so misses damage to those on the pages above, which what is looked up comes upon.
func (t *tables) entries(bucket []byte) (n uint64) {
	c := t.tx.Bucket(bucket).Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		n++
	}
	return n
}

// repair writes what can be read of a damaged file into a new one, which takes its place.
// The damaged one stays beside it.
func repair(path string) (kept, lost int, err error) {
	old, _, err := openFile(path, true)
	if err != nil {
		return 0, 0, err
	}
	defer old.Close()
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".repair-*")
	if err != nil {
		return 0, 0, err
	}
	name := fresh.Name()
	defer os.Remove(name)
	if err := fresh.Close(); err != nil {
		return 0, 0, err
	}
	if kept, lost, err = salvage(old, name); err != nil {
		return 0, 0, err
	}
	if err := os.Link(path, path+".damaged-"+time.Now().UTC().Format("20060102T150405.000000")); err != nil {
		return 0, 0, err
	}
	if err := os.Rename(name, path); err != nil {
		return 0, 0, err
	}
	return kept, lost, syncDir(filepath.Dir(path))
}

// salvage copies the records one by one, so that a damaged page costs no more than what is
// on it. Indexes are made anew. Leases are not kept: the process that had them is gone.
func salvage(old *bbolt.DB, name string) (kept, lost int, err error) {
	fresh, err := create(name)
	if err != nil {
		return 0, 0, err
	}
	defer fresh.Close()
	known := uint64(0) // records that the old file had, as far as its counts can be read
	last := uint64(0)
	if err := view(old, func(t *tables) { last = t.tx.Bucket(bucketRecords).Sequence() }); err != nil {
		return 0, 0, err
	}
	_ = view(old, func(t *tables) {
		for _, s := range inbox.States() {
			known += t.count(keyCount(s))
		}
	})
	for from := uint64(1); from <= last; from += chunk {
		n, err := salvageChunk(old, fresh, from, min(from+chunk-1, last))
		if err != nil {
			return 0, 0, err
		}
		kept += n
	}
	lost = max(0, int(known)-kept)
	err = fresh.Update(func(tx *bbolt.Tx) error {
		t := &tables{tx: tx}
		quarantined := uint64(0)
		_ = view(old, func(o *tables) { quarantined = o.count(keyQuarantined) })
		t.put(bucketMeta, keyQuarantined, number(quarantined+max(t.entries(bucketQuarantine), uint64(lost)))) //nolint:gosec // G115: a count
		if err := tx.Bucket(bucketRecords).SetSequence(last); err != nil {
			return err
		}
		return t.err
	})
	return kept, lost, errors.Join(err, fresh.Sync())
}

func salvageChunk(old, fresh *bbolt.DB, from, to uint64) (kept int, err error) {
	err = fresh.Update(func(tx *bbolt.Tx) error {
		t := &tables{tx: tx}
		for seq := from; seq <= to; seq++ {
			var (
				r     inbox.Record
				value []byte
			)
			err := view(old, func(o *tables) {
				value = bytes.Clone(o.get(bucketRecords, number(seq)))
				if r, o.err = o.record(seq); errors.Is(o.err, errMissing) {
					o.err = nil
				}
			})
			switch {
			case err == nil && r.Seq != 0:
				t.admit(r)
				if r.State == inbox.Pending {
					lane := laneKey(r)
					t.setLane(lane, t.lane(lane))
				}
				kept++
			case value != nil:
				t.setAside(seq, value)
			}
		}
		return t.flush()
	})
	return kept, err
}
