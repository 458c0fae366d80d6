package ledger

import (
	"go/ast"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
)

// A change in a change would wait for itself. So what runs in a change has a Tx, and no Store.
func TestChangesAreNotNested(t *testing.T) {
	changes, withTx := 0, 0
	for name, file := range sourcetest.Files(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if takes(n.Type, "Tx") {
					withTx++
				}
				if takes(n.Type, "Tx") && takes(n.Type, "Store") {
					t.Errorf("%s: %s takes a Tx and a Store", name, n.Name.Name)
				}
			case *ast.CallExpr:
				called, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || called.Sel.Name != "Change" {
					break
				}
				changes++
				store, isName := called.X.(*ast.Ident)
				function, isLiteral := n.Args[1].(*ast.FuncLit)
				if !isName || !isLiteral {
					t.Errorf("%s: expected store.Change(ctx, func(tx Tx) error { ... }), which this test can read", name)
					break
				}
				if mentions(function, store.Name) {
					t.Errorf("%s: a change uses the store that it runs in", name)
				}
			}
			return true
		})
	}
	if changes < 5 || withTx < 5 {
		t.Errorf("%d changes and %d functions with a Tx: this test does not find them any more", changes, withTx)
	}
}

// takes reports whether a function has a parameter of the type.
func takes(f *ast.FuncType, typeName string) bool {
	for _, parameter := range f.Params.List {
		if kind, ok := parameter.Type.(*ast.Ident); ok && kind.Name == typeName {
			return true
		}
	}
	return false
}

func mentions(node ast.Node, name string) (found bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}
