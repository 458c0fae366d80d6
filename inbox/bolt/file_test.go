package bolt

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func TestFileBelongsToItsUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "inbox.db")
	defer openAt(t, path).Close()
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, expected %o", name, info.Mode().Perm(), mode)
		}
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestFileIsOpenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openAt(t, path)
	defer s.Close()
	_, err := Open(path, nil)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("opened twice: %v", err)
	}
	add(t, s, testEvent(1))
}

func TestNoInboxIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	text := bytes.Repeat([]byte("somebody's book-keeping\n"), 10_000)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened: %v", err)
	}
	if !bytes.Equal(content(t, path), text) {
		t.Error("the file was changed")
	}
}

func TestDirectoryCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "inbox.db"), nil); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("opened: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inbox.db"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(1), testLease); !errors.Is(err, ErrClosed) {
		t.Errorf("added: %v", err)
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

// Whoever has gone before his change was begun has it not made.
func TestNotBegunForWhoHasGone(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	ran := false
	batch := []*request{
		{ctx: gone, run: func(*tables) { t.Error("changed for one who has gone") }},
		{ctx: t.Context(), run: func(*tables) { ran = true }},
	}
	if err := runAll(batch, new(tables)); err != nil || !ran || !errors.Is(batch[0].err, context.Canceled) || batch[1].err != nil {
		t.Errorf("%v, ran %t, %v, %v", err, ran, batch[0].err, batch[1].err)
	}
}

// One request of a batch that fails, or panics, takes none of the others with it.
func TestFailureSpoilsNoOther(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inbox.db"))
	defer s.Close()
	bad := errors.New("bad")
	release, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.update(t.Context(), func(*tables) {
			close(held)
			<-release
		})
	})
	<-held // the writer is busy, so the rest waits for one batch
	for i := range 20 {
		wg.Go(func() {
			switch i {
			case 3:
				err := s.update(t.Context(), func(tb *tables) {
					tb.put(bucketMeta, []byte("spoilt"), nil)
					tb.fail(bad)
				})
				if !errors.Is(err, bad) {
					t.Errorf("failed with %v", err)
				}
			case 4:
				if err := s.update(t.Context(), func(*tables) { panic("at once") }); !errors.Is(err, errDamaged) {
					t.Errorf("panicked with %v", err)
				}
			default:
				if _, added, err := s.Arrive(t.Context(), testEvent(i), testLease); err != nil || !added {
					t.Errorf("event %d: %t, %v", i, added, err)
				}
			}
		})
	}
	close(release)
	wg.Wait()
	if n := states(t, s).States[inbox.Pending]; n != 18 {
		t.Errorf("%d events are kept", n)
	}
	_ = s.view(func(tb *tables) {
		if tb.get(bucketMeta, []byte("spoilt")) != nil {
			t.Error("a change that failed was committed")
		}
	})
}

// After an fsync that failed, a later one proves nothing about what was written before.
func TestNothingIsWrittenAfterTheDiskFailed(t *testing.T) {
	reported := 0
	s, err := Open(filepath.Join(t.TempDir(), "inbox.db"), func(error) { reported++ })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.update(t.Context(), func(tb *tables) { tb.fail(syscall.EIO) }); !errors.Is(err, syscall.EIO) {
		t.Errorf("failed with %v", err)
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(1), testLease); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("added: %v", err)
	}
	if reported != 1 {
		t.Errorf("reported %d times", reported)
	}
}

// What bbolt has in memory after a panic within a commit may not be what is in the file.
func TestNothingIsWrittenAfterACommitPanicked(t *testing.T) {
	reported := 0
	s, err := Open(filepath.Join(t.TempDir(), "inbox.db"), func(error) { reported++ })
	if err != nil {
		t.Fatal(err)
	}
	err = s.update(t.Context(), func(tb *tables) {
		tb.put(bucketMeta, []byte("a"), nil)
		tb.tx.OnCommit(func() { panic("at the end") })
	})
	if !errors.Is(err, errStuck) {
		t.Errorf("failed with %v", err)
	}
	if _, _, err := s.Arrive(t.Context(), testEvent(1), testLease); !errors.Is(err, errStuck) {
		t.Errorf("added: %v", err)
	}
	if reported != 1 {
		t.Errorf("reported %d times", reported)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Nobody of a batch is told that his change was kept when the disk failed before it.
func TestDiskFailsWithinABatch(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inbox.db"))
	defer s.Close()
	s.report = func(error) {}
	batch := []*request{
		{ctx: t.Context(), run: func(tb *tables) { tb.fail(errors.New("bad")) }}, // so that each is run on its own
		{ctx: t.Context(), run: func(tb *tables) { tb.fail(syscall.EIO) }},
		{ctx: t.Context(), run: func(tb *tables) { tb.put(bucketMeta, []byte("a"), nil) }},
	}
	if err := s.commit(batch); !errors.Is(err, syscall.EIO) {
		t.Errorf("committed: %v", err)
	}
	if !errors.Is(batch[2].err, syscall.EIO) {
		t.Errorf("the last one heard %v", batch[2].err)
	}
}

func TestEventsThatCannotBeKept(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inbox.db"))
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

func TestModule(t *testing.T) {
	t.Setenv("INBOX_DIR", "/srv/inbox")
	for _, test := range []struct{ text, path, wrong string }{
		{text: "bolt", path: filepath.Join(caddy.AppDataDir(), "galaxypay", "inbox.db")},
		{text: "bolt /var/lib/inbox.db", path: "/var/lib/inbox.db"},
		{text: "bolt {env.INBOX_DIR}/a.db", path: "/srv/inbox/a.db"},
		{text: "bolt {env.INBOX_UNSET}/a.db", wrong: "INBOX_UNSET"},
		{text: "bolt a b", wrong: "wrong argument count"},
		{text: "bolt a {\nfsync off\n}", wrong: "unknown option"},
	} {
		t.Run(test.text, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			var o Opener
			err := o.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.text))
			if err == nil {
				err = o.Provision(ctx)
			}
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("error %v, expected %s", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o.Key() != "bolt "+test.path {
				t.Errorf("key %q, expected the path %q", o.Key(), test.path)
			}
		})
	}
}
