//go:build unix

package caddytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// truth is what becomes of a payment at the sandbox, of which no IPN comes.
type truth struct {
	name  string
	of    int                                                               // how many of truthsOf payments
	does  string                                                            // what happens at the sandbox, as its control API names it
	late  bool                                                              // it happens after the gateway has answered the first question
	fails func(s *reconciledShops, w http.ResponseWriter, requestID string) // answers questions in the sandbox's place
	told  string                                                            // the payment status that the app is told; "": none
	ends  ledger.Status
}

// truthsOf is how many payments have each truth as often as it says.
const truthsOf = 100

var truths = []truth{
	{name: "paid", of: 54, does: "complete", told: "paid", ends: ledger.Paid},
	{name: "paid after the first question", of: 15, does: "complete", late: true, told: "paid", ends: ledger.Paid},
	{name: "cancelled", of: 10, does: "cancel", told: "cancelled", ends: ledger.Cancelled},
	{name: "expired", of: 5, does: "expire", told: "expired", ends: ledger.Expired},
	{name: "failed", of: 5, does: "fail", told: "failed", ends: ledger.Failed},
	{name: "open", of: 9, ends: ledger.Abandoned},
	{name: "not known to the gateway", of: 1, fails: (*reconciledShops).refuse, ends: ledger.Silent},
	{name: "without an answer", of: 1, fails: (*reconciledShops).breakOff, ends: ledger.Silent},
}

// staysOpen is the truth of a payment that nothing happens to.
var staysOpen = &truths[slices.IndexFunc(truths, func(t truth) bool { return t.name == "open" })]

// truthOf is the truth of a payment by its number. Neighbours differ.
func truthOf(number int) *truth {
	place := number * 37 % truthsOf
	for i := range truths {
		if place -= truths[i].of; place < 0 {
			return &truths[i]
		}
	}
	panic("the truths are fewer than truthsOf")
}

// shopPayments is how many payments a sandbox remembers, at most.
const shopPayments = 1000

// reconciledShops are shops that share a store, each with a sandbox of its own that sends no IPN. The sidecars are child processes.
// Their questions go through this process, which counts them.
type reconciledShops struct {
	t        *testing.T
	dir      string
	store    string // as the global option names it
	schedule []time.Duration
	sandbox  *caddyServer
	gateway  *httptest.Server // in front of all sandboxes
	app      *httptest.Server
	shops    int

	running, most, asked atomic.Int64
	moved                chan struct{} // a question was asked, or an event delivered

	mu       sync.Mutex
	payments map[string]*reconciledPayment // by transactionID
	orders   map[string]*reconciledPayment
	unpaid   int // whose first question came so late that the customer has not paid after it
}

// reconciledPayment is what was seen of one payment.
type reconciledPayment struct {
	*truth
	number                        int
	requestID, order, transaction string
	paid                          time.Time   // before it was signed
	asked                         []time.Time // the gateway
	answers                       []string    // of the gateway, with responseCode 200
	told                          int         // the app
}

// newReconciledShops runs the sandboxes and the app for so many payments.
func newReconciledShops(t *testing.T, payments int, store string, schedule ...time.Duration) *reconciledShops {
	t.Helper()
	s := &reconciledShops{
		t: t, dir: shortTempDir(t), store: store, schedule: schedule, shops: (payments + shopPayments - 1) / shopPayments,
		moved: make(chan struct{}, 1), payments: make(map[string]*reconciledPayment), orders: make(map[string]*reconciledPayment),
	}
	var sites strings.Builder
	for shop := range s.shops {
		fmt.Fprintf(&sites, "http://:%d {\ngalaxypay_sandbox {\napi_key %s\nsalt %s\n}\n}\n", 9190+shop, apiKeyOf(shop), sandboxSalt)
	}
	s.sandbox = start(t, sites.String())
	for shop := range s.shops {
		if a := s.sandbox.do(t, http.MethodPut, s.sandboxOf(shop)+"/faults", strings.NewReader(`{"faults":["ipn_lost"]}`), "Content-Type", "application/json"); a.status != http.StatusOK {
			t.Fatalf("the sandbox answers %s", a.body)
		}
	}
	s.gateway = httptest.NewServer(http.HandlerFunc(s.pass))
	t.Cleanup(s.gateway.Close)
	s.app = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.app.Close)
	return s
}

