package inbox

import (
	"context"
	"errors"
)

// Opener is what the Caddy module of a store implements, in the namespace galaxypay.inbox.
// Its name there is the word behind the option inbox.
type Opener interface {
	// Key says what Open opens, with every placeholder resolved: the file's absolute path,
	// the database's address. Configurations whose openers have the same key share one
	// store, which is opened once. It is called after Provision, and is not shown to
	// anybody.
	Key() string

	// Open opens the store. The context is for opening alone; the store outlives it. An error
	// that is ErrAway says that it is worth trying again.
	Open(ctx context.Context) (Store, error)
}

// ErrAway is about what a store needs and cannot reach, and what may be there later, such
// as a database on a machine that is just starting.
var ErrAway = errors.New("it is away")
