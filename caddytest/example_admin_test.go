package caddytest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The example keeps the admin endpoint where the user that runs Caddy can reach it, and no other
// user and no web page: reload, the metrics and the commands work with it.
func TestExampleKeepsTheAdminEndpoint(t *testing.T) {
	if !strings.Contains(readExample(t), "\tadmin "+exampleSocket+"\n") {
		t.Fatalf("the example does not say admin %s", exampleSocket)
	}
	dir := shortTempDir(t)
	c := startExampleIn(t, dir)
	socket := filepath.Join(dir, "admin.sock")
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v: other users can connect", info.Mode())
	}
	c.post(t, c.url("9180")+"/query", `{"transactionID":"1"}`)
	if a := sendToAdmin(t, socket, http.MethodGet, "/metrics", ""); a.status != http.StatusOK || !strings.Contains(a.body, "caddy_galaxypay_requests_total") {
		t.Errorf("metrics: HTTP %d", a.status)
	}
	if a := sendToAdmin(t, socket, http.MethodGet, "/galaxypay/events/stats", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"pending":0`) {
		t.Errorf("inbox: HTTP %d: %s", a.status, a.body)
	}
	config := sendToAdmin(t, socket, http.MethodGet, "/config/", "")
	if config.status != http.StatusOK {
		t.Fatalf("config: HTTP %d", config.status)
	}
	if a := sendToAdmin(t, socket, http.MethodPost, "/load", config.body, "Content-Type", "application/json", "Cache-Control", "must-revalidate"); a.status != http.StatusOK {
		t.Errorf("reload: HTTP %d: %s", a.status, a.body)
	}
	c.CloseIdleConnections() // the reload closes them too, at any moment
	if a := c.post(t, c.url("9180")+"/query", `{"transactionID":"1"}`); a.status == http.StatusOK || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("after the reload: HTTP %d", a.status)
	}
}
