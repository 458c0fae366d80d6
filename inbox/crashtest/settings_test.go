//go:build linux

package crashtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// number reads a setting from the environment; otherwise is its default.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// newRand returns a random source. It logs its seed; SEED set to that gives the same numbers.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := number(t, "SEED", int(time.Now().UnixNano()))
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // G404, G115: a test that can be repeated
}
