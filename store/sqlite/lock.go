package sqlite

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/filelock"
)

// lockTimeout is how long Open waits for another process to release the file: a sidecar that
// is just being replaced.
const lockTimeout = 2 * time.Second

// ErrLocked is the error of Open when another process has the store open.
var ErrLocked = errors.New("it is locked by another process, which has this store open")

// lockFile keeps a second process out. The file stays where it is: to remove it would let two
// processes lock two files of that name.
type lockFile struct{ file *os.File }

func takeLock(path string) (*lockFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(10 * time.Millisecond) {
		ok, err := filelock.Try(file)
		if err == nil && ok {
			return &lockFile{file}, nil
		}
		if err == nil && time.Now().Before(deadline) {
			continue
		}
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		return nil, ErrLocked
	}
}

func (l *lockFile) release() { _ = l.file.Close() }
