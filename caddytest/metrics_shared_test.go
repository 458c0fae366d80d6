//go:build unix

package caddytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// meteredSidecar is one of two sidecars that share a database: its calls, its IPNs and its metrics have one address.
type meteredSidecar struct {
	client
	address string
}

// sharedSidecars are two sidecars on one database. The first runs in this process, where a test can reload it, the second in
// a process of its own.
type sharedSidecars struct {
	gateway      *gateway
	app          *recordingApp
	first, other meteredSidecar
	caddy        *caddyServer // the first
	caddyfile    string       // of the first
}

// newSharedSidecars runs two sidecars with these global options. They give an event up after three attempts.
func newSharedSidecars(t *testing.T, options string) *sharedSidecars {
	t.Helper()
	newDatabase(t)
	s := &sharedSidecars{gateway: newGateway(t), app: newApp(t)}
	s.gateway.replies(s.reply)
	options = "galaxypay {\n" + s.gateway.merchant(t) + "store " + databaseOption + "\n" + options + "\n}\n"
	site := `
		handle /metrics {
			metrics
		}
		handle /ipn {
			galaxypay_ipn {
				inbox {
					deliver_to http://` + s.app.address + `/payments/ipn
					answer_within 10ms
					retry 20ms 20ms
				}
			}
		}
		handle {
			galaxypay
		}`
	s.caddyfile = "{\n" + options + "}\nhttp://:9181 {\n" + site + "\n}\n"
	s.caddy = start(t, s.caddyfile)
	s.first = meteredSidecar{s.caddy.client, s.caddy.url("9181")}
	dir := shortTempDir(t)
	socket := filepath.Join(dir, "site.sock")
	child := newChildCaddy(t, dir, "{\nadmin off\npersist_config off\n"+options+"}\nhttp:// {\nbind unix/"+socket+site+"\n}\n")
	child.start(t)
	t.Cleanup(func() { _ = child.process.Wait() }) // the end of the test kills it
	s.other = meteredSidecar{newFreshClient().throughSocket(socket), "http://sidecar"}
	eventually(t, "the other sidecar serves", func() bool {
		a, err := s.other.try(t.Context(), http.MethodGet, "http://sidecar/metrics", nil)
		return err == nil && a.status == http.StatusOK
	})
	return s
}

// at is the first sidecar or the other one, by turns.
func (s *sharedSidecars) at(n int) meteredSidecar {
	if n%2 == 0 {
		return s.first
	}
	return s.other
}

// reply is the gateway's. The name of an order says what the gateway does about it.
func (s *sharedSidecars) reply(c *call) []byte {
	var asked struct {
		RequestData struct{ OrderID, TransactionID string }
	}
	_ = json.Unmarshal([]byte(c.body), &asked)
	order, isQuery := strings.CutPrefix(asked.RequestData.TransactionID, "T-")
	if !isQuery {
		order = asked.RequestData.OrderID
	}
	stage := `"transactionStatus":"200","transactionStage":"SUCCESSFUL"`
	switch what, _, _ := strings.Cut(order, "-"); {
	case what == "cut":
		return nil
	case what == "refused", what == "silent" && isQuery:
		return s.gateway.refusal(c, "400")
	case what == "open":
		stage = `"transactionStatus":"100","transactionStage":"PROCESSING"`
	}
	return s.gateway.success(c, `{"transactionID":"T-`+order+`","endpoint":"https://pay.example/1",`+stage+
		`,"orderID":"`+order+`","orderAmount":"109000","orderCurrency":"VND"}`)
}

// pay makes a payment of an order under a key.
func (m meteredSidecar) pay(t *testing.T, order, key string) httpAnswer {
	t.Helper()
	return m.post(t, m.address+"/pay", `{"orderID":"`+order+`","orderAmount":109000,"orderCurrency":"VND","orderDateTime":"20260102030405",`+
		`"orderDescription":"x","paymentMethod":"DOMESTIC"}`, "Idempotency-Key", key)
}

// paidBy is an IPN about the payment of an order under a key, changed by replacements.
func paidBy(order, key string, replacements ...string) callback {
	message := `{"requestID":"` + key + `","responseDateTime":"20260102030405","responseCode":"200","responseMessage":"m","responseData":` +
		`{"transactionID":"T-` + key + `","orderID":"` + order + `","orderAmount":"109000","orderCurrency":"VND"}}`
	return signedMessage(strings.NewReplacer(replacements...).Replace(message), testSalt)
}

