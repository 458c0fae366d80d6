package galaxypay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// metrics counts calls and callbacks. Every label takes its values from the
// configuration or from a closed list, so no outsider can multiply the series.
type metrics struct {
	requests   *prometheus.CounterVec
	inFlight   *prometheus.GaugeVec
	limits     *prometheus.GaugeVec
	durations  *prometheus.HistogramVec
	exchanges  *prometheus.HistogramVec
	signatures *prometheus.CounterVec
	callbacks  *prometheus.CounterVec
	refused    *prometheus.CounterVec
	inbox      *prometheus.CounterVec
	ledger     *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	r := registration{registry: registry}
	m := &metrics{
		requests: r.counter("requests_total",
			"Calls of the app by operation and outcome: ok, not_sent, rejected or unknown.",
			"merchant", "operation", "outcome"),
		inFlight: r.gauge("requests_in_flight",
			"Calls of the app that are in progress now; max_in_flight is the limit.",
			"merchant"),
		limits: r.gauge("requests_in_flight_limit",
			"The max_in_flight of all handlers of a merchant together.",
			"merchant"),
		durations: r.histogram("request_duration_seconds",
			"How long calls of the app took, the gateway's time included.",
			"merchant", "operation"),
		exchanges: r.histogram("gateway_duration_seconds",
			"How long the gateway took for one try, from the connection to the last byte of the reply. Queries of the sidecar itself are included.",
			"merchant", "operation"),
		signatures: r.counter("signatures_total",
			"Signatures that were checked, of a reply or a callback: proven by the current or a previous salt, invalid or missing.",
			"merchant", "direction", "result"),
		callbacks: r.counter("callbacks_total",
			"Callbacks of the gateway by kind, and result: the payment status of a proven one, or the code it was refused with.",
			"merchant", "kind", "result"),
		refused: r.counter("ipns_not_acknowledged_total",
			"Proven IPNs that the gateway has to send again, because the app or the store did not take them.",
			"merchant", "code"),
		inbox: r.counter("inbox_events_total",
			"What became of IPNs in the inbox: duplicate or overtaken on arrival; delivered, retried, dead, repeated or overtaken by an attempt.",
			"merchant", "result"),
		ledger: r.counter("ledger_events_total",
			"What the ledger found: replayed calls, disputed messages, orders paid_twice, payments that were asked about, those reconciled by it, and those left abandoned or silent.",
			"merchant", "event"),
	}
	return m, r.err
}

// registration registers collectors, and keeps the first error.
type registration struct {
	registry *prometheus.Registry
	err      error
}

func (r *registration) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "galaxypay", Name: name, Help: help}, labels))
}

func (r *registration) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "caddy", Subsystem: "galaxypay", Name: name, Help: help}, labels))
}

func (r *registration) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "caddy", Subsystem: "galaxypay", Name: name, Help: help,
		Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, labels))
}

// register returns the collector that counts: several handlers of one
// configuration share the first one's, else the others' numbers would vanish.
func register[C prometheus.Collector](r *registration, c C) C {
	err := r.registry.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		return already.ExistingCollector.(C)
	}
	r.err = cmp.Or(r.err, err)
	return c
}

func (m *metrics) countRequest(merchant, operation, outcome string, took time.Duration) {
	m.requests.WithLabelValues(merchant, operation, outcome).Inc()
	m.durations.WithLabelValues(merchant, operation).Observe(took.Seconds())
}

// Whose signature was checked.
const (
	signedReply    = "reply"
	signedCallback = "callback"
)

// expectSignatures lets a merchant's counts of one direction begin at 0.
func (m *metrics) expectSignatures(merchant, direction string) {
	for _, v := range []verdict{signatureProven, signaturePrevious, signatureMissing, signatureInvalid} {
		m.signatures.WithLabelValues(merchant, direction, v.String())
	}
}

func (m *metrics) countSignature(merchant, direction string, v verdict) {
	m.signatures.WithLabelValues(merchant, direction, v.String()).Inc()
}

func (m *metrics) countExchange(merchant, operation string, took time.Duration) {
	m.exchanges.WithLabelValues(merchant, operation).Observe(took.Seconds())
}

// What the ledger counts.
const (
	ledgerReplayed   = "replayed"
	ledgerDisputed   = "disputed"
	ledgerPaidTwice  = "paid_twice"
	ledgerAsked      = "asked"
	ledgerReconciled = "reconciled"
)

// expectLedger lets a merchant's counts begin at 0.
func (m *metrics) expectLedger(merchant string) {
	for _, event := range []string{
		ledgerReplayed, ledgerDisputed, ledgerPaidTwice, ledgerAsked, ledgerReconciled, string(ledger.Abandoned), string(ledger.Silent),
	} {
		m.ledger.WithLabelValues(merchant, event)
	}
}

func (m *metrics) countLedger(merchant, event string) {
	m.ledger.WithLabelValues(merchant, event).Inc()
}

func (m *metrics) countCallback(merchant, kind, result string) {
	m.callbacks.WithLabelValues(merchant, kind, result).Inc()
}

// expectRefused lets a merchant's counts of IPNs that are not acknowledged begin at 0.
func (m *metrics) expectRefused(merchant string) {
	for _, code := range []problem.Code{problem.CodeAppUnavailable, problem.CodeStoreUnavailable} {
		m.refused.WithLabelValues(merchant, string(code))
	}
}

// inboxBacklog counts, at every scrape, the events of each merchant that are pending in the inbox.
// An inbox that cannot be counted has no number, rather than a wrong one.
type inboxBacklog struct{ *membership }

var inboxPending = prometheus.NewDesc("caddy_galaxypay_inbox_pending",
	"IPNs in the inbox that are still to be delivered.", []string{"merchant"}, nil)

