//go:build linux

package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// mostResident bounds the memory of a sidecar, this test binary with Caddy in it, in KiB. It does not grow with the payments.
const mostResident = 200 << 10

// A sidecar starts after a time in which questions about many open payments became due. It serves at once, asks about all of them,
// about none twice, with at most four questions at once, and needs no memory for those that wait. The next questions about them
// are spread. OPEN_PAYMENTS sets how many there are, OPEN_ASKED how many questions are waited for.
func TestStartWithOpenPayments(t *testing.T) {
	open := settingOf("OPEN_PAYMENTS", 400)
	asked := min(open, settingOf("OPEN_ASKED", open))
	s := newOpenShop(t)
	s.fill(open)

	began := time.Now()
	child := s.start("0")
	child.awaitServing(t)
	served := time.Since(began)
	s.holdQuestions(child)
	for s.asked.Load() < int64(asked) {
		s.awaitMove("a question")
	}
	took, resident := time.Since(began), mostMemoryOf(t, child.Process.Pid)
	s.stop(child)

	if most := s.most.Load(); most != 4 {
		t.Errorf("%d questions were asked at once, expected 4", most)
	}
	if resident > mostResident {
		t.Errorf("the sidecar had %d KiB, expected at most %d", resident, mostResident)
	}
	first, last, n := s.nextQuestions()
	if n < asked-4 { // an answer that comes while the sidecar stops is not recorded: its question is asked again
		t.Errorf("%d questions are recorded of %d", n, asked)
	}
	if spread := last.Sub(first); spread < s.schedule[0]/10 || spread > s.schedule[0]/5 {
		t.Errorf("the next questions are spread over %s, expected up to %s", spread, s.schedule[0]/5)
	}
	t.Logf("%d open payments, serves after %s, %d questions in %s, at most %d at once, %d MiB, the next spread over %s",
		open, served.Round(time.Millisecond), s.asked.Load(), took.Round(time.Millisecond), s.most.Load(), resident>>10, last.Sub(first).Round(time.Millisecond))
}

// openShop is a shop whose gateway answers that every payment is open. It holds the first questions.
type openShop struct {
	*reconciledShops
	held atomic.Int64
	four chan struct{} // closed when four are held
	goOn chan struct{} // closed when they are to be answered
}

func newOpenShop(t *testing.T) *openShop {
	t.Helper()
	s := &openShop{reconciledShops: &reconciledShops{
		t: t, dir: shortTempDir(t), store: stores["sqlite"](t), schedule: []time.Duration{10 * time.Second, time.Hour}, shops: 1,
		moved: make(chan struct{}, 1), payments: make(map[string]*reconciledPayment),
	}, four: make(chan struct{}), goOn: make(chan struct{})}
	s.gateway = httptest.NewServer(http.HandlerFunc(s.stillOpen))
	t.Cleanup(s.gateway.Close)
	s.app = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the app got %s", r.RequestURI) }))
	t.Cleanup(s.app.Close)
	return s
}

// stillOpen answers a question, the first about its payment.
func (s *openShop) stillOpen(w http.ResponseWriter, r *http.Request) {
	s.begin()
	defer s.running.Add(-1)
	var question struct {
		RequestID   string
		RequestData struct{ TransactionID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		return // the sidecar was stopped
	}
	transaction := question.RequestData.TransactionID
	p := s.questioned(transaction)
	if p == nil || len(p.asked) > 1 {
		s.t.Errorf("the gateway was asked about %q, which is not there, or again", transaction)
		return
	}
	if s.held.Add(1) == 4 {
		close(s.four)
	}
	select {
	case <-s.goOn:
	case <-r.Context().Done():
	}
	body := envelope(question.RequestID, "200", "Success",
		fmt.Sprintf(`{"transactionID":%q,"transactionStatus":"","transactionStage":"PROCESSING","orderID":%q,"orderAmount":"109000","orderCurrency":"VND"}`, transaction, p.order))
	w.Header().Set("signature", sign(body, sandboxSalt))
	_, _ = io.WriteString(w, body) // the sidecar may be stopped by now
}

// holdQuestions waits for four questions, and lets them be answered after some calls: time enough for a fifth, which must not come.
func (s *openShop) holdQuestions(child *reconcilingSidecar) {
	s.t.Helper()
	select {
	case <-s.four:
	case <-time.After(patience):
		s.t.Fatal("waited in vain: four questions at once")
	}
	for range 50 {
		if a, err := child.try(s.t.Context(), http.MethodGet, "http://sidecar/shop0/codes", nil); err != nil || a.status != http.StatusOK {
			s.t.Errorf("HTTP %d, %v while the gateway is asked", a.status, err)
		}
	}
	close(s.goOn)
}

// fill makes open payments about which the gateway was to be asked half a minute ago.
func (s *openShop) fill(open int) {
	s.t.Helper()
	kept, err := sqlite.Open(strings.TrimPrefix(s.store, "sqlite "), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer kept.Close()
	now := time.Now()
	for from := 0; from < open; from += 1000 {
		err := kept.Payments().Change(s.t.Context(), func(tx ledger.Tx) error {
			for n := from; n < min(from+1000, open); n++ {
				if err := tx.Put(s.openPayment(n, now.Add(-40*time.Second))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *openShop) openPayment(number int, at time.Time) *ledger.Payment {
	p := &ledger.Payment{
		Book: ledger.BookOf("shop0", s.gateway.URL), RequestID: fmt.Sprint("request-", number), Operation: "pay", Effect: operation.OpensPage,
		Fingerprint: "fingerprint", OrderID: fmt.Sprint("DH-", number), Amount: "109000", Currency: "VND", Method: "DOMESTIC",
		Transactions: []string{fmt.Sprint("GPAY-", number)}, RecordedAt: at, Deadline: at, EndedAt: at, Sending: 1, Outcome: ledger.Accepted,
		Status: ledger.Open, StatusAt: at, AskFrom: at, AskAt: at.Add(s.schedule[0]),
	}
	s.payments[p.Transactions[0]] = &reconciledPayment{number: number, requestID: p.RequestID, order: p.OrderID, transaction: p.Transactions[0]}
	return p
}

// nextQuestions are when the first and the last payment that was asked about is due again, and how many these are.
func (s *openShop) nextQuestions() (first, last time.Time, n int) {
	s.t.Helper()
	for _, r := range s.records() {
		if r.Asked == 0 {
			continue
		}
		n++
		if r.Status != ledger.Open || r.Asked != 1 || r.Answered != 1 {
			s.t.Errorf("%s is %s, asked %d, answered %d", r.OrderID, r.Status, r.Asked, r.Answered)
		}
		if first.IsZero() || r.AskAt.Before(first) {
			first = r.AskAt
		}
		if r.AskAt.After(last) {
			last = r.AskAt
		}
	}
	return first, last, n
}

// mostMemoryOf is the most that was ever resident of a process, in KiB.
func mostMemoryOf(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
