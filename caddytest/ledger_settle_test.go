package caddytest

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// An operator ends what would stay unknown for ever: by the command, with a reason.
func TestLedgerSettle(t *testing.T) {
	g := newGateway(t)
	k := &inboxSidecar{socket: filepath.Join(shortTempDir(t), "admin.sock")}
	config := sidecarConfig(g.merchant(t) + "store sqlite " + inboxFile(t) + "\nreconcile off\n")
	k.caddyServer = start(t, strings.Replace(config, "{", "{\nadmin unix/"+k.socket+"\npersist_config off\n", 1))
	t.Cleanup(func() {
		if err := k.load(t, "{\nadmin off\n}\n"); err != nil { // caddy.Stop does not end the admin endpoint
			t.Error(err)
		}
		k.stop()
	})
	s := sidecar{k.caddyServer, g}
	g.handles(func(net.Conn, *call) bool { return false })
	for _, key := range []string{"yes", "no", "again"} {
		s.call(t, "/refund", refund, "Idempotency-Key", key).wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	}
	g.replies(func(c *call) []byte { return g.success(c, paid) })
	if printed, err := k.command(t, "payments", "list", "--outcome", "unknown"); err != nil || strings.Count(printed, "refund") != 3 || !strings.Contains(printed, "12.50 USD") {
		t.Errorf("%s, %v", printed, err)
	}
	if printed, err := k.command(t, "payments", "list", "--json", "--outcome", "unknown", "--limit", "2"); err != nil || strings.Count(printed, `"operation":"refund"`) != 2 || !strings.Contains(printed, `"more":true`) {
		t.Errorf("as JSON: %s, %v", printed, err)
	}
	for args, want := range map[string]string{
		"settle yes accepted":                   "expected a reason",
		"settle yes maybe --reason because":     "expected one of",
		"settle nothing accepted --reason x":    "no call with this requestID",
		"settle yes accepted --merchant x":      "no call with this requestID",
		"show":                                  "expected a requestID",
		"show nothing":                          "no call with this requestID, orderID or transactionID",
		"show yes --merchant x":                 "no call with this requestID, orderID or transactionID",
		"list --outcome lost":                   "outcome: unknown value",
		"list --payment-status paid --limit no": "limit",
	} {
		if printed, err := k.command(t, "payments", strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q; %s", args, err, want, printed)
		}
	}
	for key, as := range map[string]string{"yes": "accepted", "no": "rejected", "again": "not_sent"} {
		if printed, err := k.command(t, "payments", "settle", key, as, "--reason", "ticket 4711"); err != nil || !strings.Contains(printed, `"settled"`) {
			t.Errorf("%s: %s, %v", key, printed, err)
		}
	}
	s.call(t, "/refund", refund, "Idempotency-Key", "yes").wantOK(t, "{}")
	s.call(t, "/refund", refund, "Idempotency-Key", "no").wantProblem(t, http.StatusConflict, "settled", "rejected")
	g.wantCalls(t, 3)
	s.call(t, "/refund", refund, "Idempotency-Key", "again").wantOK(t, paid)
	g.wantCalls(t, 4)
	if printed, err := k.command(t, "payments", "show", "no"); err != nil || !strings.Contains(printed, "ticket 4711") || strings.Contains(printed, g.apiKey) {
		t.Errorf("%s, %v", printed, err)
	}
	if printed, err := k.command(t, "payments", "show", "--json", "aga"); err != nil || !strings.Contains(printed, `"requestID":"again"`) ||
		!strings.Contains(printed, "sent 2") || !strings.Contains(printed, "settled not_sent") {
		t.Errorf("by the beginning of a requestID: %s, %v", printed, err)
	}
	if printed, err := k.command(t, "payments", "settle", "yes", "rejected", "--reason", "x"); err == nil {
		t.Errorf("a settled call is settled again: %s", printed)
	}
}
