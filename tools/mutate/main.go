// Command mutate writes small faults (mutants) into the named files of one package,
// all of them into one build: each fault is off until the environment variable MUTANT
// holds its number. Linking Caddy into a test program takes many times longer than
// running it, so a build for each mutant would be most of the work.
//
//	go run ./tools/mutate DIR FILE...
//
// It writes to DIR overlay.json, for go test -overlay, and mutants.tsv: number, place,
// fault. The script .ci/mutation runs it, and then the tests with each mutant.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// switches turn a mutant on at run time; this file is added to the package under test.
const switches = `package %s

import "os"

var mutantNumber = os.Getenv("MUTANT")

func mutant(number string) bool { return number == mutantNumber }

func mutantText(number string) string {
	if mutant(number) {
		return "~"
	}
	return ""
}

func mutantOne(number string) int { return len(mutantText(number)) }
`

// insertion is text to insert before or behind a piece of source, which itself stays as it is.
type insertion struct {
	at   int
	text string
}

type mutator struct {
	source  []byte
	files   *token.FileSet
	before  []insertion
	behind  []insertion
	mutants []string // of all files
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: mutate DIR FILE...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(dir string, paths []string) error {
	m := mutator{files: token.NewFileSet()}
	replace := make(map[string]string)
	write := func(path, text string) error {
		target := filepath.Join(dir, filepath.Base(path))
		replace[path] = target
		return os.WriteFile(target, []byte(text), 0o600)
	}
	for _, path := range paths {
		full, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if m.source, err = os.ReadFile(full); err != nil {
			return err
		}
		tree, err := parser.ParseFile(m.files, path, m.source, 0)
		if err != nil {
			return err
		}
		m.before, m.behind = nil, nil
		ast.Inspect(tree, m.visit)
		if err := write(full, m.text()); err != nil {
			return err
		}
		if err := write(filepath.Join(filepath.Dir(full), "mutant.go"), fmt.Sprintf(switches, tree.Name)); err != nil {
			return err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "mutants.tsv"), []byte(strings.Join(m.mutants, "")), 0o600)
}

// visit notes the mutants of a node. It is called with every node, outer ones first.
func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.FieldList:
		return false
	case *ast.FuncDecl:
		return n.Name.Name != "CaddyModule"
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.BlockStmt:
		m.statements(n.List)
	case *ast.CaseClause:
		m.statements(n.Body)
	case *ast.IfStmt:
		m.condition(n.Cond)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					m.condition(e)
				}
			}
		}
	case *ast.BinaryExpr:
		m.binary(n)
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			m.wrap(n, "the opposite of "+n.Name, "(", " != mutant(%s))")
		}
	case *ast.BasicLit:
		if n.Kind == token.STRING && n.Value != `""` {
			m.wrap(n, "another text", "(", " + mutantText(%s))")
		}
	case *ast.SelectorExpr:
		if m.of(n.X) == "http" && strings.HasPrefix(n.Sel.Name, "Status") {
			m.wrap(n, "another status", "(", " + mutantOne(%s))")
		}
	case *ast.CallExpr:
		return !m.forPeople(n)
	}
	return true
}

// forPeople reports whether a call writes a log line or an error text, whose wording is not behaviour.
func (m *mutator) forPeople(call *ast.CallExpr) bool {
	callee := m.of(call.Fun)
	return strings.HasPrefix(callee, "zap.") || strings.Contains(callee, ".log.") || callee == "fmt.Errorf" || callee == "errors.New"
}

// statements notes a mutant that leaves a statement out, for each that neither declares
// a variable nor ends the function.
func (m *mutator) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.ExprStmt, *ast.DeferStmt, *ast.IncDecStmt, *ast.BranchStmt:
		default:
			continue
		}
		m.wrap(s, "left out: "+m.of(s), "if !mutant(%s) { ", " }")
	}
}

// condition notes a mutant that negates a condition, unless binary does so.
func (m *mutator) condition(e ast.Expr) {
	if _, ok := e.(*ast.BinaryExpr); !ok {
		m.wrap(e, "turned round: "+m.of(e), "((", ") != mutant(%s))")
	}
}

func (m *mutator) binary(e *ast.BinaryExpr) {
	x, y := m.of(e.X), m.of(e.Y)
	switch e.Op {
	case token.LAND, token.LOR:
		ignored := "(mutant(%s) || "
		if e.Op == token.LOR {
			ignored = "(!mutant(%s) && "
		}
		for _, side := range []ast.Expr{e.X, e.Y} {
			m.wrap(side, "ignored: "+m.of(side), ignored+"(", "))")
			m.condition(side)
		}
	case token.LSS, token.GTR:
		m.wrap(e, "also where equal: "+m.of(e), "(", " || mutant(%s) && "+x+" == "+y+")")
	case token.LEQ, token.GEQ:
		m.wrap(e, "not where equal: "+m.of(e), "((", ") && !(mutant(%s) && "+x+" == "+y+"))")
	}
	switch e.Op {
	case token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ:
		m.wrap(e, "turned round: "+m.of(e), "((", ") != mutant(%s))")
	}
}

// wrap notes a mutant, which is the text before a node and the text behind it. In both,
// %s becomes the mutant's number.
func (m *mutator) wrap(n ast.Node, fault, before, behind string) {
	number := fmt.Sprintf("%q", fmt.Sprint(len(m.mutants)+1))
	m.before = append(m.before, insertion{m.offset(n.Pos()), strings.ReplaceAll(before, "%s", number)})
	m.behind = append(m.behind, insertion{m.offset(n.End()), strings.ReplaceAll(behind, "%s", number)})
	place := m.files.Position(n.Pos())
	m.mutants = append(m.mutants, fmt.Sprintf("%d\t%s:%d\t%s\n", len(m.mutants)+1, place.Filename, place.Line, strings.Join(strings.Fields(fault), " ")))
}

func (m *mutator) offset(p token.Pos) int { return m.files.Position(p).Offset }

// of is the source of a node.
func (m *mutator) of(n ast.Node) string { return string(m.source[m.offset(n.Pos()):m.offset(n.End())]) }

// text returns the source with the insertions. Where several are at one place, what
// belongs behind a node comes first, inner nodes before outer ones; then what belongs
// before a node, outer nodes before inner ones.
func (m *mutator) text() string {
	var all []insertion
	for _, in := range slices.Backward(m.behind) {
		all = append(all, in)
	}
	all = append(all, m.before...)
	slices.SortStableFunc(all, func(x, y insertion) int { return x.at - y.at })

	var b strings.Builder
	from := 0
	for _, in := range all {
		b.Write(m.source[from:in.at])
		b.WriteString(in.text)
		from = in.at
	}
	b.Write(m.source[from:])
	return b.String()
}
