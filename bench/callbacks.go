//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const (
	nameNoInbox  = "without inbox"
	inboxPrefix  = "inbox on "
	callbackPath = "/galaxypay/ipn"
)

// receiver is one way of an IPN from the gateway to the app.
type receiver struct {
	name    string
	server  *server
	proves  bool             // it checks the signature and answers as the gateway expects
	samples map[int][]sample // by connections, one a round
}

// callbacks compares how many IPNs a second get from the gateway to the app, and how long their answers take. The gateway
// is this process. Each IPN is a new one, as an inbox keeps an event once.
func (b *bench) callbacks(ctx context.Context) error {
	if err := b.needDisk(); err != nil {
		return err
	}
	app, err := b.gateway(ctx) // answers everything with 200, which is what an app must do
	if err != nil {
		return err
	}
	receivers, end, err := b.receivers(ctx, "http://"+app.addr)
	if err != nil {
		return err
	}
	defer end()
	var last atomic.Int64
	for _, r := range receivers {
		if err := r.check(ctx, &last); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for _, conns := range b.conns {
		if err := b.deliverTo(ctx, receivers, conns, &last); err != nil {
			return err
		}
		b.reportCallbacks(receivers, conns)
	}
	return nil
}

// receivers starts plain Caddy, the minimal proxy, and the sidecar without an inbox and with one in each kind of store that
// this machine has. End ends what they need.
func (b *bench) receivers(ctx context.Context, app string) (receivers []*receiver, end func(), err error) {
	dir, err := os.MkdirTemp(b.dir, "callbacks-")
	if err != nil {
		return nil, nil, err
	}
	address, end, err := newDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	type start struct {
		name   string
		server func() (*server, error)
	}
	starts := []start{
		{nameCaddy, func() (*server, error) { return b.reverseProxy(ctx, app, "\tmetrics\n") }},
		{nameMinimalProxy, func() (*server, error) { return b.minimalProxy(ctx, app) }},
		{nameNoInbox, func() (*server, error) { return b.ipnSite(ctx, "", "\t\tgalaxypay_ipn\n\t\treverse_proxy "+app) }},
		{inboxPrefix + nameSQLite, func() (*server, error) {
			return b.ipnSite(ctx, "\tstore sqlite "+filepath.Join(dir, "store.db")+"\n", inboxTo(app))
		}},
	}
	if address != "" {
		starts = append(starts, start{inboxPrefix + namePostgres, func() (*server, error) {
			return b.ipnSite(ctx, "\tstore postgres "+address+"\n", inboxTo(app))
		}})
	}
	for _, start := range starts {
		s, err := start.server()
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("%s: %w", start.name, err)
		}
		proves := start.name != nameCaddy && start.name != nameMinimalProxy
		receivers = append(receivers, &receiver{start.name, s, proves, make(map[int][]sample)})
	}
	return receivers, end, nil
}

func inboxTo(app string) string {
	return "\t\tgalaxypay_ipn {\n\t\t\tinbox {\n\t\t\t\tdeliver_to " + app + callbackPath + "\n\t\t\t}\n\t\t}"
}

// ipnSite starts a sidecar that receives IPNs.
func (b *bench) ipnSite(ctx context.Context, options, handlers string) (*server, error) {
	options = "\tmetrics\n\tlog {\n\t\tlevel ERROR\n\t}\n\tgalaxypay {\n\t" + merchantOptions("http://127.0.0.1:1") + options + "\t}\n"
	return b.caddySite(ctx, b.caddy, options, "\troute "+callbackPath+" {\n"+handlers+"\n\t}")
}

// ipnForm is a new IPN as the gateway posts it.
func ipnForm(n int64) string {
	data := base64.StdEncoding.EncodeToString(ipn(n).Message)
	return url.Values{"data": {data}, "signature": {sign([]byte(data))}}.Encode()
}

// check makes sure that an IPN is acknowledged, and that one with a wrong signature is refused where signatures are checked.
func (r *receiver) check(ctx context.Context, last *atomic.Int64) error {
	target := "http://" + r.server.addr + callbackPath
	form := ipnForm(last.Add(1))
	answer, err := postForm(ctx, http.DefaultClient, target, form)
	if err != nil {
		return err
	}
	if !r.proves {
		return nil
	}
	if !strings.Contains(answer.body, `"200"`) {
		return fmt.Errorf("an IPN was answered with %q, expected the code 200", answer.body)
	}
	forged, err := postForm(ctx, http.DefaultClient, target, strings.Replace(form, "signature=", "signature=0", 1))
	if err == nil {
		return fmt.Errorf("a forged IPN was answered with %d", forged.status)
	}
	return nil
}

// postForm posts an IPN; the answer must be a 200.
func postForm(ctx context.Context, client *http.Client, target, form string) (httpAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form))
	if err != nil {
		return httpAnswer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := do(client, req)
	if err != nil {
		return a, err
	}
	return a, a.mustBeOK(target)
}

// deliverTo loads the receivers one after the other, each round in another order.
func (b *bench) deliverTo(ctx context.Context, receivers []*receiver, conns int, last *atomic.Int64) error {
	for round := range b.rounds {
		progress("%d connections, round %d of %d", conns, round+1, b.rounds)
		for i := range receivers {
			r := receivers[(i+round)%len(receivers)]
			s, err := r.sample(ctx, conns, b.duration, last)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			s.Round = round
			r.samples[conns] = append(r.samples[conns], s)
		}
	}
	return nil
}

// sample posts IPNs over so many connections. The processor time is the receiver's alone, without PostgreSQL's.
func (r *receiver) sample(ctx context.Context, conns int, length time.Duration, last *atomic.Int64) (sample, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns, DisableCompression: true}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	before, err := threadsTime(r.server.pid())
	if err != nil {
		return sample{}, err
	}
	var count atomic.Int64
	s, err := repeat(ctx, conns, length, func(ctx context.Context) error {
		count.Add(1)
		_, err := postForm(ctx, client, "http://"+r.server.addr+callbackPath, ipnForm(last.Add(1)))
		return err
	})
	after, timeErr := threadsTime(r.server.pid())
	s.Processor = float64((after - before).Microseconds()) / float64(max(count.Load(), 1))
	return s, errors.Join(err, timeErr)
}

func (b *bench) reportCallbacks(receivers []*receiver, conns int) {
	t := b.report.table(fmt.Sprintf("IPNs, connections: %d", conns),
		"variant", "IPNs/s", "x plain Caddy", "x minimal Go proxy", "p50 µs", "p99 µs", "CPU µs/IPN")
	caddy, minimal := receivers[0].samples[conns], receivers[1].samples[conns]
	for _, r := range receivers {
		s := r.samples[conns]
		perSeconds := column(s, perSecond)
		t.row(r.name,
			fmt.Sprintf("%.0f", median(perSeconds)),
			fmt.Sprintf("%.2f", medianOfRatios(perSeconds, column(caddy, perSecond))),
			fmt.Sprintf("%.2f", medianOfRatios(perSeconds, column(minimal, perSecond))),
			fmt.Sprintf("%.0f", median(column(s, p50))),
			fmt.Sprintf("%.0f", median(column(s, p99))),
			fmt.Sprintf("%.0f", median(column(s, processorUse))))
		b.report.Samples[fmt.Sprintf("callbacks/%d/%s", conns, r.name)] = s
		if r.name == nameNoInbox && conns == judgedConns {
			b.report.atLeast(0.9, fmt.Sprintf("IPNs/s without inbox x plain Caddy, %d connections", conns),
				medianOfRatios(perSeconds, column(caddy, perSecond)))
		}
	}
}
