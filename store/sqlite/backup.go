package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of the store, as it is at this moment, into a new file. The store stays
// in use. The copy can be used like the store itself. Backup refuses to overwrite a file.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s: %w; give the name of a new file", path, fs.ErrExist), err)
	}
	temp, err := newFile(path + ".new")
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	err = s.view(ctx, func(c *conn) error { return c.run("VACUUM INTO ?", temp) })
	if err == nil {
		err = syncFile(temp)
	}
	if err != nil {
		return fmt.Errorf("the copy %s: %w", path, err)
	}
	return errors.Join(os.Rename(temp, path), syncDir(filepath.Dir(path)))
}
