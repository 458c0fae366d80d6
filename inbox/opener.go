package inbox

import "context"

// Opener is what the Caddy module of a store implements, in the namespace galaxypay.inbox.
// Its name there is the word behind the option inbox.
type Opener interface {
	// Key says what Open opens, with every placeholder resolved: the file's absolute path,
	// the database's address. Configurations whose openers have the same key share one
	// store, which is opened once. It is called after Provision, and is not shown to
	// anybody.
	Key() string

	// Open opens the store. The context is for opening alone; the store outlives it.
	Open(ctx context.Context) (Store, error)
}
