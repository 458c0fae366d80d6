//go:build linux

package crashtest

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// powerCuts cuts the power at random points of what a child did. Of the writes that were not synced
// then, some are on the disk and some are not, in sectors of 512 bytes and in any order.
// The store must open, and have all that E expects of it at that point, and nothing that is
// damaged. The next child starts from the disk of one of the cuts. After ten children there is a
// new store: to write and open a large one takes much longer.
type powerCuts[E expectation[E]] struct {
	variable  string // sets how many cuts there are
	otherwise int
	counted   string // the report that is counted
	begin     func() E
	orders    func(rng *rand.Rand, exp E, where string, life int) orders
	files     []*os.File // that children find open, see gatewaySocket
}

// expectation is what children have reported, and so what their store must hold.
type expectation[E any] interface {
	// add adds what a line of a child's reports says. An error is a fault that the line proves.
	add(line string) error
	// checkStore opens the store that a crash has left, and compares.
	checkStore(ctx context.Context, where string) error
	clone() E
}

// The inbox has all that was acknowledged and all that was settled before the cut.
func TestPowerCut(t *testing.T) {
	powerCuts[*expected]{
		variable: "POWER_CUTS", otherwise: 1000, counted: "acknowledged", begin: newExpected,
		orders: func(rng *rand.Rand, exp *expected, where string, life int) orders {
			return orders{Store: "sqlite", Where: where, Round: life, Writers: 3, Transactions: 2, Again: sample(rng, exp.sorted(), 2)}
		},
	}.run(t)
}

func (c powerCuts[E]) run(t *testing.T) {
	t.Helper()
	rng := newRand(t)
	const perLife = 100
	lives := max(1, number(t, c.variable, c.otherwise)/perLife)
	var exp E
	var left *disk
	counted := 0
	for life := range lives {
		if life%10 == 0 {
			exp, left = c.begin(), &disk{}
		}
		dir := t.TempDir()
		left.write(t, dir)
		before := readDisk(t, dir)
		steps := watch(t, dir, c.orders(rng, exp, filepath.Join(dir, "store.db"), life), c.files...)
		for _, s := range steps {
			if strings.HasPrefix(s.report, c.counted+" ") {
				counted++
			}
		}
		left, exp = cutOften(t, rng, before, steps, exp, perLife)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d times in %d lives, %d %s", lives*perLife, lives, counted, c.counted)
}

// cutOften cuts the power at random points of a child's steps, and checks the disk each time.
// It returns the disk of one of these cuts, and what must be on that one.
func cutOften[E expectation[E]](t *testing.T, rng *rand.Rand, d *disk, steps []step, now E, cuts int) (left *disk, then E) {
	t.Helper()
	points := map[int]int{} // after how many steps, how often
	for range cuts {
		points[rng.IntN(len(steps)+1)]++
	}
	goOn := rng.IntN(len(steps) + 1)
	points[goOn]++
	for i := 0; ; i++ {
		for range points[i] {
			after := d.cut(luck(rng))
			check(t, after, now)
			if i == goOn {
				left, then = after, now.clone()
			}
			if t.Failed() {
				t.Fatalf("after %d of %d steps", i, len(steps))
			}
		}
		if i == len(steps) {
			return left, then
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

// check checks the disk that a power cut has left.
func check[E expectation[E]](t *testing.T, after *disk, exp E) {
	t.Helper()
	dir := t.TempDir()
	after.write(t, dir)
	if err := exp.checkStore(t.Context(), filepath.Join(dir, "store.db")); err != nil {
		t.Error(err)
	}
}
