package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	overloadLimit   = 64                     // max_in_flight of the sidecar
	overloadTimes   = 4                      // how many times as many calls are offered as it can carry
	overloadService = 200 * time.Millisecond // the gateway's time for one call
	overloadMemory  = 256 << 20              // the most resident memory that the sidecar may have, in bytes

	overloadCarried = overloadLimit / (float64(overloadService) / float64(time.Second)) // calls a second that the sidecar can carry
)

// overload offers the sidecar several times as many calls as it lets in, and checks what the documents promise: those that
// are let in succeed, the rest are refused as overloaded and never reach the gateway, memory stays bounded, and afterwards
// everything is as before; and that half requests cost the others nothing. Clients and gateway are in this process, so that the sidecar's memory can be distinguished from theirs.
func (b *bench) overload(ctx context.Context) error {
	gateway, addr, err := startStub(ctx)
	if err != nil {
		return err
	}
	sidecar, err := b.sidecarWith(ctx, "http://"+addr, "\tlog {\n\t\tlevel ERROR\n\t}\n", fmt.Sprintf(
		"\t\tmax_in_flight %d\n\t\ttransport http {\n\t\t\tkeepalive_idle_conns_per_host %[1]d\n\t\t}", overloadLimit))
	if err != nil {
		return err
	}
	if err := check(ctx, sidecar.url(), true); err != nil {
		return err
	}
	clients, err := newClients(sidecar.url(), b.overloadBody)
	if err != nil {
		return err
	}
	o := &overloaded{sidecar: sidecar, gateway: gateway, clients: clients}
	if err := o.run(ctx, b.overloadTime); err != nil {
		return err
	}
	o.report(b.report, b.overloadBody)
	if err := o.verdict(); err != nil {
		return err
	}
	return b.halfRequests(ctx)
}

// startStub starts a stub within this process, which delays every answer.
func startStub(ctx context.Context) (*stub, string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	s := &stub{delay: overloadService}
	go func() { _ = s.serve(listener) }()
	return s, listener.Addr().String(), nil
}

// overloaded is a sidecar between clients and gateway, and what came of it.
type overloaded struct {
	sidecar *server
	gateway *stub
	clients *clients

	took              time.Duration // for which calls were offered
	during, recovered counts
	reached           int64 // calls that the gateway got in that time
	before, after     state
	peak              state
}

// run offers calls for so long, with a look at the sidecar before, during and afterwards.
func (o *overloaded) run(ctx context.Context, length time.Duration) (err error) {
	o.clients.together(ctx, overloadLimit) // opens what the sidecar keeps open from then on
	if o.before, err = o.settled(ctx, 0); err != nil {
		return err
	}
	o.clients.forget()
	if err := forgetPeak(o.sidecar.pid()); err != nil {
		return err
	}
	progress("%.0f calls a second for %v, where %.0f can be carried", overloadTimes*overloadCarried, length, overloadCarried)
	sent := o.gateway.calls.Load()
	watched, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { o.peak = o.watch(watched) })
	o.took = o.clients.offer(ctx, overloadTimes*overloadCarried, length)
	stop()
	watch.Wait()
	o.during, o.reached = o.clients.forget(), o.gateway.calls.Load()-sent
	if o.peak.resident, err = memoryOf(o.sidecar.pid(), "VmHWM"); err != nil {
		return err
	}

	o.clients.together(ctx, overloadLimit/2)
	o.recovered = o.clients.forget()
	o.after, err = o.settled(ctx, o.before.goroutines)
	return err
}

func (o *overloaded) report(r *report, size int) {
	t := r.table(fmt.Sprintf("Overload, %d calls a second that can be carried, bodies of %d bytes", int(overloadCarried), size), "", "")
	a, seconds := o.during.all(), o.took.Seconds()
	t.row("offered", fmt.Sprintf("%d in %.1f s, %.0f/s (%.1f times)", a, seconds, float64(a)/seconds, float64(a)/seconds/overloadCarried))
	t.row("succeeded", fmt.Sprintf("%d, %.0f/s", o.during.ok, float64(o.during.ok)/seconds))
	t.row("refused with 503, `Retry-After`, `overloaded`, `not_sent`", fmt.Sprint(o.during.refused))
	t.row("answered otherwise", strings.TrimSpace(fmt.Sprint(o.during.other, " ", o.during.example)))
	t.row("calls that the gateway got", fmt.Sprintf("%d, at most %d at once", o.reached, o.gateway.most.Load()))
	t.row("resident: before, at most, after", fmt.Sprintf("%s, %s, %s MiB", mib(o.before.resident), mib(o.peak.resident), mib(o.after.resident)))
	t.row("heap in use: before, at most, after", fmt.Sprintf("%s, %s, %s MiB", mib(o.before.heap), mib(o.peak.heap), mib(o.after.heap)))
	t.row("goroutines: before, at most, after", fmt.Sprintf("%.0f, %.0f, %.0f", o.before.goroutines, o.peak.goroutines, o.after.goroutines))
	t.row("afterwards", fmt.Sprintf("%d of %d succeed", o.recovered.ok, o.recovered.all()))
	r.atMost(float64(overloadMemory)/(1<<20), "resident under overload, MiB", float64(o.peak.resident)/(1<<20))
}

// verdict names everything that is not as the documents promise.
func (o *overloaded) verdict() error {
	return errors.Join(
		unless(o.during.other == 0, "some calls were answered otherwise"),
		unless(o.during.refused > 0, "nothing was refused: the machine could not offer enough"),
		unless(o.reached == o.during.ok, "the gateway got other calls than those that succeeded"),
		unless(o.gateway.most.Load() <= overloadLimit, "the gateway had more calls at once than max_in_flight"),
		unless(o.peak.resident <= overloadMemory, "too much memory"),
		unless(o.recovered.all() > 0 && o.recovered.ok == o.recovered.all(), "no full recovery"),
		unless(o.after.goroutines <= o.before.goroutines, "goroutines are left"),
	)
}

func unless(ok bool, complaint string) error {
	if ok {
		return nil
	}
	return errors.New("FAIL: " + complaint)
}

// state is what the sidecar holds; memory in bytes.
type state struct {
	resident   int64
	heap       float64
	goroutines float64
}

func (o *overloaded) state(ctx context.Context) (state, error) {
	resident, err := memoryOf(o.sidecar.pid(), "VmRSS")
	if err != nil {
		return state{}, err
	}
	values, err := o.sidecar.metrics(ctx, "go_memstats_heap_inuse_bytes", "go_goroutines")
	if err != nil {
		return state{}, err
	}
	return state{resident, values[0], values[1]}, nil
}

// watch returns the highest values that it has seen when ctx ends.
func (o *overloaded) watch(ctx context.Context) state {
	var peak state
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return peak
		case <-tick.C:
		}
		if now, err := o.state(ctx); err == nil {
			peak.heap = max(peak.heap, now.heap)
			peak.goroutines = max(peak.goroutines, now.goroutines)
		}
	}
}

// settled returns the state once the clients' connections are closed, at the latest after ten seconds. It waits until
// there are no more goroutines than that, or with 0, until their number stays.
func (o *overloaded) settled(ctx context.Context, goroutines float64) (state, error) {
	o.clients.http.CloseIdleConnections()
	var last state
	for range 20 {
		time.Sleep(500 * time.Millisecond)
		now, err := o.state(ctx)
		if err != nil {
			return state{}, err
		}
		if now.goroutines <= goroutines || now.goroutines == last.goroutines && goroutines == 0 {
			return now, nil
		}
		last = now
	}
	return last, nil
}
