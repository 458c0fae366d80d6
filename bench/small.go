package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const nameWithLedger = "sidecar with ledger"

// smallRates are payments a second, as shops have them.
var smallRates = []float64{10, 50, 100}

// rated is a variant under a fixed rate of calls, and what came of it.
type rated struct {
	name     string
	server   *server
	took     []float64 // µs of each call, all rounds
	used     time.Duration
	elapsed  time.Duration
	resident int64
}

// small measures what a merchant with few payments pays: share of a core, memory, and time added to a call.
func (b *bench) small(ctx context.Context) error {
	servers, err := b.smallServers(ctx)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if err := check(ctx, s.server.url(), s.name == nameSidecar || s.name == nameWithLedger); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, rate := range smallRates {
		variants := make([]*rated, len(servers))
		for i, s := range servers {
			variants[i] = &rated{name: s.name, server: s.server}
		}
		if err := b.offerSmall(ctx, variants, rate); err != nil {
			return err
		}
		b.reportSmall(variants, rate)
	}
	return nil
}

// smallServers starts the stub, plain Caddy, and the sidecar without and with a ledger.
func (b *bench) smallServers(ctx context.Context) ([]rated, error) {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "small-")
	if err != nil {
		return nil, err
	}
	base := "http://" + gateway.addr
	caddy, err := b.reverseProxy(ctx, base, "\tmetrics\n")
	if err != nil {
		return nil, err
	}
	without, err := b.sidecar(ctx, base, "")
	if err != nil {
		return nil, err
	}
	with, err := b.sidecarKeeping(ctx, base, "\tstore sqlite "+filepath.Join(dir, "store.db")+"\n")
	return []rated{
		{name: nameDirect, server: gateway}, {name: nameCaddy, server: caddy},
		{name: nameSidecar, server: without}, {name: nameWithLedger, server: with},
	}, err
}

// offerSmall loads the variants one after the other, each round in another order.
func (b *bench) offerSmall(ctx context.Context, variants []*rated, rate float64) error {
	body, err := payBody(usualBodyBytes)
	if err != nil {
		return err
	}
	for round := range b.rounds {
		progress("%.0f calls a second, round %d of %d", rate, round+1, b.rounds)
		for i := range variants {
			v := variants[(i+round)%len(variants)]
			if err := v.offer(ctx, body, rate, 2*b.duration); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	return nil
}

// offer makes calls at a fixed rate, whether or not earlier ones have been answered. The time of a call begins when it was due.
func (v *rated) offer(ctx context.Context, body string, rate float64, length time.Duration) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	before, err := threadsTime(v.server.pid())
	if err != nil {
		return err
	}
	calls := int(rate * length.Seconds())
	took, errs := make([]float64, calls), make([]error, calls)
	var all sync.WaitGroup
	start := time.Now()
	for n := 0; n < calls && ctx.Err() == nil; n++ {
		due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		all.Go(func() {
			_, errs[n] = post(ctx, client, v.server.url(), body)
			took[n] = float64(time.Since(due).Nanoseconds()) / 1000
		})
	}
	all.Wait()
	v.elapsed += time.Since(start)
	after, err := threadsTime(v.server.pid())
	if err != nil {
		return err
	}
	v.used += after - before
	v.took = append(v.took, took...)
	v.resident, err = memoryOf(v.server.pid(), "VmRSS")
	return errors.Join(err, ctx.Err(), errors.Join(errs...))
}

func (b *bench) reportSmall(variants []*rated, rate float64) {
	t := b.report.table(fmt.Sprintf("Few payments, %.0f a second", rate),
		"variant", "% of one core", "resident, MiB", "added at p50, µs", "added at p99, µs")
	direct := variants[0]
	for _, v := range variants {
		share := 100 * v.used.Seconds() / v.elapsed.Seconds()
		p50Added := percentile(v.took, 50) - percentile(direct.took, 50)
		p99Added := percentile(v.took, 99) - percentile(direct.took, 99)
		t.row(v.name, fmt.Sprintf("%.2f", share), mib(v.resident), fmt.Sprintf("%.0f", p50Added), fmt.Sprintf("%.0f", p99Added))
		b.report.Samples[fmt.Sprintf("small/%.0f/%s", rate, v.name)] = map[string]any{
			"percentOfCore": share, "resident": v.resident, "p50Microseconds": percentile(v.took, 50), "p99Microseconds": percentile(v.took, 99),
		}
	}
}
