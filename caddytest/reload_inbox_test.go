package caddytest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// IPNs that arrive while the configuration is replaced reach the app once each.
func TestReloadDeliversEachKeptIPNOnce(t *testing.T) {
	const reloads = 10
	app, file := newApp(t), inboxFile(t)
	c := start(t, versioned(inboxSite(file, app.address, ""), 0))
	end := newIPNSender(c).sendMany(t, 4, func(n int64) string {
		return fmt.Sprintf(`{"requestID":"%d","responseCode":"200","responseData":{"transactionID":"%d"}}`, n, n)
	})
	for version := 1; version <= reloads; version++ {
		if err := c.load(t, versioned(inboxSite(file, app.address, ""), version)); err != nil {
			t.Errorf("reload %d: %v", version, err)
		}
	}
	sent := end()
	c.stop()

	reached := deliveries(app)
	records := recordsIn(t, file)
	if int64(len(records)) != sent {
		t.Errorf("%d IPNs were sent, %d are kept", sent, len(records))
	}
	for _, r := range records {
		if r.State != inbox.Delivered || reached[r.ID] != 1 {
			t.Errorf("%s is %s and has reached the app %d times", r.ID, r.State, reached[r.ID])
		}
	}
	t.Logf("%d IPNs during %d reloads", len(records), reloads)
}

// Pending IPNs go where the new configuration says.
func TestReloadDeliversToTheNewApp(t *testing.T) {
	old, moved, file := newApp(t), newApp(t), inboxFile(t)
	old.answers(answering(503, ""))
	taken := moved.answersWithSignal(answering(200, ""))
	c := start(t, inboxSite(file, old.address, "answer_within 10ms"))
	m := signedMessage(paidMessage, sandboxSalt)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
	c.mustLoad(t, inboxSite(file, moved.address, ""))
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
	wrong := strings.Replace(inboxSite(file, other.address, ""), "http://:9181 {", "http://:9181 {\ngalaxypay_result {\nmerchant unknown\n}", 1)
	if err := c.load(t, wrong); err == nil {
		t.Fatal("Caddy took the configuration")
	}
	ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")
	app.only(t)
	other.wantNothing(t)
}
