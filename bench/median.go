package main

import (
	"math"
	"slices"
)

// median is the middle value, or the mean of the two in the middle; 0 of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// medianOfRatios compares two rows of figures round by round: what else the machine does in a round hits both.
func medianOfRatios(of, to []float64) float64 {
	var ratios []float64
	for i, value := range of[:min(len(of), len(to))] {
		ratios = append(ratios, value/to[i])
	}
	return median(ratios)
}

// percentile is the smallest of the values that so many percent of them do not exceed; 0 of nothing.
func percentile(values []float64, percent float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
