// Package store is where the sidecar keeps what must not be lost. An engine is a package of
// its own: sqlite, a file on this machine, and postgres, which several sidecars can share.
// What both have in common is here: their options, and the SQL that is the same.
package store

import (
	"context"
	"errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// Opener is what the Caddy module of an engine implements, in the namespace galaxypay.store.
// Its name there is the word behind the option store.
type Opener interface {
	// Key identifies what Open opens, with every placeholder resolved: the file's absolute
	// path, the database's address. Configurations whose openers have the same key share one
	// store, which is opened once. It is called after Provision. It may hold a password, so
	// it must not be logged.
	Key() string

	// Name is Key for people: the file's absolute path, or the database's host and name. There
	// is no password in it.
	Name() string

	// Engine is the name of the module: sqlite or postgres.
	Engine() string

	// Settings are the options that every engine has.
	Settings() *Options

	// Open opens the store. The context is for opening alone; the store outlives it. An error
	// that is ErrUnreachable says that it is worth trying again.
	Open(ctx context.Context) (Store, error)
}

// Store keeps events and payments.
type Store interface {
	inbox.Store
	// Payments is the part that keeps payments. It ends with the store.
	Payments() ledger.Store
}

// ErrUnreachable is the error of an engine that needs something that cannot be reached now and
// may be reached later, such as a database on a machine that is just starting.
var ErrUnreachable = errors.New("the store cannot be reached")
