package caddytest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whatever the network and the gateway's answers do, an app that repeats its call under its key ends with exactly one payment
// and its page, or is told that the page is lost and gets another under a new key. Money that moves is sent at most once. And
// in the end the ledger says of every call what the gateway says.
func TestLedgerNetworkFaults(t *testing.T) {
	l := newLedgerNetwork(t)
	l.sidecar = sidecar{start(t, l.caddyfile(t)), l.plain.gateway}
	end := sync.OnceFunc(func() {
		l.mustLoad(t, "{\nadmin off\n}\n") // caddy.Stop does not end the admin endpoint
		l.stop()
	})
	t.Cleanup(end)
	if len(l.cases) < 200 {
		t.Errorf("%d cases, want at least 200", len(l.cases))
	}
	l.measure(t)
	inParallel(t, l.cases[len(l.requests):], func(t *testing.T, _ int, c *ledgerCase) {
		t.Helper()
		l.play(t, c)
	})
	records := l.records(t)
	end()
	l.plain.wantLeftAlone(t)
	l.secured.wantLeftAlone(t)

	for _, c := range l.cases {
		if c.wasPlayed {
			l.judge(t, c, records)
		}
	}
	if len(records) != 0 {
		t.Errorf("%d records of calls that no app has made", len(records))
	}
}

// ledgerCase is a call that an app repeats under its key while something fails.
type ledgerCase struct {
	name      string
	operation string // pay, which opens a page, or refund, which moves money
	second    secondSending
	number    int // in keys
	site      *ledgerSite
	isWarm    bool // the connection has served before

	arrives certainty // whether a call under the fault reaches the gateway whole
	results []result  // how a call under the fault may end
	closes  bool      // a connection may end without notice after the fault is over, too
	lasts   bool      // the fault is never over

	arm, heal func(*testing.T)
	written   func(requestID string) int // how often a call was written to the network, whole or not

	wasPlayed bool
	keys      []keyInUse // which the app has used, one after the other
}

// tries is how often the app repeats a call at most.
const tries = 4

// ledgerSite is a merchant and its handlers, for one case or several.
type ledgerSite struct {
	name      string
	base      string
	transport string // an option of the handlers
	hangs     bool   // only a timeout ends calls under the fault
	refuses   bool   // some calls find no connection
}

// secondSending is what the second sending of a case meets.
type secondSending string

const (
	nothing       secondSending = "" // the network works again
	theSameFault  secondSending = "twice"
	noConnection  secondSending = "then refused"
	firstKey                    = "first"
	secondKey                   = "second"
	thirdKey                    = "third"
	shortTimeLeft               = 1500 * time.Millisecond // the timeout of cases in which nothing else ends a call
)

func (c *ledgerCase) title() string {
	return strings.TrimSuffix(c.operation+"/"+c.name+"/"+string(c.second), "/")
}

// keyInUse is what the app was told under a key.
type keyInUse struct {
	key  string
	told []told
}

func (k *keyInUse) last() told { return k.told[len(k.told)-1] }

// told is what the app was told by one answer.
type told struct {
	status     int
	result     result
	outcome    string // of the problem; "" after a success
	isReplayed bool
	body       string
}

// isSame reports whether two answers say the same.
func (a told) isSame(b told) bool {
	return a.status == b.status && a.result == b.result && a.outcome == b.outcome
}

// isUnknown reports whether the app was told that the call may have been carried out.
func (a told) isUnknown() bool { return a.outcome == "unknown" }

// isEnd reports whether an app has no reason to repeat the call: it was carried out, or refused, or an operator has to look
// into it. What the gateway refuses because of the key pair is sent again.
func (a told) isEnd(operation string) bool {
	switch a.outcome {
	case "":
		return true
	case "rejected":
		return a.result != "gateway_unauthorized"
	}
	return a.isUnknown() && a.isReplayed && operation == "refund"
}

// play is the app.
func (l *ledgerNetwork) play(t *testing.T, c *ledgerCase) {
	t.Helper()
	c.wasPlayed = true
	if c.isWarm {
		eventually(t, "a call succeeds", func() bool { return l.call(t, c, "c", "query", "earlier").result == answeredWhole })
	}
	c.arm(t)
	seen := []told{l.call(t, c, "c", c.operation, firstKey)}
	if !slices.Contains(c.results, seen[0].result) {
		t.Errorf("the app gets %s, want one of %s", seen[0].result, c.results)
	}
	switch c.second {
	case theSameFault:
		seen = append(seen, l.call(t, c, "c", c.operation, firstKey))
	case noConnection:
		seen = append(seen, l.call(t, c, "d", c.operation, firstKey))
	}
	c.heal(t)
	l.repeat(t, c, firstKey, seen)
	for _, key := range []string{secondKey, thirdKey} {
		if c.keys[len(c.keys)-1].last().outcome == "rejected" {
			l.repeat(t, c, key, nil)
		}
	}
}