// arrives sends an IPN, which is acknowledged.
func (m meteredSidecar) arrives(t *testing.T, ipn callback) {
	t.Helper()
	m.post(t, m.address+"/ipn", ipn.json()).wantIPNStatus(t, "200")
}

var numberLine = regexp.MustCompile(`(?m)^caddy_galaxypay_([a-z_]+(?:\{.*\})?) (\S+)$`)

// numbers are the sidecar's metrics by series, without the name's beginning and the merchant.
func (m meteredSidecar) numbers(t *testing.T) map[string]float64 {
	t.Helper()
	numbers := make(map[string]float64)
	text := m.get(t, m.address+"/metrics").body
	for _, line := range numberLine.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers[withoutMerchant.Replace(line[1])] = n
	}
	return numbers
}

var withoutMerchant = strings.NewReplacer(`{merchant="default"}`, "", `,merchant="default"`, "", `merchant="default",`, "")

// ofFamilies are the numbers of these metrics.
func ofFamilies(numbers map[string]float64, families []string) map[string]float64 {
	of := maps.Clone(numbers)
	maps.DeleteFunc(of, func(series string, _ float64) bool {
		name, _, _ := strings.Cut(series, "{")
		return !slices.Contains(families, name)
	})
	return of
}

// The metrics that count what happened, and those that say what the store holds.
var (
	counters = []string{"requests_total", "callbacks_total", "signatures_total", "ipns_not_acknowledged_total", "inbox_events_total", "ledger_events_total"}
	gauges   = []string{"inbox_pending", "payments", "unknown_calls", "oldest_open_payment_timestamp_seconds", "store_writable"}
)

// counted is what one sidecar has counted, without what is 0.
func (m meteredSidecar) counted(t *testing.T) map[string]float64 {
	t.Helper()
	of := ofFamilies(m.numbers(t), counters)
	maps.DeleteFunc(of, func(_ string, n float64) bool { return n == 0 })
	return of
}

// wantCounted checks what both sidecars have counted together. A count follows what it counts.
func (s *sharedSidecars) wantCounted(t *testing.T, want map[string]float64) {
	t.Helper()
	var got map[string]float64
	if poll(func() bool {
		got = s.first.counted(t)
		for series, n := range s.other.counted(t) {
			got[series] += n
		}
		return maps.Equal(got, want)
	}) {
		return
	}
	t.Errorf("both have counted\n%s\nwant\n%s", listed(got), listed(want))
}

// wantHeld checks that both sidecars say the same of the store. They may be two seconds late. Without a number in want, a gauge is 0.
func (s *sharedSidecars) wantHeld(t *testing.T, want map[string]float64) {
	t.Helper()
	var first, other map[string]float64
	if poll(func() bool {
		first, other = ofFamilies(s.first.numbers(t), gauges), ofFamilies(s.other.numbers(t), gauges)
		return maps.Equal(first, other) && holds(first, want)
	}) {
		return
	}
	t.Errorf("the first says\n%s\nthe other says\n%s\nwant\n%s", listed(first), listed(other), listed(want))
}

// holds reports whether the gauges are as wanted. Of a time, only whether it is there.
func holds(got, want map[string]float64) bool {
	got = maps.Clone(got)
	maps.DeleteFunc(got, func(_ string, n float64) bool { return n == 0 })
	const oldest = "oldest_open_payment_timestamp_seconds"
	if got[oldest] > 1 {
		got[oldest] = 1
	}
	return maps.Equal(got, want)
}

// listed writes numbers down, one series a line.
func listed(numbers map[string]float64) string {
	var lines strings.Builder
	for _, series := range slices.Sorted(maps.Keys(numbers)) {
		fmt.Fprintf(&lines, "%s %v\n", series, numbers[series])
	}
	return lines.String()
}

// queries is how many questions the gateway got.
func (s *sharedSidecars) queries() (n float64) {
	for _, c := range s.gateway.calls() {
		if strings.HasSuffix(c.path(), "/query") {
			n++
		}
	}
	return n
}

// failsFor lets the app refuse the first attempts of some orders.
func (s *sharedSidecars) failsFor(attempts map[string]int) {
	s.app.answers(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if n, _ := strconv.Atoi(r.Header.Get("Galaxypay-Attempt")); n <= attempts[r.Header.Get("Galaxypay-Order-Id")] {
			status = http.StatusServiceUnavailable
		}
		answering(status, "")(w, r)
	})
}

