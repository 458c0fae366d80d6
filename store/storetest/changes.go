package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// increase adds one to a number in a payment: what is read must still be true when it is written.
func increase(tx ledger.Tx, requestID string) error {
	found, err := tx.Payment(book, requestID)
	if err != nil {
		return err
	}
	if found == nil {
		found = new(payment(requestID))
	}
	found.Sending++
	found.Transactions = append(found.Transactions, strconv.Itoa(found.Sending))
	return tx.Put(found)
}

func changeIsAlone(t *testing.T, p *payments) {
	const goroutines, changes = 16, 5
	var working sync.WaitGroup
	for range goroutines {
		working.Go(func() {
			for range changes {
				if err := p.Change(t.Context(), func(tx ledger.Tx) error { return increase(tx, "R1") }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	got := p.get(t, book, "R1")
	expect(t, "changes", got.Sending, goroutines*changes)
	expect(t, "names", len(got.Transactions), goroutines*changes)
	expect(t, "records", len(p.list(t, ledger.Filter{})), 1)
}

func changeFails(t *testing.T, p *payments) {
	kept := p.put(t, payment("R1"))[0]
	failing := func(err error) func(tx ledger.Tx) error {
		return func(tx ledger.Tx) error {
			changed, added := kept, payment("R2")
			changed.Code, changed.Transactions, added.Transactions = "changed", []string{"GP1"}, []string{"GP1"}
			return errors.Join(tx.Put(&changed), tx.Put(&added), err)
		}
	}
	if err := p.Change(t.Context(), failing(errChange)); !errors.Is(err, errChange) {
		t.Errorf("error %v", err)
	}
	if err := p.Change(t.Context(), func(ledger.Tx) error { return errChange }); err != errChange { //nolint:errorlint // as it is
		t.Errorf("error %v, expected it as it is", err)
	}
	p.absent(t, "R2")
	p.found(t, kept)
	if named, err := p.Named(t.Context(), book, "GP1"); err != nil || len(named) != 0 {
		t.Errorf("%d are named, %v", len(named), err)
	}
	p.change(t, failing(nil))
	p.get(t, book, "R2")
}

// recovered runs a change and returns what it panicked with.
func (p *payments) recovered(ctx context.Context, change func(ledger.Tx) error) (value any) {
	defer func() { value = recover() }()
	_ = p.Change(ctx, change)
	return nil
}

func changePanics(t *testing.T, p *payments) {
	value := p.recovered(t.Context(), func(tx ledger.Tx) error {
		one := payment("R1")
		if err := tx.Put(&one); err != nil {
			return err
		}
		panic("canary")
	})
	if value != "canary" {
		t.Errorf("it panicked with %v", value)
	}
	p.absent(t, "R1")
	p.put(t, payment("R1"))
}

// changeExits has a function that ends its goroutine, as FailNow does: the store must outlive it.
func changeExits(t *testing.T, p *payments) {
	err := p.Change(t.Context(), func(tx ledger.Tx) error {
		one := payment("R1")
		if err := tx.Put(&one); err != nil {
			return err
		}
		runtime.Goexit()
		return nil
	})
	if err == nil {
		t.Error("it counts as made")
	}
	p.absent(t, "R1")
	p.put(t, payment("R1"))
}

func failingNeighbours(t *testing.T, p *payments) {
	const changes = 60
	var working sync.WaitGroup
	for i := range changes {
		working.Go(func() {
			id := fmt.Sprint("R", i)
			change := func(tx ledger.Tx) error {
				if err := increase(tx, id); err != nil {
					return err
				}
				if err := increase(tx, "sum"); err != nil {
					return err
				}
				switch i % 3 {
				case 0:
					return fmt.Errorf("%s: %w", id, errChange)
				case 1:
					panic(id)
				}
				return nil
			}
			switch i % 3 {
			case 0:
				if err := p.Change(t.Context(), change); !errors.Is(err, errChange) || err.Error() != id+": "+errChange.Error() {
					t.Errorf("%s: error %v", id, err)
				}
			case 1:
				if value := p.recovered(t.Context(), change); value != id {
					t.Errorf("%s: it panicked with %v", id, value)
				}
			case 2:
				if err := p.Change(t.Context(), change); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	working.Wait()
	expect(t, "records", len(p.list(t, ledger.Filter{})), changes/3+1)
	expect(t, "sum", p.get(t, book, "sum").Sending, changes/3)
	for i := range changes {
		if id := fmt.Sprint("R", i); i%3 == 2 {
			p.get(t, book, id)
		} else {
			p.absent(t, id)
		}
	}
}

func changeEnded(t *testing.T, p *payments) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.Change(ctx, func(tx ledger.Tx) error {
		t.Error("it has begun")
		one := payment("R1")
		return tx.Put(&one)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, _, err := p.Payment(ctx, book, "R1"); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	p.absent(t, "R1")
	// One that has begun is waited for.
	ctx, cancel = context.WithCancel(t.Context())
	err = p.Change(ctx, func(tx ledger.Tx) error {
		cancel()
		one := payment("R2")
		return tx.Put(&one)
	})
	if err != nil {
		t.Errorf("a change whose context ended within: %v", err)
	}
	p.get(t, book, "R2")
}