func apiKeyOf(shop int) string { return fmt.Sprint("key-of-shop-", shop) }

// sandboxOf is the control API of a shop's sandbox.
func (s *reconciledShops) sandboxOf(shop int) string {
	return s.sandbox.url(fmt.Sprint(9190+shop)) + "/sandbox"
}

// pass is the gateway: it takes each request to the sandbox of its merchant, and counts the questions that are at work.
func (s *reconciledShops) pass(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sidecar was killed
	}
	var p *reconciledPayment
	var envelope struct {
		RequestID   string
		RequestData struct{ TransactionID string }
	}
	if strings.HasSuffix(r.URL.Path, "/query") {
		s.begin()
		end := sync.OnceFunc(func() { s.running.Add(-1) }) // before the sidecar has the answer: then it asks the next
		defer end()
		if err := json.Unmarshal(body, &envelope); err != nil {
			s.t.Error(err)
		}
		if p = s.questioned(envelope.RequestData.TransactionID); p == nil {
			s.t.Errorf("the gateway was asked about %q", envelope.RequestData.TransactionID)
			return
		}
		if p.fails != nil {
			end()
			p.fails(s, w, envelope.RequestID)
			return
		}
	}
	answer, header, err := s.forward(r, body)
	if err != nil {
		s.t.Errorf("the sandbox: %v", err)
		return
	}
	if p != nil {
		s.answered(p, answer)
	}
	w.Header().Set("signature", header.Get("signature"))
	_, _ = w.Write(answer) // the sidecar may be killed by now
}

// begin counts a question.
func (s *reconciledShops) begin() {
	s.asked.Add(1)
	now := s.running.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
}

// signal says that something goes on.
func (s *reconciledShops) signal() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

func (s *reconciledShops) questioned(transaction string) *reconciledPayment {
	defer s.signal()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.payments[transaction]
	if p != nil {
		p.asked = append(p.asked, time.Now())
	}
	return p
}

// answered notes an answer, and what the customer does after it. If a sidecar was killed, or is slow, the first question can be the
// last of the schedule as well. Then the customer does not pay any more, as the gateway is not asked again.
func (s *reconciledShops) answered(p *reconciledPayment, answer []byte) {
	s.mu.Lock()
	p.answers = append(p.answers, string(answer))
	pays := p.late && len(p.answers) == 1
	if pays && time.Since(p.paid) > s.schedule[len(s.schedule)-1]-time.Second {
		p.truth, pays = staysOpen, false
		s.unpaid++
	}
	s.mu.Unlock()
	if pays {
		s.happens(p)
	}
}

// refuse is the gateway's proven word that it does not know a transaction.
func (s *reconciledShops) refuse(w http.ResponseWriter, requestID string) {
	body := envelope(requestID, "404", "unknown", "")
	w.Header().Set("signature", sign(body, sandboxSalt))
	_, _ = io.WriteString(w, body) // the sidecar may be killed by now
}

// breakOff ends the connection without an answer.
func (s *reconciledShops) breakOff(w http.ResponseWriter, _ string) { breakOff(w, "") }

func (s *reconciledShops) forward(r *http.Request, body []byte) (answer []byte, header http.Header, err error) {
	var shop int
	if _, err := fmt.Sscanf(r.Header.Get("apiKey"), "key-of-shop-%d", &shop); err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.sandbox.url(fmt.Sprint(9190+shop))+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header = r.Header.Clone()
	response, err := s.sandbox.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return answer, response.Header, err
}

// happens does at the sandbox what the truth of a payment is.
func (s *reconciledShops) happens(p *reconciledPayment) {
	if p.does == "" {
		return
	}
	a, err := s.sandbox.tryPost(s.t.Context(), fmt.Sprintf("%s/transactions/%s/%s", s.sandboxOf(p.number%s.shops), p.transaction, p.does), "{}")
	if err != nil || a.status != http.StatusOK {
		s.t.Errorf("%s: %v, %s", p.does, err, a.body)
	}
}

