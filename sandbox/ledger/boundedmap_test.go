package ledger

import (
	"slices"
	"strconv"
	"testing"
)

func TestBoundedMapForgetsTheOldest(t *testing.T) {
	for name, test := range map[string]struct {
		added  int
		newest []int
	}{
		"empty":         {0, []int{}},
		"not yet full":  {2, []int{1, 0}},
		"full":          {3, []int{2, 1, 0}},
		"one over":      {4, []int{3, 2, 1}},
		"several turns": {11, []int{10, 9, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newBoundedMap[int](3)
			for i := range test.added {
				m.add(strconv.Itoa(i), i)
			}
			if got := m.newest(5); !slices.Equal(got, test.newest) {
				t.Errorf("newest = %v, want %v", got, test.newest)
			}
			if len(m.values) != len(test.newest) {
				t.Errorf("holds %d values, want %d", len(m.values), len(test.newest))
			}
			for i := range test.added {
				if _, found := m.get(strconv.Itoa(i)); found != slices.Contains(test.newest, i) {
					t.Errorf("found %d: %t", i, found)
				}
			}
		})
	}
}
