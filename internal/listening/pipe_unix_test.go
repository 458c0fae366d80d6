//go:build unix

package listening

import "golang.org/x/sys/unix"

// makePipe makes a pipe, which would keep the one waiting who opens it.
func makePipe(path, _ string) error { return unix.Mkfifo(path, 0o600) }

// narrowUmask lets new files be of their owner alone, until the returned function is called.
func narrowUmask() (restore func()) {
	before := unix.Umask(0o077)
	return func() { unix.Umask(before) }
}
