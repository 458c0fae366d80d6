package bolt

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/inboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openAt opens an inbox in which no damage is expected.
func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, func(err error) { t.Errorf("reported: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	inboxtest.Run(t,
		func(t *testing.T) inbox.Store {
			t.Helper()
			return openAt(t, filepath.Join(t.TempDir(), "made", "inbox.db"))
		},
		func(t *testing.T, closed inbox.Store) inbox.Store {
			t.Helper()
			return openAt(t, closed.(*Store).path)
		})
}