// take is the app. It takes everything, and holds each event against rule 4 of the ledger.
func (s *reconciledShops) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sidecar was killed
	}
	defer s.signal()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.orders[r.Header.Get("Galaxypay-Order-Id")]
	if p == nil {
		s.t.Errorf("the app was told of the order %q", r.Header.Get("Galaxypay-Order-Id"))
		return
	}
	p.check(s.t, r, body)
	p.told++
	_, _ = io.WriteString(w, `{"ipnStatus":"200"}`) // the sidecar may be killed by now
}

// check holds an event against what it must be.
func (p *reconciledPayment) check(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	id := sha256.Sum256([]byte("query\n" + p.requestID + "\n" + p.truth.told))
	for name, want := range map[string]string{
		"Galaxypay-Callback": "query", "Galaxypay-Payment-Status": p.truth.told, "Galaxypay-Order": "matched", "Galaxypay-Operation": "pay",
		"Galaxypay-Transaction-Id": p.transaction, "Galaxypay-Delivery-Id": hex.EncodeToString(id[:]), "X-Forwarded-For": "127.0.0.1",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s, which is %s: %s %q, want %q", p.order, p.name, name, got, want)
		}
	}
	if r.Method != http.MethodPost || r.Host != "shop.example" || r.RequestURI != p.target() {
		t.Errorf("%s: the app got %s %s of %s", p.order, r.Method, r.RequestURI, r.Host)
	}
	if !slices.Contains(p.answers, string(body)) {
		t.Errorf("%s: the app got %q, which the gateway has not answered", p.order, body)
	}
}

// target is the path and the query of the signed ipnURL.
func (p *reconciledPayment) target() string { return "/payments/ipn?order=" + p.order }

// caddyfile is that of a sidecar for all shops.
func (s *reconciledShops) caddyfile(socket string) string {
	var merchants, sites strings.Builder
	for shop := range s.shops {
		fmt.Fprintf(&merchants, "merchant shop%d {\nbase_url %s\napi_key %s\nsalt %s\ntimeout 2s\n}\n", shop, s.gateway.URL, apiKeyOf(shop), sandboxSalt)
		fmt.Fprintf(&sites, `
			handle_path /shop%d/* {
				galaxypay {
					merchant shop%d
				}
			}
			handle /ipn/%d {
				galaxypay_ipn {
					merchant shop%d
					inbox {
						deliver {
							reverse_proxy %s
						}
						retry%s
					}
				}
			}`, shop, shop, shop, shop, s.app.Listener.Addr(), strings.Repeat(" 50ms", 60))
	}
	var delays strings.Builder
	for _, delay := range s.schedule {
		fmt.Fprintf(&delays, " %s", delay)
	}
	return dedent(fmt.Sprintf("{\nadmin unix/%s.admin\npersist_config off\ngalaxypay {\n%sstore %s\nreconcile%s\n}\n}\nhttp:// {\nbind unix/%s\n%s\n}\n",
		socket, merchants.String(), s.store, delays.String(), socket, sites.String()))
}

// reconcilingSidecar is a child process.
type reconcilingSidecar struct {
	*exec.Cmd
	client
	admin client
}

