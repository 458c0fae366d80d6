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
	const reloads = 20
	app := newApp(t)
	c := start(t, versioned(callbackSite(app, ""), 0))
	s := newIPNSender(c)
	end := s.sendMany(t, 4, func(n int64) string { return fmt.Sprintf(`{"requestID":"%d","responseCode":"200"}`, n) })
	for version := 1; version <= reloads; version++ {
		if err := c.load(t, versioned(callbackSite(app, ""), version)); err != nil {
			t.Errorf("reload %d: %v", version, err)
		}
		// At least one through each configuration.
		s.send(t, signedMessage(fmt.Sprintf(`{"requestID":"v%d","responseCode":"200"}`, version), sandboxSalt))
	}
	sent := end()

	// What reached the app was answered to the gateway, else it would have come again.
	reached := deliveries(app)
	versions := make(map[string]bool)
	for id, version := range s.confirmed {
		versions[version] = true
		if reached[id] != 1 {
			t.Errorf("delivery %s was confirmed and has reached the app %d times", id, reached[id])
		}
	}
	if want := int(sent) + reloads; len(s.confirmed) != want {
		t.Errorf("%d of %d IPNs were confirmed", len(s.confirmed), want)
	}
	for version := 1; version <= reloads; version++ {
		if !versions[strconv.Itoa(version)] {
			t.Errorf("no IPN went through configuration %d", version)
		}
	}
	t.Logf("%d IPNs during %d reloads, %d connections reset and made again", len(s.confirmed), reloads, s.resent.Load())
}

// versioned is the site of callbacks with the header Version in its answers.
func versioned(site string, version int) string {
	return strings.Replace(site, "http://:9181 {", "http://:9181 {\nheader Version "+strconv.Itoa(version), 1)
}

// deliveries counts by delivery id what has reached the app.
func deliveries(app *recordingApp) map[string]int {
	reached := make(map[string]int)
	for _, r := range app.received() {
		reached[r.header.Get("Galaxypay-Delivery-Id")]++
	}
	return reached
}

// ipnSender is the gateway's server. It makes a new connection for each IPN, so that some of them
// fall into each reload.
type ipnSender struct {
	client
	address string

	resent    atomic.Int64
	mu        sync.Mutex
	confirmed map[string]string // by delivery id: the header Version of the answer
}

func newIPNSender(c *caddyServer) *ipnSender {
	return &ipnSender{client: newFreshClient(), address: c.url("9181") + "/galaxypay/ipn", confirmed: make(map[string]string)}
}

// send sends an IPN until there is an answer, which must confirm it. A server that shuts down closes
// connections whose request it has not begun, and the kernel closes those that the server has not
// accepted. A gateway sends again.
func (s *ipnSender) send(t *testing.T, m callback) {
	t.Helper()
	a, err := s.tryPost(t.Context(), s.address, m.json())
	for err != nil && t.Context().Err() == nil && s.resent.Add(1) < 1000 {
		a, err = s.tryPost(t.Context(), s.address, m.json())
	}
	if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"ipnStatus":"200"`) {
		t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed[m.deliveryID()] = a.header.Get("Version")
}

// sendMany sends IPNs with these messages from several goroutines, until the caller calls end.
// end returns how many were sent.
func (s *ipnSender) sendMany(t *testing.T, senders int, message func(n int64) string) (end func() int64) {
	t.Helper()
	var (
		count   atomic.Int64
		sending sync.WaitGroup
		done    atomic.Bool
	)
	for range senders {
		sending.Go(func() {
			for !done.Load() {
				s.send(t, signedMessage(message(count.Add(1)), sandboxSalt))
			}
		})
	}
	return func() int64 {
		done.Store(true)
		sending.Wait()
		return count.Load()
	}
}

// The app answers an IPN that it has when the configuration is replaced, and the gateway gets that
// answer.
func TestReloadWhileTheAppHasAnIPN(t *testing.T) {
	app := newApp(t)
	gate := newGate(t)
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		gate.pass()
		answering(200, `{"ipnStatus":"409","ipnDescription":"done before"}`)(w, r)
	})
	c := start(t, callbackSite(app, ""))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answers := make(chan httpAnswer, 1)
	address, m := c.url("9181")+"/galaxypay/ipn", signedMessage(paidMessage, sandboxSalt)
	go func() {
		defer close(answers)
		a, err := c.tryPost(ctx, address, m.json())
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-gate.arrived

	// Loading waits for what the old configuration still has to do.
	config := c.localise(t, mustAdapt(t, versioned(callbackSite(app, ""), 2)))
	loaded := make(chan error, 1)
	go func() { loaded <- caddy.Load(config, true) }()
	probe := newFreshClient()
	for served := ""; served != "2"; {
		a, err := probe.try(ctx, http.MethodGet, address, nil)
		if ctx.Err() != nil {
			t.Fatal("the new configuration does not serve")
		}
		if err == nil {
			served = a.header.Get("Version")
		}
	}
	gate.open()
	if got := (<-answers).wantIPNStatus(t, "409"); got != "done before" {
		t.Errorf("description %q", got)
	}
	if err := <-loaded; err != nil {
		t.Error(err)
	}
}
