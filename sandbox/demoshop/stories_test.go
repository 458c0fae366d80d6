package demoshop

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// Every story is told in both languages, and what goes wrong in it is something that the sandbox can do.
func TestStories(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range stories {
		if s.id == "" || seen[s.id] || len(s.steps) == 0 {
			t.Errorf("story %+v", s)
		}
		seen[s.id] = true
		for _, text := range append(s.steps, s.title, s.about) {
			if text.En == "" || text.Vi == "" || text.En == text.Vi {
				t.Errorf("%s: %q and %q", s.id, text.En, text.Vi)
			}
		}
		if _, known := fault.Named(s.faults...); !known {
			t.Errorf("%s: the sandbox has none of %q", s.id, s.faults)
		}
	}
	if v := viewStory("", "vi"); v.ID != "" || len(v.Steps) > 0 {
		t.Errorf("an order without a story has %+v", v)
	}
}
