package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// Caddy logs the address of a request that fails. A result's has the customer's order in it, so where the site fails to answer a
// result, the log has no address.
func TestResultFailureLogsNoMessage(t *testing.T) {
	app := newApp(t)
	m := signedMessage(paidMessage, sandboxSalt)
	ofApp := "handle_errors {\nreverse_proxy " + app.address + "\n}\n"
	const codes = "handle_errors {\nrespond \"page {err.status_code} {err.id}\" {err.status_code}\n}\n"
	for name, test := range map[string]struct {
		then, page string
		status     int
		body       string
		reported   bool
	}{
		"the app is not there":                 {"reverse_proxy " + deadAddress(t), "", http.StatusBadGateway, "", true},
		"the app is not there, with a page":    {"reverse_proxy " + deadAddress(t), codes, http.StatusBadGateway, "page 502", true},
		"the app is not there, another's page": {"reverse_proxy " + deadAddress(t), strings.Replace(codes, "{", "404 {", 1), http.StatusBadGateway, "", true},
		"an error of the site":                 {"error 503", "", http.StatusServiceUnavailable, "", true},
		"an error of the site, with a page":    {"error 404", codes, http.StatusNotFound, "page 404", true},
		"a page of the app":                    {"error 500", ofApp, http.StatusOK, "order updated", true},
		"a page that fails too":                {"error 500", "handle_errors {\nreverse_proxy " + deadAddress(t) + "\n}\n", http.StatusInternalServerError, "", true},
		"no failure":                           {"reverse_proxy " + app.address, codes, http.StatusOK, "order updated", false},
	} {
		for _, w := range resultWays {
			t.Run(name+", "+w.name, func(t *testing.T) {
				c := start(t, sandboxMerchant+"http://:9181 {\nhandle /galaxypay/result {\ngalaxypay_result\n"+test.then+"\n}\n"+test.page+"}\n")
				a := w.send(t, c, m)
				if a.status != test.status || !strings.Contains(a.body, test.body) {
					t.Errorf("HTTP %d with %q, want %d with %q", a.status, a.body, test.status, test.body)
				}
				c.stop()
				if lines := c.logLines(t, "the site failed to answer a result"); (len(lines) > 0) != test.reported {
					t.Errorf("reported %d times", len(lines))
				}
				wantNoMessage(t, c.logs(t), m)
				for _, got := range app.received() {
					wantNoMessage(t, got.target, m)
				}
			})
		}
	}
}

// A result that is refused goes to the site's own page without its message in the log.
func TestResultRefusalLogsNoMessage(t *testing.T) {
	m := signedMessage(paidMessage, "another salt")
	for name, page := range map[string]string{
		"without a page": "",
		"with a page":    "handle_errors {\nrespond \"page {err.status_code}\" {err.status_code}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandboxMerchant+"http://:9181 {\nhandle /galaxypay/result {\ngalaxypay_result\nrespond hi\n}\n"+page+"}\n")
			if a := resultQuery.send(t, c, m); a.status != http.StatusForbidden {
				t.Errorf("HTTP %d: %s", a.status, a.body)
			}
			c.stop()
			wantNoMessage(t, c.logs(t), m)
		})
	}
}

func wantNoMessage(t *testing.T, text string, m callback) {
	t.Helper()
	if strings.Contains(text, m.data[40:80]) || strings.Contains(text, m.signature) {
		t.Errorf("the message is in %.2000s", text)
	}
}

// What deliver_to's address holds, and what the app answers in its headers, may be a secret. Caddy's own handlers log both.
func TestInboxDeliverToIsNotLogged(t *testing.T) {
	app := newApp(t)
	app.answers(answering(http.StatusOK, "", "Location", "/canary-location", "X-Token", "canary-header"))
	c := start(t, deliverSite(inboxFile(t), "deliver_to http://shop:canary-password@"+app.address+"/canary-path?token=canary-query"))
	m := signedMessage(paidMessage, sandboxSalt)
	sendTo(t, c, "/galaxypay/ipn?shop=1", "shop.example", m).wantIPNStatus(t, "200")
	c.stop()
	if got := app.only(t); got.target != "/canary-path?token=canary-query&shop=1" {
		t.Errorf("the app got %s", got.target)
	}
	logs := c.logs(t)
	if !strings.Contains(logs, "upstream roundtrip") {
		t.Error("the proxy logged nothing")
	}
	if strings.Contains(logs, "canary") {
		t.Errorf("the log is %s", logs)
	}
}
