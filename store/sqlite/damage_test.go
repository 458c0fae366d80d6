package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// A small file is checked as a whole when it is opened. Whether damage is found later
// as well, in a large one, is tested with small files that are not checked.
var checkedAndNot = map[string]int{"checked at opening": smallFile, "not checked": 0}

// reports collects what a store reports.
type reports struct {
	texts chan string
}

func newReports() *reports { return &reports{make(chan string, 1000)} }

func (r *reports) add(err error) { r.texts <- err.Error() }

func (r *reports) all() (texts []string) {
	for len(r.texts) > 0 {
		texts = append(texts, <-r.texts)
	}
	return texts
}

// damagedWith writes a file, and opens it.
func damagedWith(t *testing.T, path string, b []byte, small int) (*Store, *reports, error) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReports()
	s, err := open(path, r.add, small)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, r, err
}

func TestDamagedRecordIsPutAside(t *testing.T) {
	for name, small := range checkedAndNot {
		t.Run(name, func(t *testing.T) {
			path := fileOf(t, 10)
			damaged := bytes.ReplaceAll(content(t, path), []byte("00000000040000000004"), []byte("00000000040000X00004"))
			s, reported, err := damagedWith(t, path, damaged, small)
			if err != nil {
				t.Fatal(err)
			}
			records, err := s.Claim(t.Context(), []string{"shop"}, testLease, 100)
			if err != nil || len(records) != 4 {
				t.Errorf("claimed %d, %v", len(records), err)
			}
			stats := count(t, s)
			if stats.Quarantined != 1 || stats.States[inbox.Pending] != 4 || stats.States[inbox.Delivered] != 5 {
				t.Errorf("counted %+v", stats)
			}
			if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], path) || !strings.Contains(texts[0], "record 5 is damaged") {
				t.Errorf("reported %q", texts)
			}
			beside, err := filepath.Glob(path + ".damaged-*")
			if err != nil {
				t.Fatal(err)
			}
			if small > 0 && (len(beside) != 1 || !bytes.Equal(content(t, beside[0]), damaged)) {
				t.Errorf("the damaged file is not kept: %v", beside)
			}
			r := add(t, s, testEvent(4)) // it is not known any more, so it is kept when it comes again
			if r.Seq != 11 {
				t.Errorf("number %d was given twice", r.Seq)
			}
			if again, _, err := damagedAgain(t, s); err != nil || count(t, again).Quarantined != 1 {
				t.Errorf("after another start: %v", err)
			}
		})
	}
}

// damagedAgain closes a store and opens its file as it is.
func damagedAgain(t *testing.T, s *Store) (*Store, *reports, error) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return damagedWith(t, s.path, content(t, s.path), s.small)
}

// Whatever page is damaged: the process goes on, what is served is whole, and nothing is lost
// without a report.
func TestAnyDamagedPage(t *testing.T) {
	const n = 60
	whole := content(t, fileOf(t, n))
	for name, damage := range map[string]func(page []byte){
		"zeroed":      func(page []byte) { clear(page) },
		"overwritten": func(page []byte) { copy(page, bytes.Repeat([]byte{0xa5}, len(page))) },
		"a bit in its head": func(page []byte) {
			page[3] ^= 0x10
			page[0] ^= 0x01
		},
		"from elsewhere": func(page []byte) { copy(page[8:], whole[3*usualPageSize+8:4*usualPageSize]) },
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				for page := range len(whole) / usualPageSize {
					b := slices.Clone(whole)
					damage(b[page*usualPageSize : (page+1)*usualPageSize])
					checkDamaged(t, filepath.Join(t.TempDir(), fmt.Sprint(page), "store.db"), b, n, small)
					if t.Failed() {
						t.Fatalf("page %d", page)
					}
				}
			})
		}
	}
}

func TestTruncatedFile(t *testing.T) {
	const n = 60
	whole := content(t, fileOf(t, n))
	for checked, small := range checkedAndNot {
		t.Run(checked, func(t *testing.T) {
			for size := 0; size < len(whole); size += len(whole)/16 + 100 {
				checkDamaged(t, filepath.Join(t.TempDir(), fmt.Sprint(size), "store.db"), whole[:size], n, small)
			}
		})
	}
}

