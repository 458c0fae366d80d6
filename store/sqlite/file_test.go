package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func TestFileBelongsToItsUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "store.db")
	s := openAt(t, path)
	add(t, s, testEvent(1))
	for name, mode := range map[string]os.FileMode{
		path: 0o600, path + walSuffix: 0o600, path + shmSuffix: 0o600, path + ".lock": 0o600,
		filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, expected %o", name, info.Mode().Perm(), mode)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || !slices.Equal(left, []string{path, path + ".lock"}) {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestFileIsOpenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	defer s.Close()
	_, err := Open(path, nil)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("opened twice: %v", err)
	}
	add(t, s, testEvent(1))
}

// foreign is a database of another application.
func foreign(t *testing.T, path string) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	other := &conn{c}
	if err := errors.Join(other.script("PRAGMA application_id = 7; CREATE TABLE book (page); INSERT INTO book VALUES ('one')"), other.close()); err != nil {
		t.Fatal(err)
	}
}

func newerVersion(t *testing.T, path string) {
	t.Helper()
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.script("PRAGMA user_version = 99"), c.close()); err != nil {
		t.Fatal(err)
	}
}

// What is not a store, or not one that this program understands, is left as it is.
func TestRefusedAndLeftAlone(t *testing.T) {
	text := bytes.Repeat([]byte("a merchant's book-keeping\n"), 10_000)
	write := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"a text":                              {write(text), "not a store of the sidecar"},
		"a database of another application":   {foreign, "not a store of the sidecar"},
		"an empty file":                       {write(nil), "it is empty"},
		"a store of a newer version":          {newerVersion, "use a newer sidecar"},
		"a beginning of a file":               {write(magic), "not a store of the sidecar"},
		"a file whose first page alone is so": {write(append(slices.Clone(magic), make([]byte, 4080)...)), "not a store of the sidecar"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			test.make(t, path)
			before := content(t, path)
			if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("opened: %v", err)
			}
			if !bytes.Equal(content(t, path), before) {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("a directory", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("opened: %v", err)
		}
	})
}

// SQLite would take the log of a file that was removed for the log of the new one.
func TestLogOfRemovedFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	text := []byte("the log of a file that was removed")
	if err := os.WriteFile(path+walSuffix, text, 0o600); err != nil {
		t.Fatal(err)
	}
	reported := newReports()
	s, err := Open(path, reported.add)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept, err := filepath.Glob(path + ".removed-*" + walSuffix)
	if err != nil || len(kept) != 1 || !bytes.Equal(content(t, kept[0]), text) {
		t.Fatalf("kept as %q, %v", kept, err)
	}
	if texts := reported.all(); len(texts) != 1 || !strings.Contains(texts[0], kept[0]) {
		t.Errorf("reported %q", texts)
	}
	if stats := count(t, s); stats.States[inbox.Pending] != 0 {
		t.Errorf("counted %+v", stats)
	}
}

func TestDirectoryCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "store.db"), nil); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("opened: %v", err)
	}
}

// Nothing is acknowledged after the file or its log was removed or replaced.
func TestFileIsReplaced(t *testing.T) {
	for _, suffix := range []string{"", walSuffix} {
		for name, replace := range map[string]func(path string) error{
			"removed": os.Remove,
			"replaced": func(path string) error {
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				return errors.Join(os.WriteFile(path+".copy", b, 0o600), os.Rename(path+".copy", path))
			},
		} {
			t.Run(name+suffix, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "store.db")
				var reported []error
				s, err := Open(path, func(err error) { reported = append(reported, err) })
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				r := add(t, s, testEvent(1))
				if err := replace(path + suffix); err != nil {
					t.Fatal(err)
				}
				if _, _, err := s.Taken(t.Context(), r); !errors.Is(err, errReplaced) {
					t.Errorf("read: %v", err)
				}
				if _, _, err := s.Arrive(t.Context(), testEvent(2), testLease); !errors.Is(err, errReplaced) {
					t.Errorf("kept: %v", err)
				}
				if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: now}); !errors.Is(err, errReplaced) || !strings.Contains(err.Error(), path) {
					t.Errorf("settled: %v", err)
				}
				if err := s.Close(); err != nil {
					t.Logf("closed: %v", err)
				}
				if len(reported) == 0 {
					t.Error("it was not reported")
				}
			})
		}
	}
}

