package architecture

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

const troubleshooting = "docs/troubleshooting.md"

// Each code of docs/problems.md has a row.
func TestTroubleshootingHasEveryCode(t *testing.T) {
	listed := make(map[string]bool)
	for _, code := range firstCells(readPart(t, troubleshooting)) {
		listed[code] = true
	}
	codes := regexp.MustCompile(`(?m)^### ([a-z_]+)$`).FindAllStringSubmatch(readPart(t, "docs/problems.md"), -1)
	if len(codes) < 30 {
		t.Fatalf("only %d codes", len(codes))
	}
	for _, code := range codes {
		if !listed[code[1]] {
			t.Errorf("%s has no row for %s", troubleshooting, code[1])
		}
	}
}

// What the page quotes of the log, of errors and of alerts stands in the code, so that a reader who searches for it finds it.
func TestTroubleshootingQuotes(t *testing.T) {
	code := productCode(t) + alertRules(t)
	quotes := firstCells(readPart(t, troubleshooting))
	if len(quotes) < 80 {
		t.Fatalf("only %d quotes", len(quotes))
	}
	for _, quote := range quotes {
		if !strings.Contains(code, quote) {
			t.Errorf("%s quotes %q, which no code says", troubleshooting, quote)
		}
	}
}

// firstCells returns the pieces of code in the first cells of all tables.
func firstCells(text string) []string {
	var all []string
	for _, table := range tableLines.FindAllString(fenced.ReplaceAllString(text, ""), -1) {
		for line := range strings.Lines(table) {
			for _, code := range codeIn(cellsOf(line)[0]) {
				all = append(all, strings.Trim(code, "`"))
			}
		}
	}
	return all
}

// productCode returns all Go files but the tests, one after another.
func productCode(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		code.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}
