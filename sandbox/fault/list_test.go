package fault

import "testing"

// Every fault has a name of its own and is explained in both languages.
func TestFaultsAreExplained(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range All() {
		if f.About.En == "" || f.About.Vi == "" || f.About.En == f.About.Vi || names[f.Name] {
			t.Errorf("%s: %q and %q", f.Name, f.About.En, f.About.Vi)
		}
		names[f.Name] = true
	}
}
