package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/exchange"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// samplePay is a pay as shops send it, of some 700 bytes.
const samplePay = `{"apiVersion":"2","apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":"205249008064",` +
	`"orderAmount":"100000","orderCurrency":"VND","orderDateTime":"20220426083322",` +
	`"orderDescription":"Thanh toán đơn hàng 205249008064 tại cửa hàng Nguyễn Huệ, Quận 1, Thành phố Hồ Chí Minh",` +
	`"paymentMethod":"WALLET","sourceType":"MOMO","language":"vi","isAutoCapture":true,` +
	`"successURL":"https://shop.example/orders/205249008064/success?session=4f6c1a","failureURL":"https://shop.example/orders/205249008064/failure?session=4f6c1a",` +
	`"cancelURL":"https://shop.example/orders/205249008064/cancel?session=4f6c1a","ipnURL":"https://shop.example/galaxypay/ipn"}`

const (
	benchSalt      = "GO@2021"
	benchRequestID = "0123456789abcdef0123456789abcdef"
	sampleAnswer   = `{"requestID":"` + benchRequestID + `","responseDateTime":"20220426083323","responseCode":"200","responseMessage":"Success",` +
		`"responseData":{"transactionID":"4f6c1a2b-93d0-4c1e-8a57-0d9f5b7e6c31","endpoint":"https://uat-secure.galaxypay.vn/payment/4f6c1a2b-93d0-4c1e-8a57-0d9f5b7e6c31"}}`
)

// paymentOfSize is the payment with a description that makes it size bytes long.
func paymentOfSize(size int) []byte {
	const head, tail = `{"orderID":"2a43e4b9","orderAmount":100000,"orderDescription":"`, `"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

// signedText is a text of the gateway with its signature.
type signedText struct {
	text      []byte
	signature string
}

// core does to a payment and its answer what the signing core does to every call
// with an Idempotency-Key: take apart, wrap, sign, prove, take apart. It returns what
// it sent.
func core(s *signer, body []byte, reply *signedText) ([]byte, error) {
	req, fault := parseRequest(body)
	if fault != nil {
		return nil, fmt.Errorf("the request: %s", fault.Fault)
	}
	req.requestID = requestIDFor(benchRequestID)
	message := appendEnvelope(make([]byte, 0, len(req.object)+128), &req, time.Now(), nil)
	if len(s.sign(message)) != 2*sha256.Size {
		return nil, fmt.Errorf("the signature is cut")
	}
	if s.verify(reply.text, reply.signature, time.Now()) != signatureProven {
		return nil, fmt.Errorf("the answer is not proven")
	}
	a, fault := parseEnvelope(reply.text)
	if fault != nil || a.responseCode != "200" {
		return nil, fmt.Errorf("the answer has the code %q", a.responseCode)
	}
	return message, nil
}

// BenchmarkCore measures the signing core against the least that a signer could
// do: SHA-256 of the bytes sent and received, and one json.Valid over the same bytes.
// Both take turns within each round, so other programs slow them alike.
func BenchmarkCore(b *testing.B) {
	s := &signer{salt: []byte(benchSalt)}
	reply := &signedText{[]byte(sampleAnswer), s.sign([]byte(sampleAnswer))}
	body := []byte(samplePay)
	message, err := core(s, body, reply)
	if err != nil {
		b.Fatal(err)
	}
	least := func() {
		for _, text := range [][]byte{message, reply.text} {
			sha256.Sum256(text)
			json.Valid(text)
		}
	}
	const calls = 200
	ours, leasts := time.Duration(1<<63-1), time.Duration(1<<63-1)
	for b.Loop() {
		ours = min(ours, timed(calls, func() { _, _ = core(s, body, reply) }))
		leasts = min(leasts, timed(calls, least))
	}
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
	b.ReportMetric(float64(ours)/float64(leasts), "ratio")
	b.ReportMetric(float64(ours.Nanoseconds())/calls, "core-ns")
	b.ReportMetric(float64(leasts.Nanoseconds())/calls, "least-ns")
}

func timed(calls int, work func()) time.Duration {
	started := time.Now()
	for range calls {
		work()
	}
	return time.Since(started)
}

// BenchmarkCoreSize shows that the cost of a byte does not grow with the body.
func BenchmarkCoreSize(b *testing.B) {
	s := &signer{salt: []byte(benchSalt)}
	reply := &signedText{[]byte(sampleAnswer), s.sign([]byte(sampleAnswer))}
	for size := 256; size <= 64<<10; size *= 4 {
		body := paymentOfSize(size)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := core(s, body, reply); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size+len(reply.text)), "ns/byte")
		})
	}
}

// echoGateway answers every request at once, as the gateway answers a pay.
type echoGateway struct{ signer *signer }

func (g *echoGateway) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	id := sent[len(`{"requestID":"`):][:len(benchRequestID)]
	text := bytes.Replace([]byte(sampleAnswer), []byte(benchRequestID), id, 1)
	return &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{"Signature": {g.signer.sign(text)}},
		ContentLength: int64(len(text)),
		Body:          io.NopCloser(bytes.NewReader(text)),
	}, nil
}

