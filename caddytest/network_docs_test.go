package caddytest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The matrix is as large as it is said to be, no title stands for two cases, and the
// tables in the documentation are those of the rows.
func TestNetworkMatrix(t *testing.T) {
	titles := make(map[string]bool)
	cases, connects := networkCases(pathsOfMatrix...), connectCases(t, freeAddress(t))
	for _, c := range cases {
		titles[c.title()] = true
	}
	for _, c := range connects {
		titles[c.title()] = true
	}
	if len(titles) < 200 || len(titles) != len(cases)+len(connects) {
		t.Errorf("%d titles of %d cases, want one for each of at least 200", len(titles), len(cases)+len(connects))
	}

	const path = "../docs/reliability.md"
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(stored), networkTableBegin)
	tables, tail, ends := strings.Cut(rest, networkTableEnd)
	if !begins || !ends {
		t.Fatalf("docs/reliability.md has no place for the matrix, between\n%s%s", networkTableBegin, networkTableEnd)
	}
	want := networkTables(cases, connects)
	if tables == want {
		return
	}
	if !*update {
		t.Fatal("the tables in docs/reliability.md are not those of the rows; write them anew with\n" +
			"\tgo test ./caddytest -run TestNetworkMatrix -update")
	}
	//nolint:gosec // G703: the path is the constant above
	if err := os.WriteFile(path, []byte(head+networkTableBegin+want+networkTableEnd+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The tables stand between these lines of the page.
const (
	networkTableBegin = "<!-- Made of the rows in caddytest/network_*_test.go. To write it anew: go test ./caddytest -run TestNetworkMatrix -update -->\n"
	networkTableEnd   = "<!-- end of the matrix -->\n"
)

// pathsOfMatrix are the ways that each fault of the matrix is tried on.
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

// inWords is how a call ends, with the outcome that the app is told.
func inWords(r result) string {
	if r == answeredWhole {
		return "the answer"
	}
	return codes(fmt.Sprintf("%s (%s)", r, outcomes[r]))
}
