package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Used is a store that a configuration has used, as a later one remembers it.
type Used struct {
	// Engine and Name are what they are in Opener: sqlite and the file's absolute path, for
	// example. There is no password in them.
	Engine string `json:"engine"`
	Name   string `json:"name"`

	// Pending counts the events that waited to be delivered, by merchant, when the store was
	// last opened or closed.
	Pending map[string]int `json:"pending,omitempty"`

	// Open says that it was opened and not closed since: it is in use, or the sidecar died, and
	// Pending may be out of date.
	Open bool `json:"open,omitempty"`
}

// usedLock is for the configurations of one process. Two processes that write at the same
// moment lose one of two entries, which each start writes again.
var usedLock sync.Mutex

// Remember notes a store in the file at path, in the place of what was noted of it before. One
// that is closed and in which nothing waits is not noted any more.
func Remember(path string, u Used) error {
	usedLock.Lock()
	defer usedLock.Unlock()
	all := slices.DeleteFunc(read(path), func(other Used) bool { return other.Engine == u.Engine && other.Name == u.Name })
	if u.Open || len(u.Pending) > 0 {
		all = append(all, u)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Remembered returns the stores that are noted in the file at path; none if there is no such
// file, or if it cannot be read: it is an aid for people, and no truth depends on it.
func Remembered(path string) []Used {
	usedLock.Lock()
	defer usedLock.Unlock()
	return read(path)
}

func read(path string) []Used {
	text, err := os.ReadFile(path) //nolint:gosec // G304: a file of the sidecar's own
	if err != nil {
		return nil
	}
	var all []Used
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}
