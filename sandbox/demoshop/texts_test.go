package demoshop

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"
)

// Every template finds its texts in both languages, and every text has a template.
func TestTemplatesHaveTheirTexts(t *testing.T) {
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	unused := maps.Clone(pageTexts)
	for _, file := range files {
		template, err := fs.ReadFile(pageFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`\.Text\.(\w+)`).FindAllStringSubmatch(string(template), -1) {
			if text := pageTexts[used[1]]; text.En == "" || text.Vi == "" {
				t.Errorf("%s: %s is %q and %q", file, used[1], text.En, text.Vi)
			}
			delete(unused, used[1])
		}
	}
	if len(unused) > 0 {
		t.Errorf("no template shows %v", slices.Sorted(maps.Keys(unused)))
	}
}

// Every state that an order can be in has its name and its explanation.
func TestTextsOfStates(t *testing.T) {
	for _, s := range []state{opening, pending, unclear, notOpened, paid, failed, cancelled, expired} {
		if stateTexts[s].En == "" || stateTexts[s].Vi == "" || aboutTexts[s].En == "" || aboutTexts[s].Vi == "" {
			t.Errorf("%s: %v, %v", s, stateTexts[s], aboutTexts[s])
		}
	}
	for way := range operations {
		if wayTexts[way].En == "" || wayTexts[way].Vi == "" {
			t.Errorf("%s: %v", way, wayTexts[way])
		}
	}
}
