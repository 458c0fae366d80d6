//go:build linux

package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// process is a running child.
type process struct {
	*exec.Cmd
	stdin   io.Closer
	reports *os.File
	stderr  bytes.Buffer
}

func start(ctx context.Context, t *testing.T, o orders, more ...*os.File) *process {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(ctx, os.Args[0]), reports: r} //nolint:gosec // G204: this test binary
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.Env = append(os.Environ(), childEnv+"="+string(text))
	p.Stderr = &p.stderr
	p.ExtraFiles = append([]*os.File{w}, more...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() { _ = r.Close() })
	return p
}

// finish reads the reports of a child until its end, and fails if the child fails.
func (p *process) finish(t *testing.T, exp *expected) {
	t.Helper()
	p.follow(t, exp, nil)
	if err := p.Wait(); err != nil {
		t.Fatalf("the child ended with %v\n%s", err, &p.stderr)
	}
}

// follow adds the reports of a child to exp until its end. It calls seen after each.
func (p *process) follow(t *testing.T, exp *expected, seen func()) {
	t.Helper()
	lines := bufio.NewScanner(p.reports)
	for lines.Scan() {
		if err := exp.add(lines.Text()); err != nil {
			t.Error(err)
		}
		if seen != nil {
			seen()
		}
	}
}

// finishAll lets a last child deliver the rest, and compares the inbox with the reports.
func finishAll(t *testing.T, o orders, exp *expected) {
	t.Helper()
	start(t.Context(), t, o).finish(t, exp)
	store, err := openUndamaged(t.Context(), o.Store, o.Where)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := exp.checkKept(t.Context(), store); err != nil {
		t.Error(err)
	}
	if err := exp.checkDone(t.Context(), store); err != nil {
		t.Error(err)
	}
	t.Logf("%d times, %d callbacks acknowledged, %d delivered", o.Round, len(exp.acknowledged), len(exp.settled))
}
