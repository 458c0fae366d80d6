package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// clients call the sidecar whether or not earlier calls have been answered, and count the answers.
type clients struct {
	http *http.Client
	url  string
	body string

	mu     sync.Mutex
	counts counts
}

// counts is how calls ended.
type counts struct {
	ok, refused, other int64
	example            string // of the others
}

func (c counts) all() int64 { return c.ok + c.refused + c.other }

func newClients(url string, size int) (*clients, error) {
	body, err := payBody(size)
	return &clients{
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 12, DisableCompression: true}, Timeout: time.Minute},
		url:  url,
		body: body,
	}, err
}

// offer makes calls at this rate and returns when all are answered, with the time for which it has offered.
func (c *clients) offer(ctx context.Context, rate float64, length time.Duration) time.Duration {
	var calls sync.WaitGroup
	defer calls.Wait()
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for made := 0; time.Since(start) < length && ctx.Err() == nil; <-tick.C {
		for due := int(time.Since(start).Seconds() * rate); made < due; made++ {
			calls.Go(func() { c.call(ctx) })
		}
	}
	return time.Since(start)
}

// together makes n calls at once, ten times.
func (c *clients) together(ctx context.Context, n int) {
	for range 10 {
		var calls sync.WaitGroup
		for range n {
			calls.Go(func() { c.call(ctx) })
		}
		calls.Wait()
	}
}

// forget returns the counts and begins new ones.
func (c *clients) forget() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.counts
	c.counts = counts{}
	return was
}

func (c *clients) call(ctx context.Context) {
	a, err := send(ctx, c.http, c.url, c.body)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.counts.other++
		c.counts.example = err.Error()
	case a.status == http.StatusOK:
		c.counts.ok++
	case a.isOverloaded():
		c.counts.refused++
	default:
		c.counts.other++
		c.counts.example = fmt.Sprintf("HTTP %d: %s", a.status, a.body)
	}
}

// isOverloaded reports whether it is the answer that the documents promise for one call too many.
func (a *httpAnswer) isOverloaded() bool {
	return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "1" &&
		strings.Contains(a.body, `"code":"overloaded","outcome":"not_sent"`)
}
