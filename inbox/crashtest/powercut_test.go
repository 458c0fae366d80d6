//go:build linux

package crashtest

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// The power is cut at random points of what a child did. Of the writes that were not synced
// then, some are on the disk and some are not, in sectors of 512 bytes and in any order.
// The inbox must open, and have all that was acknowledged and all that was settled before
// the cut, and nothing that is damaged. The next child starts from the disk of one of the cuts.
// After ten children there is a new inbox: to write and open a large one takes much longer.
func TestPowerCut(t *testing.T) {
	rng := newRand(t)
	const perLife = 100
	lives := max(1, number(t, "POWER_CUTS", 1000)/perLife)
	var exp *expected
	var left *disk
	acknowledged := 0
	for life := range lives {
		if life%10 == 0 {
			exp, left = newExpected(), &disk{}
		}
		dir := t.TempDir()
		left.write(t, dir)
		o := orders{Store: "sqlite", Where: filepath.Join(dir, "store.db"), Round: life, Writers: 3, Transactions: 2, Again: sample(rng, exp.sorted(), 2)}
		before := readDisk(t, dir)
		steps := watch(t, dir, o)
		for _, s := range steps {
			if strings.HasPrefix(s.report, "acknowledged ") {
				acknowledged++
			}
		}
		left = cutOften(t, rng, before, steps, exp, perLife)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d times in %d lives, %d callbacks acknowledged", lives*perLife, lives, acknowledged)
}

// cutOften cuts the power at random points of a child's steps, and checks the disk each time.
// It returns the disk of one of these cuts; exp is then what must be on that one.
func cutOften(t *testing.T, rng *rand.Rand, d *disk, steps []step, exp *expected, cuts int) *disk {
	t.Helper()
	points := map[int]int{} // after how many steps, how often
	for range cuts {
		points[rng.IntN(len(steps)+1)]++
	}
	goOn := rng.IntN(len(steps) + 1)
	points[goOn]++
	var left *disk
	now := exp.clone()
	for i := 0; ; i++ {
		for range points[i] {
			after := d.cut(luck(rng))
			check(t, after, now)
			if i == goOn {
				left = after
				*exp = *now.clone()
			}
			if t.Failed() {
				t.Fatalf("after %d of %d steps", i, len(steps))
			}
		}
		if i == len(steps) {
			return left
		}
		d.do(i, steps[i])
		if steps[i].report == "" {
			continue
		}
		if err := now.add(steps[i].report); err != nil {
			t.Fatal(err)
		}
	}
}

// luck decides for each sector whether it has reached the disk: with a chance that is the same
// for all sectors of one cut.
func luck(rng *rand.Rand) func() bool {
	chance := []float64{0, 0.05, 0.5, 0.95, 1}[rng.IntN(5)]
	return func() bool { return rng.Float64() < chance }
}

// check opens an inbox on the disk that a power cut has left.
func check(t *testing.T, after *disk, exp *expected) {
	t.Helper()
	dir := t.TempDir()
	after.write(t, dir)
	store, err := openUndamaged(t.Context(), "sqlite", filepath.Join(dir, "store.db"))
	if err != nil {
		t.Errorf("the inbox does not open: %v", err)
		return
	}
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