// Describe implements prometheus.Collector.
func (inboxBacklog) Describe(c chan<- *prometheus.Desc) { c <- inboxPending }

// Collect implements prometheus.Collector.
func (b inboxBacklog) Collect(c chan<- prometheus.Metric) {
	b.mu.Lock()
	member := b.member
	b.mu.Unlock()
	if member == nil {
		return
	}
	pending, err := pendingIn(member.Engine().Store())
	if err != nil {
		return
	}
	for book := range b.inboxes {
		c <- prometheus.MustNewConstMetric(inboxPending, prometheus.GaugeValue, float64(pending[book]), inbox.MerchantOf(book))
	}
}

// storeState says, at every scrape, whether the store takes writes.
type storeState struct {
	*membership
	last *recentWrite
}

// recentWrite is how a write a short time ago went.
type recentWrite struct {
	mu  sync.Mutex
	err error
	at  time.Time
}

// to has a store write what time it is, or returns how that went a short time ago.
func (w *recentWrite) to(kept inbox.Store) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.at.IsZero() && time.Since(w.at) < countsKeep {
		return w.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	_, w.err = kept.Clock(ctx, time.Now())
	w.at = time.Now()
	return w.err
}

var storeWritable = prometheus.NewDesc("caddy_galaxypay_store_writable",
	"1 if the store takes writes, 0 if it does not or cannot be opened. Absent without a store.", nil, nil)

// Describe implements prometheus.Collector.
func (storeState) Describe(c chan<- *prometheus.Desc) { c <- storeWritable }

// Collect implements prometheus.Collector.
func (s storeState) Collect(c chan<- prometheus.Metric) {
	s.mu.Lock()
	member, left := s.member, s.left
	s.mu.Unlock()
	if s.opener == nil || left {
		return
	}
	value := 0.0
	if member != nil && s.last.to(member.Engine().Store()) == nil {
		value = 1
	}
	c <- prometheus.MustNewConstMetric(storeWritable, prometheus.GaugeValue, value)
}

// ledgerPayments counts, at every scrape, the payments of each merchant by status, and how old the oldest open one is.
// A ledger that cannot be counted has no number, rather than a wrong one.
type ledgerPayments struct {
	*membership
	merchants map[string]*merchant
	counts    *recentCounts
}

// countsKeep is how long counts are used again: several scrapers, or an impatient one, cost the store no more than one.
const countsKeep = 2 * time.Second

// recentCounts are the counts of a ledger a short time ago.
type recentCounts struct {
	mu    sync.Mutex
	stats []ledger.Stats
	at    time.Time
}

// of returns the counts of a ledger, of now or of a short time ago.
func (c *recentCounts) of(payments ledger.Store) ([]ledger.Stats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < countsKeep {
		return c.stats, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	stats, err := payments.Stats(ctx)
	if err == nil {
		c.stats, c.at = stats, time.Now()
	}
	return stats, err
}

var (
	paymentsByStatus = prometheus.NewDesc("caddy_galaxypay_payments",
		"Payments in the ledger by payment status.", []string{"merchant", "status"}, nil)
	unknownCalls = prometheus.NewDesc("caddy_galaxypay_unknown_calls",
		"Calls in the ledger of unknown outcome. Those that move money stay so until an operator settles them.", []string{"merchant"}, nil)
	oldestOpen = prometheus.NewDesc("caddy_galaxypay_oldest_open_payment_timestamp_seconds",
		"When the oldest payment was made that is open, unknown or authorized. Absent where there is none.", []string{"merchant"}, nil)
)

// Describe implements prometheus.Collector.
func (ledgerPayments) Describe(c chan<- *prometheus.Desc) {
	c <- paymentsByStatus
	c <- unknownCalls
	c <- oldestOpen
}

// Collect implements prometheus.Collector.
func (l ledgerPayments) Collect(c chan<- prometheus.Metric) {
	l.mu.Lock()
	member := l.member
	l.mu.Unlock()
	if member == nil || !l.isNamed {
		return
	}
	stats, err := l.counts.of(member.Engine().Store().(store.Store).Payments())
	if err != nil {
		return
	}
	for _, m := range l.merchants {
		var of ledger.Stats // of a merchant without a call: nothing
		if i := slices.IndexFunc(stats, func(s ledger.Stats) bool { return s.Book == m.book }); i >= 0 {
			of = stats[i]
		}
		collectPayments(c, m.name, &of)
	}
}

func collectPayments(c chan<- prometheus.Metric, merchant string, s *ledger.Stats) {
	for _, status := range ledger.Statuses() {
		c <- prometheus.MustNewConstMetric(paymentsByStatus, prometheus.GaugeValue, float64(s.Statuses[status]), merchant, string(status))
	}
	c <- prometheus.MustNewConstMetric(unknownCalls, prometheus.GaugeValue, float64(s.Outcomes[ledger.Unknown]), merchant)
	if !s.OldestOpen.IsZero() {
		c <- prometheus.MustNewConstMetric(oldestOpen, prometheus.GaugeValue, float64(s.OldestOpen.Unix()), merchant)
	}
}

// expectInbox lets a merchant's counts begin at 0: an alarm on what a count grows by does not
// see the first event of a count that begins with it.
func (m *metrics) expectInbox(merchant string) {
	for _, result := range []string{
		inbox.CountDuplicate, inbox.CountOvertaken, inbox.CountDelivered, inbox.CountRetried, inbox.CountDead, inbox.CountRepeated,
	} {
		m.inbox.WithLabelValues(merchant, result)
	}
}

func (m *metrics) countInbox(queue, result string) {
	m.inbox.WithLabelValues(inbox.MerchantOf(queue), result).Inc()
}
