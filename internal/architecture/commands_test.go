package architecture

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ran says what runs the commands of a block in CI, from the text of the page.
type ran struct {
	page, mark string // a pattern of path.Match, and the name in <!-- ci: name -->
	by, line   string // a file, and what it says to read the block
}

var runs = []ran{
	{"README.md", "run", ".ci/readme", `start "$readme" run `},
	{"README.md", "payment", ".ci/lib.sh", `block payment `},
	{"README.md", "shop-run", ".ci/readme", `block shop-run "$readme"`},
	{"docs/getting-started.md", "run", ".ci/pages", `start docs/getting-started.md run `},
	{"docs/getting-started.md", "pay", ".ci/pages", `run_block docs/getting-started.md pay`},
	{"docs/getting-started.md", "mistake", ".ci/pages", `run_block docs/getting-started.md mistake`},
	{"docs/getting-started.md", "shop-run", ".ci/pages", `block shop-run docs/getting-started.md`},
	{"docs/getting-started.md", "inbox", ".ci/pages", `run_block docs/getting-started.md inbox`},
	{"docs/install.md", "from-clone", ".ci/packages", `block from-clone docs/install.md`},
	{"examples/README.md", "run", ".ci/pages", `start examples/README.md run `},
	{"examples/apache/README.md", "build", ".ci/pages", `block build "examples/$web/README.md"`},
	{"examples/apache/README.md", "run", ".ci/pages", `block run "examples/$web/README.md"`},
	{"examples/nginx/README.md", "build", ".ci/run", `run_block examples/nginx/README.md build`},
	{"examples/nginx/README.md", "run", ".ci/pages", `block run "examples/$web/README.md"`},
	{"examples/systemd/README.md", "install", ".ci/pages", `block install examples/systemd/README.md`},
	{"examples/prometheus/README.md", "check", ".ci/prometheus", `run_block examples/prometheus/README.md check`},
	{"examples/compose/README.md", "secrets", "caddytest/example_beside_test.go", `readmeCommands(t, "compose", "secrets")`},
	{shopPages, "install", "caddytest/harness_stack_test.go", `readmeCommands(t, s.folder, "install")`},
	{shopPages, "run", "caddytest/harness_stack_test.go", `readmeCommands(t, r.folder, "run")`},
	{"examples/woocommerce/README.md", "test", ".ci/run", `run_block examples/woocommerce/README.md test`},
}

// shopPages are the pages of the shops, which the harness of the shops plays. A row that names its page goes before this one.
const shopPages = "examples/*/README.md"

// notRun is how many blocks of commands say that CI does not run them. One more needs a good reason.
const notRun = 9

// commandPages are the pages whose commands CI runs. Their Vietnamese versions have the same ones.
var commandPages = []string{"README.md", "CONTRIBUTING.md", "docs/install.md", "docs/getting-started.md", "examples/README.md", "examples/*/README.md"}

// Every block of commands says what in CI runs it, or why nothing does.
func TestCommandsRun(t *testing.T) {
	left, used := 0, make(map[ran]bool)
	steps := readPart(t, ".ci/run") + " .ci/run"
	for _, page := range pagesWithCommands(t) {
		for _, b := range block.FindAllStringSubmatch(readPart(t, page), -1) {
			marks, language, commands := b[1], b[2], b[3]
			name := lastMark(ranMark, marks)
			if language != "sh" {
				continue
			}
			if reason := lastMark(notRanMark, marks); reason != "" {
				left++
				t.Logf("%s: not run, %s:\n%s", page, reason, commands)
				continue
			}
			how, found := runOf(page, name)
			if !found {
				t.Errorf("%s: nothing runs these commands in CI. Write <!-- ci: name --> above them and add a row to runs, or <!-- not in ci: the reason -->:\n%s", page, commands)
			}
			used[how] = true
		}
	}
	if left != notRun {
		t.Errorf("%d blocks are not run in CI, and notRun is %d", left, notRun)
	}
	for _, how := range runs {
		if !used[how] {
			t.Errorf("runs has %s of %s, and there is no such block", how.mark, how.page)
		}
		if !strings.Contains(readPart(t, how.by), how.line) {
			t.Errorf("%s does not read the block %s of %s: it has no %q", how.by, how.mark, how.page, how.line)
		}
		if !strings.HasSuffix(how.by, "_test.go") && !strings.Contains(steps, how.by) {
			t.Errorf(".ci/run does not run %s", how.by)
		}
	}
}

var (
	ranMark    = regexp.MustCompile(`<!-- ci: ([a-z-]+) -->`)
	notRanMark = regexp.MustCompile(`<!-- not in ci: (.{15,}) -->`)
)

// lastMark returns what the last of these marks says, or "".
func lastMark(mark *regexp.Regexp, marks string) string {
	found := mark.FindAllStringSubmatch(marks, -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

func runOf(page, mark string) (how ran, found bool) {
	for _, how := range runs {
		if fits, err := path.Match(how.page, page); err == nil && fits && how.mark == mark {
			return how, true
		}
	}
	return ran{}, false
}

func pagesWithCommands(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, pattern := range commandPages {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d pages, error %v", pattern, len(found), err)
		}
		for _, file := range found {
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, filepath.ToSlash(name))
		}
	}
	return pages
}

var (
	makeCommand = regexp.MustCompile("`make ([a-z]+)[^`]*`")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z]+):`)
)

// Every "make target" that a page names is in the Makefile.
func TestMakeTargetsExist(t *testing.T) {
	targets := make(map[string]bool)
	for _, match := range makeTarget.FindAllStringSubmatch(readPart(t, "Makefile"), -1) {
		targets[match[1]] = true
	}
	for page, text := range documents(t) {
		for _, match := range makeCommand.FindAllStringSubmatch(text, -1) {
			if !targets[match[1]] {
				t.Errorf("%s names make %s, and the Makefile has no such target", page, match[1])
			}
		}
	}
}
