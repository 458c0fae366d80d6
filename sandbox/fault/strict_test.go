package fault

import (
	"maps"
	"testing"
)

// Of eight payments four are as usual, and each strict fault strikes one.
func TestStrictDraws(t *testing.T) {
	var s Strict
	for round := range 3 {
		drawn := make(map[string]int)
		for range 8 {
			drawn[s.Draw().String()]++
		}
		want := map[string]int{"": 4, "ipn_twice": 1, "ipn_late": 1, "ipn_cancel_after_paid": 1, "ipn_paid_after_expired": 1}
		if !maps.Equal(drawn, want) {
			t.Errorf("round %d: %v", round, drawn)
		}
	}
}
