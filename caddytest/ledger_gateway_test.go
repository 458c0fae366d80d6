package caddytest

import (
	"net/http"
	"testing"
)

// Events belong to a merchant and to its gateway. Those of the gateway before wait until the configuration has it again: they are
// not delivered as those of the new one, and the same text from both is no repetition.
func TestInboxOfAnotherGateway(t *testing.T) {
	uat, production, app, file := newGateway(t), newGateway(t), newApp(t), inboxFile(t)
	config := func(g *gateway) string {
		return sidecarConfig(g.merchant(t)+"store sqlite "+file+"\nreconcile off\n") + `
			http://:9181 {
				galaxypay_ipn /galaxypay/ipn {
					inbox {
						deliver_to http://` + app.address + `
						retry 10ms` + ` 10ms 10ms 1h
					}
				}
				respond 418
			}`
	}
	app.answers(answering(http.StatusServiceUnavailable, ""))
	s := boundSidecar{sidecar{start(t, config(uat)), uat}, app}
	old, failed := signedMessage(paidMessage, uat.salt), signedMessage(cancelledMessage, uat.salt)
	ipnJSON.send(t, s.caddyServer, old).wantIPNStatus(t, "200")
	eventually(t, "the app gets it", func() bool { return len(app.received()) > 0 })

	s.mustLoad(t, config(production))
	app.received()
	app.answers(answering(http.StatusOK, `{"ipnStatus":"200"}`))
	lines := s.logLines(t, "the inbox holds events of a merchant that has no inbox in this configuration, or has another gateway; they are not delivered until it has this one again")
	if len(lines) != 1 || lines[0]["merchant"] != "default" || lines[0]["gateway"] != uat.url || lines[0]["pending"] != float64(1) {
		t.Errorf("the log says %v", lines)
	}
	// In the UAT it is paid; here it is not, and not disputed: nothing was signed here.
	ipnJSON.send(t, s.caddyServer, failed).wantIPNStatus(t, "200")
	got := app.only(t)
	wantBound(t, got.header, "cancelled", "unknown", "")
	if merchant := got.header.Get("Galaxypay-Merchant"); merchant != "default" {
		t.Errorf("Galaxypay-Merchant %q", merchant)
	}
	ipnJSON.send(t, s.caddyServer, old).wantIPNStatus(t, "200")
	wantBound(t, app.only(t).header, "paid", "unknown", "")

	s.mustLoad(t, config(uat))
	s.stop()
	records := recordsIn(t, file)
	if len(records) != 3 || records[0].Queue != "default "+uat.url || records[1].Queue != "default "+production.url || records[2].ID != records[0].ID {
		t.Errorf("the store holds %+v", records)
	}
}
