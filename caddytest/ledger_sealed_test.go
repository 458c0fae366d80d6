package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// A recorded answer whose key is lost is not given, and the call is not sent again. The app is told the recorded outcome, and
// that is no replay: the answer before was another one.
func TestLedgerSealedAnswer(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	t.Setenv("TEST_NEW_KEY", strings.Repeat("A", 43)+"=")
	g := newGateway(t)
	const metrics = "\nhttp://:9184 {\nmetrics\n}\n"
	first, second := "encrypt first "+inboxKey, "encrypt second {env.TEST_NEW_KEY}"
	file := inboxFile(t)
	config := func(keys string) string {
		return sidecarConfig(g.merchant(t)+"store sqlite "+file+" {\n"+keys+"\n}\nreconcile off\n") + metrics
	}
	s := sidecar{start(t, config(first)), g}
	calls := []struct{ key, code, outcome string }{
		{"accepted", "200", "unknown"},
		{"rejected", "400", "rejected"},
		{"unexpected", "00", "unknown"},
	}
	answers := make(map[string]httpAnswer)
	for _, c := range calls {
		g.replies(func(got *call) []byte { return g.signed(envelope(got.requestID(), c.code, "m", paid)) })
		answers[c.key] = s.call(t, "/refund", refund, "Idempotency-Key", c.key)
	}
	sent := len(g.calls())
	s.mustLoad(t, config(second))
	for _, c := range calls {
		a := s.call(t, "/refund", refund, "Idempotency-Key", c.key)
		a.wantProblem(t, http.StatusServiceUnavailable, "store_unavailable", c.outcome)
		if replayed := a.header.Get("Galaxypay-Replayed"); replayed != "" {
			t.Errorf("%s: Galaxypay-Replayed %q", c.key, replayed)
		}
	}
	if counted := s.metrics(t, "9184"); !strings.Contains(counted, `caddy_galaxypay_ledger_events_total{event="replayed",merchant="default"} 0`) {
		t.Error("they are counted as replayed")
	}
	s.mustLoad(t, config(second+"\n"+first))
	for _, c := range calls {
		wantReplayed(t, s.call(t, "/refund", refund, "Idempotency-Key", c.key), answers[c.key])
	}
	g.wantCalls(t, sent)
}