// repeat repeats a call under its key until it has an answer, and looks whether that answer stays.
func (l *ledgerNetwork) repeat(t *testing.T, c *ledgerCase, key string, seen []told) {
	t.Helper()
	handler := "c"
	if c.site.hangs && !c.lasts {
		handler = "h"
	}
	for len(seen) == 0 || len(seen) < tries && !seen[len(seen)-1].isEnd(c.operation) {
		seen = append(seen, l.call(t, c, handler, c.operation, key))
	}
	used := keyInUse{c.requestID(key), seen}
	c.keys = append(c.keys, used)
	if !used.last().isEnd(c.operation) {
		if !c.lasts {
			t.Errorf("the app gets no answer under its key: %v", seen)
		}
		return
	}
	before := c.written(used.key)
	if again := l.call(t, c, handler, c.operation, key); !again.isSame(used.last()) || !again.isReplayed || used.last().isReplayed && again.body != used.last().body {
		t.Errorf("the answer %v becomes %v", used.last(), again)
	}
	if n := c.written(used.key) - before; n != 0 {
		t.Errorf("answered with %v, the call is sent again", used.last())
	}
}

func (c *ledgerCase) requestID(key string) string { return callID(key, c.number) }

// call makes the app's call through a handler of the case.
func (l *ledgerNetwork) call(t *testing.T, c *ledgerCase, handler, operation, key string) told {
	t.Helper()
	body := map[string]string{"pay": payment, "refund": refund, "query": payment}[operation]
	body = strings.Replace(body, "ORDER-1", c.orderID(), 1)
	a := l.post(t, strings.Join([]string{l.url("9180"), c.site.name, handler, operation}, "/"), body, "Idempotency-Key", c.requestID(key))
	is := told{status: a.status, result: answeredWhole, isReplayed: a.header.Get("Galaxypay-Replayed") == "true", body: a.body}
	if a.status == http.StatusOK {
		if want := successOf(operation, c.requestID(key)); a.body != want {
			t.Errorf("the app gets %s, want %s", a.body, want)
		}
		return is
	}
	p := a.problem(t)
	is.result, is.outcome = result(p.Code), p.Outcome
	return is
}

func (c *ledgerCase) orderID() string { return fmt.Sprintf("ORDER-%04d", c.number) }

// judge compares what the app was told under its keys with what the gateway did and what the ledger says, and takes the
// records of the case away.
func (l *ledgerNetwork) judge(t *testing.T, c *ledgerCase, records map[string]ledgerRecord) {
	t.Helper()
	for i, k := range c.keys {
		name := c.site.name + " " + k.key
		r, isRecorded := records[name]
		delete(records, name)
		if !isRecorded {
			t.Errorf("%s: no record of %s", c.title(), k.key)
			continue
		}
		for _, err := range []error{
			k.checkOrder(c.operation),
			k.checkEnd(c, i == 0),
			l.checkSendings(c, &k, r),
			k.checkRecord(r, c.operation, l.executions.isDone(k.key)),
		} {
			if err != nil {
				t.Errorf("%s: %s: %v; the app was told %v; the ledger says %+v", c.title(), k.key, err, k.told, r)
			}
		}
	}
}

// checkOrder checks what may be told after what: what may have been carried out is never said not to have been sent, and no
// answer is taken back.
func (k *keyInUse) checkOrder(operation string) error {
	for i, after := range k.told[1:] {
		switch before := k.told[i]; {
		case before.isUnknown() && after.outcome == "not_sent":
			return fmt.Errorf("not_sent is told after unknown")
		case before.isEnd(operation) && !after.isSame(before):
			return fmt.Errorf("an answer is taken back")
		case before.isUnknown() && operation == "refund" && (!after.isSame(before) || !after.isReplayed):
			return fmt.Errorf("after an unknown outcome, a refund is answered in another way")
		}
	}
	return nil
}

