package caddytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// commandEnv makes a child process, which is this test binary, "caddy galaxypay" with its arguments.
const commandEnv = "CADDYTEST_GALAXYPAY"

// runAsGalaxypay does what "caddy galaxypay ..." does.
func runAsGalaxypay() {
	os.Args = append([]string{"caddy", "galaxypay"}, os.Args[1:]...)
	caddycmd.Main()
}

// commandRun is how a command ended.
type commandRun struct {
	code           int
	stdout, stderr string
}

// galaxypayCommand prepares "caddy galaxypay ..." as a process without a terminal. The environment is added to the test's own.
func galaxypayCommand(t *testing.T, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // G204: this test binary
	command.Env = append(os.Environ(), commandEnv+"=1", "LC_ALL=C")
	command.Env = append(command.Env, environment...)
	return command
}

// runGalaxypay runs "caddy galaxypay ..." to its end, with this standard input.
func runGalaxypay(t *testing.T, stdin string, args ...string) commandRun {
	t.Helper()
	return finish(t, stdin, galaxypayCommand(t, nil, args...))
}

func finish(t *testing.T, stdin string, command *exec.Cmd) commandRun {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := command.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return commandRun{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// want checks the exit code, and that a text is in what was printed on standard error; on standard output there is nothing.
func (r commandRun) wantError(t *testing.T, code int, text string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stderr, text) || r.stdout != "" {
		t.Errorf("code %d, want %d; standard error %q, want %q in it; standard output %q", r.code, code, r.stderr, text, r.stdout)
	}
}

// wantCode checks the exit code.
func (r commandRun) wantCode(t *testing.T, code int) {
	t.Helper()
	if r.code != code {
		t.Errorf("code %d, want %d; standard error %q; standard output %q", r.code, code, r.stderr, r.stdout)
	}
}

// decode reads standard output, which must be one JSON value.
func (r commandRun) decode(t *testing.T, value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), value); err != nil {
		t.Fatalf("%v: %q; standard error %q", err, r.stdout, r.stderr)
	}
}
