//go:build linux

package crashtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// expected is what children have reported, and so what the inbox must hold.
type expected struct {
	acknowledged map[callback]bool
	delivered    map[callback]bool // handed to the app at least once
	settled      map[callback]bool
	last         callback       // the last one that filled stored
	newest       map[string]int // transaction to the number of the callback that was delivered last for the first time
}

func newExpected() *expected {
	return &expected{
		acknowledged: map[callback]bool{}, delivered: map[callback]bool{}, settled: map[callback]bool{}, newest: map[string]int{},
	}
}

func (exp *expected) clone() *expected {
	return &expected{maps.Clone(exp.acknowledged), maps.Clone(exp.delivered), maps.Clone(exp.settled), exp.last, maps.Clone(exp.newest)}
}

// sorted returns the acknowledged callbacks in an order that is always the same.
func (exp *expected) sorted() []callback {
	return slices.SortedFunc(maps.Keys(exp.acknowledged), func(a, b callback) int {
		return cmp.Or(cmp.Compare(a.Transaction, b.Transaction), cmp.Compare(a.N, b.N))
	})
}

// add adds what a line of a child's reports. An error is a fault of the inbox that the line
// proves.
func (exp *expected) add(line string) error {
	var what string
	var c callback
	if line == "opened  0" {
		return nil
	}
	if _, err := fmt.Sscanf(line, "%s %s %d", &what, &c.Transaction, &c.N); err != nil {
		return fmt.Errorf("report %q: %w", line, err)
	}
	switch what {
	case "acknowledged":
		exp.acknowledged[c] = true
	case "altered":
		return fmt.Errorf("%v is altered", c)
	case "duplicated":
		return fmt.Errorf("%v was acknowledged before, and is stored as a new one", c)
	case "delivering":
		return exp.addDelivery(c)
	case "settled":
		exp.settled[c] = true
	}
	return nil
}

func (exp *expected) addDelivery(c callback) error {
	if exp.settled[c] {
		return fmt.Errorf("%v was settled as delivered, and is delivered again", c)
	}
	if c.overtaken() {
		return fmt.Errorf("%v is delivered, though its transaction was paid before", c)
	}
	if exp.delivered[c] {
		return nil
	}
	exp.delivered[c] = true
	if newest, ok := exp.newest[c.Transaction]; ok && newest > c.N {
		return fmt.Errorf("%v is delivered for the first time after number %d", c, newest)
	}
	exp.newest[c.Transaction] = c.N
	return nil
}

// checkKept fails if a callback that was acknowledged or settled is not in the store.
func (exp *expected) checkKept(ctx context.Context, store inbox.Store) error {
	states, err := read(ctx, store)
	if err != nil {
		return err
	}
	for c := range exp.acknowledged {
		if states[c] == "" {
			return fmt.Errorf("%v was acknowledged, and is lost", c)
		}
	}
	for c := range exp.settled {
		if states[c] != inbox.Delivered {
			return fmt.Errorf("%v was settled as delivered, and is %q", c, states[c])
		}
	}
	return nil
}

// checkStore opens the inbox that a power cut has left in a file.
func (exp *expected) checkStore(ctx context.Context, where string) error {
	store, err := openUndamaged(ctx, "sqlite", where)
	if err != nil {
		return fmt.Errorf("the inbox does not open: %w", err)
	}
	return errors.Join(exp.checkKept(ctx, store), store.Close())
}

// checkDone fails if a callback in the store was neither delivered nor overtaken.
func (exp *expected) checkDone(ctx context.Context, store inbox.Store) error {
	states, err := read(ctx, store)
	if err != nil {
		return err
	}
	for c, state := range states {
		if want := finalStates(c); !slices.Contains(want, state) {
			return fmt.Errorf("%v ends as %q, not as one of %q", c, state, want)
		}
		if state == inbox.Delivered && !exp.delivered[c] {
			return fmt.Errorf("%v counts as delivered, and never was", c)
		}
		if paid := (callback{c.Transaction, 2}); state == inbox.Overtaken && states[paid] == "" {
			return fmt.Errorf("%v is overtaken, and its transaction is not paid", c)
		}
	}
	return nil
}

func finalStates(c callback) []inbox.State {
	switch {
	case c.overtaken():
		return []inbox.State{inbox.Overtaken}
	case c.canBeOvertaken():
		return []inbox.State{inbox.Delivered, inbox.Overtaken}
	}
	return []inbox.State{inbox.Delivered}
}

// read returns the states of all records. It fails if a record is damaged.
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

// served returns the states of the records that a store lists.
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
		if c.overtaken() && r.State != inbox.Overtaken || r.State == inbox.Overtaken && !c.overtaken() && !c.canBeOvertaken() {
			return nil, fmt.Errorf("%v is %q", c, r.State)
		}
		states[c] = r.State
	}
	return states, nil
}