func TestClosedStore(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(1), testLease); !errors.Is(err, ErrClosed) {
		t.Errorf("kept: %v", err)
	}
	if _, err := s.Stats(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("counted: %v", err)
	}
	for _, f := range []inbox.Filter{{}, {ID: "a"}} {
		var failed error
		for _, failed = range s.List(t.Context(), f) {
		}
		if !errors.Is(failed, ErrClosed) {
			t.Errorf("listed %+v: %v", f, failed)
		}
	}
	if _, err := s.Replay(t.Context(), inbox.Filter{}, now); !errors.Is(err, ErrClosed) {
		t.Errorf("replayed: %v", err)
	}
}

// A change is not begun if its caller has left before.
func TestNotBegunAfterItsContext(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	leave()
	ran := false
	batch := []*request{
		{ctx: left, run: func(*tx) error { t.Error("changed after its context"); return nil }},
		{ctx: t.Context(), run: func(*tx) error { ran = true; return nil }},
	}
	if err := new(tx).runAll(batch); err != nil || !ran || !errors.Is(batch[0].err, context.Canceled) || batch[1].err != nil {
		t.Errorf("%v, ran %t, %v, %v", err, ran, batch[0].err, batch[1].err)
	}
}

// One request of a batch that fails affects no other.
func TestFailureAffectsNoOther(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	bad := errors.New("bad")
	release, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.update(t.Context(), func(*tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held // the writer is busy, so the rest waits for one batch
	for i := range 20 {
		wg.Go(func() {
			if i == 3 {
				err := s.update(t.Context(), func(tx *tx) error {
					if _, _, err := tx.arrive(testEvent(100), testLease); err != nil {
						t.Error(err)
					}
					return bad
				})
				if !errors.Is(err, bad) {
					t.Errorf("failed with %v", err)
				}
				return
			}
			if r, isNew, err := s.Arrive(t.Context(), testEvent(i), testLease); err != nil || !isNew || r.Lease == "" {
				t.Errorf("event %d: %+v, %t, %v", i, r, isNew, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := count(t, s).States[inbox.Pending]; n != 19 {
		t.Errorf("%d events are kept", n)
	}
	if last, err := s.lastSeq(t.Context()); err != nil || last != 19 {
		t.Errorf("the last number is %d, %v", last, err)
	}
	if r := add(t, s, testEvent(100)); r.Lease == "" {
		t.Error("a claim that was not committed is in the way")
	}
}

// After an fsync that failed, a later one proves nothing about what was written before. After a
// panic, what SQLite has in memory may not be what is in the file.
func TestNothingIsWrittenAfterAFailure(t *testing.T) {
	for name, run := range map[string]func(*tx) error{
		"of the disk": func(*tx) error { return sqlite.ResultIOErrFsync.ToError() },
		"of SQLite":   func(*tx) error { panic("at once") },
	} {
		t.Run(name, func(t *testing.T) {
			reported := 0
			s, err := Open(filepath.Join(t.TempDir(), "store.db"), func(error) { reported++ })
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			add(t, s, testEvent(0))
			if err := s.update(t.Context(), run); !errors.Is(err, errBroken) {
				t.Errorf("failed with %v", err)
			}
			if _, _, err := s.Arrive(t.Context(), testEvent(1), testLease); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), s.path) {
				t.Errorf("kept: %v", err)
			}
			if reported != 1 {
				t.Errorf("reported %d times", reported)
			}
			if _, err := s.Stats(t.Context()); err != nil {
				t.Errorf("not readable: %v", err)
			}
		})
	}
}

// No request of a batch is acknowledged when the disk failed before it.
func TestDiskFailsWithinABatch(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	release, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.update(t.Context(), func(*tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	s.report = func(error) {}
	batch := []*request{
		{ctx: t.Context(), done: make(chan struct{}), run: func(*tx) error { return errors.New("bad") }}, // so that each is run alone
		{ctx: t.Context(), done: make(chan struct{}), run: func(*tx) error { return sqlite.ResultIOErrWrite.ToError() }},
		{ctx: t.Context(), done: make(chan struct{}), run: func(*tx) error { return nil }},
	}
	var wg sync.WaitGroup
	for _, r := range batch {
		wg.Go(func() {
			s.requests <- r
			<-r.done
		})
	}
	close(release)
	wg.Wait()
	broken := 0
	for _, r := range batch {
		if errors.Is(r.err, errBroken) {
			broken++
		}
	}
	if broken == 0 || !errors.Is(batch[1].err, errBroken) {
		t.Errorf("%v, %v, %v", batch[0].err, batch[1].err, batch[2].err)
	}
}

// A full disk ends nothing: there may be room again.
func TestFullDiskIsReported(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	if err := s.update(t.Context(), func(*tx) error { return sqlite.ResultFull.ToError() }); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("failed with %v", err)
	}
	add(t, s, testEvent(1))
}

func TestEventsThatCannotBeKept(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	for name, e := range map[string]inbox.Event{
		"no id":               {Queue: "shop"},
		"endless id":          {ID: strings.Repeat("x", inbox.MaxName+1)},
		"endless transaction": {ID: "1", Transaction: strings.Repeat("x", inbox.MaxName+1)},
		"endless message":     {ID: "1", Message: make([]byte, maxMessage+1)},
	} {
		if _, _, err := s.Arrive(t.Context(), e, testLease); err == nil {
			t.Errorf("%s: kept", name)
		}
	}
}

// Claims of a process that has ended are void at once.
func TestClaimsEndWithTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	r := add(t, s, testEvent(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	defer s.Close()
	claimed, err := s.Claim(t.Context(), []string{r.Queue}, testLease, 10)
	if err != nil || len(claimed) != 1 || claimed[0].ID != r.ID || claimed[0].Lease == r.Lease {
		t.Errorf("claimed %+v, %v", claimed, err)
	}
	if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: now}); !errors.Is(err, inbox.ErrLeaseLost) {
		t.Errorf("settled by the claim of before: %v", err)
	}
}

// A list ends, however fast events arrive.
func TestListEnds(t *testing.T) {
	const n = 210
	s := openAt(t, fileOf(t, n))
	defer s.Close()
	listed := 0
	for _, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if listed++; listed > n {
			t.Fatal("it lists what has arrived since it began")
		}
		if listed%50 == 0 {
			add(t, s, testEvent(n+listed))
		}
	}
	if listed != n {
		t.Errorf("%d are listed, expected %d", listed, n)
	}
}

// Texts are kept as they are: with NUL, and with what is no UTF-8.
func TestTextsAreKeptAsTheyAre(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	const odd = "a\x00b\xff\xfe'\"; DROP TABLE"
	e := inbox.Event{
		ID: odd, Queue: odd, Transaction: odd, OrderID: odd, RequestID: odd, PaymentStatus: odd, Block: odd, ReceivedAt: now, Message: []byte(odd),
		Request: inbox.Request{Scheme: odd, Host: odd, URI: odd, RemoteAddr: odd, Traceparent: odd},
	}
	r := add(t, s, e)
	if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Dead, At: now, Answer: inbox.Answer{Status: odd, Description: odd}, LastError: odd, History: []string{odd}}); err != nil {
		t.Fatal(err)
	}
	for got, err := range s.List(t.Context(), inbox.Filter{ID: odd, Queue: odd, Transaction: odd, OrderID: odd, RequestID: odd, PaymentStatus: odd}) {
		if err != nil {
			t.Fatal(err)
		}
		if got.Request != e.Request || got.Block != odd || got.LastError != odd || len(got.History) != 1 || got.Answer.Description != odd || string(got.Message) != odd {
			t.Errorf("kept %+v", got)
		}
		return
	}
	t.Error("not found")
}
