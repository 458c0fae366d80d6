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

// A paid order must not be forgotten because a configuration does not deliver its event any more.
// Each load says so, and each start.
func TestReloadWithoutTheInboxOfPendingEvents(t *testing.T) {
	const (
		elsewhere = "the inbox of an earlier configuration holds events in another store; they are not delivered while this configuration does not use it"
		here      = "the inbox holds events of a merchant that has no inbox in this configuration, or has another gateway; they are not delivered until it has this one again"
	)
	for name, test := range map[string]struct {
		change func(site string) string
		want   string
	}{
		"no inbox and no store":    {func(site string) string { return withoutInbox(strings.Replace(site, "store sqlite", "#", 1)) }, elsewhere},
		"no inbox, the same store": {withoutInbox, here},
		"another path":             {func(site string) string { return strings.Replace(site, "store.db", "other.db", 1) }, elsewhere},
		"another merchant": {func(site string) string {
			site = strings.Replace(site, "environment sandbox", "environment sandbox\nmerchant renamed {\nenvironment sandbox\n}", 1)
			return strings.Replace(site, "inbox {", "merchant renamed\ninbox {", 1)
		}, here},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			app := newApp(t)
			app.answers(answering(503, ""))
			site := inboxSite(inboxFile(t), app.address, "")
			site = strings.Replace(site, "retry", "retry 1h\n#", 1)
			c := start(t, site)
			ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")

			changed := test.change(site)
			wasWarned := func(when string, c *caddyServer, times int) {
				t.Helper()
				lines := c.logLines(t, test.want)
				if len(lines) != times || lines[times-1]["level"] != "warn" || lines[times-1]["merchant"] != "default" || lines[times-1]["pending"] != 1.0 {
					t.Errorf("%s: logged %v", when, lines)
				}
			}
			c.mustLoad(t, changed)
			wasWarned("at the reload", c, 1)
			c.mustLoad(t, versioned(changed, 2))
			wasWarned("at the next one", c, 2)
			c.stop()
			again := start(t, changed)
			wasWarned("at the next start", again, 1)
			again.stop()

			app.answers(answering(200, ""))
			back := start(t, site) // nothing is lost
			if lines := back.logLines(t, "the inbox holds events to be delivered"); len(lines) != 1 || lines[0]["pending"] != 1.0 {
				t.Errorf("configured again: logged %v", lines)
			}
		})
	}
}

// withoutInbox is a site whose IPNs go to the next handler.
func withoutInbox(site string) string {
	begin, end := strings.Index(site, "inbox {"), strings.Index(site, "respond")
	return site[:begin] + "}\n" + site[end:]
}
