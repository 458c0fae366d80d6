package architecture

import (
	"cmp"
	"errors"
	"flag"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the third column of the table in docs/architecture.md")

const (
	module = "github.com/galaxypay-sidecar/caddy-galaxypay"
	root   = "../.."
	page   = root + "/docs/architecture.md"

	// rootPackage is the short name of the package at the root of the module.
	rootPackage = "galaxypay"

	// The table counts two things from outside the module. Caddy means every package of github.com/caddyserver.
	anyCaddy = "Caddy"
	netHTTP  = "net/http"

	nothing = "–"

	tableBegin = "<!-- go test ./internal/architecture checks this table. To write its third column: go test ./internal/architecture -run TestPackages -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
	tableHead  = "| package | what it is | may import |\n|---|---|---|\n"
)

// row is one package of the table.
type row struct {
	name      string // short: the import path without the module
	about     string
	mayImport []string // sorted by byPlace
}

// The table names every package and exactly what each imports.
func TestPackages(t *testing.T) {
	head, table, tail := readPage(t)
	want := listPackages(t)
	if *update {
		text := head + tableBegin + formatTable(updated(parseTable(t, table), want)) + tableEnd + tail
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, complaint := range compare(parseTable(t, table), want) {
		t.Error(complaint)
	}
}

// compare returns a sentence for each difference between the table and the code.
func compare(table, code []row) []string {
	var complaints []string
	for _, have := range table {
		i := slices.IndexFunc(code, func(r row) bool { return r.name == have.name })
		if i < 0 {
			complaints = append(complaints, have.name+": the table has this package, the module does not")
			continue
		}
		for _, name := range code[i].mayImport {
			if !slices.Contains(have.mayImport, name) {
				complaints = append(complaints, have.name+" imports "+name+", which the table does not allow")
			}
		}
		for _, name := range have.mayImport {
			if !slices.Contains(code[i].mayImport, name) {
				complaints = append(complaints, have.name+": the table allows "+name+", which is not imported")
			}
		}
	}
	for _, r := range code {
		if !slices.ContainsFunc(table, func(have row) bool { return have.name == r.name }) {
			complaints = append(complaints, r.name+": the table lacks this package")
		}
	}
	return complaints
}

func TestCompare(t *testing.T) {
	code := []row{{name: "a", mayImport: []string{"b"}}, {name: "b"}}
	for name, test := range map[string]struct {
		table []row
		want  []string
	}{
		"as the code is":                  {[]row{{name: "a", mayImport: []string{"b"}}, {name: "b"}}, nil},
		"an import too many":              {[]row{{name: "a"}, {name: "b"}}, []string{"a imports b, which the table does not allow"}},
		"a permission without use":        {[]row{{name: "a", mayImport: []string{"b", "c"}}, {name: "b"}}, []string{"a: the table allows c, which is not imported"}},
		"a package is missing":            {[]row{{name: "a", mayImport: []string{"b"}}}, []string{"b: the table lacks this package"}},
		"a package that no longer exists": {[]row{{name: "a", mayImport: []string{"b"}}, {name: "b"}, {name: "c"}}, []string{"c: the table has this package, the module does not"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := compare(test.table, code); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What -update writes is what is read again.
func TestTableIsReadAsWritten(t *testing.T) {
	rows := []row{
		{"a", "one thing", []string{"b", "c/d", anyCaddy, netHTTP}},
		{"b", "another, with `code` in it", nil},
	}
	text := formatTable(rows)
	again := parseTable(t, text)
	if !slices.EqualFunc(again, rows, func(x, y row) bool {
		return x.name == y.name && x.about == y.about && slices.Equal(x.mayImport, y.mayImport)
	}) {
		t.Errorf("%q is read as %q", text, again)
	}
}

// updated keeps the sentences and the order of the table, and takes the rest from the code.
func updated(table, code []row) []row {
	var rows []row
	for _, have := range table {
		if i := slices.IndexFunc(code, func(r row) bool { return r.name == have.name }); i >= 0 {
			rows = append(rows, row{have.name, have.about, code[i].mayImport})
		}
	}
	for _, r := range code {
		if !slices.ContainsFunc(table, func(have row) bool { return have.name == r.name }) {
			rows = append(rows, r)
		}
	}
	return rows
}

// walls hold whatever the table says: the table can be written by -update, the walls only by hand.
var walls = []struct {
	sentence string
	of       []string // packages; "inbox/..." means inbox and all below it
	except   []string
	mayNot   []string // likewise, and Caddy and net/http
}{
	{"the catalogue does not import Caddy", []string{"operation/..."}, nil, []string{anyCaddy, rootPackage}},
	{"problems do not import the handlers", []string{"problem"}, nil, []string{anyCaddy, rootPackage}},
	{"the inbox imports neither Caddy nor HTTP", []string{"inbox"}, nil, []string{anyCaddy, netHTTP, rootPackage}},
	{"the ledger imports neither Caddy nor HTTP, and no store", []string{"ledger"}, nil, []string{anyCaddy, netHTTP, rootPackage, "store/...", "inbox/...", "problem"}},
	{
		"the sandbox shares nothing with what it judges",
		[]string{"sandbox/..."}, nil,
		[]string{rootPackage, "problem", "inbox/...", "ledger", "store/...", "desk"},
	},
	{"the commands get the core passed in", []string{"commands"}, nil, []string{rootPackage}},
	{"the doctor imports neither Caddy nor HTTP", []string{"doctor"}, nil, []string{anyCaddy, netHTTP, rootPackage, "commands"}},
	{"the sandbox's ledger imports neither Caddy nor HTTP", []string{"sandbox/ledger"}, nil, []string{anyCaddy, netHTTP}},
	{"the product does not contain the sandbox", []string{"..."}, []string{"sandbox/...", "cmd/caddy", "caddytest", "bench/..."}, []string{"sandbox/..."}},
	{"scanning JSON needs nothing else", []string{"internal/rawjson"}, nil, []string{anyCaddy, netHTTP}},
	{"internal packages import nothing above them", []string{"internal/..."}, nil, []string{
		rootPackage, "problem", "operation/...", "inbox/...", "ledger", "store/...", "desk", "sandbox/...", "commands", "doctor",
	}},
	{"no test kit and no tool is a part of the product", []string{"..."}, []string{"bench/..."}, []string{
		"store/storetest", "inbox/crashtest", "sandbox/sandboxtest", "internal/postgrestest", "internal/architecture",
		"caddytest", "bench/...", "tools/...",
	}},
}

func TestWalls(t *testing.T) {
	code := listPackages(t)
	for _, wall := range walls {
		t.Run(wall.sentence, func(t *testing.T) {
			for _, r := range code {
				if !matchesAny(wall.of, r.name) || matchesAny(wall.except, r.name) {
					continue
				}
				for _, name := range r.mayImport {
					if matchesAny(wall.mayNot, name) {
						t.Errorf("%s imports %s", r.name, name)
					}
				}
			}
		})
	}
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, all := strings.CutSuffix(pattern, "...")
		return name == strings.TrimSuffix(folder, "/") || all && strings.HasPrefix(name, folder)
	})
}

// rootFile is a Go file without a folder in front of it.
var rootFile = regexp.MustCompile("`([a-z]+\\.go)`")

// The page names every file of the root, and no file that is not there.
func TestRootFiles(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var named, exist []string
	for _, match := range rootFile.FindAllSubmatch(text, -1) {
		named = append(named, string(match[1]))
	}
	paths, err := filepath.Glob(root + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if name := filepath.Base(path); !strings.HasSuffix(name, "_test.go") {
			exist = append(exist, name)
		}
	}
	for _, name := range exist {
		if !slices.Contains(named, name) {
			t.Errorf("the page does not name %s", name)
		}
	}
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		if !slices.Contains(exist, name) {
			t.Errorf("the page names %s, which is not there", name)
		}
	}
}

// What signs, wraps and judges can be read, tested and trusted without knowing Caddy, HTTP or any sentence for people.
func TestCore(t *testing.T) {
	mayNot := []string{"github.com/caddyserver/", "go.uber.org/zap", netHTTP, module + "/problem", module + "/internal/language"}
	for _, name := range []string{"signer.go", "envelope.go", "status.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(mayNot, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// listPackages returns the module's packages with what their files, not their tests, import. It reads the files in this
// process and asks no other program, so that "go test" does not repeat a cached verdict after one of them has changed.
func listPackages(t *testing.T) []row {
	t.Helper()
	linux := build.Default
	linux.GOOS = "linux" // the same table on every machine
	var rows []row
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || !entry.IsDir():
			return err
		case dir != root && (isNoPackage(entry.Name()) || isModule(dir)):
			return fs.SkipDir
		}
		p, err := linux.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		} else if err != nil {
			return err
		}
		name, err := filepath.Rel(root, dir)
		rows = append(rows, row{shortName(module + "/" + filepath.ToSlash(name)), p.Doc, counted(p.Imports)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// isNoPackage reports whether "go list ./..." leaves a folder out.
func isNoPackage(folder string) bool {
	return folder == "testdata" || folder == "node_modules" || strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

// isModule reports whether a folder is a module of its own, which "go list ./..." leaves out too.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func shortName(path string) string {
	if path == module || path == module+"/." {
		return rootPackage
	}
	return strings.TrimPrefix(path, module+"/")
}

// counted returns those imports that the table counts: the module's own, Caddy and net/http.
func counted(imports []string) []string {
	var names []string
	for _, path := range imports {
		switch {
		case path == module || strings.HasPrefix(path, module+"/"):
			names = append(names, shortName(path))
		case strings.HasPrefix(path, "github.com/caddyserver/"):
			names = append(names, anyCaddy)
		case path == netHTTP || strings.HasPrefix(path, netHTTP+"/"):
			names = append(names, netHTTP)
		}
	}
	slices.SortFunc(names, byPlace)
	return slices.Compact(names)
}

// byPlace sorts by name, and Caddy and net/http to the end.
func byPlace(a, b string) int {
	place := func(name string) int { return slices.Index([]string{anyCaddy, netHTTP}, name) }
	return cmp.Or(place(a)-place(b), strings.Compare(a, b))
}

func readPage(t *testing.T) (head, table, tail string) {
	t.Helper()
	stored, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(stored), tableBegin)
	table, tail, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table, between\n%s%s", page, tableBegin, tableEnd)
	}
	return head, table, tail
}

var tableRow = regexp.MustCompile("^\\| `([^`]+)` \\| (.+) \\| (.+) \\|$")

func parseTable(t *testing.T, table string) []row {
	t.Helper()
	rest, ok := strings.CutPrefix(table, tableHead)
	if !ok {
		t.Fatalf("the table in %s does not begin with\n%s", page, tableHead)
	}
	var rows []row
	for line := range strings.Lines(rest) {
		cells := tableRow.FindStringSubmatch(strings.TrimSpace(line))
		if cells == nil {
			t.Fatalf("not a row of three cells, the first a package in backquotes: %s", line)
		}
		r := row{name: cells[1], about: cells[2]}
		if cells[3] != nothing {
			r.mayImport = strings.Split(strings.ReplaceAll(cells[3], "`", ""), ", ")
			slices.SortFunc(r.mayImport, byPlace)
		}
		rows = append(rows, r)
	}
	return rows
}

func formatTable(rows []row) string {
	var b strings.Builder
	b.WriteString(tableHead)
	for _, r := range rows {
		var names []string
		for _, name := range r.mayImport {
			if name != anyCaddy {
				name = "`" + name + "`"
			}
			names = append(names, name)
		}
		if names == nil {
			names = []string{nothing}
		}
		b.WriteString("| `" + r.name + "` | " + r.about + " | " + strings.Join(names, ", ") + " |\n")
	}
	return b.String()
}
