package architecture

import (
	"cmp"
	"go/ast"
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

// message is a sentence in the code that people see in an error or in the log.
type message struct {
	site string // such as "store/options.go:newSealer"; "store/opener.go:" outside of functions
	text string // what is no constant text in it is "…"
}

// later has the errors that do not end a start, by the beginning of their sites, and where people see them.
var later = []struct{ site, where string }{
	{"cli.go:", "the command that a person has typed prints them"},
	{"commands/", "the command that a person has typed prints them"},
	{"desk/", "the admin API answers with them, and the command that a person has typed prints them"},
	{"ledger/", "the admin API and the problems of calls answer with them"},
	{"internal/bodies/", "each is a problem of its own"},
	{"internal/exchange/", "reason, of a line of the log that has an entry"},
	{"operation/operation.go", "the list of operations is part of the program, and its tests read it"},
	{"appanswer.go", "reason, of a line of the log that has an entry"},
	{"deliver.go", "as above"},
	{"inbox/engine.go", "error, of a line of the log that has an entry"},
	{"inbox/store.go", "as above"},
	{"inbox/seal.go:newAEAD", "ParseSecret has checked the length"},
	{"inbox/seal.go:SealText", "a mistake of the program"},
	{"inbox/seal.go:OpenText", "they follow a text that has an entry"},
	{"module.go:joinLocked", "a request comes while the configuration ends"},
	{"health/health.go:", "the answers of /live and /ready"},
	{"reconcile.go:signedAddress", "error, of a line of the log that has an entry"},
	{"result.go:", "error, of a line of the log that has an entry"},
	{"send.go:", "reason, of a line of the log that has an entry"},
	{"store/events.go", "mistakes of the program, or of a person who changed the tables"},
	{"store/payments.go", "mistakes of the program"},
	{"store/run.go", "a mistake of the program"},
	{"store/postgres/changing.go", "mistakes of the program"},
	{"store/postgres/transaction.go", "error, of a line of the log that has an entry"},
	{"store/sqlite/arrive.go", "mistakes of the program"},
	{"store/sqlite/backup.go", "the admin API answers with them"},
	{"store/sqlite/change.go", "mistakes of the program, or they follow a text that has an entry"},
	{"store/sqlite/check.go", "they follow a text that has an entry"},
	{"store/sqlite/payment.go", "as above"},
	{"store/sqlite/read.go", "as above"},
	{"store/sqlite/rescue.go:readAgain", "as above"},
	{"store/sqlite/schema.go", "as above"},
	{"store/sqlite/settle.go", "a mistake of the program"},
	{"store/sqlite/store.go:", "errors of a store in use; those of its damage have entries"},
	{"store/sqlite/wal.go", "they follow a text that has an entry"},
	{"sandbox/api.go", "answers of the sandbox"},
	{"sandbox/controlpayment.go", "answers of the sandbox"},
	{"sandbox/fault/", "answers of the sandbox"},
	{"sandbox/fields.go", "answers of the sandbox"},
	{"sandbox/ipn.go", "answers of the sandbox"},
	{"sandbox/ledger/", "answers of the sandbox"},
	{"sandbox/operation.go", "answers of the sandbox"},
	{"sandbox/request.go", "answers of the sandbox"},
	{"sandbox/validate.go", "answers of the sandbox"},
	{"sandbox/demoshop/callback.go", "answers of the demo shop"},
}

// Every error that can end a start has an entry.
func TestTroubleshootingHasEveryStartError(t *testing.T) {
	quotes := quotesOf(t, "the error says", "the log says")
	used := make(map[string]bool)
	for _, m := range messages(t, startErrors) {
		if onlyWraps(m.text) || hasQuote(m.text, quotes) {
			continue
		}
		site, found := seenLater(m.site)
		if !found {
			t.Errorf("%s: %q has no entry in %s, below \"the error says\"; where it cannot end a start, add its site to later", m.site, m.text, troubleshooting)
		}
		used[site] = true
	}
	for _, l := range later {
		if !used[l.site] {
			t.Errorf("later has %s, and there is no error without an entry", l.site)
		}
	}
}

// Every line of the log of level warn or above has an entry.
func TestTroubleshootingHasEveryLogLine(t *testing.T) {
	quotes := quotesOf(t, "the log says")
	lines := messages(t, logLines)
	if len(lines) < 50 {
		t.Fatalf("only %d lines", len(lines))
	}
	for _, m := range lines {
		if !hasQuote(m.text, quotes) {
			t.Errorf("%s: the line %q has no entry in %s, below \"the log says\"", m.site, m.text, troubleshooting)
		}
	}
}

// Every alert of the rules for Prometheus has an entry.
func TestTroubleshootingHasEveryAlert(t *testing.T) {
	quotes := quotesOf(t, "the alert")
	for _, match := range regexp.MustCompile(`(?m)^\s*-?\s*alert:\s*["']?(\w+)`).FindAllStringSubmatch(alertRules(t), -1) {
		if !slices.Contains(quotes, match[1]) {
			t.Errorf("the alert %s has no entry in %s, in a table with the head \"the alert\"", match[1], troubleshooting)
		}
	}
}

// alertRules returns the rules of examples/prometheus, one file after another.
func alertRules(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "examples/prometheus/*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// quotesOf returns what the page quotes in the first cells of the tables with one of these heads.
func quotesOf(t *testing.T, heads ...string) []string {
	t.Helper()
	var quotes []string
	for _, table := range tableLines.FindAllString(readPart(t, troubleshooting), -1) {
		if head, _, _ := strings.Cut(table, "\n"); slices.Contains(heads, strings.TrimSpace(cellsOf(head)[0])) {
			quotes = append(quotes, firstCells(table)...)
		}
	}
	return quotes
}

// A shorter quote is found in too much, so it has to be the whole text.
const shortestPart = 9

func hasQuote(text string, quotes []string) bool {
	return slices.ContainsFunc(quotes, func(quote string) bool {
		return text == quote || len(quote) >= shortestPart && strings.Contains(text, quote)
	})
}

var verb = regexp.MustCompile(`%[+#]?[a-zA-Z]|…`)

// onlyWraps says whether a text has no sentence of its own: it names an option, or a place, in front of another error.
func onlyWraps(text string) bool {
	return strings.Contains(text, "%w") && len(strings.Fields(strings.Trim(verb.ReplaceAllString(text, ""), " :;,"))) <= 3
}

func seenLater(site string) (begin string, found bool) {
	for _, l := range later {
		if strings.HasPrefix(site, l.site) {
			return l.site, true
		}
	}
	return "", false
}

// messages returns what one of the product's files says, as find finds it in a call.
func messages(t *testing.T, find func(*ast.CallExpr) (ast.Expr, bool)) []message {
	t.Helper()
	var all []message
	for path, file := range productFiles(t) {
		for _, declared := range file.Decls {
			function := ""
			if f, ok := declared.(*ast.FuncDecl); ok {
				function = f.Name.Name
			}
			ast.Inspect(declared, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 {
					if text, found := find(call); found {
						all = append(all, message{path + ":" + function, textOf(text)})
					}
				}
				return true
			})
		}
	}
	slices.SortFunc(all, func(a, b message) int { return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.text, b.text)) })
	return all
}

