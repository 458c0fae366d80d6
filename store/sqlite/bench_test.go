package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// manyRecords is how many records a full store has. BENCH_RECORDS sets it.
func manyRecords(b *testing.B) int {
	b.Helper()
	text := os.Getenv("BENCH_RECORDS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// benchEvent is an event like those of the gateway.
func benchEvent(i int) inbox.Event {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	digest := hex.EncodeToString(sum[:])
	return inbox.Event{
		ID: digest, Queue: "shop", Transaction: "GPAY" + digest[:20], OrderID: fmt.Sprintf("DH-%d", i), RequestID: digest[20:52],
		PaymentStatus: inbox.Paid, ReceivedAt: now.Add(time.Duration(i%1_000_000_000) * time.Second), Message: bytes.Repeat([]byte("0123456789"), 70),
		Request: inbox.Request{Scheme: "https", Host: "shop.example", URI: "/galaxypay/ipn", RemoteAddr: "203.0.113.7:51234"},
	}
}

// full makes a store of n records, which all are delivered but the newest 100, and closes it.
// It is made once for all benchmarks, or, with a directory in BENCH_STORE, once for all runs.
var full = sync.OnceValues(func() (string, error) {
	n := fullSize
	used.Store(time.Now().UnixMicro())
	dir := os.Getenv("BENCH_STORE")
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "store-bench-"); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "store.db")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	s, err := Open(path, nil)
	if err != nil {
		return "", err
	}
	for from := 0; from < n; from += 1000 {
		err := s.update(context.Background(), func(t *tx) error {
			for i := from; i < min(from+1000, n); i++ {
				r, _, err := t.arrive(benchEvent(i), testLease)
				if err != nil {
					return err
				}
				if i < n-100 {
					if _, _, err := t.settle(&r, inbox.Settlement{State: inbox.Delivered, At: now}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return path, s.Close()
})

var (
	fullSize int
	// used is the last event that has arrived in the full store.
	used atomic.Int64
)

// removeFull removes the full store.
func removeFull() {
	if fullSize == 0 || os.Getenv("BENCH_STORE") != "" {
		return
	}
	if path, err := full(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// fullStore opens the full store.
func fullStore(b *testing.B) *Store {
	b.Helper()
	fullSize = manyRecords(b)
	path, err := full()
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(path, func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// rawRate is how often one writer can write a message and have it on the disk, in a second.
func rawRate(b *testing.B) float64 {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	message := make([]byte, 1024)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := file.Write(message); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}

// arrivals has events arrive from several goroutines for a while, and returns how many a second
// and how long the slowest of a hundred took.
func arrivals(b *testing.B, s *Store, first *atomic.Int64, writers int, during time.Duration) (rate float64, p99 time.Duration) {
	b.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	began := time.Now()
	for range writers {
		wg.Go(func() {
			var own []time.Duration
			for time.Since(began) < during {
				e := benchEvent(int(first.Add(1)))
				start := time.Now()
				if _, isNew, err := s.Arrive(b.Context(), e, inbox.Lease{Now: start, Until: start.Add(time.Minute)}); err != nil || !isNew {
					b.Errorf("new %t, %v", isNew, err)
					return
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(took)
	return float64(len(took)) / time.Since(began).Seconds(), took[len(took)*99/100]
}

// BenchmarkArrive compares arrivals with one writer's raw write and fsync, measured before and
// after in the same minute.
func BenchmarkArrive(b *testing.B) {
	for _, kind := range []string{"empty", "full"} {
		for _, writers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", kind, writers), func(b *testing.B) {
				var s *Store
				var next atomic.Int64
				if kind == "full" {
					s = fullStore(b)
					next.Store(used.Load())
					defer func() { used.Store(next.Load()) }()
				} else {
					s = openAt(b, filepath.Join(b.TempDir(), "store.db"))
				}
				defer s.Close()
				for range b.N {
					before := rawRate(b)
					rate, p99 := arrivals(b, s, &next, writers, 5*time.Second)
					raw := (before + rawRate(b)) / 2
					b.ReportMetric(rate, "arrivals/s")
					b.ReportMetric(rate/raw, "x-raw")
					b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
					b.ReportMetric(raw, "raw/s")
				}
			})
		}
	}
}

// BenchmarkOpen opens a full store.
func BenchmarkOpen(b *testing.B) {
	s := fullStore(b)
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

// BenchmarkList reads what people look for in a full store.
func BenchmarkList(b *testing.B) {
	s := fullStore(b)
	defer s.Close()
	middle := benchEvent(fullSize / 2)
	for name, f := range map[string]inbox.Filter{
		"order":           {OrderID: middle.OrderID},
		"transaction":     {Transaction: middle.Transaction},
		"request":         {RequestID: middle.RequestID},
		"id":              {ID: middle.ID},
		"pending":         {State: inbox.Pending},
		"dead":            {State: inbox.Dead},
		"delivered":       {State: inbox.Delivered, Limit: 100},
		"state and hour":  {State: inbox.Delivered, Since: middle.ReceivedAt, Until: middle.ReceivedAt.Add(time.Hour), Limit: 100},
		"state, newest":   {State: inbox.Pending, Since: benchEvent(fullSize - 100).ReceivedAt},
		"dead in an hour": {State: inbox.Dead, Since: middle.ReceivedAt, Until: middle.ReceivedAt.Add(time.Hour)},
		"dead in half":    {State: inbox.Dead, Since: middle.ReceivedAt},
		"since half":      {Since: middle.ReceivedAt, Limit: 100},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range s.List(b.Context(), f) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Stats(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
