package main

import "testing"

func TestMedian(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   float64
	}{
		"none":     {nil, 0},
		"one":      {[]float64{3}, 3},
		"odd":      {[]float64{9, 1, 2}, 2},
		"even":     {[]float64{4, 1, 2, 90}, 3},
		"repeated": {[]float64{5, 5, 1}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := median(test.values); got != test.want {
				t.Errorf("median is %v, expected %v", got, test.want)
			}
		})
	}
}

// A round in which the machine was busy slows both down, and must not count more than any other.
func TestMedianOfRatiosGoesRoundByRound(t *testing.T) {
	of, to := []float64{200, 20, 210}, []float64{100, 10, 100}
	if got := medianOfRatios(of, to); got != 2 {
		t.Errorf("ratio is %v, expected 2", got)
	}
	if got := medianOfRatios([]float64{200, 300}, []float64{100}); got != 2 {
		t.Errorf("ratio is %v, expected 2 of the one round that both have", got)
	}
}
