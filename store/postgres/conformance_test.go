//go:build unix

package postgres_test

import (
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/storetest"
)

func TestConformance(t *testing.T) {
	var address string
	connect := func(t *testing.T) store.Store {
		t.Helper()
		s, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	fresh := func(t *testing.T) store.Store {
		t.Helper()
		address = newSchema(t)
		return connect(t)
	}
	t.Run("events", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) inbox.Store {
			t.Helper()
			return fresh(t)
		}, func(t *testing.T, _ inbox.Store) inbox.Store {
			t.Helper()
			return connect(t)
		})
	})
	t.Run("payments", func(t *testing.T) {
		storetest.RunPayments(t, fresh, func(t *testing.T, _ store.Store) store.Store {
			t.Helper()
			return connect(t)
		})
	})
}