// checkEnd checks how the repeating ended, by what the fault lets through.
func (k *keyInUse) checkEnd(c *ledgerCase, isFirst bool) error {
	first, last := k.told[0], k.last()
	var want []result
	switch {
	case c.lasts, first.outcome == "" || first.outcome == "rejected" && first.isEnd(c.operation):
		want = []result{first.result}
	case c.operation == "refund" && first.isUnknown():
		want = []result{first.result}
	case c.closes && c.operation == "refund":
		want = []result{answeredWhole, gatewayNoAnswer}
	case c.closes, isFirst && c.arrives == perhaps:
		want = []result{answeredWhole, pageLost}
	case isFirst && c.arrives == always && first.isUnknown():
		want = []result{pageLost}
	default:
		want = []result{answeredWhole}
	}
	if !slices.Contains(want, last.result) {
		return fmt.Errorf("ended with %s, want %s", last.result, want)
	}
	return nil
}

const pageLost result = "page_lost"

// checkSendings compares how often a call was sent by what the app was told, by the ledger, on the network and at the gateway.
func (l *ledgerNetwork) checkSendings(c *ledgerCase, k *keyInUse, r ledgerRecord) error {
	begun, written := 0, 0
	for _, a := range k.told {
		if !a.isReplayed {
			begun++
			if a.result != gatewayUnreachable {
				written++
			}
		}
	}
	wrote, arrived := c.written(k.key), l.executions.arrivals(k.key)
	switch {
	case r.Sendings != begun:
		return fmt.Errorf("%d sendings are recorded, want %d", r.Sendings, begun)
	case wrote > written, arrived > wrote:
		return fmt.Errorf("written %d times, arrived %d times, want at most %d", wrote, arrived, written)
	case c.operation == "refund" && wrote > 1 && k.told[0].result != "gateway_unauthorized":
		return fmt.Errorf("a refund was written %d times", wrote)
	case k.last().isUnknown() && !c.closes && c.arrives != perhaps && l.executions.isDone(k.key) != (c.arrives == always):
		return fmt.Errorf("carried out: %t", l.executions.isDone(k.key))
	}
	return nil
}

// checkRecord compares the record of a call with what the app was told last, and with whether the gateway has carried it out.
func (k *keyInUse) checkRecord(r ledgerRecord, operation string, isDone bool) error {
	want := ledgerRecord{Outcome: "accepted", PaymentStatus: "open"}
	mayBeDone, mustBeDone := true, true
	switch last := k.last(); {
	case last.outcome == "":
	case last.result == pageLost:
		want = ledgerRecord{Outcome: "rejected", Code: "page_lost", PaymentStatus: "unknown"}
	case last.outcome == "rejected":
		want = ledgerRecord{Outcome: "rejected", Code: string(last.result), PaymentStatus: "failed"}
		mayBeDone, mustBeDone = false, false
	case last.isUnknown():
		want = ledgerRecord{Outcome: "unknown", Code: string(last.result), PaymentStatus: "unknown"}
		mustBeDone = false
	default:
		want = ledgerRecord{Outcome: "not_sent", Code: string(last.result), PaymentStatus: "failed"}
		mayBeDone, mustBeDone = false, false
	}
	if operation == "refund" {
		want.PaymentStatus = ""
	}
	want.Sendings = r.Sendings
	switch {
	case r.without() != want:
		return fmt.Errorf("the record is %+v, want %+v", r, want)
	case isDone && !mayBeDone, !isDone && mustBeDone:
		return fmt.Errorf("carried out at the gateway: %t", isDone)
	}
	return nil
}

// without leaves its names out.
func (r ledgerRecord) without() ledgerRecord {
	r.Merchant, r.RequestID = "", ""
	return r
}

// ledgerNetwork is a sidecar with a ledger, and the gateways and networks around it.
type ledgerNetwork struct {
	sidecar
	socket     string // of the admin endpoint
	executions *executions
	plain      *countingPeer // behind a relay for each case
	secured    *countingPeer // the same, with TLS
	answering  *faultyGateway
	sites      []*ledgerSite
	cases      []*ledgerCase
	requests   map[string]measures // of calls, by operation
}