// Each call counts once over both sidecars, whichever of them it comes to, and both say the same of the ledger.
func TestMetricsOfCallsAtTwoSidecars(t *testing.T) {
	s := newSharedSidecars(t, "reconcile off")
	const orders = 10
	for n := range orders {
		order := fmt.Sprintf("DH-%d", n)
		first := s.at(n).pay(t, order, order)
		first.wantStatus(t, http.StatusOK)
		wantReplayed(t, s.at(n+1).pay(t, order, order), first)
	}
	s.other.pay(t, "cut-1", "cut-1").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	for n := range 3 {
		s.at(n).pay(t, "refused-1", fmt.Sprint("refused-", n))
		s.at(n).post(t, s.at(n).address+"/pay", "[]")
	}
	s.wantHeld(t, map[string]float64{
		`payments{status="open"}`: orders, `payments{status="failed"}`: 3, `payments{status="unknown"}`: 1, "unknown_calls": 1,
		"oldest_open_payment_timestamp_seconds": 1, "store_writable": 1,
	})
	s.wantCounted(t, map[string]float64{
		`requests_total{operation="pay",outcome="ok"}`:         2 * orders,
		`requests_total{operation="pay",outcome="unknown"}`:    1,
		`requests_total{operation="pay",outcome="rejected"}`:   3,
		`requests_total{operation="pay",outcome="not_sent"}`:   3,
		`ledger_events_total{event="replayed"}`:                orders,
		`signatures_total{direction="reply",result="current"}`: orders + 3,
	})
}

// Each IPN counts once over both sidecars, whichever of them it comes to and whichever delivers it, and both say the same of the inbox
// and of the payments.
func TestMetricsOfIPNsAtTwoSidecars(t *testing.T) {
	s := newSharedSidecars(t, "reconcile off")
	const orders = 12
	held := newGate(t)
	s.app.answers(func(w http.ResponseWriter, _ *http.Request) {
		held.pass()
		answering(http.StatusServiceUnavailable, "")(w, nil)
	})
	for n := range orders {
		order := fmt.Sprintf("DH-%d", n)
		s.at(n).pay(t, order, order).wantStatus(t, http.StatusOK)
		s.at(n/2).arrives(t, paidBy(order, order))
	}
	s.wantHeld(t, map[string]float64{`payments{status="paid"}`: orders, "inbox_pending": orders, "store_writable": 1})

	s.failsFor(map[string]int{"DH-0": 3, "DH-1": 3, "DH-2": 3, "DH-3": 2, "DH-4": 2})
	held.open()
	s.wantHeld(t, map[string]float64{`payments{status="paid"}`: orders, "store_writable": 1})
	want := map[string]float64{
		`requests_total{operation="pay",outcome="ok"}`:            orders,
		`signatures_total{direction="reply",result="current"}`:    orders,
		`signatures_total{direction="callback",result="current"}`: orders,
		`callbacks_total{kind="ipn",result="paid"}`:               orders,
		`inbox_events_total{result="dead"}`:                       3,
		`inbox_events_total{result="delivered"}`:                  orders - 3,
		`inbox_events_total{result="retried"}`:                    3*2 + 2*2 + orders - 5, // at the gate, the first attempt of each fails
	}
	s.wantCounted(t, want)
}

// What the ledger and the inbox find out about IPNs counts once, though what it is compared with came to the other sidecar.
func TestMetricsOfFindingsAtTwoSidecars(t *testing.T) {
	for turn, name := range []string{"the first", "the other"} {
		t.Run(name+" begins", func(t *testing.T) {
			s := newSharedSidecars(t, "reconcile off")
			for _, key := range []string{"DH-1", "DH-2", "DH-3", "DH-4", "again"} {
				s.at(turn).pay(t, strings.Replace(key, "again", "DH-4", 1), key).wantStatus(t, http.StatusOK)
			}
			for _, key := range []string{"DH-1", "DH-2", "DH-4"} {
				s.at(turn).arrives(t, paidBy(key, key))
			}
			s.wantHeld(t, map[string]float64{
				`payments{status="paid"}`: 3, `payments{status="open"}`: 2, "oldest_open_payment_timestamp_seconds": 1, "store_writable": 1,
			})
			then := s.at(turn + 1)
			then.arrives(t, paidBy("DH-1", "DH-1"))                                     // sent again
			then.arrives(t, paidBy("DH-1", "DH-1", `"200"`, `"499"`))                   // cancelled, after it was paid
			then.arrives(t, paidBy("DH-2", "DH-2", "20260102030405", "20260102030406")) // the same news in other words
			then.arrives(t, paidBy("DH-3", "DH-3", "109000", "1"))                      // not what was signed
			then.arrives(t, paidBy("DH-4", "again"))                                    // the order is paid already
			s.wantHeld(t, map[string]float64{
				`payments{status="paid"}`: 4, `payments{status="open"}`: 1, "oldest_open_payment_timestamp_seconds": 1, "store_writable": 1,
			})
			s.wantCounted(t, map[string]float64{
				`requests_total{operation="pay",outcome="ok"}`:            5,
				`signatures_total{direction="reply",result="current"}`:    5,
				`signatures_total{direction="callback",result="current"}`: 8,
				`callbacks_total{kind="ipn",result="paid"}`:               7, // by what the payment is
				`callbacks_total{kind="ipn",result="disputed"}`:           1,
				`ledger_events_total{event="disputed"}`:                   1,
				`ledger_events_total{event="paid_twice"}`:                 1,
				`inbox_events_total{result="delivered"}`:                  5,
				`inbox_events_total{result="duplicate"}`:                  1,
				`inbox_events_total{result="overtaken"}`:                  1,
				`inbox_events_total{result="repeated"}`:                   1,
			})
		})
	}
}