// A file is damaged at random places, DAMAGES times.
func TestRandomDamage(t *testing.T) {
	const n = 60
	whole := content(t, fileOf(t, n))
	for name, damage := range map[string]func(*rand.Rand, []byte) []byte{
		"a bit flipped": func(rng *rand.Rand, b []byte) []byte {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			return b
		},
		"bytes overwritten": func(rng *rand.Rand, b []byte) []byte {
			for range 8 {
				b[rng.IntN(len(b))] = byte(rng.IntN(256)) //nolint:gosec // G115: it fits
			}
			return b
		},
		"a sector of zeros": func(rng *rand.Rand, b []byte) []byte {
			at := rng.IntN(len(b)/512) * 512
			clear(b[at : at+512])
			return b
		},
		"a page of another place": func(rng *rand.Rand, b []byte) []byte {
			pages := len(b) / usualPageSize
			from, to := rng.IntN(pages)*usualPageSize, rng.IntN(pages)*usualPageSize
			copy(b[to:to+usualPageSize], b[from:])
			return b
		},
		"cut off": func(rng *rand.Rand, b []byte) []byte { return b[:1+rng.IntN(len(b)-1)] },
	} {
		for checked, small := range checkedAndNot {
			t.Run(name+", "+checked, func(t *testing.T) {
				rng, seed := newRand(t)
				for range number(t, "DAMAGES", 20) {
					checkDamaged(t, filepath.Join(t.TempDir(), "store.db"), damage(rng, slices.Clone(whole)), n, small)
					if t.Failed() {
						t.Fatalf("SEED=%d", seed)
					}
				}
			})
		}
	}
}

// number reads a setting from the environment; otherwise is its default.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// newRand returns a random source; SEED set to its seed gives the same numbers.
func newRand(t *testing.T) (*rand.Rand, int) {
	t.Helper()
	seed := number(t, "SEED", int(time.Now().UnixNano()))
	return rand.New(rand.NewPCG(uint64(seed), 0)), seed //nolint:gosec // G404, G115: a test that can be repeated
}

func checkDamaged(t *testing.T, path string, b []byte, n, small int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s, reported, err := damagedWith(t, path, b, small)
	if err != nil {
		if !strings.Contains(err.Error(), path) || !bytes.Equal(content(t, path), b) {
			t.Errorf("%s: refused with %v, or changed", path, err)
		}
		return
	}
	defer s.Close()
	served := serve(t, s)
	if _, _, err := s.Arrive(t.Context(), testEvent(n), testLease); err != nil && !errors.Is(err, errDamaged) {
		t.Errorf("%s: cannot be written to: %v", path, err)
	}
	// By now the damage has been met, and the file rescued.
	if _, err := s.Check(t.Context()); err != nil && !errors.Is(err, errDamaged) {
		t.Errorf("%s: checked: %v", path, err)
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(n+1), testLease); err != nil {
		t.Errorf("%s: cannot be written to after its rescue: %v", path, err)
	}
	if served < n && len(reported.all()) == 0 {
		t.Errorf("%s: %d of %d records are served, and nothing was reported", path, served, n)
	}
}

// serve lists all records, and checks them. The first list may meet damage, which is rescued.
func serve(t *testing.T, s *Store) (served int) {
	t.Helper()
	for range 4 {
		failed := error(nil)
		served = 0
		for r, err := range s.List(t.Context(), inbox.Filter{}) {
			if failed = err; err != nil {
				break
			}
			i := int(r.Seq - 1) //nolint:gosec // G115: a small number
			if want := testEvent(i); r.ID != want.ID || r.OrderID != want.OrderID || !bytes.Equal(r.Message, want.Message) {
				t.Errorf("%s: record %d is served with other content", s.path, r.Seq)
			}
			if want := []inbox.State{inbox.Pending, inbox.Delivered}[i%2]; r.State != want {
				t.Errorf("%s: record %d is %s", s.path, r.Seq, r.State)
			}
			served++
		}
		if failed == nil {
			return served
		}
		if !errors.Is(failed, errDamaged) {
			t.Errorf("%s: %v", s.path, failed)
		}
		afterRescue(t, s)
	}
	t.Errorf("%s cannot be read", s.path)
	return served
}