func newLedgerNetwork(t *testing.T) *ledgerNetwork {
	t.Helper()
	l := &ledgerNetwork{
		socket:     filepath.Join(shortTempDir(t), "admin.sock"),
		executions: &executions{arrived: make(map[string]int), done: make(map[string]bool)},
		requests:   map[string]measures{"pay": {}, "refund": {}},
	}
	answer := func(g *gateway, c *call, _ int) []byte {
		l.executions.arrive(c)
		return g.signed(l.executions.answer(c))
	}
	l.plain = newCountingPeer(t, (*call).requestID, answer)
	l.secured = newCountingPeer(t, (*call).requestID, answer)
	transport := secured(t, l.secured)
	l.answering = newFaultyGateway(t, l.executions)
	for operation := range l.requests {
		l.add(ledgerCase{name: "no fault", operation: operation, site: l.newSite(l.plain.url), arrives: always, results: []result{answeredWhole},
			arm: func(*testing.T) {}, heal: func(*testing.T) {}, written: l.executions.arrivals})
	}
	for operation := range l.requests {
		l.addRelayCases(t, operation)
		l.addConnectCases(t, operation, transport)
		l.addReplyCases(operation)
	}
	return l
}

func (l *ledgerNetwork) add(c ledgerCase) *ledgerCase {
	c.number = len(l.cases)
	c.site.refuses = c.site.refuses || c.second == noConnection
	l.cases = append(l.cases, &c)
	return &c
}

// newSite is a site with a merchant of its own.
func (l *ledgerNetwork) newSite(base string) *ledgerSite {
	s := &ledgerSite{name: fmt.Sprintf("c%04d", len(l.sites)), base: base}
	l.sites = append(l.sites, s)
	return s
}

// addRelayCases adds the faults of the matrix on an established connection.
func (l *ledgerNetwork) addRelayCases(t *testing.T, operation string) {
	t.Helper()
	for _, f := range networkCases(operation) {
		seconds := []secondSending{nothing, theSameFault}
		if !f.keptAlive && !slices.Contains(f.results, answeredWhole) {
			seconds = append(seconds, noConnection)
		}
		for _, second := range seconds {
			r := newRelay(t, l.plain.address(), f.breaking)
			meter := r.addMeter(t)
			_, name, _ := strings.Cut(f.title(), "/")
			site := l.newSite("http://" + r.Listen)
			site.hangs = f.hangs
			l.add(ledgerCase{
				name: name, operation: operation, second: second, site: site, isWarm: f.keptAlive,
				arrives: f.arrives, results: f.results, closes: f.closes,
				arm: func(t *testing.T) {
					t.Helper()
					r.add(t, f.toxic(f.choose(l.requests[operation], l.answer(operation))))
				},
				heal:    func(*testing.T) { r.heal() },
				written: meter.sendings,
			})
		}
	}
}

// addConnectCases adds the connections that are not made, or encrypted.
func (l *ledgerNetwork) addConnectCases(t *testing.T, operation, transport string) {
	t.Helper()
	for _, second := range []secondSending{nothing, theSameFault} {
		for _, f := range connectCases(t, l.secured.address()) {
			lasts := f.relay == nil || f.relay.Upstream != l.secured.address()
			if lasts && second == theSameFault {
				continue // it meets the same fault at any rate
			}
			c := ledgerCase{
				name: f.name, operation: operation, second: second, site: l.newSite(f.base), isWarm: f.warm, lasts: lasts,
				results: f.results, arrives: certaintyOf(f.results), written: l.executions.arrivals,
				arm: func(t *testing.T) {
					t.Helper()
					if f.down {
						f.relay.Stop()
					}
					if f.toxic != "" {
						f.relay.add(t, f.toxic)
					}
				},
				heal: func(t *testing.T) {
					t.Helper()
					if lasts {
						return
					}
					f.relay.heal()
					if f.down {
						eventually(t, "the relay starts again", func() bool { return f.relay.Start() == nil })
					}
				},
			}
			c.site.hangs = slices.Contains(f.results, gatewayTimeout) || strings.Contains(f.name, "silent") || strings.Contains(f.name, "never answered")
			if strings.HasPrefix(f.base, "https") {
				c.site.transport = transport
			}
			l.add(c)
		}
	}
}

// certaintyOf is whether a call that ends in this way has arrived.
func certaintyOf(results []result) certainty {
	switch {
	case slices.Equal(results, []result{gatewayUnreachable}):
		return never
	case slices.Equal(results, []result{answeredWhole}):
		return always
	}
	return perhaps
}

