package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// memory compares what is resident after many calls, and looks at what the largest bodies cost at once.
func (b *bench) memory(ctx context.Context) error {
	if err := b.afterManyCalls(ctx); err != nil {
		return err
	}
	b.stopChildren()
	t := b.report.table(fmt.Sprintf("Memory for %d bodies of max_body at once", burst),
		"variant", "max_body", "grows by at most, MiB", "x bodies")
	for _, maxBody := range []int{64 << 10, 1 << 20} {
		if err := b.atOnce(ctx, t, maxBody); err != nil {
			return err
		}
		b.stopChildren()
	}
	return nil
}

// afterManyCalls loads both in turns, so that neither has the quieter machine.
func (b *bench) afterManyCalls(ctx context.Context) error {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return err
	}
	sidecar, err := b.sidecar(ctx, "http://"+gateway.addr, "")
	if err != nil {
		return err
	}
	caddy, err := b.reverseProxy(ctx, "http://"+gateway.addr, "\tmetrics\n")
	if err != nil {
		return err
	}
	file, err := b.bodyFile(usualBodyBytes)
	if err != nil {
		return err
	}
	t := b.report.table(fmt.Sprintf("Memory after %d calls", b.requests), "variant", "calls", "resident, MiB", "at the most, MiB")
	servers := map[string]*server{nameSidecar: sidecar, nameCaddy: caddy}
	calls := make(map[string]int)
	for calls[nameSidecar] < b.requests || calls[nameCaddy] < b.requests {
		for _, name := range []string{nameSidecar, nameCaddy} {
			if calls[name] >= b.requests {
				continue
			}
			l, err := b.wrk(ctx, servers[name].url(), file, judgedConns, b.slice())
			if err != nil {
				return err
			}
			calls[name] += l.Requests
			progress("%s: %d of %d calls", name, calls[name], b.requests)
		}
	}
	resident := make(map[string]int64)
	for _, name := range []string{nameSidecar, nameCaddy} {
		now, err := memoryOf(servers[name].pid(), "VmRSS")
		if err != nil {
			return err
		}
		most, err := memoryOf(servers[name].pid(), "VmHWM")
		if err != nil {
			return err
		}
		resident[name] = now
		t.row(name, fmt.Sprint(calls[name]), mib(now), mib(most))
	}
	b.report.Samples["memory/resident"] = resident
	b.report.atMost(1.2, "resident x plain Caddy", float64(resident[nameSidecar])/float64(resident[nameCaddy]))
	return nil
}

// slice is how long one of the two is loaded before the other one is.
func (b *bench) slice() time.Duration {
	if b.smoke {
		return time.Second
	}
	return 5 * time.Second
}

// burst is the number of large bodies at once.
const burst = 64

// atOnce sends large bodies that are all in flight together, several times over: the garbage of one burst must not
// pile up onto that of the next.
func (b *bench) atOnce(ctx context.Context, t *table, maxBody int) error {
	// The stub holds its answers to large bodies back until the last one is there.
	gateway, err := b.gateway(ctx, "-delay", "500ms")
	if err != nil {
		return err
	}
	sidecar, err := b.sidecar(ctx, "http://"+gateway.addr, fmt.Sprintf("\t\tmax_body %dKiB", maxBody>>10))
	if err != nil {
		return err
	}
	caddy, err := b.reverseProxy(ctx, "http://"+gateway.addr, "\tmetrics\n")
	if err != nil {
		return err
	}
	for _, v := range []struct {
		name   string
		server *server
	}{{nameSidecar, sidecar}, {nameCaddy, caddy}} {
		grown, err := b.growth(ctx, v.server, maxBody)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		ratio := float64(grown) / float64(burst*maxBody)
		t.row(v.name, fmt.Sprintf("%d KiB", maxBody>>10), mib(grown), fmt.Sprintf("%.2f", ratio))
		b.report.Samples[fmt.Sprintf("memory/burst/%d/%s", maxBody, v.name)] = grown
		if v.name == nameSidecar {
			b.report.atMost(4, fmt.Sprintf("growth x %d bodies of %d KiB", burst, maxBody>>10), ratio)
		}
	}
	return nil
}

// growth is the most that is resident during the bursts, over what was before. It starts from a process at work: the
// first calls of all let every program in Go grow to its working size, whatever they carry.
func (b *bench) growth(ctx context.Context, s *server, size int) (int64, error) {
	file, err := b.bodyFile(usualBodyBytes)
	if err != nil {
		return 0, err
	}
	if _, err := b.wrk(ctx, s.url(), file, burst, b.duration); err != nil {
		return 0, err
	}
	before, err := memoryOf(s.pid(), "VmRSS")
	if err != nil {
		return 0, err
	}
	if err := forgetPeak(s.pid()); err != nil {
		return 0, err
	}
	bursts := 5
	if b.smoke {
		bursts = 1
	}
	for range bursts {
		if err := volley(ctx, s.url(), size); err != nil {
			return 0, err
		}
	}
	most, err := memoryOf(s.pid(), "VmHWM")
	return most - before, err
}

// volley sends a burst of bodies and waits for all the answers.
func volley(ctx context.Context, url string, size int) error {
	body, err := payBody(size)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: burst}}
	defer client.CloseIdleConnections()
	errs := make([]error, burst)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = post(ctx, client, url, body) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
