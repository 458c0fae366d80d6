//go:build linux

package crashtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
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
			if err := store.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: epoch}); err != nil {
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

// checkStored opens an inbox and fails if something that exp has is not there.
func checkStored(t *testing.T, path string, exp *expected) {
	t.Helper()
	store, err := openUndamaged(t.Context(), "bolt", path)
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

// skipUnlessRequired skips a test that this machine cannot run, or fails it if REQUIRE_ALL=1 is
// set.
func skipUnlessRequired(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// smallDisk mounts a disk for a test.
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
