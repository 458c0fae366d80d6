// Package sourcetest lets tests read the project's own source: Go has no list of the
// constants of a type, or of the functions of a package, at run time.
package sourcetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Files parses the Go files of a folder, without its tests, by name.
func Files(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	set := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

// Constants returns the constants that a folder's source declares with the type, by their
// names. They must be plain texts.
func Constants(t *testing.T, dir, typeName string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, file := range Files(t, dir) {
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				constant := spec.(*ast.ValueSpec)
				if kind, ok := constant.Type.(*ast.Ident); ok && kind.Name == typeName {
					addConstants(t, found, constant)
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no constant of type %s in %s", typeName, dir)
	}
	return found
}

func addConstants(t *testing.T, found map[string]string, constant *ast.ValueSpec) {
	t.Helper()
	for i, name := range constant.Names {
		literal, ok := constant.Values[i].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is not a plain text", name.Name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[name.Name] = value
	}
}

// Functions returns the names of the exported functions of a folder's source, methods
// aside, whose only result is written as result.
func Functions(t *testing.T, dir, result string) []string {
	t.Helper()
	var names []string
	for _, file := range Files(t, dir) {
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.IsExported() && resultOf(f) == result {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

func resultOf(f *ast.FuncDecl) string {
	if f.Type.Results == nil || len(f.Type.Results.List) != 1 {
		return ""
	}
	switch kind := f.Type.Results.List[0].Type.(type) {
	case *ast.Ident:
		return kind.Name
	case *ast.StarExpr:
		if pointed, ok := kind.X.(*ast.Ident); ok {
			return "*" + pointed.Name
		}
	}
	return ""
}
