//go:build linux

package crashtest

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
)

var lease = inbox.Lease{Now: epoch, Until: epoch.Add(time.Hour)}

// filled keeps so many transactions in the inbox of a path, the even ones delivered.
func filled(t *testing.T, path string, transactions int) *ledger {
	t.Helper()
	store := opened(t, path)
	l := newLedger()
	for i := range transactions {
		for n := range statuses {
			c := callback{fmt.Sprintf("t-%d", i), n}
			r, err := add(t, store, c)
			if err != nil {
				t.Fatal(err)
			}
			l.added[c] = true
			l.last = c
			if i%2 != 0 || r.Lease == "" {
				continue
			}
			if err := store.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: epoch}); err != nil {
				t.Fatal(err)
			}
			l.settled[c] = true
		}
	}
	closed(t, store)
	return l
}

func add(t *testing.T, store inbox.Store, c callback) (inbox.Record, error) {
	t.Helper()
	r, _, err := store.Arrive(t.Context(), c.event(), lease)
	return r, err
}

func opened(t *testing.T, path string) inbox.Store {
	t.Helper()
	store, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func closed(t *testing.T, store inbox.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// proveHeld opens an inbox and fails if something of the ledger is not there.
func proveHeld(t *testing.T, path string, l *ledger) {
	t.Helper()
	store, err := openSound(t.Context(), "bolt", path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := l.holds(t.Context(), store); err != nil {
		t.Error(err)
	}
}

// refusal fails if an inbox opens, or if the error does not say where it is.
func refusal(t *testing.T, path string) error {
	t.Helper()
	store, err := bolt.Open(path, nil)
	if err == nil {
		_ = store.Close()
		t.Fatal("the inbox opens")
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not say which file: %v", err)
	}
	t.Logf("refused: %v", err)
	return err
}

// skipUnlessRequired skips what this machine cannot do, or fails if REQUIRE_ALL=1 is set.
func skipUnlessRequired(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// smallDisk mounts a disk of its own for a test.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		skipUnlessRequired(t, "mounting a small disk takes root: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|flags, "size="+size); err != nil {
		t.Fatal(err)
	}
}

func TestTrouble(t *testing.T) {
	t.Run("disk full", func(t *testing.T) {
		dir := smallDisk(t, "512k")
		path := filepath.Join(dir, "inbox.db")
		store := opened(t, path)
		l := newLedger()
		next := 0
		fill := func(upTo int) (err error) {
			for ; next < upTo; next++ {
				c := callback{fmt.Sprintf("t-%d", next), 0}
				if _, err = add(t, store, c); err != nil {
					return err
				}
				l.added[c] = true
			}
			return nil
		}
		for range 3 { // it stays full
			if err := fill(10_000); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("a full disk is reported as %v", err)
			}
		}
		if len(l.added) == 0 {
			t.Fatal("nothing fitted")
		}
		if err := l.holds(t.Context(), store); err != nil {
			t.Errorf("while the disk is full: %v", err)
		}
		remount(t, dir, 0, "8m")
		if err := fill(next + 20); err != nil {
			t.Errorf("there is room again: %v", err)
		}
		if err := l.holds(t.Context(), store); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
		closed(t, store)
		proveHeld(t, path, l)
	})

	t.Run("folder read-only", func(t *testing.T) {
		dir := smallDisk(t, "8m")
		remount(t, dir, unix.MS_RDONLY, "8m")
		if err := refusal(t, filepath.Join(dir, "inbox.db")); !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
	})

	t.Run("file read-only", func(t *testing.T) {
		dir := smallDisk(t, "8m")
		path := filepath.Join(dir, "inbox.db")
		l := filled(t, path, 4)
		remount(t, dir, unix.MS_RDONLY, "8m")
		if err := refusal(t, path); !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
		remount(t, dir, 0, "8m")
		proveHeld(t, path, l)
	})

	t.Run("file of another owner", func(t *testing.T) {
		dir := t.TempDir()
		for _, d := range []string{dir, filepath.Dir(dir)} {
			if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // G302: the file alone is to be out of reach
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "inbox.db")
		l := filled(t, path, 4)
		asNobody(t, func() {
			if err := refusal(t, path); !errors.Is(err, syscall.EACCES) {
				t.Error(err)
			}
		})
		proveHeld(t, path, l)
	})

	t.Run("file is nobody else's", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "inbox.db")
		filled(t, path, 1)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("its mode is %v", info.Mode())
		}
	})

	t.Run("locked by another process", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "inbox.db")
		l := filled(t, path, 4)
		other := start(t.Context(), t, orders{Store: "bolt", Where: path, Writers: 1, Transactions: 1 << 30})
		if line, err := bufio.NewReader(other.reports).ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if err := other.Process.Signal(unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		_ = refusal(t, path)
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = other.Wait() // it was killed
		store := opened(t, path)
		defer store.Close()
		states, err := served(t.Context(), store)
		if err != nil {
			t.Error(err)
		}
		for c := range l.added {
			if states[c] == "" {
				t.Errorf("%v is lost", c)
			}
		}
	})
}

