package caddytest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// IPNs that arrive while the configuration is replaced reach the app once each.
func TestReloadDeliversEachKeptIPNOnce(t *testing.T) {
	const reloads, senders = 10, 4
	app, file := newApp(t), inboxFile(t)
	config := func(version int) string {
		return strings.Replace(inboxSite(file, app.address, ""), "http://:9181 {", "http://:9181 {\nheader Version "+strconv.Itoa(version), 1)
	}
	c := start(t, config(0))
	gateway := &caddyServer{client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
	address := c.url("9181") + "/galaxypay/ipn"
	var (
		done    = make(chan struct{})
		sending sync.WaitGroup
		count   atomic.Int64
		resent  atomic.Int64
	)
	send := func(m callback) {
		for {
			a, err := gateway.try(t.Context(), http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(m.json()))
			if err != nil && t.Context().Err() == nil && resent.Add(1) < 1000 {
				continue // see TestInboundReload
			}
			if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"ipnStatus":"200"`) {
				t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
			}
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
					n := count.Add(1)
					send(signedMessage(fmt.Sprintf(`{"requestID":"%d","responseCode":"200","responseData":{"transactionID":"%d"}}`, n, n), sandboxSalt))
				}
			}
		})
	}
	for version := range reloads {
		if err := c.load(t, config(version+1)); err != nil {
			t.Errorf("reload %d: %v", version+1, err)
		}
	}
	close(done)
	sending.Wait()
	c.stop()

	reached := make(map[string]int)
	for _, call := range app.received() {
		reached[call.header.Get("Galaxypay-Delivery-Id")]++
	}
	records := recordsIn(t, file)
	if int64(len(records)) != count.Load() {
		t.Errorf("%d IPNs were sent, %d are kept", count.Load(), len(records))
	}
	for _, r := range records {
		if r.State != inbox.Delivered || reached[r.ID] != 1 {
			t.Errorf("%s is %s and has reached the app %d times", r.ID, r.State, reached[r.ID])
		}
	}
	t.Logf("%d IPNs during %d reloads", len(records), reloads)
}

// What is pending goes where the new configuration says.
func TestReloadDeliversToTheNewApp(t *testing.T) {
	old, moved, file := newApp(t), newApp(t), inboxFile(t)
	old.answers(answering(503, ""))
	taken := moved.answersWithSignal(answering(200, ""))
	c := start(t, inboxSite(file, old.address, "answer_within 10ms"))
	m := signedMessage(paidMessage, sandboxSalt)
	ipn.deliver(t, c, m).wantIPNStatus(t, "200")
	if err := c.load(t, inboxSite(file, moved.address, "")); err != nil {
		t.Fatal(err)
	}
	await(t, taken, "the delivery")
	c.stop()
	if attempt := (provenCallback{status: "paid", message: paidMessage, from: m}).checkFromInbox(t, moved.only(t)); attempt < 2 {
		t.Errorf("attempt %d", attempt)
	}
}

// A reload that fails leaves the inbox as it was.
func TestReloadThatFailsKeepsTheInbox(t *testing.T) {
	app, other := newApp(t), newApp(t)
	file := inboxFile(t)
	c := start(t, inboxSite(file, app.address, ""))
	wrong := strings.Replace(inboxSite(file, other.address, ""), "http://:9181 {", "http://:9181 {\ngalaxypay_result {\nmerchant nobody\n}", 1)
	if err := c.load(t, wrong); err == nil {
		t.Fatal("the configuration was taken")
	}
	ipn.deliver(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")
	app.only(t)
	other.wantNothing(t)
}
