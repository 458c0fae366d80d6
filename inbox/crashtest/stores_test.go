//go:build linux

package crashtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
)

// openSound opens the inbox that is kept in a place by a kind of store. No crash may leave
// it damaged, so it is an error if something had to be repaired.
func openSound(_ context.Context, kind, where string) (inbox.Store, error) {
	if kind != "bolt" {
		return nil, fmt.Errorf("no such store: %q", kind)
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
