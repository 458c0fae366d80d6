//go:build unix

package caddytest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// When a machine starts, its database may take longer than the sidecar. Until it runs, the sidecar
// makes payments, and acknowledges no IPN, because it cannot keep one.
func TestInboxPostgresIsDownAtStart(t *testing.T) {
	server := newDatabase(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	g, app := newGateway(t), newApp(t)
	c := start(t, databaseSite(g.merchant(t), app.address))
	if a := c.post(t, c.url("9180")+"/query", `{"transactionID":"1"}`); a.status != http.StatusOK {
		t.Errorf("the sidecar answers HTTP %d: %s", a.status, a.body)
	}
	m := signedMessage(paidMessage, testSalt)
	c.post(t, c.url("9181")+"/ipn", m.json()).wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
	if err := c.load(t, versioned(databaseSite(g.merchant(t), app.address), 2)); err == nil {
		t.Error("Caddy took a configuration that cannot open its inbox")
	}
	app.wantNothing(t)

	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	acknowledged(t, c, m)
	if attempt := (provenCallback{status: "paid", message: paidMessage, from: m}).checkFromInbox(t, app.only(t)); attempt != 1 {
		t.Errorf("attempt %d", attempt)
	}
}

// The database ends while the sidecar runs, and starts again.
func TestInboxPostgresRestarts(t *testing.T) {
	server := newDatabase(t)
	g, app := newGateway(t), newApp(t)
	app.answers(answering(http.StatusServiceUnavailable, ""))
	c := start(t, databaseSite(g.merchant(t), app.address))
	before := signedMessage(cancelledMessage, testSalt)
	c.post(t, c.url("9181")+"/ipn", before.json()).wantIPNStatus(t, "200")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	after := signedMessage(paidMessage, testSalt)
	c.post(t, c.url("9181")+"/ipn", after.json()).wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
	app.received()
	taken := app.answersWithSignal(answering(http.StatusOK, ""))
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, taken, "the IPN from before the end")
	acknowledged(t, c, after)
	await(t, taken, "the IPN from after the end")
	c.stop()
	calls := app.received()
	if len(calls) != 2 {
		t.Fatalf("the app was called %d times", len(calls))
	}
	(provenCallback{status: "cancelled", message: cancelledMessage, from: before}).checkFromInbox(t, calls[0])
	(provenCallback{status: "paid", message: paidMessage, from: after}).checkFromInbox(t, calls[1])
}

// acknowledged sends an IPN until it is acknowledged, as a gateway does.
func acknowledged(t *testing.T, c *caddyServer, m callback) {
	t.Helper()
	eventually(t, "the IPN is acknowledged", func() bool {
		a := c.post(t, c.url("9181")+"/ipn", m.json())
		if a.status == http.StatusOK {
			a.wantIPNStatus(t, "200")
			return true
		}
		a.wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
		return false
	})
}

// databaseOption is the global option store for the database that newDatabase runs.
const databaseOption = "postgres {env.TEST_DATABASE_URL}"

func init() {
	stores["postgres"] = func(t *testing.T) string {
		t.Helper()
		newDatabase(t)
		return databaseOption
	}
}

// newDatabase runs a PostgreSQL server for one test.
func newDatabase(t *testing.T) *postgrestest.Server {
	t.Helper()
	server := postgrestest.Run(t)
	t.Setenv("TEST_DATABASE_URL", server.Address())
	return server
}

// databaseSite is a sidecar with its inbox in the database.
func databaseSite(merchant, app string) string {
	return `
		{
			galaxypay {
				` + merchant + `
				store ` + databaseOption + `
			}
		}
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			galaxypay_ipn {
				inbox {
					deliver_to http://` + app + `/payments/ipn?from=sidecar
					retry` + strings.Repeat(" 20ms", 60) + `
				}
			}
		}`
}
