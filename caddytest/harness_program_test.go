package caddytest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// requireProgram returns the path of a program that a test needs. Where it is absent
// the test is skipped, or fails if REQUIRE_ALL=1 is set.
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("the program %s is needed and not installed: %v", name, err)
	}
	t.Skipf("the program %s is not installed", name)
	return ""
}

var printedAddress = regexp.MustCompile(`http://127\.0\.0\.1:[1-9][0-9]*`)

// startProgram runs a program that prints its address, and ends it with the test. The
// environment is added to the test's own.
func startProgram(t *testing.T, environment []string, program string, args ...string) (address string) {
	t.Helper()
	output, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, args...) //nolint:gosec // one of the programs above
	command.Env = append(os.Environ(), environment...)
	command.Env = append(command.Env, "PHP_CLI_SERVER_WORKERS=") // one process, to end by its id
	command.Stdout, command.Stderr = written, written
	err = command.Start()
	written.Close()
	if err != nil {
		output.Close()
		t.Fatal(err)
	}

	var transcript strings.Builder
	found := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(found)
		told := false
		for lines := bufio.NewScanner(output); lines.Scan(); {
			fmt.Fprintln(&transcript, lines.Text())
			if a := printedAddress.FindString(lines.Text()); a != "" && !told {
				told = true
				found <- a
			}
		}
	})
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // the error says that it was killed
		reading.Wait()
		output.Close()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", program, transcript.String())
		}
	})
	select {
	case a := <-found:
		if a == "" {
			t.Fatalf("%s ended without an address", program)
		}
		return a
	case <-time.After(patience):
		t.Fatalf("%s has printed no address", program)
	}
	return ""
}

// freeAddress finds an address on which no program listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// deadAddress is an address that refuses connections until the test ends: a connection of the
// test's own leaves from it, so that no other program of the machine is given it to listen on.
func deadAddress(t *testing.T) string {
	t.Helper()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts the connection
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	c, err := net.Dial("tcp", silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// shortTempDir is a folder for unix sockets, whose paths must be shorter than about a hundred
// bytes.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddy") //nolint:usetesting // t.TempDir has the test's name in its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
