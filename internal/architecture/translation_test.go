package architecture

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// translation is a page in both languages, by its paths from the root of the repository.
type translation struct {
	english, vietnamese string

	// summary says why the Vietnamese page leaves out a part of the English one; empty: it leaves out nothing.
	// A summary has every heading, and links to the English page. Its blocks of code and its tables are a
	// selection, in the same order; each one that is there is whole.
	summary string
}

// summaries has the reasons, by the path of the Vietnamese page.
var summaries = map[string]string{
	"docs/vi/configuration.md": "the reference changes often, and most of it is names and values, which are the same in both languages",
}

// translations finds the pages in both languages: name.vi.md beside name.md, and docs/vi/name.md below docs/name.md.
func translations(t *testing.T) []translation {
	t.Helper()
	var pairs []translation
	for path := range documents(t) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		english := strings.Replace(name, ".vi.md", ".md", 1)
		if page, found := strings.CutPrefix(name, "docs/vi/"); found {
			english = "docs/" + page
		}
		if english != name {
			pairs = append(pairs, translation{english, name, summaries[name]})
		}
	}
	return pairs
}

// Both languages of each page are in step.
func TestTranslations(t *testing.T) {
	for _, pair := range translations(t) {
		t.Run(pair.vietnamese, func(t *testing.T) {
			english, vietnamese := readPart(t, pair.english), readPart(t, pair.vietnamese)
			for _, complaint := range pair.compare(english, vietnamese, newAnchors(t)) {
				t.Error(complaint)
			}
		})
	}
}

// What summaries names is there.
func TestSummariesExist(t *testing.T) {
	for page, reason := range summaries {
		if !slices.ContainsFunc(translations(t), func(p translation) bool { return p.vietnamese == page }) || reason == "" {
			t.Errorf("summaries names %s for the reason %q: expected a page that is there, and a reason", page, reason)
		}
	}
}

func readPart(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compare returns a sentence for each difference.
func (p translation) compare(english, vietnamese string, anchors anchors) []string {
	var complaints []string
	add := func(more ...string) { complaints = append(complaints, more...) }
	add(p.compareSwitch(english, vietnamese)...)
	if i := strings.IndexFunc(vietnamese, func(r rune) bool { return unicode.Is(unicode.Mn, r) }); i >= 0 {
		add(fmt.Sprintf("%s: byte %d is an accent that is a character of its own, which changes anchors; write composed letters (NFC)", p.vietnamese, i))
	}
	add(compareHeadings(headingLevels(english), headingLevels(vietnamese))...)
	add(p.compareParts("block of code", blocksOf(english), blocksOf(vietnamese))...)
	add(p.compareParts("table", tablesOf(english), tablesOf(vietnamese))...)
	if len(complaints) == 0 {
		add(p.compareLinks(english, vietnamese, anchors)...)
	}
	return complaints
}

// compareSwitch wants a link to the other language in the first lines of each page.
func (p translation) compareSwitch(english, vietnamese string) []string {
	var complaints []string
	for _, side := range []struct{ from, to, text string }{{p.english, p.vietnamese, english}, {p.vietnamese, p.english, vietnamese}} {
		lines := strings.SplitN(side.text, "\n", 6)
		head := strings.Join(lines[:min(len(lines), 5)], "\n")
		if !strings.Contains(head, "]("+relative(side.from, side.to)+")") {
			complaints = append(complaints, fmt.Sprintf("%s: the first five lines have no link to %s", side.from, side.to))
		}
	}
	return complaints
}

// relative returns the path of a page as another page writes it in a link.
func relative(from, to string) string {
	path, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		panic(err) // both are below the root
	}
	return filepath.ToSlash(path)
}

var headingLine = regexp.MustCompile(`(?m)^(#{1,6}) (.+)$`)

// headingLevels returns the headings with their levels, such as "## Options".
func headingLevels(text string) []string {
	return headingLine.FindAllString(fenced.ReplaceAllString(text, ""), -1)
}

