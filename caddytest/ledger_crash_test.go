//go:build unix

package caddytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Whole sidecars with a ledger are killed many times, while apps repeat each call until it is answered finally. No key moves money
// twice, each page ends as one address or as lost, and apps and ledger agree with what the gateway has done. Two sidecars share the
// database. LEDGER_CRASHES sets how often they are killed.
func TestLedgerSidecarIsKilled(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killLedger(t, "sqlite", 1) })
	t.Run("postgres", func(t *testing.T) { killLedger(t, "postgres", 2) })
}

func killLedger(t *testing.T, engine string, sidecars int) {
	t.Helper()
	kills := crashes(t, "LEDGER_CRASHES")
	k := newKilledLedger(t, engine, sidecars)
	more, enough := context.WithCancel(t.Context())
	var apps sync.WaitGroup
	defer apps.Wait()
	defer enough()
	for n := range 8 {
		apps.Go(func() { k.runApp(more, t, fmt.Sprint(n)) })
	}
	for n := 0; n < kills && !t.Failed(); {
		n += k.killSome(t)
	}
	enough()
	apps.Wait()
	k.repeatAll(t)
	k.compareRecords(t)
	for _, s := range k.sidecars {
		s.end(t)
	}
	k.report(t, kills)
}

// killedLedger is sidecars with one ledger that are killed, between apps and a gateway that keep running.
type killedLedger struct {
	gateway  *countingGateway
	sidecars []*ledgerSidecar

	mu       sync.Mutex
	finished map[string]*repeatedCall
	broken   map[string]bool // a try got no answer
}

type ledgerSidecar struct {
	*childCaddy
	client   client        // of an app
	admin    client        // of an operator
	answered chan struct{} // it has answered an app
}

func newKilledLedger(t *testing.T, engine string, sidecars int) *killedLedger {
	t.Helper()
	k := &killedLedger{gateway: newCountingGateway(t), finished: make(map[string]*repeatedCall), broken: make(map[string]bool)}
	store := stores[engine](t)
	for range sidecars {
		k.sidecars = append(k.sidecars, newLedgerSidecarChild(t, k.gateway.merchant(t), store))
	}
	for _, s := range k.sidecars {
		s.start(t)
	}
	return k
}

func newLedgerSidecarChild(t *testing.T, merchant, store string) *ledgerSidecar {
	t.Helper()
	dir := shortTempDir(t)
	call, admin := filepath.Join(dir, "call.sock"), filepath.Join(dir, "admin.sock")
	return &ledgerSidecar{
		childCaddy: newChildCaddy(t, dir, `
			{
				admin unix/`+admin+`
				persist_config off
				galaxypay {
					`+merchant+`
					store `+store+`
					reconcile off
				}
			}
			http:// {
				bind unix/`+call+`
				galaxypay {
					timeout 2s
				}
			}`),
		client: newFreshClient().throughSocket(call), admin: newFreshClient().throughSocket(admin), answered: make(chan struct{}, 1),
	}
}

// killSome kills one of the sidecars, or all, and starts them again. It returns how many it killed.
func (k *killedLedger) killSome(t *testing.T) int {
	t.Helper()
	first := rand.IntN(len(k.sidecars)) //nolint:gosec // G404: the choices here are not secrets
	victims := k.sidecars[first : first+1]
	if rand.IntN(4) == 0 { //nolint:gosec // G404
		victims = k.sidecars
	}
	moment := 3 * time.Millisecond
	if rand.IntN(8) == 0 { //nolint:gosec // G404
		moment = 200 * time.Millisecond // it may still be starting
	} else {
		for range 1 + rand.IntN(20) { //nolint:gosec // G404
			await(t, victims[0].answered, "a sidecar answers an app")
		}
	}
	time.Sleep(rand.N(moment)) //nolint:gosec // G404
	for _, s := range victims {
		s.kill(t)
	}
	for _, s := range victims {
		s.start(t)
	}
	return len(victims)
}

// note notes a call that is answered finally.
func (k *killedLedger) note(c *repeatedCall) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.finished[c.key] = c
}

// noteBroken notes a call of which a try got no answer.
func (k *killedLedger) noteBroken(c *repeatedCall) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.broken[c.key] = true
}

// repeatAll repeats every call once more, and compares its answers with the gateway.
func (k *killedLedger) repeatAll(t *testing.T) {
	t.Helper()
	calls := make(chan *repeatedCall)
	var apps sync.WaitGroup
	for range 8 {
		apps.Go(func() {
			for c := range calls {
				k.repeat(t, c)
			}
		})
	}
	for _, c := range k.finished {
		calls <- c
	}
	close(calls)
	apps.Wait()
}

