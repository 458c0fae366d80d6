//go:build unix

package postgrestest

import (
	"errors"
	"os"
	"testing"
)

// Run runs a server until the test ends.
func Run(tb testing.TB) *Server {
	tb.Helper()
	s, err := New(tb.Context())
	Need(tb, err)
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Need ends a test if err, from New, is not nil. It skips the test where PostgreSQL is not
// installed, but fails it if REQUIRE_ALL=1 is set.
func Need(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("REQUIRE_ALL") != "1" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}
