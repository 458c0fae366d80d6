package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func testEvent(i int) inbox.Event {
	return inbox.Event{
		ID: fmt.Sprintf("%064d", i), Queue: "shop", Transaction: fmt.Sprintf("GP%08d", i), PaymentStatus: inbox.Paid,
		ReceivedAt: now.Add(time.Duration(i) * time.Second), Message: bytes.Repeat(fmt.Appendf(nil, "%010d", i), 60),
	}
}

var testLease = inbox.Lease{Now: now, Until: now.Add(time.Minute)}

// later is when testLease is over.
var later = inbox.Lease{Now: now.Add(time.Hour), Until: now.Add(2 * time.Hour)}

func add(t *testing.T, s *Store, e inbox.Event) inbox.Record {
	t.Helper()
	r, added, err := s.Arrive(t.Context(), e, testLease)
	if err != nil || !added {
		t.Fatalf("added %t, %v", added, err)
	}
	return r
}

// newFile makes a file of n records, every second of them delivered, and returns its path.
func newFile(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openAt(t, path)
	defer s.Close()
	err := s.update(t.Context(), func(tb *tables) {
		for i := range n {
			r, _ := tb.arrive(testEvent(i), testLease)
			if i%2 == 1 {
				tb.settle(r, inbox.Settlement{State: inbox.Delivered, At: now})
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// damagedWith writes a file, opens it, and returns what was reported.
func damagedWith(t *testing.T, path string, b []byte) (s *Store, reported []string, err error) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(path, func(err error) { reported = append(reported, err.Error()) })
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, reported, err
}

func states(t *testing.T, s *Store) inbox.Stats {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func TestDamagedRecordIsPutAside(t *testing.T) {
	path := newFile(t, 10)
	b := content(t, path)
	// All its copies: earlier commits may have left some on pages that are free now.
	damaged := bytes.ReplaceAll(b, []byte("00000000040000000004"), []byte("00000000040000X00004"))
	s, reported, err := damagedWith(t, path, damaged)
	if err != nil {
		t.Fatal(err)
	}
	if len(reported) != 1 || !strings.Contains(reported[0], path) || !strings.Contains(reported[0], "record 5 is damaged") {
		t.Errorf("reported %q", reported)
	}
	stats := states(t, s)
	if stats.Quarantined != 1 || stats.States[inbox.Pending] != 4 || stats.States[inbox.Delivered] != 5 {
		t.Errorf("counted %+v", stats)
	}
	beside, err := filepath.Glob(path + ".damaged-*")
	if err != nil || len(beside) != 1 || !bytes.Equal(content(t, beside[0]), damaged) {
		t.Errorf("the damaged file is not kept: %v, %v", beside, err)
	}
	records, err := s.Claim(t.Context(), []string{"shop"}, testLease, 100)
	if err != nil || len(records) != 4 {
		t.Errorf("claimed %d, %v", len(records), err)
	}
	r := add(t, s, testEvent(4)) // it is not known any more, so it is kept when it comes again
	if r.Seq != 11 {
		t.Errorf("number %d was given twice", r.Seq)
	}
	if again, _, err := damagedAgain(t, s); err != nil || states(t, again).Quarantined != 1 {
		t.Errorf("after another start: %v", err)
	}
}

// damagedAgain closes a store and opens its file as it is.
func damagedAgain(t *testing.T, s *Store) (*Store, []string, error) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return damagedWith(t, s.path, content(t, s.path))
}

// Whatever page is damaged: the process goes on, and what is served is whole, and nothing is
// lost without a report.
func TestAnyDamagedPage(t *testing.T) {
	const n = 60
	path := newFile(t, n)
	whole := content(t, path)
	size := os.Getpagesize()
	for name, damage := range map[string]func(page []byte){
		"zeroed":      func(page []byte) { clear(page) },
		"overwritten": func(page []byte) { copy(page, bytes.Repeat([]byte{0xa5}, len(page))) },
		"a bit in its head": func(page []byte) {
			page[9] ^= 0x10
			page[11] ^= 0x01
		},
		"from elsewhere": func(page []byte) { copy(page[8:], whole[3*size+8:4*size]) },
	} {
		t.Run(name, func(t *testing.T) {
			for page := range len(whole) / size {
				b := slices.Clone(whole)
				damage(b[page*size : (page+1)*size])
				checkDamaged(t, filepath.Join(t.TempDir(), fmt.Sprint(page), "inbox.db"), b, n)
			}
		})
	}
}

func TestTruncatedFile(t *testing.T) {
	const n = 60
	whole := content(t, newFile(t, n))
	for size := 0; size < len(whole); size += len(whole)/16 + 100 {
		checkDamaged(t, filepath.Join(t.TempDir(), fmt.Sprint(size), "inbox.db"), whole[:size], n)
	}
}

func checkDamaged(t *testing.T, path string, b []byte, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s, reported, err := damagedWith(t, path, b)
	if err != nil {
		if !strings.Contains(err.Error(), path) || !bytes.Equal(content(t, path), b) {
			t.Errorf("%s: refused with %v, or changed", path, err)
		}
		return
	}
	defer s.Close()
	served := 0
	for r, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !bytes.Equal(r.Message, bytes.Repeat(fmt.Appendf(nil, "%010d", r.Seq-1), 60)) {
			t.Errorf("%s: record %d is served with another message", path, r.Seq)
		}
		served++
	}
	if served < n && len(reported) == 0 {
		t.Errorf("%s: %d of %d records are served, and nothing was reported", path, served, n)
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(n), testLease); err != nil {
		t.Errorf("%s: cannot be written to: %v", path, err)
	}
}

func TestDamagedWhileOpen(t *testing.T) {
	path := newFile(t, 10)
	var reported []error
	s, err := Open(path, func(err error) { reported = append(reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damageRecord(t, s, 1)
	if _, _, err := s.Arrive(t.Context(), testEvent(0), later); !errors.Is(err, errDamaged) {
		t.Errorf("a repeated event whose record is damaged: %v", err)
	}
	records, err := s.Claim(t.Context(), []string{"shop"}, later, 100)
	if err != nil || len(records) != 4 {
		t.Errorf("claimed %d, %v", len(records), err)
	}
	if stats := states(t, s); stats.Quarantined != 1 || stats.States[inbox.Pending] != 4 || len(reported) != 1 {
		t.Errorf("counted %+v, reported %v", stats, reported)
	}
	add(t, s, testEvent(0))
}

// A record that is damaged while the store is open is put aside when it is come upon. It
// holds up nothing of its transaction, is counted nowhere else, and can come again.
func TestDamagedInItsTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	var reported []error
	s, err := Open(path, func(err error) { reported = append(reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	second := testEvent(1)
	second.Transaction = testEvent(0).Transaction
	add(t, s, testEvent(0))
	add(t, s, second)
	damageRecord(t, s, 1)
	listed := 0
	for _, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Error(err)
		}
		listed++
	}
	if listed != 1 || len(reported) != 1 {
		t.Errorf("%d records are listed, reported %v", listed, reported)
	}
	if records, err := s.Claim(t.Context(), []string{"shop"}, later, 10); err != nil || len(records) != 0 {
		t.Errorf("claimed %+v, %v", records, err)
	}
	records, err := s.Claim(t.Context(), []string{"shop"}, later, 10)
	if err != nil || len(records) != 1 || records[0].ID != second.ID {
		t.Fatalf("claimed %+v, %v, want what stood behind", records, err)
	}
	if err := s.Settle(t.Context(), records[0], inbox.Settlement{State: inbox.Delivered, At: now}); err != nil {
		t.Error(err)
	}
	pending, err := s.Pending(t.Context())
	if stats := states(t, s); err != nil || len(pending) != 0 || stats.Quarantined != 1 || stats.States[inbox.Pending] != 0 || !stats.Oldest.IsZero() {
		t.Errorf("counted %+v, pending %v, %v", stats, pending, err)
	}
	again, found, err := damagedAgain(t, s)
	if err != nil || len(found) != 0 {
		t.Fatalf("after another start: %q, %v", found, err)
	}
	s = again
	if text := kept(s, bucketQuarantine, 1); text != "not a record" {
		t.Errorf("put aside: %q", text)
	}
}

// Nothing is forgotten of what is damaged when its time is over.
func TestPrunedAndDamaged(t *testing.T) {
	path := newFile(t, 4) // the second and the fourth are delivered
	s := openAt(t, path)
	defer func() { s.Close() }()
	damageRecord(t, s, 2)
	if n, err := s.Prune(t.Context(), "shop", now.Add(time.Hour)); err != nil || n != 2 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), "shop", now.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("pruned %d once more, %v", n, err)
	}
	if stats := states(t, s); stats.Quarantined != 1 || stats.States[inbox.Delivered] != 0 || stats.States[inbox.Pending] != 2 {
		t.Errorf("counted %+v", stats)
	}
	if text := kept(s, bucketQuarantine, 2); text != "not a record" {
		t.Errorf("put aside: %q", text)
	}
	if text := kept(s, bucketRecords, 2); text != "" {
		t.Errorf("still among the records: %q", text)
	}
}

func damageRecord(t *testing.T, s *Store, seq uint64) {
	t.Helper()
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRecords).Put(number(seq), []byte("not a record"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kept is what a bucket has of that number.
func kept(s *Store, bucket []byte, seq uint64) (text string) {
	_ = s.view(func(tb *tables) { text = string(tb.get(bucket, number(seq))) })
	return text
}

// What a file loses while it is mapped into memory faults when it is read.
func TestTruncatedWhileOpen(t *testing.T) {
	path := newFile(t, 200)
	s := openAt(t, path)
	defer s.Close()
	if err := os.Truncate(path, int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]inbox.Filter{"by its id": {ID: testEvent(100).ID}, "all": {}} {
		var failed error
		for r, err := range s.List(t.Context(), f) {
			if failed = err; err == nil {
				t.Errorf("%s: read %+v from a file that is gone", name, r)
			}
		}
		if !errors.Is(failed, errDamaged) {
			t.Errorf("%s: error %v", name, failed)
		}
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(200), testLease); err == nil {
		t.Error("acknowledged what cannot be read again")
	}
}

// bbolt writes where its list of free pages says. A page in use that is on it must be found
// before anything is written.
func TestDamagedListOfFreePages(t *testing.T) {
	path := newFile(t, 10)
	b := content(t, path)
	page := os.Getpagesize()
	damaged := 0
	for at := 2 * page; at < len(b); at += page {
		if flags := binary.NativeEndian.Uint16(b[at+8:]); flags != 0x10 || binary.NativeEndian.Uint16(b[at+10:]) == 0 {
			continue // it is no such list, or an empty one
		}
		for id := range uint64(len(b) / page) { //nolint:gosec // G115: a small number
			changed := bytes.Clone(b)
			if binary.NativeEndian.Uint64(changed[at+16:]) == id {
				continue
			}
			binary.NativeEndian.PutUint64(changed[at+16:], id)
			s, reported, err := damagedWith(t, filepath.Join(t.TempDir(), "inbox.db"), changed)
			if err != nil {
				t.Errorf("page %d on the list: %v", id, err)
				continue
			}
			if len(reported) > 0 {
				damaged++
			}
			if stats := states(t, s); stats.States[inbox.Pending] != 5 || stats.States[inbox.Delivered] != 5 {
				t.Errorf("page %d on the list: counted %+v", id, stats)
			}
			add(t, s, testEvent(10))
		}
	}
	if damaged == 0 {
		t.Error("no damage was found")
	}
}

// A page above others says by keys where they are. A walk through all goes by none of them.
func TestDamagedWayToARecord(t *testing.T) {
	const n = 400
	b := content(t, newFile(t, n))
	page := os.Getpagesize()
	reports := 0
	for at := 2 * page; at < len(b); at += page {
		if flags := binary.NativeEndian.Uint16(b[at+8:]); flags != 0x01 || binary.NativeEndian.Uint16(b[at+10:]) < 2 {
			continue // nothing is below it
		}
		changed := bytes.Clone(b)
		second := at + 32 // where the key of the second page below it is described: how far off it is, and its length
		key := second + int(binary.NativeEndian.Uint32(changed[second:]))
		clear(changed[key : key+int(binary.NativeEndian.Uint32(changed[second+4:]))])
		s, reported, err := damagedWith(t, filepath.Join(t.TempDir(), "inbox.db"), changed)
		if err != nil {
			t.Error(err)
			continue
		}
		reports += len(reported)
		found := states(t, s).Quarantined
		for _, err := range s.List(t.Context(), inbox.Filter{}) {
			if err != nil {
				t.Error(err)
			}
			found++
		}
		if found != n {
			t.Errorf("of %d records %d are there or reported", n, found)
		}
	}
	if reports == 0 {
		t.Error("no damage was found")
	}
}

// What leads to a record has no checksum, and is compared with the record: an event must not
// be forgotten because of a wrong time, nor be taken for another.
func TestAlteredIndex(t *testing.T) {
	never := number(timeNumber(now.AddDate(100, 0, 0)))
	lane := laneKey(inbox.Record{Event: testEvent(2), Seq: 3})
	moved := func(tx *bbolt.Tx, bucket, key, elsewhere []byte) error {
		value := bytes.Clone(tx.Bucket(bucket).Get(key))
		return errors.Join(tx.Bucket(bucket).Delete(key), tx.Bucket(bucket).Put(elsewhere, value))
	}
	for name, alter := range map[string]func(tx *bbolt.Tx) error{
		"when an event is due": func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketPending).Put(join(lane, 3), never)
		},
		"when a lane is due": func(tx *bbolt.Tx) error {
			l := decodeLane(tx.Bucket(bucketLanes).Get(lane))
			return moved(tx, bucketDue, join(queueKey("shop"), l.at, l.head), join(queueKey("shop"), binary.BigEndian.Uint64(never), l.head))
		},
		"how long a lane is leased": func(tx *bbolt.Tx) error {
			l := decodeLane(tx.Bucket(bucketLanes).Get(lane))
			l.until = binary.BigEndian.Uint64(never)
			return tx.Bucket(bucketLanes).Put(lane, encodeLane(l))
		},
		"which lane is due": func(tx *bbolt.Tx) error {
			l := decodeLane(tx.Bucket(bucketLanes).Get(lane))
			return tx.Bucket(bucketDue).Put(join(queueKey("shop"), l.at, l.head), laneKey(inbox.Record{Event: testEvent(4), Seq: 5}))
		},
		"which lane it is": func(tx *bbolt.Tx) error { return moved(tx, bucketLanes, lane, append(bytes.Clone(lane), 0)) },
		"what an id means": func(tx *bbolt.Tx) error { return tx.Bucket(bucketIDs).Put(idKey(testEvent(2)), number(5)) },
		"an id":            func(tx *bbolt.Tx) error { return moved(tx, bucketIDs, idKey(testEvent(2)), []byte("other")) },
		"what is paid":     func(tx *bbolt.Tx) error { return moved(tx, bucketPaid, join(lane, 3), []byte("other")) },
		"when it arrived":  func(tx *bbolt.Tx) error { return tx.Bucket(bucketWaiting).Put(number(3), never) },
		"how it ended": func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketFinal).Put(finalKey(inbox.Record{Event: testEvent(1), Seq: 2}), []byte(inbox.Dead))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t, 10)
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(alter), db.Close()); err != nil {
				t.Fatal(err)
			}
			var reported error
			s, err := Open(path, func(err error) { reported = errors.Join(reported, err) })
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if !errors.Is(reported, errDamaged) {
				t.Errorf("reported %v", reported)
			}
			stats := states(t, s)
			if stats.States[inbox.Pending] != 5 || stats.States[inbox.Delivered] != 5 || stats.Quarantined != 0 {
				t.Errorf("served %+v", stats)
			}
			claimed, err := s.Claim(t.Context(), []string{"shop"}, later, 10)
			if err != nil || len(claimed) != 5 {
				t.Errorf("claimed %d, %v", len(claimed), err)
			}
			if _, added, err := s.Arrive(t.Context(), testEvent(2), later); err != nil || added {
				t.Errorf("added a second time: %t, %v", added, err)
			}
		})
	}
}
