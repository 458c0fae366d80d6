package caddytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wantTable checks that a page of docs/ shows this table between the comment that ends with the
// test's command and the line end. With -update it writes the table there.
func wantTable(t *testing.T, page, test, end, want string) {
	t.Helper()
	command := "go test ./caddytest -run " + test + " -update"
	path := filepath.Join("..", "docs", page)
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(stored), command+" -->\n")
	table, tail, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("docs/%s has no place for the table, between a comment that ends with %q and %q", page, command, end)
	}
	if table == want {
		return
	}
	if !*update {
		t.Fatalf("the table in docs/%s does not show the rows of the test; write it with\n\t%s", page, command)
	}
	if err := os.WriteFile(path, []byte(head+command+" -->\n"+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
