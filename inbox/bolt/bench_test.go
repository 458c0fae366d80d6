package bolt

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// BenchmarkOpen measures the check of 100,000 records.
func BenchmarkOpen(b *testing.B) {
	s := filled(b, 100_000)
	path := s.path
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(path, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchEvent spreads IDs as digests are spread.
func benchEvent(i uint64) inbox.Event {
	e := testEvent(int(i)) //nolint:gosec // G115: a small number
	e.ID = fmt.Sprintf("%016x%048d", i*0x9e3779b97f4a7c15, i)
	return e
}

// filled is an inbox of n records, nine out of ten of them delivered.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	s, err := Open(filepath.Join(b.TempDir(), "inbox.db"), func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < n; from += 10_000 {
		err := s.update(b.Context(), func(t *tables) {
			for i := from; i < from+10_000; i++ {
				r, _ := t.arrive(benchEvent(uint64(i)), testLease) //nolint:gosec // G115: a small number
				if i%10 != 0 {
					t.settle(r, inbox.Settlement{State: inbox.Delivered, At: now})
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}
