//go:build linux

package crashtest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sector is how many bytes a disk writes whole or not at all.
const sector = 512

// disk is what is on a disk for certain, and what may be on it.
type disk struct {
	files    map[string][]byte // what has been synced
	names    map[string]string // name to file: what the folder has for certain
	unsynced []indexed         // what has not been synced, in the order in which it was done
}

type indexed struct {
	step
	index int
}

// readDisk returns a disk with the files of a folder.
func readDisk(t *testing.T, dir string) *disk {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{files: map[string][]byte{}, names: map[string]string{}}
	for _, entry := range entries {
		d.names[entry.Name()] = entry.Name()
		if d.files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// do changes a disk by one more step.
func (d *disk) do(index int, s step) {
	switch {
	case s.report != "":
	case !s.synced:
		d.unsynced = append(d.unsynced, indexed{s, index})
	default:
		d.unsynced = slices.DeleteFunc(d.unsynced, func(u indexed) bool {
			synced := u.file == s.file && u.index < s.upTo
			if synced {
				d.apply(u.step, func() bool { return true })
			}
			return synced
		})
	}
}

// cut turns the power off. luck decides which unsynced writes are on the disk.
func (d *disk) cut(luck func() bool) *disk {
	after := &disk{files: map[string][]byte{}, names: maps.Clone(d.names)}
	for name, content := range d.files {
		after.files[name] = slices.Clone(content)
	}
	for _, u := range d.unsynced {
		after.apply(u.step, luck)
	}
	return after
}

// write writes the files of the disk to a folder.
func (d *disk) write(t *testing.T, dir string) {
	t.Helper()
	for name, file := range d.names {
		if err := os.WriteFile(filepath.Join(dir, name), d.files[file], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// apply does a step, each sector of it only if luck is true.
func (d *disk) apply(s step, luck func() bool) {
	if s.file == folder {
		if luck() {
			rename(d.names, s.names)
		}
		return
	}
	content := d.files[s.file]
	if s.size >= 0 && luck() {
		content = resized(content, s.size)
	}
	for from := 0; from < len(s.data); from += sector {
		if !luck() {
			continue
		}
		part := s.data[from:min(from+sector, len(s.data))]
		start := s.offset + int64(from)
		content = resized(content, max(start+int64(len(part)), int64(len(content))))
		copy(content[start:], part)
	}
	d.files[s.file] = content
}

func resized(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}
