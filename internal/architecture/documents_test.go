package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// longestREADME keeps the README something to read in one go; reference belongs into docs/.
const longestREADME = 9 << 10

func TestREADMEIsShort(t *testing.T) {
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(readme) > longestREADME {
		t.Errorf("README.md has %d bytes, want %d at most", len(readme), longestREADME)
	}
}

// longestForPrograms keeps the pages for programs an index, not another copy of the documentation.
const longestForPrograms = 4 << 10

// The pages for programs are there, are short, and name the same headers and keys in their four rules.
func TestPagesForPrograms(t *testing.T) {
	rules := regexp.MustCompile(`(?m)^[1-4]\. (?:.+\n)+`)
	for _, name := range []string{"AGENTS.md", "llms.txt"} {
		text := readPart(t, name)
		if len(text) > longestForPrograms {
			t.Errorf("%s has %d bytes, want %d at most", name, len(text), longestForPrograms)
		}
		found := strings.Join(rules.FindAllString(text, -1), "")
		for _, word := range []string{"1. ", "2. ", "3. ", "4. ", "`paid`", "`Galaxypay-Payment-Status`", "`unknown`", "`Idempotency-Key`"} {
			if !strings.Contains(found, word) {
				t.Errorf("the rules of %s have no %s", name, word)
			}
		}
	}
}

// link is what is in the round brackets of [text](target) and ![text](target).
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Every link from one document to another leads to a file that exists, and to a heading in it.
func TestLinks(t *testing.T) {
	for path, text := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(withoutCode(text), -1) {
			target := match[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, heading, _ := strings.Cut(target, "#")
			if file == "" {
				file = filepath.Base(path)
			}
			file = filepath.Join(filepath.Dir(path), file)
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link %s leads to no file", path, target)
				continue
			}
			if heading != "" && !headings(t, file)[heading] {
				t.Errorf("%s: the link %s leads to no heading", path, target)
			}
		}
	}
}

// Every document is in the contents page.
func TestContents(t *testing.T) {
	contents, err := os.ReadFile(root + "/docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for path := range documents(t) {
		name, err := filepath.Rel(root+"/docs", path)
		if err != nil {
			t.Fatal(err)
		}
		if name != "README.md" && !strings.Contains(string(contents), "]("+filepath.ToSlash(name)+")") {
			t.Errorf("docs/README.md has no link to %s", name)
		}
	}
}

// proof is a test or fuzz target that a document names.
var proof = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// Every test that a document names exists.
func TestProofsExist(t *testing.T) {
	exist := testNames(t)
	for path, text := range documents(t) {
		for _, match := range proof.FindAllStringSubmatch(text, -1) {
			if !exist[match[1]] {
				t.Errorf("%s names %s, and there is no such test", path, match[1])
			}
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		for _, match := range testFunction.FindAllSubmatch(text, -1) {
			names[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// documents returns the pages for people, by path. What GitHub fills in, under .github, is none of them.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	for _, pattern := range []string{"/*.md", "/llms.txt", "/docs/*.md", "/docs/*/*.md", "/examples/*.md", "/examples/*/*.md"} {
		paths, err := filepath.Glob(root + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pages[path] = string(text)
		}
	}
	if len(pages) < 10 {
		t.Fatalf("only %d documents", len(pages))
	}
	return pages
}

var (
	fenced     = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

func withoutCode(text string) string {
	return inlineCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), "")
}

// headings returns the anchors that GitHub gives to the headings of a page.
func headings(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	anchors := make(map[string]bool)
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
		name := anchor(match[1])
		unique := name
		for i := 1; anchors[unique]; i++ {
			unique = name + "-" + strconv.Itoa(i)
		}
		anchors[unique] = true
	}
	return anchors
}

// linkText is what a reader sees of a link in a heading.
var linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// anchor lowers letters, turns spaces into hyphens, and drops what is not a letter, digit, hyphen or underscore.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(linkText.ReplaceAllString(heading, "$1")))
}

func TestAnchor(t *testing.T) {
	for text, want := range map[string]string{
		"Options": "options",
		"Directive `galaxypay`: from app to gate": "directive-galaxypay-from-app-to-gate",
		"body_invalid":             "body_invalid",
		"How fast, how reliable":   "how-fast-how-reliable",
		"[A link](there.md) in it": "a-link-in-it",
		"Cách thanh toán":          "cách-thanh-toán",
	} {
		if got := anchor(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}
