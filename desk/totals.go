package desk

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// totals are the sums of a report.
type totals map[totalOf]*total

// totalOf is what one total is about.
type totalOf struct{ book, currency, kind string }

// total is the sum of the lines whose amount is known, and how many lines there are, and how many without one.
type total struct {
	sum            ledger.Sum
	lines, unknown int
}

// add counts a line.
func (t totals) add(e *reportEntry) error {
	of := totalOf{e.book, e.currency, e.kind}
	if t[of] == nil {
		t[of] = new(total)
	}
	t[of].lines++
	if e.kind != kindCheck && !t[of].sum.Add(e.counts, false) {
		t[of].unknown++
	}
	return nil
}

var totalColumns = []string{"merchant", "currency", "kind", "lines", "sum", "unknown", "gateway"}

// write writes a row for each total.
func (t totals) write(out *stream) {
	for _, of := range slices.SortedFunc(maps.Keys(t), compareTotals) {
		merchant, gateway, _ := strings.Cut(of.book, " ")
		sum := t[of].sum.Text()
		if of.kind == kindCheck {
			sum = ""
		}
		out.row([]string{
			cell(merchant), cell(of.currency), of.kind, strconv.Itoa(t[of].lines), sum, strconv.Itoa(t[of].unknown), cell(gateway),
		})
	}
}

func compareTotals(a, b totalOf) int {
	return cmp.Or(strings.Compare(a.book, b.book), strings.Compare(a.currency, b.currency), strings.Compare(a.kind, b.kind))
}
