package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzRescue has pages with any content, and a log too. Nothing that is found may be another
// record than one that was kept, and nothing may panic.
func FuzzRescue(f *testing.F) {
	path := filepath.Join(f.TempDir(), "store.db")
	s, err := Open(path, nil)
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if _, _, err := s.Arrive(f.Context(), testEvent(i), testLease); err != nil {
			f.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(path + walSuffix)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(whole, log)
	f.Add(whole, []byte{})
	if whole, err = os.ReadFile(path); err != nil {
		f.Fatal(err)
	}
	f.Add(whole, []byte{})
	f.Add(whole[:3*usualPageSize], log[:walHeaderSize+100])
	f.Fuzz(func(t *testing.T, file, log []byte) {
		path := filepath.Join(t.TempDir(), "store.db")
		for name, b := range map[string][]byte{path: file, path + walSuffix: log} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_ = checkWAL(path)
		p, err := openPages(path)
		if err != nil {
			return
		}
		defer p.close()
		found, err := find(p)
		if err != nil {
			return
		}
		if _, err := found.namesOfMissing(); err != nil {
			t.Fatal(err)
		}
		for seq, at := range found.rows {
			r, err := found.read(seq, at)
			if err != nil {
				t.Fatal(err)
			}
			if r.Seq == 0 || r.Seq > 3 || r.ID != testEvent(int(r.Seq-1)).ID {
				t.Errorf("found %+v", r)
			}
		}
	})
}
