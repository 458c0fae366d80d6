package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// variant is one way from the app to the gateway.
type variant struct {
	name    string
	server  *server
	unwraps bool
	samples map[int][]sample // by connections, one a round
}

// sample is one load of one variant in one round.
type sample struct {
	Round     int     `json:"round"`
	PerSecond float64 `json:"perSecond"`
	P50       float64 `json:"p50Microseconds"`
	P99       float64 `json:"p99Microseconds"`
	Processor float64 `json:"processorMicroseconds,omitempty"` // of the variant itself, for one request
}

const (
	nameSidecar      = "sidecar"
	nameCaddy        = "plain Caddy"
	nameNoMetrics    = "plain Caddy without metrics"
	nameMinimalProxy = "minimal Go proxy"
	nameNginx        = "nginx + Lua"
	nameDirect       = "direct"
	usualBodyBytes   = 700
)

// throughput compares how many calls a second, and how slow they are.
func (b *bench) throughput(ctx context.Context) error {
	variants, err := b.variants(ctx)
	if err != nil {
		return err
	}
	return b.measureAll(ctx, variants, b.reportThroughput, b.judgeThroughput)
}

// measureAll checks what variants answer, measures them, and reports and judges what came of it.
func (b *bench) measureAll(ctx context.Context, variants []*variant, report func([]*variant, int), judge func([]*variant)) error {
	file, err := b.bodyFile(usualBodyBytes)
	if err != nil {
		return err
	}
	for _, v := range variants {
		if err := check(ctx, v.server.url(), v.unwraps); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	if err := b.load(ctx, variants, file); err != nil {
		return err
	}
	for _, conns := range b.conns {
		report(variants, conns)
	}
	judge(variants)
	return nil
}

// load measures all variants, each round in another order.
func (b *bench) load(ctx context.Context, variants []*variant, file string) error {
	for _, v := range variants {
		if b.smoke {
			break
		}
		if _, err := b.wrk(ctx, v.server.url(), file, judgedConns, time.Second); err != nil { // warm-up
			return err
		}
	}
	for _, conns := range b.conns {
		for round := range b.rounds {
			progress("%d connections, round %d of %d", conns, round+1, b.rounds)
			for i := range variants {
				v := variants[(i+round)%len(variants)] // none is always the first, or always behind the same one
				s, err := b.sample(ctx, v.server, file, conns)
				if err != nil {
					return err
				}
				s.Round = round
				v.samples[conns] = append(v.samples[conns], s)
			}
		}
	}
	return nil
}

// variants starts them all; idle, they do not disturb each other.
func (b *bench) variants(ctx context.Context) ([]*variant, error) {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return nil, err
	}
	base := "http://" + gateway.addr
	variants := []*variant{{name: nameDirect, server: gateway}}
	for _, start := range []struct {
		name    string
		unwraps bool
		server  func() (*server, error)
	}{
		{nameSidecar, true, func() (*server, error) { return b.sidecar(ctx, base, "") }},
		{nameCaddy, false, func() (*server, error) { return b.reverseProxy(ctx, base, "\tmetrics\n") }},
		{nameNoMetrics, false, func() (*server, error) { return b.reverseProxy(ctx, base, "") }},
		{nameMinimalProxy, false, func() (*server, error) { return b.minimalProxy(ctx, base) }},
		{nameNginx, true, func() (*server, error) { return b.nginx(ctx, gateway.addr) }},
	} {
		s, err := start.server()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", start.name, err)
		}
		if s != nil {
			variants = append(variants, &variant{name: start.name, server: s, unwraps: start.unwraps})
		}
	}
	for _, v := range variants {
		v.samples = make(map[int][]sample)
	}
	return variants, nil
}

func (b *bench) bodyFile(size int) (path string, err error) {
	body, err := payBody(size)
	if err != nil {
		return "", err
	}
	return b.write(fmt.Sprintf("body.%d", size), body)
}