// asNobody does something with the rights of nobody to files.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		skipUnlessRequired(t, "only root can be another")
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.Syscall(unix.SYS_SETFSUID, nobody, 0, 0)  //nolint:errcheck // it tells the old id only
	defer unix.Syscall(unix.SYS_SETFSUID, 0, 0, 0) //nolint:errcheck // as above
	do()
}

// A closed file is damaged at random places. It opens or it is refused; what it serves is
// what was put in, and what is missing is reported as damaged. The last commit is not
// counted: bbolt has two pages that say where the data is, and while the newer one is
// damaged it takes the older one, as after a commit that a power cut broke off. Nothing in
// the file tells these apart.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	l := filled(t, path, 60)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
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
			at := rng.IntN(len(b)/sector) * sector
			clear(b[at : at+sector])
			return b
		},
		"a page of another place": func(rng *rand.Rand, b []byte) []byte {
			pages := len(b) / os.Getpagesize()
			from, to := rng.IntN(pages)*os.Getpagesize(), rng.IntN(pages)*os.Getpagesize()
			copy(b[to:to+os.Getpagesize()], b[from:])
			return b
		},
		"cut off": func(rng *rand.Rand, b []byte) []byte { return b[:1+rng.IntN(len(b)-1)] },
	} {
		t.Run(name, func(t *testing.T) {
			rng := newRand(t)
			refused, reported, whole := 0, 0, 0
			for range number(t, "DAMAGES", 40) {
				damaged := filepath.Join(t.TempDir(), "inbox.db")
				if err := os.WriteFile(damaged, damage(rng, append([]byte(nil), sound...)), 0o600); err != nil {
					t.Fatal(err)
				}
				switch quarantined, err := examine(t, damaged, l); {
				case err != nil:
					refused++
				case quarantined > 0:
					reported++
				default:
					whole++
				}
				if t.Failed() {
					return
				}
			}
			t.Logf("%d refused, %d served but for records reported as damaged, %d served whole", refused, reported, whole)
		})
	}
}

// examine opens a damaged inbox and returns how many records it reports as damaged, or why
// it is refused.
func examine(t *testing.T, path string, l *ledger) (quarantined int, err error) {
	t.Helper()
	store, err := bolt.Open(path, nil)
	if err != nil {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say which file: %v", err)
		}
		if strings.Contains(err.Error(), "locked") {
			t.Errorf("nobody has it locked: %v", err)
		}
		return 0, err
	}
	defer store.Close()
	stats, err := store.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states, err := served(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	for c := range l.added {
		want := inbox.Pending
		switch {
		case c.overtaken():
			want = inbox.Overtaken
		case l.settled[c]:
			want = inbox.Delivered
		}
		if states[c] == "" && stats.Quarantined == 0 && c != l.last {
			t.Errorf("%v is lost, and nothing is reported", c)
		}
		if states[c] != "" && states[c] != want {
			t.Errorf("%v is %q, not %q", c, states[c], want)
		}
	}
	if _, err := add(t, store, callback{"new", 0}); err != nil {
		t.Logf("nothing new can be added: %v", err)
	}
	if _, err := store.Claim(t.Context(), []string{queue}, inbox.Lease{Now: lease.Until, Until: lease.Until.Add(time.Hour)}, 1000); err != nil {
		t.Logf("nothing can be claimed: %v", err)
	}
	return stats.Quarantined, nil
}
