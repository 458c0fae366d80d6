package ledger

import (
	"fmt"
	"testing"
)

func TestLimits(t *testing.T) {
	l := New()
	for i := range MaxRequestIDs + 1 {
		if _, err := l.Open(fmt.Sprint(i), Payment{}); err != nil {
			t.Fatalf("request %d is refused", i)
		}
	}
	if n := len(l.transactions.values); n != MaxTransactions {
		t.Errorf("%d transactions are kept", n)
	}
	if _, err := l.Open(fmt.Sprint(MaxRequestIDs), Payment{}); err == nil {
		t.Error("the newest request id is forgotten")
	}
	if _, err := l.Open("0", Payment{}); err != nil {
		t.Error("the oldest request id is remembered")
	}
}
