package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// counts is how calls ended.
type counts struct {
	ok, refused, other int64
	example            string // of the others
}

func (c counts) all() int64 { return c.ok + c.refused + c.other }

// clients are the callers of the sidecar.
type clients struct {
	http *http.Client
	url  string
	body string

	mu     sync.Mutex
	counts counts
}

func newClients(url string, size int) *clients {
	const head, tail = `{"transactionID":"1","note":"`, `"}`
	return &clients{
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 12, DisableCompression: true}, Timeout: time.Minute},
		url:  url + "/query",
		body: head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail,
	}
}

// offer makes calls at this rate, whether or not earlier ones have been answered, and
// returns when all are, with the time for which it has offered.
func (c *clients) offer(ctx context.Context, rate float64, length time.Duration) time.Duration {
	var calls sync.WaitGroup
	defer calls.Wait()
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for made := 0; time.Since(start) < length; <-tick.C {
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
	status, header, body, err := c.post(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.counts.other++
		c.counts.example = err.Error()
	case status == http.StatusOK:
		c.counts.ok++
	case status == http.StatusServiceUnavailable && header.Get("Retry-After") == "1" &&
		strings.Contains(body, `"code":"overloaded","outcome":"not_sent"`):
		c.counts.refused++
	default:
		c.counts.other++
		c.counts.example = fmt.Sprintf("HTTP %d: %s", status, body)
	}
}

func (c *clients) post(ctx context.Context) (status int, header http.Header, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(c.body))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(text), err
}
