package commands_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
)

// asCaddy makes this test binary the program caddy.
const asCaddy = "TEST_RUNS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// Each command as a process: what is on both streams, which are no terminals, and the exit code. The scripts in testdata are lines of
//
//	code N caddy ...   runs it, and expects the exit code N; likewise with sh
//	stdout PATTERN     expects the pattern in the last output; "! stdout PATTERN" that it is not there
//	stderr PATTERN     the same for standard error
//	stdin FILE         is what the next program reads
//	cp stdout FILE     keeps the last output
//	env NAME=VALUE
//
// with words as a POSIX shell has them, in single quotation marks or none, and after them files, each with its name in a line
// "-- name --".
func TestCommands(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newScript(t)
			for number, line := range strings.Split(s.files(string(text)), "\n") {
				if words := wordsOf(line); len(words) > 0 {
					s.run(number+1, words)
				}
			}
		})
	}
}

type script struct {
	t              *testing.T
	dir            string
	env            []string
	stdin          []byte
	stdout, stderr []byte
}

func newScript(t *testing.T) *script {
	t.Helper()
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "caddy")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	env := []string{
		asCaddy + "=1", "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir,
		"SALT=GO@2021", "CANARY=canary-salt-7f3a", "NO_COLOR=1",
	}
	return &script{t: t, dir: dir, env: env}
}

// fileName is the line before a file.
var fileName = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// files writes the files of a script, and returns its lines.
func (s *script) files(text string) (lines string) {
	spans := fileName.FindAllStringSubmatchIndex(text, -1)
	for i, span := range spans {
		end := len(text)
		if i+1 < len(spans) {
			end = spans[i+1][0]
		}
		s.write(text[span[2]:span[3]], []byte(text[span[1]:end]))
	}
	return text[:spans[0][0]]
}

func (s *script) write(name string, content []byte) {
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

var word = regexp.MustCompile(`(?:'[^']*'|[^\s'])+`)

func wordsOf(line string) []string {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	words := word.FindAllString(line, -1)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "'", "")
	}
	return words
}

func (s *script) run(number int, words []string) {
	s.t.Helper()
	not := words[0] == "!"
	if not {
		words = words[1:]
	}
	switch words[0] {
	case "code":
		if got := s.exec(words[2:]); got != words[1] {
			s.t.Fatalf("line %d: exit code %s, expected %s\n%s%s", number, got, words[1], s.stdout, s.stderr)
		}
	case "stdout", "stderr":
		output := map[string][]byte{"stdout": s.stdout, "stderr": s.stderr}[words[0]]
		if regexp.MustCompile("(?m)"+words[1]).Match(output) == not {
			s.t.Fatalf("line %d: %s %q, got %s", number, words[0], words[1], output)
		}
	case "stdin":
		content, err := os.ReadFile(filepath.Join(s.dir, words[1]))
		if err != nil {
			s.t.Fatal(err)
		}
		s.stdin = content
	case "cp":
		s.write(words[2], s.stdout)
	case "env":
		s.env = append(s.env, words[1])
	default:
		s.t.Fatalf("line %d: unknown word %q", number, words[0])
	}
}

// exec runs a program, and returns its exit code.
func (s *script) exec(args []string) string {
	s.t.Helper()
	name := args[0]
	if name == "caddy" {
		name, _ = os.Executable()
	}
	c := exec.CommandContext(s.t.Context(), name, args[1:]...) //nolint:gosec // G204: this test binary, or a program that a script names
	var stdout, stderr bytes.Buffer
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = s.dir, s.env, bytes.NewReader(s.stdin), &stdout, &stderr
	err := c.Run()
	s.stdin, s.stdout, s.stderr = nil, stdout.Bytes(), stderr.Bytes()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return strconv.Itoa(exit.ExitCode())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return "0"
}
