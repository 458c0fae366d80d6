package bolt

import (
	"errors"
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

// Whoever had claims when the file was closed, or the process killed, has them no more.
func TestClaimsEndWithTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
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
	if err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: now}); !errors.Is(err, inbox.ErrLeaseLost) {
		t.Errorf("settled by the claim of before: %v", err)
	}
}
