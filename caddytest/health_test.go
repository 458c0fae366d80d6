package caddytest

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// healthReport is what galaxypay_health answers.
type healthReport struct {
	Status string
	Checks map[string][]struct {
		ComponentID   string `json:"componentId"`
		Status        string
		ObservedValue *int
		Output        string
	}
}

// withHealth is a sidecar with the health of it in a site of its own.
func withHealth(merchant, options string) string {
	return sidecarConfig(merchant) + "\nhttp://:9185 {\ngalaxypay_health {\n" + options + "\n}\nrespond 418\n}\n"
}

func (c *caddyServer) health(t *testing.T, path string, status int, word string) healthReport {
	t.Helper()
	a := c.get(t, c.url("9185")+path)
	a.wantStatus(t, status)
	if got := a.header.Get("Content-Type"); got != "application/health+json" {
		t.Errorf("Content-Type %q", got)
	}
	var report healthReport
	if err := json.Unmarshal([]byte(a.body), &report); err != nil {
		t.Fatal(err)
	}
	if report.Status != word {
		t.Errorf("%s: %q, want %q: %s", path, report.Status, word, a.body)
	}
	return report
}

func TestHealthOfASidecarWithoutAStore(t *testing.T) {
	c := start(t, withHealth("environment sandbox", ""))
	if report := c.health(t, "/live", http.StatusOK, "pass"); len(report.Checks) != 0 {
		t.Errorf("live has checks: %v", report)
	}
	report := c.health(t, "/ready", http.StatusOK, "pass")
	if report.Checks["store:writable"] != nil || len(report.Checks["gateway:answers"]) != 1 {
		t.Errorf("%+v", report)
	}
	c.health(t, "/galaxypay/health/ready", http.StatusOK, "pass")
	c.get(t, c.url("9185")+"/other").wantStatus(t, http.StatusTeapot)
	c.get(t, c.url("9185")+"/ready/other").wantStatus(t, http.StatusTeapot)
	c.post(t, c.url("9185")+"/ready", "{}").wantStatus(t, http.StatusMethodNotAllowed)
}

// The details name merchants and tell how much is sold.
func TestHealthTellsDetailsToFew(t *testing.T) {
	c := start(t, withHealth("environment sandbox", "allow 10.0.0.0/8"))
	if a := c.get(t, c.url("9185")+"/ready"); a.body != `{"status":"pass"}` {
		t.Errorf("%s", a.body)
	}
}

// A store whose file is gone takes no writes.
func TestHealthOfAStore(t *testing.T) {
	file := inboxFile(t)
	c := start(t, withHealth("environment sandbox\nstore sqlite "+file, ""))
	if got := c.health(t, "/ready", http.StatusOK, "pass").Checks["store:writable"]; len(got) != 1 || got[0].Status != "pass" {
		t.Errorf("%+v", got)
	}
	if err := os.Rename(file, filepath.Join(filepath.Dir(file), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready", func() bool { return c.get(t, c.url("9185")+"/ready").status == http.StatusServiceUnavailable })
	if got := c.health(t, "/ready", http.StatusServiceUnavailable, "fail").Checks["store:writable"]; len(got) != 1 || got[0].Status != "fail" || strings.Contains(got[0].Output, file) {
		t.Errorf("%+v", got)
	}
	c.health(t, "/live", http.StatusOK, "pass")
}

func TestHealthOfTheGateway(t *testing.T) {
	for name, test := range map[string]struct {
		option, want string
		status       int
	}{
		"not demanded":     {"", "warn", http.StatusOK},
		"within a day":     {"gateway_within 24h", "warn", http.StatusOK},
		"demanded at once": {"gateway_within 1ns", "fail", http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			s := sidecar{start(t, withHealth(g.merchant(t), test.option)), g}
			g.handles(func(net.Conn, *call) bool { return false })
			s.call(t, "/pay", order)
			s.health(t, "/ready", test.status, test.want)
			g.replies(func(c *call) []byte { return g.success(c, paid) })
			s.call(t, "/pay", order).wantStatus(t, http.StatusOK)
			eventually(t, "ready again", func() bool { return strings.Contains(s.get(t, s.url("9185")+"/ready").body, `{"status":"pass"`) })
		})
	}
}

func TestHealthOfTheInbox(t *testing.T) {
	config := func(limit string) string {
		return withHealth("environment sandbox\nstore sqlite "+inboxFile(t), limit) +
			"http://:9181 {\ngalaxypay_ipn {\ninbox {\ndeliver {\nrespond 503\n}\nretry 1h\nanswer_within 1ms\n}\n}\n}\n"
	}
	for name, test := range map[string]struct {
		option, want string
		status       int
	}{
		"below":    {"backlog_below 2", "pass", http.StatusOK},
		"as many":  {"backlog_below 1", "fail", http.StatusServiceUnavailable},
		"no limit": {"", "pass", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, config(test.option))
			ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")
			got := c.health(t, "/ready", test.status, test.want).Checks["inbox:pending"]
			if len(got) != 1 || got[0].ComponentID != "default" || got[0].ObservedValue == nil || *got[0].ObservedValue != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestHealthRefusesOptions(t *testing.T) {
	c := startEmpty(t)
	for options, want := range map[string]string{
		"gateway_within soon":         "gateway_within",
		"gateway_within":              "gateway_within: expected a value",
		"backlog_below 0":             "backlog_below",
		"backlog_below many":          "backlog_below",
		"allow nowhere":               "allow",
		"ready yes":                   "unknown option ready",
		"allow 10.0.0.0/8\nallow ::1": "duplicate option allow",
	} {
		if err := c.load(t, withHealth("environment sandbox", options)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
}
