package bolt

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

var million = flag.Bool("million", false, "also measure an inbox of 1,000,000 records")

// BenchmarkAdd measures fsynced arrivals. Beside each it times a write and an fsync of the
// same message alone, a round of one after a round of the other, so that both meet the same
// disk; "x-raw" is how many times as many arrivals there are as raw writes.
func BenchmarkAdd(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) { measureAdd(b, writers) })
	}
}

// BenchmarkAddTo measures whether an arrival costs more the more records there are, with
// rounds at an inbox that began empty in between: "x-empty" is how many times as long.
func BenchmarkAddTo(b *testing.B) {
	sizes := []int{100_000}
	if *million {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint("records=", n), func(b *testing.B) { measureAddTo(b, n) })
	}
}

func measureAddTo(b *testing.B, records int) {
	b.Helper()
	const writers, perRound = 16, 16 * 16
	empty, full := filled(b, 0), filled(b, records)
	defer empty.Close()
	defer full.Close()
	var emptyTime, fullTime time.Duration
	next := uint64(records) //nolint:gosec // G115: a small number
	for b.Loop() {
		emptyTime += addAll(b, empty, writers, perRound, next)
		fullTime += addAll(b, full, writers, perRound, next)
		next += perRound
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(fullTime)/float64(emptyTime), "x-empty")
}

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
				r, _ := t.add(benchEvent(uint64(i)), testLease) //nolint:gosec // G115: a small number
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

func measureAdd(b *testing.B, writers int) {
	b.Helper()
	s := filled(b, 0)
	defer s.Close()
	raw, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()

	const rawPerRound = 8
	perRound := 16 * writers
	next := uint64(0)
	var rawTime, addTime time.Duration
	var rawWrites, adds int
	before := commits(b, s)
	for b.Loop() {
		begun := time.Now()
		for range rawPerRound {
			if _, err := raw.Write(testEvent(1).Message); err != nil {
				b.Fatal(err)
			}
			if err := raw.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		rawTime += time.Since(begun)
		rawWrites += rawPerRound
		addTime += addAll(b, s, writers, perRound, next)
		adds += perRound
		next += uint64(perRound) //nolint:gosec // G115: a small number
	}
	each := addTime / time.Duration(adds)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(adds)/float64(commits(b, s)-before), "adds/commit")
	b.ReportMetric(float64(time.Second)/float64(each), "adds/s")
	b.ReportMetric(float64(rawTime)/float64(rawWrites)/float64(each), "x-raw")
}

// commits is the number of the last transaction that was committed.
func commits(b *testing.B, s *Store) (id int) {
	b.Helper()
	if err := s.view(func(t *tables) { id = t.tx.ID() }); err != nil {
		b.Fatal(err)
	}
	return id
}

// addAll adds n events from several goroutines, and tells how long it took.
func addAll(b *testing.B, s *Store, writers, n int, first uint64) time.Duration {
	b.Helper()
	var (
		wg    sync.WaitGroup
		taken atomic.Uint64
	)
	begun := time.Now()
	for range writers {
		wg.Go(func() {
			for i := taken.Add(1); i <= uint64(n); i = taken.Add(1) { //nolint:gosec // G115: a small number
				if _, added, err := s.Add(b.Context(), benchEvent(first+i), testLease); err != nil || !added {
					b.Errorf("added %t, %v", added, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}
