package store_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

func remember(t *testing.T, path string, u store.Used) {
	t.Helper()
	if err := store.Remember(path, u); err != nil {
		t.Error(err)
	}
}

// Each store is noted once, as it was used last.
func TestRemember(t *testing.T) {
	path := filepath.Join(t.TempDir(), "galaxypay", "stores.json")
	file := store.Used{Engine: "sqlite", Name: "/data/store.db", Pending: map[string]int{"default": 2}}
	database := store.Used{Engine: "postgres", Name: "/data/store.db", Open: true} // the name alone does not tell them apart
	remember(t, path, file)
	remember(t, path, database)
	file.Pending = map[string]int{"airline": 1}
	remember(t, path, file)
	if got := store.Remembered(path); !reflect.DeepEqual(got, []store.Used{database, file}) {
		t.Errorf("%+v", got)
	}
	database.Open = false // and nothing waits in it
	remember(t, path, database)
	if got := store.Remembered(path); !reflect.DeepEqual(got, []store.Used{file}) {
		t.Errorf("with one that is empty and closed: %+v", got)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// What cannot be read is no reason not to start.
func TestRememberedFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stores.json")
	if got := store.Remembered(path); len(got) != 0 {
		t.Errorf("without a file: %+v", got)
	}
	if err := os.WriteFile(path, []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := store.Remembered(path); len(got) != 0 {
		t.Errorf("from half a file: %+v", got)
	}
	u := store.Used{Engine: "sqlite", Name: "a", Open: true}
	remember(t, path, u)
	if got := store.Remembered(path); !reflect.DeepEqual(got, []store.Used{u}) {
		t.Errorf("written over it: %+v", got)
	}
}

// Where it cannot be written, the error says so.
func TestRememberWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Remember(filepath.Join(file, "stores.json"), store.Used{Open: true}); err == nil {
		t.Error("no error")
	}
}

// Configurations of one process, an old and a new one, lose nothing of each other's.
func TestRememberAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stores.json")
	var working sync.WaitGroup
	for i := range 20 {
		working.Go(func() { remember(t, path, store.Used{Engine: "sqlite", Name: strconv.Itoa(i), Open: true}) })
	}
	working.Wait()
	if got := store.Remembered(path); len(got) != 20 {
		t.Errorf("%d are left", len(got))
	}
}
