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

// Need ends a test that New has given no server: where PostgreSQL is not installed it is
// skipped, but fails if REQUIRE_ALL=1 is set.
func Need(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("REQUIRE_ALL") != "1" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}
