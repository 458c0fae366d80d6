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

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for name, test := range map[string]struct {
		values  []float64
		percent float64
		want    float64
	}{
		"none":              {nil, 99, 0},
		"one":               {[]float64{3}, 99, 3},
		"of a hundred":      {hundred, 99, 99},
		"half":              {hundred, 50, 50},
		"of few, the worst": {[]float64{1, 9, 2}, 99, 9},
		"the least":         {hundred, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := percentile(test.values, test.percent); got != test.want {
				t.Errorf("percentile %v is %v, expected %v", test.percent, got, test.want)
			}
		})
	}
}