func (k *killedLedger) repeat(t *testing.T, c *repeatedCall) {
	t.Helper()
	before := k.gateway.of(c.key)
	a, ok := k.tryOnce(t, c)
	if !ok {
		t.Errorf("%s is not answered", c.key)
		return
	}
	if what := a.summary(t); what != c.answer.summary(t) || a.body != c.answer.body || a.header.Get("Galaxypay-Replayed") != "true" {
		t.Errorf("%s was answered %s, and now %s", c.key, c.answer.body, a.body)
	}
	done := k.gateway.of(c.key)
	if done != before {
		t.Errorf("%s reached the gateway again: %+v, before %+v", c.key, done, before)
	}
	if !c.fits(t, &done, k.broken[c.key] || done.lost) {
		t.Errorf("%s is answered %d %s, and the gateway did this: %+v", c.key, a.status, a.body, done)
	}
}

// fits reports whether the app's last answer is the gateway's, and no money moved twice. isCut: an answer got lost on its way.
func (c *repeatedCall) fits(t *testing.T, done *work, isCut bool) bool {
	t.Helper()
	if done.times > 1 {
		return false
	}
	switch c.answer.summary(t) {
	case "200":
		return done.times == 1 && c.answer.body == done.reply
	case "400 gateway_bad_request rejected":
		return done.refused && done.times == 0 && c.answer.problem(t).ResponseMessage == "m"
	case "409 page_lost rejected":
		return isPage(c.key) && done.times == 1 && isCut
	case "502 gateway_no_answer unknown":
		return !isPage(c.key) && isCut
	case "504 gateway_timeout unknown":
		return !isPage(c.key)
	}
	return false
}

// ledgerRecord is a call as an operator sees it.
type ledgerRecord struct {
	Merchant, RequestID, Outcome, Code, PaymentStatus string

	Sendings int
}

// compareRecords compares what the ledger holds with what the apps were answered, and with what reached the gateway.
func (k *killedLedger) compareRecords(t *testing.T) {
	t.Helper()
	var listed struct {
		Payments []ledgerRecord
		More     bool
	}
	k.sidecars[0].admin.get(t, "http://127.0.0.1/galaxypay/payments/list?limit=10000000").decode(t, &listed)
	if len(listed.Payments) != len(k.finished) || listed.More {
		t.Errorf("the ledger has %d calls, the apps made %d", len(listed.Payments), len(k.finished))
	}
	for _, r := range listed.Payments {
		c := k.finished[r.RequestID]
		if c == nil {
			t.Errorf("the ledger has a call that no app made: %+v", r)
			continue
		}
		if got, want := r.summary(), c.recordedAs(t); got != want {
			t.Errorf("%s is recorded as %s, want %s", c.key, got, want)
		}
		if done := k.gateway.of(c.key); r.Sendings < done.arrived {
			t.Errorf("%s was sent %d times by its record, and arrived %d times", c.key, r.Sendings, done.arrived)
		}
	}
}

func (r *ledgerRecord) summary() string { return r.Outcome + " " + r.PaymentStatus }

// recordedAs is the outcome and the payment status of a record, by the app's last answer.
func (c *repeatedCall) recordedAs(t *testing.T) string {
	t.Helper()
	outcome, status := "unknown", "unknown"
	switch what := c.answer.summary(t); what {
	case "200":
		outcome, status = "accepted", "open"
	case "409 page_lost rejected":
		outcome = "rejected"
	case "400 gateway_bad_request rejected":
		outcome, status = "rejected", "failed"
	}
	switch c.path {
	case "/refund", "/capture", "/void":
		status = "" // it takes no payment
	}
	return outcome + " " + status
}

// report logs how much happened.
func (k *killedLedger) report(t *testing.T, kills int) {
	t.Helper()
	ends := make(map[string]int)
	for _, c := range k.finished {
		ends[c.answer.summary(t)]++
	}
	t.Logf("%d kills, %d calls, %d of them interrupted; %d arrived at the gateway; answered: %d 200, %d refused, %d page_lost, %d unknown", kills,
		len(k.finished), len(k.broken), k.gateway.total(), ends[fmt.Sprint(http.StatusOK)], ends["400 gateway_bad_request rejected"], ends["409 page_lost rejected"],
		ends["502 gateway_no_answer unknown"]+ends["504 gateway_timeout unknown"])
}
