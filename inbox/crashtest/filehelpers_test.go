//go:build linux

package crashtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

var lease = inbox.Lease{Now: epoch, Until: epoch.Add(time.Hour)}

// filled stores transactions in the inbox at a path, and delivers those with an even number.
func filled(t *testing.T, path string, transactions int) *expected {
	t.Helper()
	store := opened(t, path)
	exp := newExpected()
	for i := range transactions {
		for n := range statuses {
			c := callback{fmt.Sprintf("t-%d", i), n}
			r, err := arrive(t, store, c)
			if err != nil {
				t.Fatal(err)
			}
			exp.acknowledged[c] = true
			exp.last = c
			if i%2 != 0 || r.Lease == "" {
				continue
			}
			if _, err := store.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: epoch}); err != nil {
				t.Fatal(err)
			}
			exp.settled[c] = true
		}
	}
	closed(t, store)
	return exp
}

// arrive stores a callback.
func arrive(t *testing.T, store inbox.Store, c callback) (inbox.Record, error) {
	t.Helper()
	r, _, err := store.Arrive(t.Context(), c.event(), lease)
	return r, err
}

func opened(t *testing.T, path string) inbox.Store {
	t.Helper()
	store, err := sqlite.Open(path, nil)
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

// checkStored opens an inbox and fails if something that exp has is not there.
func checkStored(t *testing.T, path string, exp *expected) {
	t.Helper()
	store, err := openUndamaged(t.Context(), "sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Error(err)
	}
}

// refusal fails if an inbox opens, or if the error does not say where it is.
func refusal(t *testing.T, path string) error {
	t.Helper()
	store, err := sqlite.Open(path, nil)
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

// skipUnlessRequired skips a test that this machine cannot run, or fails it if REQUIRE_ALL=1 is
// set.
func skipUnlessRequired(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// smallDisk mounts a disk of some mebibytes for a test: a file system in a file, since a store
// refuses one in memory.
func smallDisk(t *testing.T, mebibytes int) (dir string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, int64(mebibytes)<<20); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-m", "0", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // G204: as listed here
			skipUnlessRequired(t, fmt.Sprintf("mounting a small disk takes root and a loop device: %s: %v: %s", args[0], err, out))
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(err)
	}
}

// ballast fills a disk until so many bytes are left. Removing the file makes room again.
func ballast(t *testing.T, dir string, left uint64) (path string) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "ballast")
	free := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // G115: a block has a size above zero
	if free <= left {
		t.Fatalf("%d bytes are free, expected more than %d", free, left)
	}
	if err := os.WriteFile(path, make([]byte, free-left), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