// startErrors finds errors that are made from a text.
func startErrors(call *ast.CallExpr) (ast.Expr, bool) {
	on, method := called(call)
	switch {
	case on == "fmt" && method == "Errorf", on == "errors" && method == "New":
		return call.Args[0], true
	case on == "d" && (method == "Err" || method == "Errf"): // a caddyfile.Dispenser
		return call.Args[0], true
	}
	return nil, false
}

// logLines finds what is written to the log as a warning or an error, or at a level that is computed.
func logLines(call *ast.CallExpr) (ast.Expr, bool) {
	on, method := called(call)
	switch method {
	case "Warn", "Error", "DPanic", "Panic", "Fatal":
		return call.Args[0], on != "zap" && on != "http" && on != "caddyhttp"
	case "Log", "Check":
		return computedLevel(call)
	}
	return nil, false
}

// computedLevel finds the text in log.Log(level, text) and log.Check(level, text), whatever the level will be.
func computedLevel(call *ast.CallExpr) (ast.Expr, bool) {
	if len(call.Args) < 2 {
		return nil, false
	}
	text, ok := call.Args[1].(*ast.BasicLit)
	return text, ok && text.Kind == token.STRING
}

// called returns the names in x.method(...). x is "" where another expression stands there.
func called(call *ast.CallExpr) (on, method string) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if name, ok := selector.X.(*ast.Ident); ok {
		on = name.Name
	}
	return on, selector.Sel.Name
}

// textOf returns the text of an expression; what is not constant in it is "…".
func textOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return textOf(e.X) + textOf(e.Y)
	}
	return "…"
}

// notProduct are folders whose code no user runs.
var notProduct = []string{".git", "node_modules", "tools", "bench", "examples", "caddytest", "postgrestest", "sandboxtest", "storetest", "sourcetest"}

// productFiles returns the Go files of the product by their paths, without tests.
func productFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	parsed := make(map[string]*ast.File)
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(notProduct, entry.Name()):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		parsed[path], err = parser.ParseFile(token.NewFileSet(), path, text, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed) < 100 {
		t.Fatalf("only %d files", len(parsed))
	}
	return parsed
}

func TestOnlyWraps(t *testing.T) {
	for text, want := range map[string]bool{
		"%s: %w":                                  true,
		"store postgres: address: %w":             true,
		"encrypt %d: %w":                          true,
		"opening the store":                       false,
		"connecting to the store's database: %w":  false,
		"%w: key %s is not configured":            false,
		"path: expected <operation> <path>; %s …": false,
	} {
		if got := onlyWraps(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestHasQuote(t *testing.T) {
	quotes := []string{"call", "is not written to any more"}
	for text, want := range map[string]bool{
		"call":                      true,
		"a call could not be found": false, // "call" is too short to be a part
		"store %s is not written to any more; check the disk": true,
		"it is not written": false,
	} {
		if got := hasQuote(text, quotes); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