// A question to the gateway, and what comes of it, counts once over both sidecars, whichever of them asks.
func TestMetricsOfQuestionsOfTwoSidecars(t *testing.T) {
	s := newSharedSidecars(t, "reconcile 300ms 700ms")
	const payments = 4 // of each kind
	for n := range payments {
		for _, kind := range []string{"paid", "open", "silent"} {
			order := fmt.Sprintf("%s-%d", kind, n)
			s.at(n).pay(t, order, order).wantStatus(t, http.StatusOK)
		}
	}
	s.wantHeld(t, map[string]float64{
		`payments{status="paid"}`: payments, `payments{status="abandoned"}`: payments, `payments{status="silent"}`: payments, "store_writable": 1,
	})
	s.wantCounted(t, map[string]float64{
		`requests_total{operation="pay",outcome="ok"}`:         3 * payments,
		`signatures_total{direction="reply",result="current"}`: 3*payments + s.queries(),
		`ledger_events_total{event="asked"}`:                   s.queries(),
		`ledger_events_total{event="reconciled"}`:              payments,
		`ledger_events_total{event="abandoned"}`:               payments,
		`ledger_events_total{event="silent"}`:                  payments,
		`inbox_events_total{result="delivered"}`:               payments,
	})
}

// A reload lets the counts of its sidecar begin at 0, and no other number change. What was begun before it, and ends after it, is
// counted after it.
func TestMetricsOfTwoSidecarsAfterAReload(t *testing.T) {
	s := newSharedSidecars(t, "reconcile off")
	for n := range 4 {
		order := fmt.Sprintf("DH-%d", n)
		s.at(n).pay(t, order, order).wantStatus(t, http.StatusOK)
	}
	s.first.arrives(t, paidBy("DH-0", "DH-0"))
	s.other.arrives(t, paidBy("DH-1", "DH-1"))
	taken := newGate(t)
	s.app.answers(func(w http.ResponseWriter, _ *http.Request) {
		taken.pass()
		answering(http.StatusOK, "")(w, nil)
	})
	s.first.arrives(t, paidBy("DH-2", "DH-2"))
	await(t, taken.arrived, "the attempt")
	held := map[string]float64{
		`payments{status="paid"}`: 3, `payments{status="open"}`: 1, "inbox_pending": 1, "oldest_open_payment_timestamp_seconds": 1, "store_writable": 1,
	}
	s.wantHeld(t, held)
	before := s.other.counted(t)
	s.caddy.mustLoad(t, versioned(s.caddyfile, 2))
	if got := s.first.counted(t); len(got) != 0 {
		t.Errorf("after the reload\n%s", listed(got))
	}
	if got := s.other.counted(t); !maps.Equal(got, before) {
		t.Errorf("the other sidecar has counted\n%s\nbefore the reload\n%s", listed(got), listed(before))
	}
	s.wantHeld(t, held)

	taken.open()
	s.first.arrives(t, paidBy("DH-3", "DH-3"))
	s.first.pay(t, "DH-0", "DH-0").wantStatus(t, http.StatusOK)
	s.wantHeld(t, map[string]float64{`payments{status="paid"}`: 4, "store_writable": 1})
	for series, n := range map[string]float64{
		`requests_total{operation="pay",outcome="ok"}`:            1,
		`ledger_events_total{event="replayed"}`:                   1,
		`signatures_total{direction="callback",result="current"}`: 1,
		`callbacks_total{kind="ipn",result="paid"}`:               1,
		`inbox_events_total{result="delivered"}`:                  2,
	} {
		before[series] += n
	}
	s.wantCounted(t, before)
}
