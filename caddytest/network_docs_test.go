package caddytest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The matrix has at least 200 cases, each with a title of its own, and docs/reliability.md shows
// them.
func TestNetworkMatrix(t *testing.T) {
	titles := make(map[string]bool)
	cases, connects := networkCases(pathsOfMatrix...), connectCases(t, deadAddress(t))
	for _, c := range cases {
		titles[c.title()] = true
	}
	for _, c := range connects {
		titles[c.title()] = true
	}
	if len(titles) < 200 || len(titles) != len(cases)+len(connects) {
		t.Errorf("%d titles of %d cases, want one for each of at least 200", len(titles), len(cases)+len(connects))
	}

	wantTable(t, "reliability.md", "TestNetworkMatrix", "<!-- end of the matrix -->\n", networkTables(cases, connects))
}

// pathsOfMatrix are the paths on which each fault of the matrix is tried.
var pathsOfMatrix = []string{"pay", "query", "ipn to the app", "ipn from the gateway"}

// networkRow is one kind of fault in a table.
type networkRow struct {
	kind    string
	arrives []string
	results []string
	ipns    []string
	cases   int
}

func networkTables(cases []networkCase, connects []connectCase) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases on an established connection, each kind for %s, on a fresh connection and on one that has served before:\n\n",
		len(cases), strings.Join(pathsOfMatrix, ", "))
	b.WriteString("| fault | message arrives | `pay`, `query` end with | answer to the IPN | cases |\n|---|---|---|---|---|\n")
	var rows []*networkRow
	row := func(kind string) *networkRow {
		for _, r := range rows {
			if r.kind == kind {
				return r
			}
		}
		rows = append(rows, &networkRow{kind: kind})
		return rows[len(rows)-1]
	}
	for _, c := range cases {
		r := row(c.kind)
		r.cases++
		r.arrives = addOnce(r.arrives, map[certainty]string{never: "no", perhaps: "no or yes", always: "yes"}[c.arrives])
		for _, end := range c.results {
			r.results = addOnce(r.results, inWords(end))
			r.ipns = addOnce(r.ipns, map[bool]string{true: "the app's", false: "503 or none"}[end == answeredWhole])
		}
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d |\n", r.kind, strings.Join(r.arrives, " or "), strings.Join(r.results, " or "), strings.Join(r.ipns, " or "), r.cases)
	}

	fmt.Fprintf(&b, "\n%d cases of `pay` in which the connection or its encryption fails:\n\n| fault | `pay` ends with | cases |\n|---|---|---|\n", len(connects))
	rows = nil
	for _, c := range connects {
		r := row(cmp.Or(c.kind, c.name))
		r.cases++
		for _, end := range c.results {
			r.results = addOnce(r.results, inWords(end))
		}
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", r.kind, strings.Join(r.results, " or "), r.cases)
	}
	return b.String()
}

func addOnce(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// inWords is how a call ends, with the outcome that the app gets.
func inWords(r result) string {
	if r == answeredWhole {
		return "the answer"
	}
	return codes(fmt.Sprintf("%s (%s)", r, outcomes[r]))
}