// start runs a sidecar. Name tells several apart that run at once.
func (s *reconciledShops) start(name string) *reconcilingSidecar {
	s.t.Helper()
	dir := filepath.Join(s.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	file, socket := filepath.Join(dir, "Caddyfile"), filepath.Join(dir, "s")
	if err := os.WriteFile(file, []byte(s.caddyfile(socket)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	child := exec.CommandContext(s.t.Context(), os.Args[0]) //nolint:gosec // G204: this test binary
	child.Env = append(os.Environ(), caddyfileEnv+"="+file, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := child.Start(); err != nil {
		s.t.Fatal(err)
	}
	return &reconcilingSidecar{child, newClient().throughSocket(socket), newFreshClient().throughSocket(socket + ".admin")}
}

// kill kills a sidecar. Its questions end with it.
func (s *reconciledShops) kill(child *reconcilingSidecar) {
	s.t.Helper()
	if err := child.Process.Kill(); err != nil {
		s.t.Error(err)
	}
	_ = child.Wait() // it was killed
	child.CloseIdleConnections()
}

// stop ends a sidecar as an operator does.
func (s *reconciledShops) stop(child *reconcilingSidecar) {
	s.t.Helper()
	child.CloseIdleConnections()
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	if err := child.Wait(); err != nil {
		s.t.Errorf("the sidecar: %v", err)
	}
}

func (child *reconcilingSidecar) awaitServing(t *testing.T) {
	t.Helper()
	eventually(t, "the sidecar serves", func() bool {
		a, err := child.try(t.Context(), http.MethodGet, "http://sidecar/shop0/codes", nil)
		return err == nil && a.status == http.StatusOK
	})
}

// pay makes payments, several at once, and has their truths happen.
func (s *reconciledShops) pay(child *reconcilingSidecar, payments int) {
	s.t.Helper()
	child.awaitServing(s.t)
	var last atomic.Int64
	var apps sync.WaitGroup
	for range 16 {
		apps.Go(func() {
			for n := int(last.Add(1)); n <= payments && !s.t.Failed(); n = int(last.Add(1)) {
				s.payOne(child, n)
			}
		})
	}
	apps.Wait()
}

func (s *reconciledShops) payOne(child *reconcilingSidecar, number int) {
	s.t.Helper()
	p := &reconciledPayment{truth: truthOf(number), number: number, requestID: fmt.Sprint("request-", number), order: fmt.Sprint("DH-", number), paid: time.Now()}
	body := fmt.Sprintf(`{"orderID":%q,"orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260102030405","orderDescription":"x","paymentMethod":"DOMESTIC","ipnURL":"https://shop.example%s"}`,
		p.order, p.target())
	a, err := child.tryPost(s.t.Context(), fmt.Sprintf("http://sidecar/shop%d/pay", number%s.shops), body, "Idempotency-Key", p.requestID)
	var answer struct{ TransactionID string }
	if err == nil {
		err = json.Unmarshal([]byte(a.body), &answer)
	}
	if err != nil || a.status != http.StatusOK || answer.TransactionID == "" {
		s.t.Errorf("pay: HTTP %d, %v: %s", a.status, err, a.body)
		return
	}
	p.transaction = answer.TransactionID
	s.mu.Lock()
	s.payments[p.transaction], s.orders[p.order] = p, p
	s.mu.Unlock()
	if !p.late {
		s.happens(p)
	}
}

// awaitAsked waits until so many questions have been asked.
func (s *reconciledShops) awaitAsked(n int64) {
	s.t.Helper()
	for s.asked.Load() < n {
		s.awaitMove("a question")
	}
}

// eventLease is longer than the inbox of a killed sidecar keeps others from its events.
const eventLease = 2 * time.Minute

// awaitMove waits until something goes on. It may be as long as between two places of the schedule, or until the claims of a
// killed sidecar end.
func (s *reconciledShops) awaitMove(what string) {
	s.t.Helper()
	select {
	case <-s.moved:
	case <-time.After(patience + eventLease + s.schedule[len(s.schedule)-1]):
		s.t.Fatalf("waited in vain: %s; unfinished are %s", what, s.listUnfinished())
	}
}

// listUnfinished describes some payments that are unfinished.
func (s *reconciledShops) listUnfinished() (list string) {
	last := s.schedule[len(s.schedule)-1]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.payments {
		if !p.isFinished(last) && len(list) < 2000 {
			list += fmt.Sprintf("%s (%s, asked %d times, told %d times) ", p.order, p.name, len(p.asked), p.told)
		}
	}
	return list
}

// isFinished reports whether the app was told what it is to be told, and the last question was asked where there is one, as far as
// it can be seen: a question that was asked shortly before the last place, and answered after it, counts for that too.
func (p *reconciledPayment) isFinished(last time.Duration) bool {
	isAsked := p.ends == ledger.Paid || len(p.asked) > 0 && !p.asked[len(p.asked)-1].Before(p.paid.Add(last-2*time.Second))
	return isAsked && (p.truth.told == "" || p.told > 0)
}

// killMany kills sidecars, one at a time, spread over the first questions about all payments.
func (s *reconciledShops) killMany(children []*reconcilingSidecar, kills, payments int) {
	s.t.Helper()
	for i := range kills {
		s.awaitAsked(int64((i + 1) * payments / (kills + 1)))
		which := rand.IntN(len(children)) //nolint:gosec // G404: which one is not a secret
		s.kill(children[which])
		if len(children) == 1 {
			eventually(s.t, "the questions of the killed sidecar end", func() bool { return s.running.Load() == 0 })
		}
		children[which] = s.start(fmt.Sprint(which))
	}
}

// records opens the store, and returns its payments by requestID. With SQLite no sidecar may have it open.
func (s *reconciledShops) records() map[string]ledger.Payment {
	s.t.Helper()
	var kept interface {
		Payments() ledger.Store
		Close() error
	}
	var err error
	if file, ok := strings.CutPrefix(s.store, "sqlite "); ok {
		kept, err = sqlite.Open(file, func(err error) { s.t.Errorf("damage: %v", err) })
	} else {
		kept, err = postgres.Open(s.t.Context(), os.Getenv("TEST_DATABASE_URL"))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer kept.Close()
	records := make(map[string]ledger.Payment)
	for p, err := range kept.Payments().Payments(s.t.Context(), ledger.Filter{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		records[p.RequestID] = p
	}
	return records
}

// awaitEnds waits until there is nothing more to ask about any payment and nothing more to tell, and ends the sidecars.
func (s *reconciledShops) awaitEnds(children []*reconcilingSidecar) map[string]ledger.Payment {
	s.t.Helper()
	for s.unfinished() > 0 {
		s.awaitMove("the last question")
	}
	pace := time.NewTicker(100 * time.Millisecond) // a list is long
	defer pace.Stop()
	for begun := time.Now(); children[0].isAsking(s.t); <-pace.C {
		if time.Since(begun) > patience {
			s.t.Fatal("waited in vain: nothing more to ask")
		}
	}
	for _, child := range children {
		s.stop(child)
	}
	return s.records()
}

// isAsking reports whether there is a payment that is still to be asked about.
func (child *reconcilingSidecar) isAsking(t *testing.T) bool {
	t.Helper()
	var listed struct{ Payments []struct{ AskAt time.Time } }
	child.admin.get(t, "http://127.0.0.1/galaxypay/payments/list?limit=10000").decode(t, &listed)
	return slices.ContainsFunc(listed.Payments, func(p struct{ AskAt time.Time }) bool { return !p.AskAt.IsZero() })
}

// unfinished counts the payments that are to be told, or asked about once more.
func (s *reconciledShops) unfinished() (n int) {
	last := s.schedule[len(s.schedule)-1]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.payments {
		if !p.isFinished(last) {
			n++
		}
	}
	return n
}

// compare holds the records against the truths. It returns how late a question was, at most, after a place of the schedule, and
// how many events were told again.
func (s *reconciledShops) compare(records map[string]ledger.Payment, kills int) (late time.Duration, repeated int) {
	s.t.Helper()
	if len(records) != len(s.payments) {
		s.t.Errorf("%d payments are recorded, made were %d", len(records), len(s.payments))
	}
	first, last := s.schedule[0], s.schedule[len(s.schedule)-1]
	for _, p := range s.payments {
		r := records[p.requestID]
		if r.Status != p.ends || r.Word != (p.truth.told != "") || r.AskedUntil.After(time.Now().Add(time.Minute)) {
			s.t.Errorf("%s, which is %s, ends as %s, word %t", p.order, p.name, r.Status, r.Word)
		}
		if p.truth.told != "" {
			repeated += p.told - 1
		}
		if early := p.paid.Add(first).Sub(p.asked[0]); early > 0 {
			s.t.Errorf("%s was asked about %s before its time", p.order, early)
		}
		late = max(late, p.asked[0].Sub(p.paid)-first, p.asked[len(p.asked)-1].Sub(p.paid)-last)
		// A question without an answer is sent twice, and one that was broken off is asked again.
		if most := 2*len(s.schedule) + kills + 1; len(p.asked) > most {
			s.t.Errorf("%s, which is %s, was asked about %d times", p.order, p.name, len(p.asked))
		}
	}
	if isLate := func(p *reconciledPayment) bool { return p.late }; kills == 0 && !slices.ContainsFunc(slices.Collect(maps.Values(s.payments)), isLate) {
		s.t.Error("no payment was paid after the first question")
	}
	// At most four events are on their way for questions, and four more that were left behind, when a sidecar is killed.
	if repeated > 8*kills {
		s.t.Errorf("%d events were told again after %d kills", repeated, kills)
	}
	return late, repeated
}