// afterRescue waits until the writer has done what readers asked for.
func afterRescue(t *testing.T, s *Store) {
	t.Helper()
	for range 2 { // the second waits for what follows the first
		_ = s.update(t.Context(), func(*tx) error { return nil })
	}
}

func damageRecord(t *testing.T, s *Store, seq uint64) {
	t.Helper()
	err := s.update(t.Context(), func(t *tx) error {
		return t.c.run("UPDATE galaxypay_events SET message = x'00' WHERE seq = ?", seq)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedWhileOpen(t *testing.T) {
	path := fileOf(t, 10)
	reported := newReports()
	s, err := Open(path, reported.add)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damageRecord(t, s, 1)
	if r, isNew, err := s.Arrive(t.Context(), testEvent(0), later); err != nil || !isNew || r.Seq != 11 {
		t.Errorf("a repeated event whose record is damaged: %+v, %t, %v", r, isNew, err)
	}
	damageRecord(t, s, 3)
	records, err := s.Claim(t.Context(), []string{"shop"}, later, 100)
	if err != nil || len(records) != 3 {
		t.Errorf("claimed %d, %v", len(records), err)
	}
	if stats := count(t, s); stats.Quarantined != 2 || stats.States[inbox.Pending] != 4 {
		t.Errorf("counted %+v", stats)
	}
	if texts := reported.all(); len(texts) != 2 {
		t.Errorf("reported %q", texts)
	}
}

// A record that is damaged while the store is open is put aside when it is read. It holds up
// nothing of its transaction, is counted nowhere else, and can come again.
func TestDamagedInItsTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	reported := newReports()
	s, err := Open(path, reported.add)
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
	if texts := reported.all(); listed != 1 || len(texts) != 1 {
		t.Errorf("%d records are listed, reported %v", listed, texts)
	}
	records, err := s.Claim(t.Context(), []string{"shop"}, later, 10)
	if err != nil || len(records) != 1 || records[0].ID != second.ID {
		t.Fatalf("claimed %+v, %v, expected what stood behind", records, err)
	}
	if _, err := s.Settle(t.Context(), records[0], inbox.Settlement{State: inbox.Delivered, At: now}); err != nil {
		t.Error(err)
	}
	pending, err := s.Pending(t.Context())
	if stats := count(t, s); err != nil || len(pending) != 0 || stats.Quarantined != 1 || stats.States[inbox.Pending] != 0 || !stats.Oldest.IsZero() {
		t.Errorf("counted %+v, pending %v, %v", stats, pending, err)
	}
	again, found, err := damagedAgain(t, s)
	if texts := found.all(); err != nil || len(texts) != 0 {
		t.Fatalf("after another start: %q, %v", texts, err)
	}
	s = again
	if n := quarantined(t, s, 1); n != 1 {
		t.Errorf("%d are put aside", n)
	}
}

func quarantined(t *testing.T, s *Store, seq uint64) (n int) {
	t.Helper()
	err := s.view(t.Context(), func(c *conn) (err error) {
		n, err = c.number("SELECT count(*) FROM galaxypay_quarantine WHERE seq = ?", seq)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A damaged record is not lost when its message is to be dropped.
func TestPrunedAndDamaged(t *testing.T) {
	path := fileOf(t, 4) // the second and the fourth are delivered
	reported := newReports()
	s, err := Open(path, reported.add)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damageRecord(t, s, 2)
	for _, expected := range []int{1, 0} {
		if n, err := s.Prune(t.Context(), "shop", now.Add(time.Hour)); err != nil || n != expected {
			t.Errorf("pruned %d, %v", n, err)
		}
	}
	if stats := count(t, s); stats.Quarantined != 1 || stats.States[inbox.Delivered] != 1 || stats.States[inbox.Pending] != 2 {
		t.Errorf("counted %+v", stats)
	}
	if n := quarantined(t, s, 2); n != 1 {
		t.Errorf("%d are put aside", n)
	}
}

func TestTruncatedWhileOpen(t *testing.T) {
	path := fileOf(t, 200)
	reported := newReports()
	s, err := open(path, reported.add, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(path, 2*usualPageSize); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]inbox.Filter{"by its id": {ID: testEvent(100).ID}, "all": {}} {
		for r, err := range s.List(t.Context(), f) {
			if err == nil && !bytes.Equal(r.Message, messageOf(int(r.Seq-1))) { //nolint:gosec // G115: a small number
				t.Errorf("%s: read %+v from a file that is gone", name, r)
			}
		}
	}
	afterRescue(t, s)
	add(t, s, testEvent(200))
	if texts := reported.all(); len(texts) == 0 {
		t.Error("nothing was reported")
	}
}

// A page in use that counts as free would be overwritten. It must be found before.
func TestDamagedListOfFreePages(t *testing.T) {
	path := fileOf(t, 10)
	whole := content(t, path)
	for page := 2; page <= len(whole)/usualPageSize; page++ {
		b := slices.Clone(whole)
		binary.BigEndian.PutUint32(b[32:], uint32(page))
		binary.BigEndian.PutUint32(b[36:], 1)
		s, reported, err := damagedWith(t, filepath.Join(t.TempDir(), "store.db"), b, smallFile)
		if err != nil {
			t.Errorf("page %d on the list: %v", page, err)
			continue
		}
		if texts := reported.all(); len(texts) != 1 {
			t.Errorf("page %d on the list: reported %q", page, texts)
		}
		if stats := count(t, s); stats.States[inbox.Pending] != 5 || stats.States[inbox.Delivered] != 5 {
			t.Errorf("page %d on the list: counted %+v", page, stats)
		}
		add(t, s, testEvent(10))
	}
}

// SQLite checks the whole file, with its list of free pages. See migrations.
func TestCheckOfTheWholeFile(t *testing.T) {
	path := fileOf(t, 10)
	b := content(t, path)
	binary.BigEndian.PutUint32(b[36:], 7)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if problems, err := c.checkStructure(); err != nil || len(problems) == 0 || !strings.Contains(problems[0], "Freelist") {
		t.Errorf("found %q, %v", problems, err)
	}
}

// What leads to a record has no checksum of its own: the whole check compares it with the record.
func TestAlteredIndex(t *testing.T) {
	for name, alter := range map[string]string{
		"of ids":          "galaxypay_events_id",
		"of transactions": "galaxypay_events_transaction",
		"of orders":       "galaxypay_events_order",
		"of due times":    "galaxypay_events_ready",
		"of states":       "galaxypay_events_state",
		"of times":        "galaxypay_events_received",
		"of old messages": "galaxypay_events_prunable",
	} {
		t.Run(name, func(t *testing.T) {
			path := fileOf(t, 10)
			alterIndex(t, path, alter)
			reported := newReports()
			s, err := open(path, reported.add, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Check(t.Context()); !errors.Is(err, errDamaged) {
				t.Errorf("checked: %v", err)
			}
			afterRescue(t, s)
			if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], "10 records were saved, 0 are missing") {
				t.Errorf("reported %q", texts)
			}
			if stats := count(t, s); stats.States[inbox.Pending] != 5 || stats.States[inbox.Delivered] != 5 || stats.Quarantined != 0 {
				t.Errorf("counted %+v", stats)
			}
			if n, err := s.Check(t.Context()); n != 10 || err != nil {
				t.Errorf("checked %d again: %v", n, err)
			}
			claimed, err := s.Claim(t.Context(), []string{"shop"}, later, 10)
			if err != nil || len(claimed) != 5 {
				t.Errorf("claimed %d, %v", len(claimed), err)
			}
			if _, isNew, err := s.Arrive(t.Context(), testEvent(2), later); err != nil || isNew {
				t.Errorf("new a second time: %t, %v", isNew, err)
			}
		})
	}
}

// alterIndex makes an index empty, of which the table is not.
func alterIndex(t *testing.T, path, index string) {
	t.Helper()
	c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	root, err := c.number("SELECT rootpage FROM sqlite_schema WHERE name = ?", index)
	if err := errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	b := content(t, path)
	page := b[(root-1)*usualPageSize : root*usualPageSize]
	clear(page)
	page[0] = indexLeaf
	binary.BigEndian.PutUint16(page[5:], usualPageSize)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A damaged log is rescued, too: SQLite would take what stands before the damage, and drop what
// was committed later.
func TestDamagedLog(t *testing.T) {
	const n = 30
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	for i := range n {
		r := add(t, s, testEvent(i))
		if i%2 == 1 {
			if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: now}); err != nil {
				t.Fatal(err)
			}
		}
	}
	main, log := content(t, path), content(t, path+walSuffix)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copied := func(t *testing.T, log []byte) (string, *Store, []string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path+walSuffix, log, 0o600); err != nil {
			t.Fatal(err)
		}
		s, reported, err := damagedWith(t, path, main, 0)
		if err != nil {
			t.Fatal(err)
		}
		return path, s, reported.all()
	}
	if _, s, reported := copied(t, log); len(reported) != 0 || serve(t, s) != n {
		t.Errorf("of a whole log: reported %q", reported)
	}
	last := len(log) - 40*(usualPageSize+frameHeaderSize)
	for at := walHeaderSize; at < last; at += 3 * (usualPageSize + frameHeaderSize) {
		damaged := slices.Clone(log)
		damaged[at+1000] ^= 0x04
		path, s, reported := copied(t, damaged)
		if len(reported) != 1 || !strings.Contains(reported[0], "saved") {
			t.Fatalf("at %d: reported %q", at, reported)
		}
		if beside, err := filepath.Glob(path + ".damaged-*"); err != nil || len(beside) != 2 {
			t.Errorf("at %d: beside are %v, %v", at, beside, err)
		}
		served := 0
		for r, err := range s.List(t.Context(), inbox.Filter{}) {
			if err != nil || !bytes.Equal(r.Message, messageOf(int(r.Seq-1))) { //nolint:gosec // G115: a small number
				t.Fatalf("at %d: record %d, %v", at, r.Seq, err)
			}
			served++
		}
		if served < n-8 {
			t.Errorf("at %d: %d of %d records are served", at, served, n)
		}
	}
}

// A process can end in the middle of a rescue. The next one goes on.
func TestRescueIsInterrupted(t *testing.T) {
	path := fileOf(t, 10)
	damaged := content(t, path)
	damaged[0] ^= 0xff
	steps := []func() error{
		func() error { return nil },
		func() error { return os.Rename(path, path+".elsewhere") },
	}
	for i, interrupted := range steps {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := rescue(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+rescuedName); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := interrupted(); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path)
		if served := serve(t, s); served != 10 {
			t.Errorf("step %d: %d records are served", i, served)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The check in the background finds damage, and rests while it works.
func TestCheckInTheBackground(t *testing.T) {
	path := fileOf(t, 10)
	reported := newReports()
	s, err := open(path, reported.add, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damageRecord(t, s, 4)
	s.watch(t.Context(), 0)
	if texts := reported.all(); len(texts) != 2 || !strings.Contains(texts[0], "record 4 is damaged") || !strings.Contains(texts[1], "1 records") {
		t.Errorf("reported %q", texts)
	}
	s.watch(t.Context(), 0)
	if texts := reported.all(); len(texts) != 0 {
		t.Errorf("reported once more: %q", texts)
	}
}

func TestBackup(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	fill(t, s, 20)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	add(t, s, testEvent(20))
	if err := s.Backup(t.Context(), path); !errors.Is(err, os.ErrExist) {
		t.Errorf("copied over a file: %v", err)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
	other := openAt(t, path)
	defer other.Close()
	if served := serve(t, other); served != 20 {
		t.Errorf("%d records are in the copy", served)
	}
	add(t, other, testEvent(20))
}
