package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// BenchmarkCall writes what a call writes: that it begins, and how it ended. 32 calls are at work at once.
func BenchmarkCall(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "store.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	payments := s.Payments()
	var last atomic.Int64
	reply := []byte(strings.Repeat("0123456789", 50))
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := last.Add(1)
			d, err := ledger.Begin(b.Context(), payments, ledger.Call{
				Book: "shop https://gateway.example", RequestID: fmt.Sprintf("9d0c0b72-5f0b-4b0e-%012d", n), Operation: "pay", Effect: operation.OpensPage,
				Fingerprint: strings.Repeat("f", 64), OrderID: fmt.Sprint("DH-", n), Amount: "109000", Currency: "VND", Method: "DOMESTIC",
				Address: []byte("https://shop.example/ipn"), Limit: time.Minute,
			})
			if err != nil {
				b.Error(err)
				return
			}
			_, err = ledger.End(b.Context(), payments, d.Payment, ledger.Result{
				Outcome: ledger.Accepted, Reply: reply, Transaction: fmt.Sprint("GPAY", n), Status: ledger.Pending, AskAt: time.Now().Add(time.Hour),
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}
