//go:build unix

package caddytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// A whole sidecar, in a process of its own, is killed many times while the gateway sends IPNs and the
// app answers them. No acknowledged IPN is lost. SIDECAR_CRASHES sets how often it is killed.
func TestInboxSidecarIsKilled(t *testing.T) {
	kills := crashes(t, "SIDECAR_CRASHES")
	s := newKilledSidecar(t)
	var sending sync.WaitGroup
	more, enough := context.WithCancel(t.Context())
	for sender := range 4 {
		sending.Go(func() {
			for n := 0; more.Err() == nil && !t.Failed(); n++ {
				s.pay(t, fmt.Sprintf("%d-%d", sender, n))
			}
		})
	}
	for range kills {
		s.caddy.start(t)
		s.awaitMore(t, 1+rand.IntN(40)) //nolint:gosec // G404: the moment is not a secret
		s.caddy.kill(t)
	}
	s.caddy.start(t)
	enough()
	sending.Wait()
	s.awaitDelivered(t)
	s.caddy.end(t)
	s.compare(t)
	t.Logf("%d kills, %d IPNs acknowledged, %d calls of the app", kills, len(s.acknowledged), s.calls)
}

// killedSidecar is a sidecar that is killed, between a gateway and an app that keep running.
type killedSidecar struct {
	caddy   *childCaddy
	admin   string // the socket of its admin endpoint
	file    string // of the store
	gateway client

	mu               sync.Mutex
	messages         map[string]string // by delivery id, before they are sent
	acknowledged     map[string]bool
	recorded         map[string]bool // those that the inbox has recorded as delivered
	delivered        map[string]bool
	order            map[string][]string // of first deliveries: the payment statuses of a transaction
	calls            int
	acknowledgements chan struct{} // an IPN was acknowledged
}

const takenByApp = "taken by the app"

func newKilledSidecar(t *testing.T) *killedSidecar {
	t.Helper()
	dir := shortTempDir(t)
	socket := filepath.Join(dir, "ipn.sock")
	s := &killedSidecar{
		admin: filepath.Join(dir, "admin.sock"), file: filepath.Join(dir, "store.db"), gateway: newFreshClient().throughSocket(socket),
		messages: make(map[string]string), acknowledged: make(map[string]bool), recorded: make(map[string]bool),
		delivered: make(map[string]bool), order: make(map[string][]string), acknowledgements: make(chan struct{}, 10_000),
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answerIPN(t, w, r) }))
	t.Cleanup(app.Close)
	s.caddy = newChildCaddy(t, dir, fmt.Sprintf(`
		{
			admin unix/%s
			galaxypay {
				environment sandbox
				store sqlite %s
			}
		}
		http:// {
			bind unix/%s
			galaxypay_ipn {
				inbox {
					deliver_to %s/payments/ipn
					retry%s
				}
			}
		}`, s.admin, s.file, socket, app.URL, strings.Repeat(" 10ms", 60)))
	return s
}

// pay sends the three IPNs of one transaction, each until it is acknowledged.
func (s *killedSidecar) pay(t *testing.T, transaction string) {
	t.Helper()
	for _, code := range []string{"408", "200", "499"} {
		s.send(t, fmt.Sprintf(`{"requestID":"r","responseCode":%q,"responseData":{"transactionID":%q}}`, code, transaction))
	}
}

func (s *killedSidecar) send(t *testing.T, message string) {
	t.Helper()
	m := signedMessage(message, sandboxSalt)
	s.mu.Lock()
	s.messages[m.deliveryID()] = message
	s.mu.Unlock()
	if !poll(func() bool { return s.try(t, m) }) {
		t.Error("an IPN is not acknowledged by any sidecar")
	}
}

// try sends an IPN once, and reports whether it was acknowledged. Without an answer, the IPN may have
// been kept or not.
func (s *killedSidecar) try(t *testing.T, m callback) (ok bool) {
	t.Helper()
	a, err := s.gateway.tryPost(t.Context(), "http://sidecar/ipn", m.json())
	if err != nil || a.status != http.StatusOK {
		return false
	}
	var answer struct{ IPNStatus, IPNDescription string }
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || answer.IPNStatus != "200" {
		t.Errorf("answered %s", a.body)
	}
	s.mu.Lock()
	s.acknowledged[m.deliveryID()] = true
	s.recorded[m.deliveryID()] = answer.IPNDescription == takenByApp
	s.mu.Unlock()
	s.acknowledgements <- struct{}{}
	return true
}

// answerIPN is the app. It refuses every fifth IPN that it gets.
func (s *killedSidecar) answerIPN(t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sidecar was killed
	}
	id := r.Header.Get("Galaxypay-Delivery-Id")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.messages[id] != string(body) {
		t.Errorf("the app got %q, sent was %q", body, s.messages[id])
	}
	if s.recorded[id] {
		t.Error("delivered again, although the inbox had recorded it as delivered")
	}
	if s.calls%5 == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if !s.delivered[id] {
		s.delivered[id] = true
		transaction := transactionIn(t, body)
		s.order[transaction] = append(s.order[transaction], r.Header.Get("Galaxypay-Payment-Status"))
	}
	_, _ = fmt.Fprintf(w, `{"ipnStatus":"200","ipnDescription":%q}`, takenByApp) // the sidecar may be killed by now
}

func transactionIn(t *testing.T, message []byte) string {
	t.Helper()
	var m struct {
		ResponseData struct{ TransactionID string }
	}
	if err := json.Unmarshal(message, &m); err != nil {
		t.Error(err)
	}
	return m.ResponseData.TransactionID
}

// awaitMore waits until n more IPNs are acknowledged.
func (s *killedSidecar) awaitMore(t *testing.T, n int) {
	t.Helper()
	for range n {
		await(t, s.acknowledgements, "an IPN to be acknowledged")
	}
}

// awaitDelivered waits until the app has all acknowledged IPNs that say paid. The others may be
// overtaken by them: expired ones that failed once, and cancelled ones, which come after.
func (s *killedSidecar) awaitDelivered(t *testing.T) {
	t.Helper()
	missing := func() (n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for id := range s.acknowledged {
			if !s.delivered[id] && strings.Contains(s.messages[id], `"responseCode":"200"`) {
				n++
			}
		}
		return n
	}
	if !poll(func() bool { return missing() == 0 }) {
		t.Fatalf("%d IPNs were acknowledged and do not reach the app", missing())
	}
	// What the app took just before a kill is delivered again, since the inbox has not recorded it.
	eventually(t, "nothing is pending", func() bool {
		return strings.Contains(sendToAdmin(t, s.admin, http.MethodGet, "/galaxypay/events/stats", "").body, `"pending":0`)
	})
}

// compare compares what the inbox holds with what gateway and app have seen.
func (s *killedSidecar) compare(t *testing.T) {
	t.Helper()
	records := recordsIn(t, s.file)
	if len(records) != len(s.acknowledged) {
		t.Errorf("%d IPNs were acknowledged, %d are kept", len(s.acknowledged), len(records))
	}
	for _, r := range records {
		want := map[string][]inbox.State{
			"expired": {inbox.Delivered, inbox.Overtaken}, "paid": {inbox.Delivered}, "cancelled": {inbox.Overtaken},
		}[r.PaymentStatus]
		if !slices.Contains(want, r.State) || string(r.Message) != s.messages[r.ID] || !s.acknowledged[r.ID] {
			t.Errorf("kept as %s, want %s: %s", r.State, want, r.Message)
		}
		if r.State == inbox.Delivered && !s.delivered[r.ID] {
			t.Errorf("kept as delivered, and the app has not got it: %s", r.Message)
		}
	}
	for transaction, order := range s.order {
		if !slices.Equal(order, []string{"expired", "paid"}) && !slices.Equal(order, []string{"paid"}) {
			t.Errorf("%s was delivered as %v", transaction, order)
		}
	}
}
