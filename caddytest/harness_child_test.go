//go:build unix

package caddytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// childCaddy is a Caddy that runs in a process of its own, so that it can be killed. Its Caddyfile, its data and its log are in
// its folder.
type childCaddy struct {
	dir     string
	process *exec.Cmd
}

// newChildCaddy prepares a Caddy with this Caddyfile. It does not run yet.
func newChildCaddy(t *testing.T, dir, caddyfile string) *childCaddy {
	t.Helper()
	c := &childCaddy{dir: dir}
	if err := os.WriteFile(c.file("Caddyfile"), []byte(dedent(caddyfile)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(c.file("log")); err == nil && t.Failed() {
			t.Logf("the last that Caddy logged: %s", log[max(0, len(log)-4000):])
		}
	})
	return c
}

func (c *childCaddy) file(name string) string { return filepath.Join(c.dir, name) }

// start starts the process, and does not wait for it.
func (c *childCaddy) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(c.file("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.process = exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // G204: this test binary
	c.process.Env = append(os.Environ(), caddyfileEnv+"="+c.file("Caddyfile"), "XDG_DATA_HOME="+c.dir, "XDG_CONFIG_HOME="+c.dir)
	c.process.Stderr = log
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill kills the process. It fails if that has ended by itself.
func (c *childCaddy) kill(t *testing.T) {
	t.Helper()
	if err := c.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := c.process.Wait(); c.process.ProcessState.Exited() {
		t.Errorf("Caddy ended by itself: %v", err)
	}
}

// end ends the process as an operator does.
func (c *childCaddy) end(t *testing.T) {
	t.Helper()
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := c.process.Wait(); err != nil {
		t.Errorf("Caddy ends with %v", err)
	}
}

// crashes is how often a test crashes what it tests: 10 times, if the environment variable says nothing else.
func crashes(t *testing.T, variable string) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}
