package main

import (
	"strings"
	"testing"
)

func TestSectionsAreAllNamed(t *testing.T) {
	var names []string
	for _, sec := range sections {
		names = append(names, sec.name)
	}
	if got, want := sectionNames(), strings.Join(names, ", "); got != want {
		t.Errorf("the names are %q, expected %q", got, want)
	}
}

func TestOnlyChoosesSections(t *testing.T) {
	s, err := parseSettings([]string{"-only", "inbox,startup"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, sec := range s.chosen() {
		names = append(names, sec.name)
	}
	if got := strings.Join(names, " "); got != "startup inbox" {
		t.Errorf("chosen are %s, expected startup and inbox", got)
	}
	if all := (&settings{}).chosen(); len(all) != len(sections) {
		t.Errorf("without -only %d sections are chosen, expected all %d", len(all), len(sections))
	}
	if _, err := parseSettings([]string{"-only", "inboxes"}); err == nil {
		t.Error("a section that does not exist was chosen")
	}
}
