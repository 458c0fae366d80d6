//go:build linux

package crashtest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
)

// A closed file is damaged at random places. It opens or it is refused. The records that it
// lists are unaltered, and missing ones are reported as damaged. The last commit is not
// counted: bbolt has two pages that say where the data is, and if the newer one is damaged it
// takes the older one, as after a commit that a power cut broke off. Nothing in the file
// distinguishes these cases.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	exp := filled(t, path, 60)
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
				switch quarantined, err := examine(t, damaged, exp); {
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

// examine opens a damaged inbox and returns how many records it reports as damaged, or the
// error with which it is refused.
func examine(t *testing.T, path string, exp *expected) (quarantined int, err error) {
	t.Helper()
	store, err := bolt.Open(path, nil)
	if err != nil {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say which file: %v", err)
		}
		if strings.Contains(err.Error(), "locked") {
			t.Errorf("it is not locked: %v", err)
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
	for c := range exp.acknowledged {
		want := inbox.Pending
		switch {
		case c.overtaken():
			want = inbox.Overtaken
		case exp.settled[c]:
			want = inbox.Delivered
		}
		if states[c] == "" && stats.Quarantined == 0 && c != exp.last {
			t.Errorf("%v is lost, and nothing is reported", c)
		}
		if states[c] != "" && states[c] != want {
			t.Errorf("%v is %q, not %q", c, states[c], want)
		}
	}
	if _, err := arrive(t, store, callback{"new", 0}); err != nil {
		t.Logf("nothing new can arrive: %v", err)
	}
	if _, err := store.Claim(t.Context(), []string{queue}, inbox.Lease{Now: lease.Until, Until: lease.Until.Add(time.Hour)}, 1000); err != nil {
		t.Logf("nothing can be claimed: %v", err)
	}
	return stats.Quarantined, nil
}