func compareHeadings(english, vietnamese []string) []string {
	for i := range min(len(english), len(vietnamese)) {
		levelEnglish, _, _ := strings.Cut(english[i], " ")
		levelVietnamese, _, _ := strings.Cut(vietnamese[i], " ")
		if levelEnglish != levelVietnamese {
			return []string{fmt.Sprintf("heading %d has another level: %q and %q", i+1, english[i], vietnamese[i])}
		}
		if !slices.Equal(codeIn(english[i]), codeIn(vietnamese[i])) {
			return []string{fmt.Sprintf("heading %d names other code: %q and %q", i+1, english[i], vietnamese[i])}
		}
	}
	if len(english) != len(vietnamese) {
		return []string{fmt.Sprintf("there are %d headings in English and %d in Vietnamese: %q and %q", len(english), len(vietnamese), english, vietnamese)}
	}
	return nil
}

// codeIn returns the pieces of code in a line of text.
func codeIn(line string) []string { return inlineCode.FindAllString(line, -1) }

// compareParts compares blocks of code or tables. In a summary those of the Vietnamese page are some of the English ones, in their order.
func (p translation) compareParts(kind string, english, vietnamese []string) []string {
	if p.summary == "" {
		for i := range min(len(english), len(vietnamese)) {
			if english[i] != vietnamese[i] {
				return []string{fmt.Sprintf("%s %d differs, in English:\n%s\nin Vietnamese:\n%s", kind, i+1, english[i], vietnamese[i])}
			}
		}
		if len(english) != len(vietnamese) {
			return []string{fmt.Sprintf("%s: there are %d in English and %d in Vietnamese", kind, len(english), len(vietnamese))}
		}
		return nil
	}
	for i, part := range vietnamese {
		at := slices.Index(english, part)
		if at < 0 {
			return []string{fmt.Sprintf("%s %d is not in the English page, or not in this place:\n%s", kind, i+1, part)}
		}
		english = english[at+1:]
	}
	return nil
}

// block is a fenced block of code, with the marks for CI that may stand before it.
var block = regexp.MustCompile("(?ms)((?:^<!-- (?:not in )?ci: [^\n]* -->\n)*)^```([a-z]*)\n(.*?)^```[ \t]*$")

// blocksOf returns the blocks of code without what a translation may change in them.
func blocksOf(text string) []string {
	var blocks []string
	for _, match := range block.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, match[1]+"```"+match[2]+"\n"+withoutComments(match[2], match[3]))
	}
	return blocks
}

// What begins a comment, by the language of a block. Blocks in other languages have no comments, so they are the same in both pages.
var commentMarks = map[string]string{
	"sh": "#", "caddyfile": "#", "python": "#", "ruby": "#", "yaml": "#",
	"php": "//", "js": "//", "java": "//", "go": "//",
	"sql": "--",
}

// What people read in a line of a diagram: the name of a participant, and what stands on an arrow.
var diagramText = regexp.MustCompile(`^(\s*participant \w+ as |[^:]*: ).*$`)

// withoutComments removes comments, which may be translated. A comment begins at the mark of its language, at the beginning of a line or
// behind a blank, and ends with the line. A mark inside of quotation marks begins no comment. A comment of its own line remains as an empty line,
// so a translation neither adds nor removes lines.
func withoutComments(language, code string) string {
	var kept []string
	for line := range strings.Lines(code) {
		line = strings.TrimSuffix(line, "\n")
		if language == "mermaid" {
			line = diagramText.ReplaceAllString(line, "$1")
		} else if mark := commentMarks[language]; mark != "" {
			line = strings.TrimRight(line[:commentStart(line, mark)], " \t")
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n") + "\n"
}

// commentStart returns where the comment of a line begins, or its length.
func commentStart(line, mark string) int {
	var quote byte
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(line[i:], mark) && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return i
		}
	}
	return len(line)
}

var tableLines = regexp.MustCompile(`(?m)(?:^\|.*\|$\n?)+`)

