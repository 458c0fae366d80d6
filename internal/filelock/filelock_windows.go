package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Try reports whether a file could be locked. Another process, and this one with another
// descriptor, cannot lock it then. The lock ends when the file is closed or the process ends.
func Try(file *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
