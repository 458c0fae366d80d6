//go:build linux

package crashtest

import (
	"context"
	"errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// openUndamaged opens the store of that kind at a path or address. No crash may
// leave it damaged, so it is an error if something had to be repaired.
func openUndamaged(ctx context.Context, kind, where string) (store.Store, error) {
	if kind == "postgres" {
		return postgres.Open(ctx, where)
	}
	var damage error
	opened, err := sqlite.Open(where, func(err error) { damage = errors.Join(damage, err) })
	if err != nil {
		return nil, err
	}
	if damage != nil {
		return nil, errors.Join(damage, opened.Close())
	}
	return opened, nil
}