// benchProxy is a handler for one merchant in front of an echoGateway.
func benchProxy(tb testing.TB, name string) *Proxy {
	tb.Helper()
	s := signer{salt: []byte(benchSalt)}
	p := &Proxy{
		MaxBody:  defaultMaxBody,
		bodies:   bodies.New(defaultMaxBody, defaultMaxInFlight),
		Timeout:  defaultTimeout,
		merchant: &merchant{name: name, contact: newContact(), baseURL: &url.URL{Scheme: "http", Host: "gateway.example"}, secrets: &secrets{apiKey: "sandbox", signer: s}},
		callers:  allow.List{netip.MustParsePrefix("127.0.0.0/8")},
		slots:    make(slots, 1),
		log:      zap.NewNop(),
	}
	p.gateway = exchange.Over(&echoGateway{&s}, p.merchant.baseURL, true, nil)
	var err error
	if p.routes, err = newRoutes(nil, nil); err != nil {
		tb.Fatal(err)
	}
	if p.documents, err = p.describe(); err != nil {
		tb.Fatal(err)
	}
	if p.metrics, err = newMetrics(prometheus.NewRegistry()); err != nil {
		tb.Fatal(err)
	}
	return p
}

// discard is a ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// payOnce sends one payment through the handler.
func payOnce(tb testing.TB, p *Proxy, w *discard, r *http.Request, body *bytes.Reader) {
	tb.Helper()
	body.Reset([]byte(samplePay))
	r.Body = io.NopCloser(body)
	clear(w.header)
	if err := p.ServeHTTP(w, r, nil); err != nil || w.status != http.StatusOK {
		tb.Fatalf("status %d, error %v", w.status, err)
	}
}

func benchRequest() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/transaction/pay", nil)
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(samplePay))
	return r
}

// BenchmarkHandler is a whole call without any network. The gateway's part, which
// is signed here too, is in the figures.
func BenchmarkHandler(b *testing.B) {
	p, w, r, body := benchProxy(b, "default"), &discard{header: http.Header{}}, benchRequest(), new(bytes.Reader)
	b.ReportAllocs()
	for b.Loop() {
		payOnce(b, p, w, r, body)
	}
}

// BenchmarkMerchants shows that a call costs the same however many merchants there
// are, each with a handler of its own, as the calls go round all of them.
func BenchmarkMerchants(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		handlers := make([]*Proxy, n)
		shared := benchProxy(b, "shared")
		for i := range handlers {
			p := *shared
			m := *shared.merchant
			m.name = "merchant-" + strconv.Itoa(i)
			p.merchant = &m
			handlers[i] = &p
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w, r, body := &discard{header: http.Header{}}, benchRequest(), new(bytes.Reader)
			i := 0
			for b.Loop() {
				payOnce(b, handlers[i%n], w, r, body)
				i++
			}
		})
	}
}

// The core needs room for the members of the request, the message, its signature
// and the answer's requestID.
func TestCoreAllocations(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector empties pools at random, so that they allocate; .ci/run counts without it")
	}
	s := &signer{salt: []byte(benchSalt)}
	reply := &signedText{[]byte(sampleAnswer), s.sign([]byte(sampleAnswer))}
	body := []byte(samplePay)
	if n := testing.AllocsPerRun(500, func() {
		if _, err := core(s, body, reply); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%g allocations, expected 4", n)
	}
}

// raceEnabled reports whether the race detector is built in: a pool then drops what it
// is given now and then.
func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// stalledGateway holds every call where the gateway would be at work on it, then
// answers with as much as the handler takes.
type stalledGateway struct {
	echoGateway
	arrived chan struct{}
	proceed chan struct{}
}

func (g *stalledGateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.arrived <- struct{}{}
	<-g.proceed
	return g.echoGateway.RoundTrip(r)
}

// While the gateway is at work a call holds its body and the message around it, and
// nothing else of that size, whether its length was announced or not.
func TestMemoryOfCallsAtWork(t *testing.T) {
	const calls, size = 64, 1 << 20
	for name, test := range map[string]struct {
		length int64
		copies float64
	}{
		"length announced": {size, 2.2},
		"in chunks":        {-1, 2.2},
	} {
		t.Run(name, func(t *testing.T) {
			p := benchProxy(t, "default")
			g := &stalledGateway{echoGateway{&p.merchant.signer}, make(chan struct{}), make(chan struct{})}
			p.gateway = exchange.Over(g, p.merchant.baseURL, true, nil)
			p.MaxBody, p.slots, p.Validate = size, make(slots, calls), "off"
			p.bodies = bodies.New(size, calls)
			body := string(paymentOfSize(size))
			before := heapInUse()
			var all sync.WaitGroup
			for range calls {
				r := benchRequest()
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), test.length
				all.Go(func() { _ = p.ServeHTTP(&discard{header: http.Header{}}, r, nil) })
			}
			for range calls {
				<-g.arrived
			}
			if held := float64(heapInUse()-before) / calls / size; held > test.copies {
				t.Errorf("a call holds %.2f times max_body, expected %g at most", held, test.copies)
			} else {
				t.Logf("a call holds %.2f times max_body", held)
			}
			close(g.proceed)
			all.Wait()
		})
	}
}

// heapInUse is the memory that is still referred to.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The benchmark's payment must be one that the catalogue lets pass, else the handler
// would be measured refusing it.
func TestBenchmarkPaymentIsValid(t *testing.T) {
	req, fault := parseRequest([]byte(samplePay))
	if fault != nil {
		t.Fatal(fault.Fault)
	}
	pay := operation.All()[0]
	if faults := pay.Validate(req.data); faults != nil {
		t.Errorf("%d faults, the first in %s", len(faults), faults[0].Field.Name)
	}
}
