package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// bench is one run: its folder for temporary files, its binaries and its processes.
type bench struct {
	settings
	root     string // of the checkout
	dir      string
	self     string // this program, which is also the stub and the minimal proxy
	caddy    string // the sidecar's binary
	children []*child
	report   *report
}

// newBench makes ready what the chosen sections need; a profile is made with wrk, too.
func newBench(ctx context.Context, s settings) (*bench, error) {
	needs := func(what func(section) bool) bool { return s.profile != "" || slices.ContainsFunc(s.chosen(), what) }
	if needs(func(sec section) bool { return sec.wrk }) {
		if _, err := exec.LookPath("wrk"); err != nil {
			return nil, fmt.Errorf("wrk is needed (Debian: apt-get install wrk): %w", err)
		}
	}
	module, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/galaxypay-sidecar/caddy-galaxypay")
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, root: strings.TrimSpace(module), report: newReport(ctx)}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "caddy-galaxypay-bench-"); err != nil {
		return nil, err
	}
	if !needs(func(sec section) bool { return sec.runs }) {
		return b, nil
	}
	b.caddy = filepath.Join(b.dir, "caddy")
	progress("building the sidecar")
	if err := b.build(ctx, b.caddy, "./cmd/caddy"); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// build compiles a package of the checkout with the flags of xcaddy.sh.
func (b *bench) build(ctx context.Context, binary, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "-ldflags", "-w -s", "-trimpath", "-tags", "nobadger,nomysql,nopgx", pkg)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// close ends every process and removes every temporary file.
func (b *bench) close() {
	b.stopChildren()
	os.RemoveAll(b.dir)
}

func (b *bench) stopChildren() {
	for _, c := range slices.Backward(b.children) {
		c.stop()
	}
	b.children = nil
}

// write puts a file into the run's folder.
func (b *bench) write(name, text string) (path string, err error) {
	path = filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// output runs a program and returns what it prints.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, complaint.String())
	}
	return string(text), nil
}

// machine is what the figures depend on.
func machine(ctx context.Context) string {
	kernel, err := output(ctx, "", "uname", "-sr")
	if err != nil {
		kernel = runtime.GOOS
	}
	return fmt.Sprintf("%d cores (%s), %s, %s%s", procs(), processor(), strings.TrimSpace(kernel), runtime.Version(), busy())
}

// busy is how many processes have been at work on average, in the minute before the run.
func busy() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return ", load average " + minute
}

// processor is the name that the kernel gives it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
