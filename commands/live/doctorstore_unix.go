//go:build linux || darwin

package live

import "golang.org/x/sys/unix"

// writable asks the system whether the user may write, and writes nothing.
func writable(path string) error { return unix.Access(path, unix.W_OK) }

// roomAt is how many bytes the user may still write on the disk of a path.
func roomAt(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // G115: a block has a size above zero
}
