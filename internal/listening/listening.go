// Package listening keeps a second process from listening on an address where one does
// already. The operating system does not: Caddy opens its sockets with SO_REUSEPORT, so that
// each of two processes gets some of the connections.
package listening

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/filelock"
)

// ErrUnusable is the error of Take where no lock file can be made in the folder for temporary
// files: it cannot be told then whether another process listens.
var ErrUnusable = errors.New("no lock file can be made in the folder for temporary files")

// errTaken is the reason why an address is refused.
var errTaken = errors.New("another sidecar listens there already")

// patience is how long Take waits for another process that is just ending.
var patience = 2 * time.Second

// held are the locks of this process, by address. Configurations share them: during a reload,
// two have the same addresses.
var (
	mu   sync.Mutex
	held = make(map[Address]*lock)
)

// lock is a locked file.
type lock struct {
	file  *os.File
	path  string
	users int // configurations
}

// Claim is what one configuration holds.
type Claim struct{ addresses []Address }

// Take claims addresses for a configuration of this process, all or none of them. It fails
// where another process holds one of them, or one that overlaps it.
func Take(addresses []Address) (*Claim, error) {
	mu.Lock()
	defer mu.Unlock()
	c := new(Claim)
	for _, a := range addresses {
		if err := c.take(a); err != nil {
			c.release()
			return nil, err
		}
	}
	return c, nil
}

// Release gives up what was claimed, once. A nil Claim holds nothing.
func (c *Claim) Release() {
	if c == nil {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	c.release()
}

func (c *Claim) release() {
	for _, a := range c.addresses {
		l := held[a]
		if l.users--; l.users == 0 {
			l.remove()
			delete(held, a)
		}
	}
	c.addresses = nil
}

func (c *Claim) take(a Address) error {
	if held[a] == nil {
		l, err := lockAddress(a)
		if err != nil {
			return err
		}
		held[a] = l
	}
	held[a].users++
	c.addresses = append(c.addresses, a)
	return nil
}

func lockAddress(a Address) (*lock, error) {
	for deadline := time.Now().Add(patience); ; {
		l, err := tryAddress(a)
		if !errors.Is(err, errTaken) || time.Now().After(deadline) {
			return l, err
		}
		// Each process at another pace, so that two that start at once do not refuse each other
		// for ever.
		time.Sleep(10*time.Millisecond + time.Duration(os.Getpid()%64)*time.Millisecond)
	}
}

// tryAddress locks the file of an address, then looks whether one that overlaps it is locked.
// Of two processes that do this at once, one at least sees the other.
func tryAddress(a Address) (*lock, error) {
	path := filepath.Join(os.TempDir(), a.fileName())
	l, err := lockFile(path, true)
	if err != nil {
		return nil, refusal(a, path, err)
	}
	others, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		l.remove()
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	for _, entry := range others {
		other, ok := addressOf(entry.Name())
		if !ok || other == a || held[other] != nil || !other.overlaps(a) {
			continue
		}
		path := filepath.Join(filepath.Dir(path), entry.Name())
		probe, err := lockFile(path, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.remove()
			return nil, refusal(a, path, err)
		}
		probe.remove() // of a process that was killed
	}
	return l, nil
}

// refusal says which address cannot be had, and what to do.
func refusal(a Address, path string, err error) error {
	if errors.Is(err, errTaken) {
		return fmt.Errorf("%s: %w, and each would get some of the requests; stop it, or give one of the two another address (lock file: %s)", a, err, path)
	}
	if errors.Is(err, ErrUnusable) {
		return err
	}
	return fmt.Errorf("%s: it cannot be told whether another sidecar listens there: %w; if none runs, remove %s", a, err, path)
}

// lockFile locks a file, which it makes if it is to. Nothing is written to it, so it may belong
// to another user.
func lockFile(path string, create bool) (*lock, error) {
	for {
		file, err := open(path, create)
		if err != nil {
			return nil, err
		}
		ok, err := filelock.Try(file)
		if err == nil && ok && isAt(file, path) {
			return &lock{file: file, path: path}, nil
		}
		_ = file.Close()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
		case !ok:
			return nil, errTaken
		}
		// The process that had locked it removed it before it let go.
	}
}

// openings bounds how often a file is tried that others make and remove at the same time.
const openings = 100

func open(path string, create bool) (*os.File, error) {
	for range openings {
		file, err := os.OpenFile(path, os.O_RDONLY|safely, 0) //nolint:gosec // G304: the name is made here
		if err == nil {
			return file, checkRegular(file)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			if _, unseen := os.Lstat(path); unseen != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
			}
			return nil, err
		}
		if !create {
			return nil, err
		}
		file, err = os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL|safely, 0o644) //nolint:gosec // G302, G304: other users' sidecars lock it too
		if err == nil {
			_ = file.Chmod(0o644) // whatever the umask is
			return file, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
		}
	}
	return nil, errors.New("it is there, and it is not")
}

// checkRegular closes what is no file.
func checkRegular(file *os.File) error {
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		return nil
	}
	_ = file.Close()
	if err != nil {
		return err
	}
	return errors.New("it is no regular file")
}

// isAt reports whether a file is the one that is at the path now.
func isAt(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there)
}

// remove removes the file, which another user's folder may not allow, then lets go of it.
func (l *lock) remove() {
	_ = os.Remove(l.path)
	_ = l.file.Close()
}