func (b *bench) sample(ctx context.Context, s *server, bodyFile string, conns int) (sample, error) {
	before, err := processorTime(s.pid())
	if err != nil {
		return sample{}, err
	}
	l, err := b.wrk(ctx, s.url(), bodyFile, conns, b.duration)
	if err != nil {
		return sample{}, err
	}
	after, err := processorTime(s.pid())
	perRequest := float64((after - before).Microseconds()) / float64(l.Requests)
	return sample{PerSecond: l.perSecond(), P50: l.P50, P99: l.P99, Processor: perRequest}, err
}

// column takes one figure out of the samples, round by round.
func column(samples []sample, figure func(sample) float64) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, figure(s))
	}
	return values
}

func perSecond(s sample) float64    { return s.PerSecond }
func p50(s sample) float64          { return s.P50 }
func p99(s sample) float64          { return s.P99 }
func processorUse(s sample) float64 { return s.Processor }

func named(variants []*variant, name string) *variant {
	for _, v := range variants {
		if v.name == name {
			return v
		}
	}
	return nil
}

func (b *bench) reportThroughput(variants []*variant, conns int) {
	t := b.report.table(fmt.Sprintf("Calls, connections: %d", conns),
		"variant", "calls/s", "x plain Caddy", "p50 µs", "p99 µs", "p99 x plain Caddy", "CPU µs/call")
	caddy := named(variants, nameCaddy).samples[conns]
	for _, v := range variants {
		s := v.samples[conns]
		t.row(v.name,
			fmt.Sprintf("%.0f", median(column(s, perSecond))),
			fmt.Sprintf("%.2f", medianOfRatios(column(s, perSecond), column(caddy, perSecond))),
			fmt.Sprintf("%.0f", median(column(s, p50))),
			fmt.Sprintf("%.0f", median(column(s, p99))),
			fmt.Sprintf("%.2f", medianOfRatios(column(s, p99), column(caddy, p99))),
			fmt.Sprintf("%.0f", median(column(s, processorUse))))
		b.report.Samples[fmt.Sprintf("throughput/%d/%s", conns, v.name)] = s
	}
}

func (b *bench) judgeThroughput(variants []*variant) {
	ratio := func(to string, figure func(sample) float64) float64 {
		return medianOfRatios(column(named(variants, nameSidecar).samples[judgedConns], figure),
			column(named(variants, to).samples[judgedConns], figure))
	}
	at := fmt.Sprintf(", %d connections", judgedConns)
	b.report.atLeast(1.45, "calls/s x plain Caddy"+at, ratio(nameCaddy, perSecond))
	b.report.atLeast(0.88, "calls/s x minimal Go proxy"+at, ratio(nameMinimalProxy, perSecond))
	if named(variants, nameNginx) != nil {
		b.report.atLeast(1, "calls/s x nginx + Lua"+at, ratio(nameNginx, perSecond))
	}
	b.report.atMost(0.85, "p99 x plain Caddy"+at, ratio(nameCaddy, p99))
}

// writeProfile has the sidecar profiled by Caddy's own admin endpoint while it is under load.
func (b *bench) writeProfile(ctx context.Context) error {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return err
	}
	s, err := b.sidecar(ctx, "http://"+gateway.addr, "")
	if err != nil {
		return err
	}
	file, err := b.bodyFile(usualBodyBytes)
	if err != nil {
		return err
	}
	seconds := max(int(b.duration.Seconds()), 10)
	loaded := make(chan error, 1)
	go func() {
		l, err := b.wrk(ctx, s.url(), file, judgedConns, time.Duration(seconds+2)*time.Second)
		progress("%.0f calls/s while profiled", l.perSecond())
		loaded <- err
	}()
	profile, err := get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.admin, seconds))
	if err != nil {
		return err
	}
	if err := <-loaded; err != nil {
		return err
	}
	progress("go tool pprof -http=: %s", b.profile)
	return os.WriteFile(b.profile, []byte(profile), 0o600)
}
