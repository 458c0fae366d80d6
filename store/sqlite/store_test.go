package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeFull()
		os.Exit(code)
	}))
}

// openAt opens a store in which no damage is expected.
func openAt(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(path, func(err error) { tb.Errorf("reported: %v", err) })
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t,
		func(t *testing.T) inbox.Store {
			t.Helper()
			return openAt(t, filepath.Join(t.TempDir(), "made", "store.db"))
		},
		func(t *testing.T, closed inbox.Store) inbox.Store {
			t.Helper()
			return openAt(t, closed.(*Store).path)
		})
}

func TestPayments(t *testing.T) {
	storetest.RunPayments(t,
		func(t *testing.T) store.Store {
			t.Helper()
			return openAt(t, filepath.Join(t.TempDir(), "made", "store.db"))
		},
		func(t *testing.T, closed store.Store) store.Store {
			t.Helper()
			return openAt(t, closed.(*Store).path)
		})
}
