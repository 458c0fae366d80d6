//go:build linux

package crashtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// On a full disk arrivals fail and everything stored is listed; arrivals succeed again without a
// restart once there is room.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 32)
	path := filepath.Join(dir, "store.db")
	store := opened(t, path)
	stuffed := ballast(t, dir, 1<<20)
	exp := newExpected()
	next := 0
	fill := func(upTo int) (err error) {
		for ; next < upTo; next++ {
			c := callback{fmt.Sprintf("t-%d", next), 0}
			if _, err = arrive(t, store, c); err != nil {
				return err
			}
			exp.acknowledged[c] = true
		}
		return nil
	}
	for range 3 { // it stays full
		if err := fill(10_000); err == nil || !strings.Contains(err.Error(), "disk is full") {
			t.Fatalf("a full disk is reported as %v", err)
		}
	}
	if len(exp.acknowledged) == 0 {
		t.Fatal("nothing fitted")
	}
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Errorf("while the disk is full: %v", err)
	}
	if err := os.Remove(stuffed); err != nil {
		t.Fatal(err)
	}
	if err := fill(next + 20); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	closed(t, store)
	checkStored(t, path, exp)
}

// A file that cannot be written to is refused with a clear error, and nothing in it is lost.
func TestFileAccess(t *testing.T) {
	t.Run("folder read-only", func(t *testing.T) {
		dir := smallDisk(t, 16)
		remount(t, dir, unix.MS_RDONLY)
		if err := refusal(t, filepath.Join(dir, "store.db")); !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
	})

	t.Run("file read-only", func(t *testing.T) {
		dir := smallDisk(t, 16)
		path := filepath.Join(dir, "store.db")
		exp := filled(t, path, 4)
		remount(t, dir, unix.MS_RDONLY)
		if err := refusal(t, path); !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
		remount(t, dir, 0)
		checkStored(t, path, exp)
	})

	t.Run("file of another owner", func(t *testing.T) {
		dir := t.TempDir()
		for _, d := range []string{dir, filepath.Dir(dir)} {
			if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // G302: the test is about the rights of the file, not of its folders
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "store.db")
		exp := filled(t, path, 4)
		asNobody(t, func() {
			if err := refusal(t, path); !errors.Is(err, syscall.EACCES) {
				t.Error(err)
			}
		})
		checkStored(t, path, exp)
	})

	t.Run("file is for its owner only", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store.db")
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
		path := filepath.Join(t.TempDir(), "store.db")
		exp := filled(t, path, 4)
		other := start(t.Context(), t, orders{Store: "sqlite", Where: path, Writers: 1, Transactions: 1 << 30})
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
		for c := range exp.acknowledged {
			if states[c] == "" {
				t.Errorf("%v is lost", c)
			}
		}
	})
}

// asNobody does something with the rights of the user nobody to files.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		skipUnlessRequired(t, "only root can become another user")
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.Syscall(unix.SYS_SETFSUID, nobody, 0, 0)  //nolint:errcheck // it returns the old id only
	defer unix.Syscall(unix.SYS_SETFSUID, 0, 0, 0) //nolint:errcheck // as above
	do()
}
