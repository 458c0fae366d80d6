//go:build unix

// Package postgrestest runs a PostgreSQL server for tests: a real one, with a data
// directory of its own, that can be reached over a Unix socket only.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInstalled is what New returns where there is no PostgreSQL.
var ErrNotInstalled = errors.New("PostgreSQL (initdb and postgres) is not installed")

// Server is a PostgreSQL server. Its methods must not be called concurrently.
type Server struct {
	bin        string
	dir        string
	credential *syscall.Credential // nil: the user of this process
	running    *exec.Cmd
	lifeline   io.WriteCloser
	ended      *os.File // at its end when no process of the server is left
}

// New makes a data directory and starts a server. It looks for PostgreSQL's programs in PATH,
// then where Debian puts them.
func New(ctx context.Context) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.credential, err = credential(); err != nil {
		return nil, err
	}
	// Not below a test's own directory: its name would not fit into a socket's address.
	if s.dir, err = os.MkdirTemp("", "postgrestest-"); err != nil {
		return nil, err
	}
	if err := s.initialise(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// find returns the directory of PostgreSQL's programs.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrNotInstalled
	}
	return filepath.Dir(slices.Max(found)), nil
}

// credential is the user that the server runs as: PostgreSQL refuses to run as root.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("finding a user to run PostgreSQL as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *Server) initialise(ctx context.Context) error {
	if s.credential != nil {
		if err := os.Chown(s.dir, int(s.credential.Uid), int(s.credential.Gid)); err != nil {
			return err
		}
	}
	initdb := s.command(ctx, filepath.Join(s.bin, "initdb"),
		"--pgdata", s.data(), "--username", "shop", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // G204: PostgreSQL's own programs
	command.Dir = s.dir
	// A process group of its own: Ctrl-C in the terminal goes to the tests, and they end the server.
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential, Setpgid: true}
	return command
}

// serve runs postgres until its input names the signal that ends it, or is closed. QUIT stops
// the server at once. The input is closed at the latest when the process that started it ends:
// no server is left behind, however the tests end.
const serve = `"$@" >>log 2>&1 & read -r signal; kill -"${signal:-QUIT}" $! && wait $!`

// Start starts the server after Stop or Kill.
func (s *Server) Start(ctx context.Context) error {
	command := s.command(context.WithoutCancel(ctx), "/bin/sh", "-c", serve, "sh",
		filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=on", "-c", "max_connections=200")
	lifeline, err := command.StdinPipe()
	if err != nil {
		return err
	}
	ended, inherited, err := os.Pipe()
	if err != nil {
		return err
	}
	defer inherited.Close()
	command.ExtraFiles = []*os.File{inherited}
	if err := command.Start(); err != nil {
		return errors.Join(err, ended.Close())
	}
	s.running, s.lifeline, s.ended = command, lifeline, ended
	return s.await(ctx)
}

// await waits until the server takes connections.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.Address())
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Address is how to connect to the server's own database.
func (s *Server) Address() string { return s.addressOf("postgres") }

func (s *Server) addressOf(database string) string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.User("shop"),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {s.dir}}.Encode(),
	}
	return address.String()
}

// NewDatabase makes an empty database and returns its address.
func (s *Server) NewDatabase(ctx context.Context, name string) (address string, err error) {
	c, err := pgx.Connect(ctx, s.Address())
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	return s.addressOf(name), nil
}

// Stop stops the server at once: it closes its connections and finishes nothing.
func (s *Server) Stop() error { return s.end("QUIT") }

// Kill kills the server's first process, as the system does when memory runs out. The other
// processes notice that and end.
func (s *Server) Kill() error { return s.end("KILL") }

// end sends the server a signal, and waits until nothing of it is left.
func (s *Server) end(signal string) error {
	if s.running == nil {
		return nil
	}
	_, err := fmt.Fprintln(s.lifeline, signal)
	if err := errors.Join(err, s.lifeline.Close()); err != nil {
		return err
	}
	err = s.running.Wait()
	s.running = nil
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		err = nil // only the server's exit status
	}
	return errors.Join(err, s.awaitEnd())
}

// awaitEnd waits until no process holds the pipe that all of them inherit. While one runs,
// the data is locked.
func (s *Server) awaitEnd() error {
	defer s.ended.Close()
	if err := s.ended.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, s.ended); err != nil {
		return fmt.Errorf("waiting for the end of PostgreSQL's processes: %w", err)
	}
	return nil
}

// Close ends the server and removes its data.
func (s *Server) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }
