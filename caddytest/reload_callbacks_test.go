package caddytest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// IPNs that arrive while the configuration is replaced are all confirmed, and each of
// them has reached the app.
func TestReloadLosesNoIPN(t *testing.T) {
	const reloads, senders = 20, 4
	app := newApp(t)
	config := func(version int) string {
		return strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\nheader Version "+strconv.Itoa(version), 1)
	}
	c := start(t, config(0))
	address := c.url("9181") + "/galaxypay/ipn"

	// A new connection for each IPN, so that some of them fall into each change.
	gateway := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	gatewayOf := &caddyServer{client: gateway}

	var (
		done      = make(chan struct{})
		sending   sync.WaitGroup
		mu        sync.Mutex
		confirmed = make(map[string]bool) // by delivery id
		versions  = make(map[string]bool)
		count     atomic.Int64
		resent    atomic.Int64
	)
	send := func(m callback) {
		for {
			a, err := gatewayOf.try(t.Context(), http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(m.json()))
			if err != nil && t.Context().Err() == nil && resent.Add(1) < 1000 {
				// The server that goes closes connections whose request it has not begun,
				// and the kernel those that it has not even accepted. A gateway sends again.
				continue
			}
			if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"ipnStatus":"200"`) {
				t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
				return
			}
			mu.Lock()
			confirmed[m.deliveryID()] = true
			versions[a.header.Get("Version")] = true
			mu.Unlock()
			return
		}
	}
	for range senders {
		sending.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					send(signedMessage(fmt.Sprintf(`{"requestID":"%d","responseCode":"200"}`, count.Add(1)), sandboxSalt))
				}
			}
		})
	}
	for version := range reloads {
		if err := c.load(t, config(version+1)); err != nil {
			t.Errorf("reload %d: %v", version+1, err)
		}
		// One through each configuration at least.
		send(signedMessage(fmt.Sprintf(`{"requestID":"v%d","responseCode":"200"}`, version+1), sandboxSalt))
	}
	close(done)
	sending.Wait()

	// What reached the app was answered to the gateway, else it would have come again.
	reached := make(map[string]int)
	for _, call := range app.received() {
		reached[call.header.Get("Galaxypay-Delivery-Id")]++
	}
	for id := range confirmed {
		if reached[id] != 1 {
			t.Errorf("delivery %s was confirmed and has reached the app %d times", id, reached[id])
		}
	}
	if want := int(count.Load()) + reloads; len(confirmed) != want {
		t.Errorf("%d of %d IPNs were confirmed", len(confirmed), want)
	}
	for version := range reloads {
		if !versions[strconv.Itoa(version+1)] {
			t.Errorf("no IPN went through configuration %d", version+1)
		}
	}
	t.Logf("%d IPNs during %d reloads, %d connections reset and made again", len(confirmed), reloads, resent.Load())
}

// An IPN that is with the app when the configuration is replaced is answered by the
// app, not by the change.
func TestReloadWhileTheAppHasAnIPN(t *testing.T) {
	app := newApp(t)
	asked, think := make(chan struct{}), make(chan struct{})
	thought := sync.OnceFunc(func() { close(think) })
	defer thought()
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-think
		answering(200, `{"ipnStatus":"409","ipnDescription":"thought of"}`)(w, r)
	})
	c := start(t, callbackSite(app, ""))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answers := make(chan httpAnswer, 1)
	address, m := c.url("9181")+"/galaxypay/ipn", signedMessage(paidMessage, sandboxSalt)
	go func() {
		defer close(answers)
		a, err := c.try(ctx, http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(m.json()))
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-asked

	// Loading waits for what the old configuration still has to do.
	adapted, _, err := adapt(t, strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\nheader Version 2", 1))
	if err != nil {
		t.Fatal(err)
	}
	config := c.localise(t, adapted)
	loaded := make(chan error, 1)
	go func() { loaded <- caddy.Load(config, true) }()
	probe := &caddyServer{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	for served := ""; served != "2"; {
		a, err := probe.try(ctx, http.MethodGet, address, nil, nil)
		if ctx.Err() != nil {
			t.Fatal("the new configuration does not serve")
		}
		if err == nil {
			served = a.header.Get("Version")
		}
	}
	thought()
	if got := (<-answers).wantIPNStatus(t, "409"); got != "thought of" {
		t.Errorf("description %q", got)
	}
	if err := <-loaded; err != nil {
		t.Error(err)
	}
}
