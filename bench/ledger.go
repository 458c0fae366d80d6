//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// nameNoLedger is the sidecar without a store; the others have the names of their stores.
const nameNoLedger = "without ledger"

// ledger compares the sidecar with and without a ledger: two records that must be on the disk for each call.
func (b *bench) ledger(ctx context.Context) error {
	if err := b.needDisk(); err != nil {
		return err
	}
	variants, end, err := b.ledgerVariants(ctx)
	if err != nil {
		return err
	}
	defer end()
	return b.measureAll(ctx, variants, b.reportLedger, b.judgeLedger)
}

// ledgerVariants starts a sidecar without a ledger, and one with each kind of store that this machine has. End ends what they
// need.
func (b *bench) ledgerVariants(ctx context.Context) (variants []*variant, end func(), err error) {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "ledger-")
	if err != nil {
		return nil, nil, err
	}
	stores := []struct{ name, option string }{{nameNoLedger, ""}, {nameSQLite, "\tstore sqlite " + filepath.Join(dir, "store.db") + "\n"}}
	address, end, err := newDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	if address != "" {
		stores = append(stores, struct{ name, option string }{namePostgres, "\tstore postgres " + address + "\n"})
	}
	for _, s := range stores {
		server, err := b.sidecarKeeping(ctx, "http://"+gateway.addr, s.option)
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		variants = append(variants, &variant{name: s.name, server: server, unwraps: true, samples: make(map[int][]sample)})
	}
	return variants, end, nil
}

// newDatabase runs a PostgreSQL server; the address is "" where none is installed.
func newDatabase(ctx context.Context) (address string, end func(), err error) {
	server, err := postgrestest.New(ctx)
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		progress("%v (Debian: apt-get install postgresql): skipped", err)
		return "", func() {}, nil
	}
	if err != nil {
		return "", nil, err
	}
	end = func() {
		if err := server.Close(); err != nil {
			progress("cannot end PostgreSQL: %v", err)
		}
	}
	if address, err = server.NewDatabase(ctx, rand.Text()); err != nil {
		end()
		return "", nil, err
	}
	return address, end, nil
}

func (b *bench) reportLedger(variants []*variant, conns int) {
	t := b.report.table(fmt.Sprintf("Ledger, connections: %d", conns),
		"store", "calls/s", "x "+nameNoLedger, "p50 ms", "p99 ms", "CPU µs/call")
	without := named(variants, nameNoLedger).samples[conns]
	for _, v := range variants {
		s := v.samples[conns]
		t.row(v.name,
			fmt.Sprintf("%.0f", median(column(s, perSecond))),
			fmt.Sprintf("%.2f", medianOfRatios(column(s, perSecond), column(without, perSecond))),
			fmt.Sprintf("%.1f", median(column(s, p50))/1000),
			fmt.Sprintf("%.1f", median(column(s, p99))/1000),
			fmt.Sprintf("%.0f", median(column(s, processorUse))))
		b.report.Samples[fmt.Sprintf("ledger/%d/%s", conns, v.name)] = s
	}
}

func (b *bench) judgeLedger(variants []*variant) {
	with, without := named(variants, nameSQLite).samples[judgedConns], named(variants, nameNoLedger).samples[judgedConns]
	at := fmt.Sprintf(", %d connections", judgedConns)
	b.report.atLeast(0.5, "calls/s with a ledger in SQLite x without"+at, medianOfRatios(column(with, perSecond), column(without, perSecond)))
	b.report.atMost(25, "p99 of a call with a ledger in SQLite, ms"+at, median(column(with, p99))/1000)
}
