package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// checker is what a store implements that can look for damage in itself. It is called while the
// store is in use. It returns how many records it has read; an error says what is damaged.
type checker interface {
	Check(ctx context.Context) (records int, err error)
}

// backuper is what a store implements that can copy itself to a file while it is in use. The
// file does not exist before.
type backuper interface {
	Backup(ctx context.Context, path string) error
}

func checkStore(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	if r.URL.RawQuery != "" {
		return apiError(http.StatusBadRequest, errors.New("expected no parameters"))
	}
	s, ok := m.Engine().Store().(checker)
	if !ok {
		return apiError(http.StatusNotImplemented, errors.New("this store is checked with the tools of its database: for PostgreSQL, pg_amcheck"))
	}
	records, err := s.Check(r.Context())
	if err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, map[string]int{"checked": records})
}

func backUpStore(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	path, err := backupPath(r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	s, ok := m.Engine().Store().(backuper)
	if !ok {
		return apiError(http.StatusNotImplemented, errors.New("this store is backed up with the tools of its database: for PostgreSQL, pg_dump"))
	}
	if err := s.Backup(r.Context(), path); err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, map[string]string{"file": path})
}

// backupPath reads where a backup is to be written. A file that is there is not written over:
// it may be the last good copy, or the store itself.
func backupPath(r *http.Request) (string, error) {
	parameters, err := queryParameters(r)
	if err != nil {
		return "", err
	}
	path := parameters.Get("file")
	if len(parameters) != 1 || len(parameters["file"]) != 1 || !filepath.IsAbs(path) {
		return "", errors.New("expected one parameter: file, with an absolute path")
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is there already; expected the name of a new file", path)
	}
	return path, nil
}
