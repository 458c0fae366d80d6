//go:build unix

package postgres_test

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/inboxtest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/postgres"
)

func TestConformance(t *testing.T) {
	var address string
	connect := func(t *testing.T) inbox.Store {
		t.Helper()
		s, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	inboxtest.Run(t, func(t *testing.T) inbox.Store {
		t.Helper()
		address = newSchema(t)
		return connect(t)
	}, func(t *testing.T, _ inbox.Store) inbox.Store {
		t.Helper()
		return connect(t)
	})
}
