package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func testEvent(i int) inbox.Event {
	return inbox.Event{
		ID: fmt.Sprintf("%064d", i), Queue: "shop", Transaction: fmt.Sprintf("GP%08d", i), OrderID: fmt.Sprintf("DH-%d", i), PaymentStatus: inbox.Paid,
		ReceivedAt: now.Add(time.Duration(i) * time.Second), Message: messageOf(i),
	}
}

func messageOf(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%010d", i), 60) }

var testLease = inbox.Lease{Now: now, Until: now.Add(time.Minute)}

// later is when testLease is over.
var later = inbox.Lease{Now: now.Add(time.Hour), Until: now.Add(2 * time.Hour)}

func add(t *testing.T, s *Store, e inbox.Event) inbox.Record {
	t.Helper()
	r, isNew, err := s.Arrive(t.Context(), e, testLease)
	if err != nil || !isNew {
		t.Fatalf("new %t, %v", isNew, err)
	}
	return r
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func count(t *testing.T, s *Store) inbox.Stats {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// fileOf makes a file of n records, every second of them delivered, and returns its path.
func fileOf(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	defer s.Close()
	fill(t, s, n)
	return path
}

func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.update(t.Context(), func(t *tx) error {
		for i := range n {
			r, _, err := t.arrive(testEvent(i), testLease)
			if err != nil {
				return err
			}
			if i%2 == 1 {
				if _, _, err := t.settle(&r, inbox.Settlement{State: inbox.Delivered, At: now}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
