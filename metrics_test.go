package galaxypay

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// counted writes down what a registry has counted for us, one line for each series.
func counted(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "caddy_galaxypay_") {
			continue
		}
		for _, series := range family.GetMetric() {
			var labels []string
			for _, label := range series.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			count := series.GetCounter().GetValue() + series.GetGauge().GetValue()
			if h := series.GetHistogram(); h != nil {
				count = float64(h.GetSampleCount())
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %g", family.GetName(), strings.Join(labels, ","), count))
		}
	}
	slices.Sort(lines)
	return lines
}

func mustMetrics(t *testing.T, registry *prometheus.Registry) *metrics {
	t.Helper()
	m, err := newMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// freshMetrics are those of a registry of their own.
func freshMetrics() *metrics {
	m, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	return m
}

// Several handlers of one configuration count together.
func TestMetricsOfTwoHandlers(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	one, other := mustMetrics(t, registry), mustMetrics(t, registry)
	one.countRequest("default", "pay", "ok", 20*time.Millisecond)
	other.countRequest("default", "pay", "ok", 40*time.Second)
	other.countRequest("airline", "query", "unknown", time.Second)
	one.countCallback("default", "ipn", "paid")
	other.countCallback("default", "ipn", "paid")
	other.countCallback("default", "result", "signature_invalid")
	one.countExchange("default", "pay", time.Second)
	other.countExchange("default", "pay", time.Minute)
	one.countSignature("default", signedReply, signaturePrevious)
	other.countSignature("default", signedReply, signaturePrevious)

	want := []string{
		"caddy_galaxypay_callbacks_total{kind=ipn,merchant=default,result=paid} 2",
		"caddy_galaxypay_callbacks_total{kind=result,merchant=default,result=signature_invalid} 1",
		"caddy_galaxypay_gateway_duration_seconds{merchant=default,operation=pay} 2",
		"caddy_galaxypay_request_duration_seconds{merchant=airline,operation=query} 1",
		"caddy_galaxypay_request_duration_seconds{merchant=default,operation=pay} 2",
		"caddy_galaxypay_requests_total{merchant=airline,operation=query,outcome=unknown} 1",
		"caddy_galaxypay_requests_total{merchant=default,operation=pay,outcome=ok} 2",
		"caddy_galaxypay_signatures_total{direction=reply,merchant=default,result=previous} 2",
	}
	if got := counted(t, registry); !slices.Equal(got, want) {
		t.Errorf("counted\n%s", strings.Join(got, "\n"))
	}
}

// With every reload Caddy makes a new registry, while requests of the old
// configuration are still being answered.
func TestMetricsAcrossAReload(t *testing.T) {
	before, after := prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()
	old, current := mustMetrics(t, before), mustMetrics(t, after)
	old.countCallback("default", "ipn", "paid")
	current.countCallback("default", "ipn", "failed")
	old.countCallback("default", "ipn", "paid") // was on its way

	for registry, want := range map[*prometheus.Registry]string{
		before: "caddy_galaxypay_callbacks_total{kind=ipn,merchant=default,result=paid} 2",
		after:  "caddy_galaxypay_callbacks_total{kind=ipn,merchant=default,result=failed} 1",
	} {
		if got := counted(t, registry); !slices.Equal(got, []string{want}) {
			t.Errorf("counted %q, expected %s", got, want)
		}
	}
}

// The same with Caddy's own configurations: two of them at once, each with a
// handler of calls and two of callbacks.
func TestHandlersShareTheirConfigsMetrics(t *testing.T) {
	load := func() (caddy.Context, *Proxy, []*Receiver) {
		ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{
			"galaxypay": []byte(`{"merchants": {"default": {"environment": "sandbox"}}}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
		handler := func(id, config string) any {
			module, err := ctx.LoadModuleByID(id, []byte(config))
			if err != nil {
				t.Fatal(err)
			}
			return module
		}
		proxy, ok := handler("http.handlers.galaxypay", `{}`).(*Proxy)
		if !ok {
			t.Fatal("no *Proxy")
		}
		ipn, ok := handler("http.handlers.galaxypay_ipn", `{}`).(*IPN)
		if !ok {
			t.Fatal("no *IPN")
		}
		result, ok := handler("http.handlers.galaxypay_result", `{}`).(*Result)
		if !ok {
			t.Fatal("no *Result")
		}
		return ctx, proxy, []*Receiver{&ipn.Receiver, &result.Receiver}
	}
	for range 2 {
		ctx, proxy, callbacks := load()
		proxy.metrics.countRequest("default", "pay", "ok", time.Second)
		for _, receiver := range callbacks {
			receiver.metrics.countCallback("default", "ipn", "paid")
		}
		want := []string{
			"caddy_galaxypay_callbacks_total{kind=ipn,merchant=default,result=paid} 2",
			"caddy_galaxypay_ipns_not_acknowledged_total{code=app_unavailable,merchant=default} 0",
			"caddy_galaxypay_ipns_not_acknowledged_total{code=store_unavailable,merchant=default} 0",
			"caddy_galaxypay_request_duration_seconds{merchant=default,operation=pay} 1",
			"caddy_galaxypay_requests_in_flight_limit{merchant=default} 256",
			"caddy_galaxypay_requests_total{merchant=default,operation=pay,outcome=ok} 1",
			"caddy_galaxypay_signatures_total{direction=callback,merchant=default,result=current} 0",
			"caddy_galaxypay_signatures_total{direction=callback,merchant=default,result=invalid} 0",
			"caddy_galaxypay_signatures_total{direction=callback,merchant=default,result=missing} 0",
			"caddy_galaxypay_signatures_total{direction=callback,merchant=default,result=previous} 0",
			"caddy_galaxypay_signatures_total{direction=reply,merchant=default,result=current} 0",
			"caddy_galaxypay_signatures_total{direction=reply,merchant=default,result=invalid} 0",
			"caddy_galaxypay_signatures_total{direction=reply,merchant=default,result=missing} 0",
			"caddy_galaxypay_signatures_total{direction=reply,merchant=default,result=previous} 0",
		}
		if got := counted(t, ctx.GetMetricsRegistry()); !slices.Equal(got, want) {
			t.Errorf("counted\n%s", strings.Join(got, "\n"))
		}
	}
}

// Every callback counts once: by what it says of the payment, or by why it was refused.
func TestCallbacksAreCounted(t *testing.T) {
	const salt = "a salt of the tests"
	text := base64.StdEncoding.EncodeToString([]byte(`{"responseCode":"200","responseData":{"orderID":"1"}}`))
	registry := prometheus.NewPedanticRegistry()
	c := &IPN{Receiver: receiverFor(salt)}
	c.log, c.metrics = zap.NewNop(), mustMetrics(t, registry)
	app := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	})
	for _, form := range []string{signedForm(text, salt), signedForm(text, salt), signedForm(text, "another salt"), "data="} {
		r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := c.ServeHTTP(httptest.NewRecorder(), r, app); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"caddy_galaxypay_callbacks_total{kind=ipn,merchant=airline,result=callback_malformed} 1",
		"caddy_galaxypay_callbacks_total{kind=ipn,merchant=airline,result=paid} 2",
		"caddy_galaxypay_callbacks_total{kind=ipn,merchant=airline,result=signature_invalid} 1",
		"caddy_galaxypay_signatures_total{direction=callback,merchant=airline,result=current} 2",
		"caddy_galaxypay_signatures_total{direction=callback,merchant=airline,result=invalid} 1",
	}
	if got := counted(t, registry); !slices.Equal(got, want) {
		t.Errorf("counted\n%s", strings.Join(got, "\n"))
	}
}

// A proven IPN that the app does not take counts as not acknowledged; one that it takes, and one that is not proven, do not.
func TestIPNsNotAcknowledgedAreCounted(t *testing.T) {
	const salt = "a salt of the tests"
	text := base64.StdEncoding.EncodeToString([]byte(`{"responseCode":"200","responseData":{"orderID":"1"}}`))
	registry := prometheus.NewPedanticRegistry()
	c := &IPN{Receiver: receiverFor(salt)}
	c.log, c.metrics = zap.NewNop(), mustMetrics(t, registry)
	c.metrics.expectRefused("airline")
	status := http.StatusOK
	app := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(status)
		return nil
	})
	for _, test := range []struct {
		salt   string
		status int
	}{{salt, http.StatusOK}, {salt, http.StatusInternalServerError}, {salt, http.StatusFound}, {"another salt", http.StatusInternalServerError}} {
		status = test.status
		r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(signedForm(text, test.salt)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := c.ServeHTTP(httptest.NewRecorder(), r, app); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, line := range counted(t, registry) {
		if strings.Contains(line, "not_acknowledged") {
			got = append(got, line)
		}
	}
	want := []string{
		"caddy_galaxypay_ipns_not_acknowledged_total{code=app_unavailable,merchant=airline} 2",
		"caddy_galaxypay_ipns_not_acknowledged_total{code=store_unavailable,merchant=airline} 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("counted\n%s", strings.Join(got, "\n"))
	}
}

// If another module has taken one of the names, the configuration must not load
// without its numbers.
func TestMetricsWithATakenName(t *testing.T) {
	for _, name := range []string{
		"requests_total", "requests_in_flight", "requests_in_flight_limit", "request_duration_seconds", "gateway_duration_seconds",
		"signatures_total", "callbacks_total", "ipns_not_acknowledged_total", "inbox_events_total", "ledger_events_total",
	} {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "caddy_galaxypay_" + name, Help: "Somebody else's."}))
		if _, err := newMetrics(registry); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The counts of an inbox begin at 0, so that an alarm sees the first event too.
func TestInboxCountsBeginAtZero(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := mustMetrics(t, registry)
	m.expectInbox("default")
	m.countInbox("default", inbox.CountDead)
	want := []string{
		"caddy_galaxypay_inbox_events_total{merchant=default,result=dead} 1",
		"caddy_galaxypay_inbox_events_total{merchant=default,result=delivered} 0",
		"caddy_galaxypay_inbox_events_total{merchant=default,result=duplicate} 0",
		"caddy_galaxypay_inbox_events_total{merchant=default,result=overtaken} 0",
		"caddy_galaxypay_inbox_events_total{merchant=default,result=repeated} 0",
		"caddy_galaxypay_inbox_events_total{merchant=default,result=retried} 0",
	}
	if got := counted(t, registry); !slices.Equal(got, want) {
		t.Errorf("counted\n%s", strings.Join(got, "\n"))
	}
}

// What is pending is counted when it is asked for, for the merchants that have an inbox.
func TestInboxPendingIsCounted(t *testing.T) {
	s := newStoreTest(t)
	m := s.load("a.db")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(inboxBacklog{m})
	isPending := func(want ...string) {
		t.Helper()
		if got := counted(t, registry); !slices.Equal(got, want) {
			t.Errorf("counted %q, want %q", got, want)
		}
	}
	isPending("caddy_galaxypay_inbox_pending{merchant=default} 0")
	arrives(t, m.member, "1", "default")
	arrives(t, m.member, "2", "renamed")
	isPending("caddy_galaxypay_inbox_pending{merchant=default} 1")
	mustLeave(t, m)
	isPending() // no number, rather than a wrong one
}

// Whether the store takes writes is tried when it is scraped, and not again within a short time.
func TestStoreWritableIsTried(t *testing.T) {
	s := newStoreTest(t)
	m := s.load("a.db")
	registry := prometheus.NewPedanticRegistry()
	last := new(recentWrite)
	registry.MustRegister(storeState{m, last})
	is := func(want ...string) {
		t.Helper()
		if got := counted(t, registry); !slices.Equal(got, want) {
			t.Errorf("counted %q, want %q", got, want)
		}
	}
	const yes, no = "caddy_galaxypay_store_writable{} 1", "caddy_galaxypay_store_writable{} 0"
	is(yes)
	last.err = errors.New("the disk is full")
	is(no) // as a short time ago
	last.at = last.at.Add(-countsKeep)
	is(yes)
	m.mu.Lock()
	member := m.member
	m.member = nil
	m.mu.Unlock()
	is(no) // it cannot be opened
	m.mu.Lock()
	m.member = member
	m.mu.Unlock()
	mustLeave(t, m)
	is() // a reload has taken its place

	none := prometheus.NewPedanticRegistry()
	none.MustRegister(storeState{newMembership(), new(recentWrite)})
	if got := counted(t, none); len(got) != 0 {
		t.Errorf("without a store: counted %q", got)
	}
}

// The counts of a ledger begin at 0, so that an alarm sees the first event too.
func TestLedgerCountsBeginAtZero(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := mustMetrics(t, registry)
	m.expectLedger("default")
	m.countLedger("default", string(ledger.Silent))
	var want []string
	for _, event := range []string{"abandoned", "asked", "disputed", "paid_twice", "reconciled", "replayed"} {
		want = append(want, "caddy_galaxypay_ledger_events_total{event="+event+",merchant=default} 0")
	}
	want = append(want, "caddy_galaxypay_ledger_events_total{event=silent,merchant=default} 1")
	slices.Sort(want)
	if got := counted(t, registry); !slices.Equal(got, want) {
		t.Errorf("counted\n%s", strings.Join(got, "\n"))
	}
}

// Payments are counted when that is asked for, by status, also where there is none; and not again within a short time.
func TestPaymentsAreCounted(t *testing.T) {
	s := newStoreTest(t)
	m := s.load("a.db")
	m.isNamed = true
	payments := m.member.Engine().Store().(store.Store).Payments()
	counts := new(recentCounts)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(ledgerPayments{m, map[string]*merchant{"default": {name: "default", book: "default https://g"}}, counts})
	isCounted := func(open, unknown int, others ...string) {
		t.Helper()
		got := counted(t, registry)
		for _, status := range ledger.Statuses() {
			n := 0
			if status == ledger.Open {
				n = open
			}
			others = append(others, fmt.Sprintf("caddy_galaxypay_payments{merchant=default,status=%s} %d", status, n))
		}
		others = append(others, fmt.Sprintf("caddy_galaxypay_unknown_calls{merchant=default} %d", unknown))
		slices.Sort(others)
		if !slices.Equal(got, others) {
			t.Errorf("counted\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(others, "\n"))
		}
	}
	isCounted(0, 0)
	made := time.Unix(1795870000, 0)
	err := payments.Change(t.Context(), func(tx ledger.Tx) error {
		open := ledger.Payment{Book: "default https://g", RequestID: "1", Effect: operation.OpensPage, Status: ledger.Open, Outcome: ledger.Accepted, RecordedAt: made}
		unknown := ledger.Payment{Book: "default https://g", RequestID: "2", Effect: operation.Refunds, Outcome: ledger.Unknown, RecordedAt: made}
		other := ledger.Payment{Book: "default https://uat", RequestID: "3", Effect: operation.Refunds, Outcome: ledger.Unknown, RecordedAt: made}
		return errors.Join(tx.Put(&open), tx.Put(&unknown), tx.Put(&other))
	})
	if err != nil {
		t.Fatal(err)
	}
	isCounted(0, 0) // still the counts of before
	counts.mu.Lock()
	counts.at = counts.at.Add(-countsKeep)
	counts.mu.Unlock()
	isCounted(1, 1, "caddy_galaxypay_oldest_open_payment_timestamp_seconds{merchant=default} 1.79587e+09")
	mustLeave(t, m)
}