// addReplyCases adds answers that cannot be believed, or say no.
func (l *ledgerNetwork) addReplyCases(operation string) {
	sites := map[bool]*ledgerSite{true: l.newSite(l.answering.url), false: l.newSite(l.answering.url)}
	sites[true].hangs = true
	for _, f := range replyFaults() {
		for _, isDone := range f.done {
			for _, second := range []secondSending{nothing, theSameFault, noConnection} {
				c := l.add(ledgerCase{
					name:      f.name + map[bool]string{true: ", carried out", false: ", not carried out"}[isDone],
					operation: operation, second: second, site: sites[f.end == silence],
					results: []result{f.result}, arrives: map[bool]certainty{true: always, false: never}[isDone],
					written: l.executions.arrivals,
				})
				id := c.requestID(firstKey)
				c.arm = func(*testing.T) { l.answering.plan(id, plannedReply{&f, isDone}) }
				c.heal = func(*testing.T) { l.answering.plan(id, plannedReply{}) }
			}
		}
	}
}

// answer is where the parts of the answer to a call are.
func (l *ledgerNetwork) answer(operation string) measures {
	id := callID(firstKey, 0)
	return measure(l.plain.signed(envelope(id, "200", "Success", successOf(operation, id))))
}

// caddyfile has the sites. In each, a handler at /c takes calls under the fault, one at /d calls that cannot connect, and one at
// /h calls after a fault that only a timeout ends.
func (l *ledgerNetwork) caddyfile(t *testing.T) string {
	t.Helper()
	var merchants, routes strings.Builder
	for _, s := range l.sites {
		fmt.Fprintf(&merchants, "merchant %s {\n%s}\n", s.name, merchantAt(t, s.base, testAPIKey, testSalt))
		fmt.Fprintf(&routes, "handle_path /%s/* {\n", s.name)
		handler := func(kind, options string) {
			fmt.Fprintf(&routes, "handle_path /%s/* {\ngalaxypay {\nmerchant %s\noperations pay query refund\n%s\n}\n}\n", kind, s.name, options)
		}
		if s.hangs {
			handler("c", "timeout "+shortTimeLeft.String()+"\n"+s.transport)
			handler("h", s.transport)
		} else {
			handler("c", s.transport)
		}
		if s.refuses {
			handler("d", inTransport("dial_timeout 1ns\n"))
		}
		routes.WriteString("}\n")
	}
	return "{\nadmin unix/" + l.socket + "\npersist_config off\ngalaxypay {\n" + merchants.String() +
		"store sqlite " + inboxFile(t) + "\n}\n}\nhttp://:9180 {\n" + routes.String() + "}\n"
}

// measure plays the cases without a fault, which show where the parts of messages are.
func (l *ledgerNetwork) measure(t *testing.T) {
	t.Helper()
	for _, c := range l.cases[:len(l.requests)] {
		l.play(t, c)
		l.requests[c.operation] = l.plain.request(t, "/api/v1/transaction/"+c.operation)
	}
}

// records are those of the ledger, by merchant and requestID.
func (l *ledgerNetwork) records(t *testing.T) map[string]ledgerRecord {
	t.Helper()
	var list struct {
		Payments []ledgerRecord
		More     bool
	}
	sendToAdmin(t, l.socket, http.MethodGet, "/galaxypay/payments/list?limit=100000", "").decode(t, &list)
	records := make(map[string]ledgerRecord)
	for _, r := range list.Payments {
		records[r.Merchant+" "+r.RequestID] = r
	}
	if list.More || len(records) != len(list.Payments) {
		t.Errorf("%d records with %d names", len(list.Payments), len(records))
	}
	return records
}

// executions is what a gateway has carried out.
type executions struct {
	mu      sync.Mutex
	arrived map[string]int // whole calls, by requestID
	done    map[string]bool
}

// answer carries a call out, if its requestID is new, and returns the body of the answer.
func (e *executions) answer(c *call) string {
	id, operation := c.requestID(), c.path()[strings.LastIndex(c.path(), "/")+1:]
	e.mu.Lock()
	defer e.mu.Unlock()
	if operation != "query" && e.done[id] {
		return envelope(id, "409", "Duplicate", "")
	}
	e.done[id] = true
	return envelope(id, "200", "Success", successOf(operation, id))
}

// arrive counts a call.
func (e *executions) arrive(c *call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.arrived[c.requestID()]++
}

// arrivals is how often the call with a requestID has arrived whole.
func (e *executions) arrivals(requestID string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.arrived[requestID]
}

func (e *executions) isDone(requestID string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.done[requestID]
}

// successOf is the responseData of a success. It shows for which call it is.
func successOf(operation, requestID string) string {
	if operation == "pay" {
		return `{"transactionID":"T-` + requestID + `","endpoint":"https://pay.example/` + requestID + `"}`
	}
	return `{"transactionID":"T-` + requestID + `"}`
}