// tablesOf returns the tables as far as they are the same in both languages: their rows, the number of cells, and the code in the first cell.
func tablesOf(text string) []string {
	var tables []string
	for _, table := range tableLines.FindAllString(fenced.ReplaceAllString(text, ""), -1) {
		var rows []string
		for line := range strings.Lines(table) {
			cells := cellsOf(line)
			rows = append(rows, fmt.Sprintf("%d cells: %s", len(cells), strings.Join(codeIn(cells[0]), " ")))
		}
		tables = append(tables, strings.Join(rows, "\n"))
	}
	return tables
}

// cellsOf returns the cells of a row; \| is no border.
func cellsOf(line string) []string {
	line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00")
	return strings.Split(strings.Trim(line, "|"), "|")
}

// compareLinks wants, in each section, the same links: a link to a page that has a Vietnamese version leads to that, and to the heading in the same place.
func (p translation) compareLinks(english, vietnamese string, anchors anchors) []string {
	sectionsEnglish, sectionsVietnamese := sections(english), sections(vietnamese)
	var complaints []string
	for i := range sectionsVietnamese {
		want := p.targets(p.english, sectionsEnglish[i], anchors.toVietnamese)
		have := p.targets(p.vietnamese, sectionsVietnamese[i], func(target string) string { return target })
		if p.summary != "" {
			complaints = append(complaints, p.englishLinks(have, anchors)...)
			continue
		}
		if !slices.Equal(want, have) {
			complaints = append(complaints, fmt.Sprintf("section %d: the links are\n%s\nwant\n%s", i, strings.Join(have, "\n"), strings.Join(want, "\n")))
		}
	}
	return complaints
}

// englishLinks complains of links to English pages that have a Vietnamese version. A summary may link to its own English page.
func (p translation) englishLinks(targets []string, anchors anchors) []string {
	var complaints []string
	for _, target := range targets {
		page, _, _ := strings.Cut(target, "#")
		if translated, ok := anchors[page]; ok && page != p.english {
			complaints = append(complaints, fmt.Sprintf("%s: the link to %s has to lead to %s", p.vietnamese, target, translated))
		}
	}
	return complaints
}

// sections splits a page at its headings; the first section is what stands before all of them.
func sections(text string) []string {
	text = fenced.ReplaceAllString(text, "")
	var parts []string
	begin := 0
	for _, at := range headingLine.FindAllStringIndex(text, -1) {
		parts = append(parts, text[begin:at[0]])
		begin = at[0]
	}
	return append(parts, text[begin:])
}

// targets returns where the links of a section lead, from the root of the repository, sorted. Links between the two languages of the page are left out.
func (p translation) targets(page, section string, change func(string) string) []string {
	var targets []string
	for _, match := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(section, ""), -1) {
		target := match[1]
		if target == relative(p.english, p.vietnamese) && page == p.english || target == relative(p.vietnamese, p.english) && page == p.vietnamese {
			continue
		}
		targets = append(targets, change(fromRoot(page, target)))
	}
	slices.Sort(targets)
	return targets
}

// fromRoot returns the target of a link in a page as a path from the root of the repository.
func fromRoot(page, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return target
	}
	path, heading, found := strings.Cut(target, "#")
	if path == "" {
		path = page
	} else {
		path = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
	}
	if found {
		return path + "#" + heading
	}
	return path
}

// anchors has, for each English page with a translation, its link targets and the Vietnamese ones.
type anchors map[string]string

func newAnchors(t *testing.T) anchors {
	t.Helper()
	all := make(anchors)
	for _, pair := range translations(t) {
		all[pair.english] = pair.vietnamese
		english, vietnamese := anchorsInOrder(readPart(t, pair.english)), anchorsInOrder(readPart(t, pair.vietnamese))
		for i := range min(len(english), len(vietnamese)) {
			all[pair.english+"#"+english[i]] = pair.vietnamese + "#" + vietnamese[i]
		}
	}
	return all
}

func (a anchors) toVietnamese(target string) string {
	if translated, ok := a[target]; ok {
		return translated
	}
	return target
}

// anchorsInOrder returns the anchors of a page in the order of its headings. No two headings of a translated page are the same.
func anchorsInOrder(text string) []string {
	var names []string
	for _, line := range headingLevels(text) {
		_, words, _ := strings.Cut(line, " ")
		names = append(names, anchor(words))
	}
	return names
}
