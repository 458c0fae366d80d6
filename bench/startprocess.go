package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// child is a process under measurement.
type child struct {
	cmd    *exec.Cmd
	log    string // file with all that it printed
	ended  chan struct{}
	waited error // why it ended; read after ended is closed
}

// spawn starts a process. All get the same number of processors, and a home of their own, so that no run sees the
// certificates or the configuration of another one, and none is left behind.
func (b *bench) spawn(ctx context.Context, env []string, name string, args ...string) (*child, error) {
	log, err := os.Create(filepath.Join(b.dir, "log."+strconv.Itoa(len(b.children))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(procs()), "XDG_DATA_HOME="+b.dir, "XDG_CONFIG_HOME="+b.dir)
	cmd.Env = append(cmd.Env, env...)
	// A group of its own: Ctrl-C reaches the benchmark alone, which then ends its processes in order. And should the
	// benchmark be killed, they go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	go func() {
		c.waited = cmd.Wait()
		close(c.ended)
	}()
	b.children = append(b.children, c)
	return c, nil
}

// spawnAt starts a process and waits until its port answers.
func (b *bench) spawnAt(ctx context.Context, addr string, env []string, name string, args ...string) (*child, error) {
	c, err := b.spawn(ctx, env, name, args...)
	if err != nil {
		return nil, err
	}
	return c, c.await(ctx, addr)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// await returns as soon as addr accepts connections.
func (c *child) await(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-c.ended:
			return fmt.Errorf("%s ended: %w\n%s", filepath.Base(c.cmd.Path), c.waited, c.output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", filepath.Base(c.cmd.Path), ctx.Err(), c.output())
		case <-time.After(time.Millisecond):
		}
	}
}

// output is the end of what the process printed.
func (c *child) output() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}

// stop sends the process SIGTERM, and after three seconds SIGKILL.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-c.ended:
		return
	case <-time.After(3 * time.Second):
	}
	if err := syscall.Kill(-c.pid(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		progress("cannot end %s, process %d: %v", c.cmd.Path, c.pid(), err)
		return
	}
	<-c.ended
}

// freeAddr is an address on loopback at which nothing listens. Another program may take it before it is used; the run
// fails then.
func freeAddr(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
