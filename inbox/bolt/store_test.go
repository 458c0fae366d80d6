package bolt

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

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

// Lists, replays and prunings go through a big file in several transactions.
func TestMoreThanOneTransaction(t *testing.T) {
	const n = 2*chunk + 500
	s := openAt(t, newFile(t, n))
	defer s.Close()
	for name, test := range map[string]struct {
		filter inbox.Filter
		want   int
	}{
		"all":       {inbox.Filter{}, n},
		"pending":   {inbox.Filter{State: inbox.Pending}, n / 2},
		"delivered": {inbox.Filter{State: inbox.Delivered}, n / 2},
		"limited":   {inbox.Filter{Limit: chunk + 1}, chunk + 1},
	} {
		last, listed := uint64(0), 0
		for r, err := range s.List(t.Context(), test.filter) {
			if err != nil || r.Seq <= last {
				t.Fatalf("%s: record %d after %d, %v", name, r.Seq, last, err)
			}
			last = r.Seq
			listed++
		}
		if listed != test.want {
			t.Errorf("%s: %d are listed, want %d", name, listed, test.want)
		}
	}
	replayed, err := s.Replay(t.Context(), inbox.Filter{State: inbox.Delivered}, now)
	if err != nil || replayed != n/2 {
		t.Errorf("replayed %d, %v, want %d", replayed, err, n/2)
	}
	if stats := states(t, s); stats.States[inbox.Pending] != n || stats.States[inbox.Delivered] != 0 {
		t.Errorf("counted %+v", stats)
	}
	err = s.update(t.Context(), func(tb *tables) {
		records, _ := tb.claim([]string{"shop"}, later, n)
		for _, r := range records {
			tb.settle(r, inbox.Settlement{State: inbox.Delivered, At: now})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if pruned, err := s.Prune(t.Context(), "shop", now.Add(n*time.Second)); err != nil || pruned != n {
		t.Errorf("pruned %d, %v, want %d", pruned, err, n)
	}
}

// A list ends, however fast events arrive meanwhile.
func TestListEnds(t *testing.T) {
	const n = chunk + 10
	s := openAt(t, newFile(t, n))
	defer s.Close()
	listed := 0
	for _, err := range s.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if listed++; listed > n {
			t.Fatal("it lists what has arrived since it began")
		}
		if listed%100 == 0 {
			add(t, s, testEvent(n+listed))
		}
	}
	if listed != n {
		t.Errorf("%d are listed, want %d", listed, n)
	}
}
