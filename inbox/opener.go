package inbox

import (
	"context"
	"errors"
)

// Opener is what the Caddy module of a store implements, in the namespace galaxypay.inbox.
// Its name there is the word behind the option inbox.
type Opener interface {
	// Key names what Open opens, with every placeholder resolved: the file's absolute path,
	// the database's address. Configurations whose openers have the same key share one
	// store, which is opened once. It is called after Provision, and is never shown or
	// logged: it may hold a password.
	Key() string

	// Open opens the store. The context is for opening alone; the store outlives it. If the
	// error is ErrUnreachable, another try later can succeed.
	Open(ctx context.Context) (Store, error)
}

// ErrUnreachable is about something that a store needs and that may be there later, such as a
// database on a machine that is just starting.
var ErrUnreachable = errors.New("the inbox's store cannot be reached")
