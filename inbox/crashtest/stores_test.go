//go:build linux

package crashtest

import (
	"context"
	"errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/postgres"
)

// openSound opens the inbox that is kept in a place by a kind of store. No crash may leave
// it damaged, so it is an error if something had to be repaired.
func openSound(ctx context.Context, kind, where string) (inbox.Store, error) {
	if kind == "postgres" {
		return postgres.Open(ctx, where)
	}
	var damage error
	store, err := bolt.Open(where, func(err error) { damage = errors.Join(damage, err) })
	if err != nil {
		return nil, err
	}
	if damage != nil {
		return nil, errors.Join(damage, store.Close())
	}
	return store, nil
}
