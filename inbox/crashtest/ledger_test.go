//go:build linux

package crashtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// ledger is what children have said they did, and so what the inbox must be able to prove.
type ledger struct {
	added   map[callback]bool
	made    map[callback]bool
	settled map[callback]bool
	last    callback       // that was added, of those that filled added
	newest  map[string]int // transaction to the number of the callback that was delivered last for the first time
}

func newLedger() *ledger {
	return &ledger{added: map[callback]bool{}, made: map[callback]bool{}, settled: map[callback]bool{}, newest: map[string]int{}}
}

func (l *ledger) clone() *ledger {
	return &ledger{maps.Clone(l.added), maps.Clone(l.made), maps.Clone(l.settled), l.last, maps.Clone(l.newest)}
}

// acknowledged are the callbacks that were, in an order that is always the same.
func (l *ledger) acknowledged() []callback {
	return slices.SortedFunc(maps.Keys(l.added), func(a, b callback) int {
		return cmp.Or(cmp.Compare(a.Transaction, b.Transaction), cmp.Compare(a.N, b.N))
	})
}

// note takes a line of a child's, and tells what it proves to be wrong.
func (l *ledger) note(line string) error {
	var what string
	var c callback
	if line == "opened  0" {
		return nil
	}
	if _, err := fmt.Sscanf(line, "%s %s %d", &what, &c.Transaction, &c.N); err != nil {
		return fmt.Errorf("report %q: %w", line, err)
	}
	switch what {
	case "added":
		l.added[c] = true
	case "altered":
		return fmt.Errorf("%v is altered", c)
	case "forgotten":
		return fmt.Errorf("%v was acknowledged, and is taken for a new one", c)
	case "made":
		return l.noteMade(c)
	case "settled":
		l.settled[c] = true
	}
	return nil
}

func (l *ledger) noteMade(c callback) error {
	if l.settled[c] {
		return fmt.Errorf("%v was settled as delivered, and is delivered again", c)
	}
	if c.overtaken() {
		return fmt.Errorf("%v is delivered, though its transaction was paid before", c)
	}
	if l.made[c] {
		return nil
	}
	l.made[c] = true
	if newest, ok := l.newest[c.Transaction]; ok && newest > c.N {
		return fmt.Errorf("%v is delivered for the first time after number %d", c, newest)
	}
	l.newest[c.Transaction] = c.N
	return nil
}

// holds tells whether a store has all that the ledger says it has.
func (l *ledger) holds(ctx context.Context, store inbox.Store) error {
	states, err := read(ctx, store)
	if err != nil {
		return err
	}
	for c := range l.added {
		if states[c] == "" {
			return fmt.Errorf("%v was acknowledged, and is lost", c)
		}
	}
	for c := range l.settled {
		if states[c] != inbox.Delivered {
			return fmt.Errorf("%v was settled as delivered, and is %q", c, states[c])
		}
	}
	return nil
}

// isDone tells whether all that a store has was delivered, but for what was overtaken.
func (l *ledger) isDone(ctx context.Context, store inbox.Store) error {
	states, err := read(ctx, store)
	if err != nil {
		return err
	}
	for c, state := range states {
		if want := finalState(c); state != want {
			return fmt.Errorf("%v ends as %q, not as %q", c, state, want)
		}
		if !c.overtaken() && !l.made[c] {
			return fmt.Errorf("%v counts as delivered, and never was", c)
		}
	}
	return nil
}

func finalState(c callback) inbox.State {
	if c.overtaken() {
		return inbox.Overtaken
	}
	return inbox.Delivered
}

// read returns the states of all records. It fails if one is damaged.
func read(ctx context.Context, store inbox.Store) (map[callback]inbox.State, error) {
	stats, err := store.Stats(ctx)
	if err != nil {
		return nil, err
	}
	if stats.Quarantined != 0 {
		return nil, fmt.Errorf("%d records are damaged", stats.Quarantined)
	}
	return served(ctx, store)
}

// served returns the states of the records that a store serves.
func served(ctx context.Context, store inbox.Store) (map[callback]inbox.State, error) {
	states := map[callback]inbox.State{}
	for r, err := range store.List(ctx, inbox.Filter{}) {
		if err != nil {
			return nil, err
		}
		c, err := callbackOf(r)
		if err != nil {
			return nil, err
		}
		if states[c] != "" {
			return nil, fmt.Errorf("%v is kept twice", c)
		}
		if (r.State == inbox.Overtaken) != c.overtaken() {
			return nil, fmt.Errorf("%v is %q", c, r.State)
		}
		states[c] = r.State
	}
	return states, nil
}
