// Command overload offers a sidecar several times as many calls as it lets in, and
// checks what the documents promise: those that are let in succeed, the rest are
// refused as overloaded and never reach the gateway, memory stays bounded, and
// afterwards everything is as before. It ends with status 1 if anything is not so.
//
//	go run ./bench/overload [-time 60s] [-times 4] [-limit 64] [-service 200ms] [-body 61440] [-memory 256]
//
// The sidecar is a Caddy in a process of its own, so that its memory can be told from
// that of the clients and of the gateway, which are this process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
)

// load is what is offered.
type load struct {
	time    time.Duration
	times   int           // as many calls as the sidecar can carry
	limit   int           // max_in_flight
	service time.Duration // the gateway's time for one call
	body    int           // bytes
	memory  float64       // the most that the sidecar may have, in MiB
}

// rate is the calls offered in a second. The sidecar carries limit/service.
func (l load) rate() float64 { return float64(l.times*l.limit) / l.service.Seconds() }

func main() {
	if len(os.Args) > 1 && os.Args[1] == "run" { // this program's own child
		caddycmd.Main()
		return
	}
	var l load
	flag.DurationVar(&l.time, "time", time.Minute, "how long")
	flag.IntVar(&l.times, "times", 4, "how many times what the sidecar can carry")
	flag.IntVar(&l.limit, "limit", 64, "max_in_flight")
	flag.DurationVar(&l.service, "service", 200*time.Millisecond, "the gateway's time for one call")
	flag.IntVar(&l.body, "body", 60<<10, "bytes of each call's body")
	flag.Float64Var(&l.memory, "memory", 256, "the most resident memory in MiB")
	flag.Parse()
	if err := l.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (l load) run(ctx context.Context) error {
	g, err := newGateway(ctx, l.service)
	if err != nil {
		return err
	}
	defer g.close()
	s, err := startSidecar(ctx, l.limit, g.url)
	if err != nil {
		return err
	}
	defer s.stop()
	c := newClients(s.url, l.body)

	c.together(ctx, l.limit) // opens what the sidecar keeps open from then on
	before, err := s.settled(ctx, c, 0)
	if err != nil {
		return err
	}
	c.forget()
	sent := g.calls.Load()

	var peak state
	done := make(chan bool)
	var watch sync.WaitGroup
	watch.Go(func() { peak = s.watch(ctx, done) })
	took := c.offer(ctx, l.rate(), l.time)
	close(done)
	watch.Wait()
	during, reached := c.forget(), g.calls.Load()-sent

	c.together(ctx, l.limit/2)
	recovered := c.forget()
	after, err := s.settled(ctx, c, before.goroutines)
	if err != nil {
		return err
	}

	carried := float64(l.limit) / l.service.Seconds()
	fmt.Printf("offered    %d calls of %d bytes in %.1f s: %.0f/s, %.1f times the %.0f/s that max_in_flight %d can carry at %v each\n",
		during.all(), l.body, took.Seconds(), float64(during.all())/took.Seconds(), float64(during.all())/took.Seconds()/carried, carried, l.limit, l.service)
	fmt.Printf("succeeded  %d, %.0f/s\n", during.ok, float64(during.ok)/took.Seconds())
	fmt.Printf("refused    %d with 503, Retry-After, overloaded, not_sent\n", during.refused)
	fmt.Printf("otherwise  %d %s\n", during.other, during.example)
	fmt.Printf("gateway    %d calls, at most %d at once\n", reached, g.most.Load())
	fmt.Printf("resident   %.0f MiB before, %.0f at most, %.0f after\n", before.resident, peak.resident, after.resident)
	fmt.Printf("heap       %.0f MiB before, %.0f at most, %.0f after\n", before.heap, peak.heap, after.heap)
	fmt.Printf("goroutines %.0f before, %.0f at most, %.0f after\n", before.goroutines, peak.goroutines, after.goroutines)
	fmt.Printf("recovery   %d of %d calls succeeded\n", recovered.ok, recovered.all())

	return errors.Join(
		unless(during.other == 0, "some calls were answered otherwise"),
		unless(during.refused > 0, "nothing was refused: the machine could not offer enough"),
		unless(reached == during.ok, "the gateway got other calls than those that succeeded"),
		unless(g.most.Load() <= int64(l.limit), "the gateway had more calls at once than max_in_flight"),
		unless(peak.resident <= l.memory, "too much memory"),
		unless(recovered.ok == recovered.all(), "no full recovery"),
		unless(after.goroutines <= before.goroutines, "goroutines are left"),
	)
}

func unless(ok bool, complaint string) error {
	if ok {
		return nil
	}
	return errors.New("FAIL: " + complaint)
}

// sidecar is a Caddy in a process of its own.
type sidecar struct {
	url     string
	metrics string
	process *exec.Cmd
	cancel  context.CancelFunc
}

func startSidecar(ctx context.Context, limit int, gateway string) (*sidecar, error) {
	site, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &sidecar{url: "http://" + site, metrics: "http://" + metrics, cancel: cancel}
	s.process = exec.CommandContext(ctx, program, "run", "--config", "-", "--adapter", "caddyfile")
	s.process.Env = append(os.Environ(), "OVERLOAD_API_KEY=overload", "OVERLOAD_SALT="+salt)
	s.process.Stderr = os.Stderr
	s.process.Stdin = strings.NewReader(fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	log {
		level ERROR
	}
	galaxypay {
		base_url %s
		api_key {env.OVERLOAD_API_KEY}
		salt {env.OVERLOAD_SALT}
	}
}
http://%s {
	galaxypay {
		max_in_flight %d
		transport http {
			keepalive_idle_conns_per_host %d
		}
	}
}
http://%s {
	metrics
}
`, gateway, site, limit, limit, metrics))
	if err := s.process.Start(); err != nil {
		cancel()
		return nil, err
	}
	for range 300 {
		if _, err := s.state(ctx); err == nil {
			return s, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("the sidecar does not start")
}

func (s *sidecar) stop() {
	s.cancel()
	_ = s.process.Wait() // it was killed
}

// state is what the sidecar says of itself, memory in MiB.
type state struct{ resident, heap, goroutines float64 }

func (s *sidecar) state(ctx context.Context) (state, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return state{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return state{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return state{}, err
	}
	const mebi = 1 << 20
	return state{
		resident:   sample(string(text), "process_resident_memory_bytes") / mebi,
		heap:       sample(string(text), "go_memstats_heap_inuse_bytes") / mebi,
		goroutines: sample(string(text), "go_goroutines"),
	}, nil
}

// sample is the value of a metric without labels.
func sample(text, name string) float64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n
		}
	}
	return 0
}

// watch returns the highest values until done is closed.
func (s *sidecar) watch(ctx context.Context, done <-chan bool) state {
	var peak state
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
		if now, err := s.state(ctx); err == nil {
			peak.resident = max(peak.resident, now.resident)
			peak.heap = max(peak.heap, now.heap)
			peak.goroutines = max(peak.goroutines, now.goroutines)
		}
	}
}

// settled returns the state once the clients' connections are closed, at the latest
// after ten seconds. It waits for so many goroutines, or until their number stays.
func (s *sidecar) settled(ctx context.Context, c *clients, goroutines float64) (state, error) {
	c.http.CloseIdleConnections()
	var last state
	for range 20 {
		time.Sleep(500 * time.Millisecond)
		now, err := s.state(ctx)
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

// freeAddress finds a port that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
