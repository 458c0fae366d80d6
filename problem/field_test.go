package problem

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// everyCatalogued calls visit with every field of every request, those inside others too.
func everyCatalogued(visit func(op *operation.Operation, f *operation.Field)) {
	ops := operation.All()
	for i := range ops {
		var walk func([]operation.Field)
		walk = func(fields []operation.Field) {
			for j := range fields {
				visit(&ops[i], &fields[j])
				walk(fields[j].Fields)
			}
		}
		walk(ops[i].Request)
	}
}

// A sentence that is missing, or lacks what it is about, would reach people as "%!s".
func TestEveryFaultHasASentence(t *testing.T) {
	codes := slices.Collect(maps.Values(sourcetest.Constants(t, "../operation", "Code")))
	kinds := slices.Collect(maps.Values(sourcetest.Constants(t, "../operation", "Kind")))
	if len(codes) != 9 || len(kinds) != 10 {
		t.Errorf("codes %q, kinds %q", codes, kinds)
	}
	check := func(t *testing.T, f *operation.Field, code string) (en, vi string) {
		t.Helper()
		e := FieldFault(f.Name, operation.Fault{Field: f, Code: operation.Code(code)})
		if e.Name != f.Name || e.Code != code {
			t.Errorf("%s %s is reported as %s %s", f.Name, code, e.Name, e.Code)
		}
		en, vi = e.detail.in(language.English), e.detail.in(language.Vietnamese)
		for _, text := range []string{en, vi} {
			if strings.Contains(text, "%!") || text == "" {
				t.Errorf("%s of a field of kind %s: %q", code, f.Kind, text)
			}
		}
		if en == vi {
			t.Errorf("%s of a field of kind %s is the same in both languages: %s", code, f.Kind, en)
		}
		return en, vi
	}
	for _, kind := range kinds {
		for _, code := range codes {
			check(t, &operation.Field{Name: "x", Kind: operation.Kind(kind), Max: 7, Values: []string{"A", "B"}}, code)
		}
		en, _ := check(t, &operation.Field{Name: "x", Kind: operation.Kind(kind)}, "kind")
		if want := "Expected"; !strings.HasPrefix(en, want) {
			t.Errorf("of kind %s: %s", kind, en)
		}
	}
	// What decides, and by what, is named in both languages.
	everyCatalogued(func(op *operation.Operation, f *operation.Field) {
		en, vi := check(t, f, "required")
		for c := f.When; c != nil; c = c.And {
			for _, word := range slices.Concat([]string{c.Field}, c.In, c.NotIn, c.Without) {
				if !strings.Contains(en, word) || !strings.Contains(vi, word) {
					t.Errorf("%s: %s is said to be %q, %q; nothing of %s", op.Name, f.Name, en, vi, word)
				}
			}
		}
		if f.Max > 0 && (f.Form == (language.Text{}) || f.Max >= 10) { // a form of few characters says its length
			if en, vi := check(t, f, "too_long"); !strings.Contains(en, fmt.Sprint(f.Max)) || !strings.Contains(vi, fmt.Sprint(f.Max)) {
				t.Errorf("%s: %q, %q; nothing of %d", f.Name, en, vi, f.Max)
			}
		}
		for _, value := range f.Values {
			if en, vi := check(t, f, "value"); !strings.Contains(en, value) || !strings.Contains(vi, value) {
				t.Errorf("%s: %q, %q; nothing of %s", f.Name, en, vi, value)
			}
		}
	})
}
