package galaxypay

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/exchange"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// canaryCard is a published test card. Like the merchant's pair, it must be in no
// answer and in no line of the log.
const canaryCard = "4508750015741019"

// answering is a gateway with one answer. Request is nil until it is asked.
type answering struct {
	body, signature string
	sent            []byte
	request         *http.Request
}

func (g *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	g.request = r
	var err error
	if g.sent, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	header := http.Header{"Signature": {g.signature}, "X-Forged": {"1"}, "Set-Cookie": {"a=b"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(g.body)), ContentLength: int64(len(g.body))}, nil
}

// proxyFor is a provisioned handler with that gateway; what it logs goes into log.
func proxyFor(f *testing.F, log io.Writer) *Proxy {
	f.Helper()
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	p := &Proxy{
		MaxBody: defaultMaxBody,
		bodies:  bodies.New(defaultMaxBody, 1),
		Timeout: defaultTimeout,
		log:     zap.New(zapcore.NewCore(encoder, zapcore.AddSync(log), zap.DebugLevel)),
		merchant: &merchant{
			contact: newContact(),
			name:    "airline",
			secrets: &secrets{apiKey: canaryKey, signer: signer{salt: []byte(canarySalt)}},
		},
	}
	var err error
	if p.merchant.baseURL, err = parseBaseURL("https://gateway.example"); err != nil {
		f.Fatal(err)
	}
	if p.callers, err = allow.Parse(nil); err != nil {
		f.Fatal(err)
	}
	if p.routes, err = newRoutes(nil, nil); err != nil {
		f.Fatal(err)
	}
	if p.metrics, err = newMetrics(prometheus.NewRegistry()); err != nil {
		f.Fatal(err)
	}
	return p
}

var (
	oneLine        = regexp.MustCompile(`^[ -~]*$`)
	controlInText  = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	neverInAnswers = regexp.MustCompile(canaryCard + `|` + canaryKey + `|` + canarySalt)
)

// Whatever an app posts around a card number, and whatever the gateway then answers:
// the app gets either what the gateway has signed, or a problem that is valid JSON, in
// the terms of the contract, on one line, and that holds nothing of card, key or salt. Nor do
// the headers and the log.
func FuzzProblem(f *testing.F) {
	const pay = `{"orderID":"1","orderAmount":100000,"orderCurrency":"VND","orderDateTime":"20260615190000","orderDescription":"x","paymentMethod":"DOMESTIC","sourceType":"VCB","cardNumber":"`
	for i, seed := range []struct{ path, before, after, answer string }{
		{"/pay", pay, `"}`, `{"requestID":"i","responseCode":"200"}`},
		{"/pay", pay, `"`, ``},
		{"/pay", pay, `","cardNumber":""}`, ``},
		{"/pay", `{"orderDateTime":`, `,"apiOperation":"X","apioperation":1}`, ``},
		{"/fastPay", `{"cardNumber":[`, `]}`, ``},
		{"/refund", `{"requestID":"i","requestDateTime":"20260615190000","requestData":{"transactionID":"`, `"}}`, `{"responseCode":"401","responseMessage":"no\u0000\r\n\u2028"}`},
		{"/api/v1/transaction/renew", `{"a":"`, `"}`, `{"responseCode":"00","requestID":"i","responseMessage":"<>&"}`},
		{"/query", `{"requestID":"i\n","requestDateTime":1,"requestData":{"transactionID":"`, `"}}`, `{`},
		{"/nothing\r\nX: y", "", "", ""},
		{"/pay\xff%", `["`, `"]`, `[]`},
		{"/createToken", `{"ẑ\u0000":"`, `"}{`, "{\"responseMessage\":\"\xff\"}"},
	} {
		f.Add(seed.path, []byte(seed.before), []byte(seed.after), seed.answer, "key", "vi", i%2 == 0)
		f.Add(seed.path, []byte(seed.before), []byte(seed.after), seed.answer, "key-"+seed.path, "en,vi;q=0.5", i%2 != 0)
	}
	var log bytes.Buffer
	p := proxyFor(f, &log)
	f.Fuzz(func(t *testing.T, path string, before, after []byte, answer, key, accept string, signed bool) {
		if neverInAnswers.MatchString(answer) || neverInAnswers.MatchString(path) {
			t.Skip("not ours to keep back")
		}
		body := bytes.Join([][]byte{before, after}, []byte(canaryCard))
		if object, ok := objectIn(body); ok && strings.Contains(textIn(object["requestID"]), canaryCard) {
			t.Skip("the app's own requestID is repeated on purpose")
		}
		gateway := &answering{body: answer}
		if signed {
			gateway.signature = plainSignature(answer, canarySalt)
		}
		p.gateway = exchange.Over(gateway, p.merchant.baseURL, true, nil)
		log.Reset()
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.URL.Path, r.RemoteAddr = path, "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept-Language", accept)
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		if err := p.ServeHTTP(w, r, caddyhttp.HandlerFunc(nil)); err != nil {
			t.Fatal(err)
		}

		if found := neverInAnswers.FindString(log.String()); found != "" {
			t.Errorf("the log holds %s: %s", found, &log)
		}
		for name, values := range w.Header() {
			if len(values) != 1 || !oneLine.MatchString(values[0]) || !oneLine.MatchString(name) || neverInAnswers.MatchString(values[0]) {
				t.Errorf("header %q: %q", name, values)
			}
			if name == "X-Forged" || name == "Set-Cookie" {
				t.Errorf("the gateway's header %s got through", name)
			}
		}
		if gateway.request != nil {
			checkSigned(t, gateway)
		}
		if w.Code == http.StatusOK {
			if !signed || gateway.request == nil || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("HTTP 200 to %q, signed: %t", answer, signed)
			}
			return
		}
		checkProblem(t, w, gateway.request != nil)
	})
}

func checkSigned(t *testing.T, g *answering) {
	t.Helper()
	h := g.request.Header
	key, signature := h["apiKey"], h["signature"] //nolint:staticcheck // SA1008: spelled as on the wire
	if len(key) != 1 || key[0] != canaryKey || len(signature) != 1 || signature[0] != plainSignature(string(g.sent), canarySalt) {
		t.Errorf("sent with %v", h)
	}
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder, sent bool) {
	t.Helper()
	fields, ok := objectIn(w.Body.Bytes())
	if !ok || bytes.ContainsFunc(w.Body.Bytes(), func(r rune) bool { return r < ' ' }) || neverInAnswers.Match(w.Body.Bytes()) {
		t.Errorf("the problem is %q", w.Body)
	}
	code := problem.Code(textIn(fields["code"]))
	outcome := textIn(fields["outcome"])
	if !slices.Contains(problem.Codes(), code) || w.Code != code.Status() || textIn(fields["status"]) != strconv.Itoa(w.Code) || outcome != string(code.Outcome()) {
		t.Errorf("HTTP %d: %s", w.Code, w.Body)
	}
	if (outcome == string(problem.NotSent)) == sent {
		t.Errorf("sent: %t, but the outcome is %s", sent, outcome)
	}
	if w.Header().Get("Content-Type") != "application/problem+json" || !strings.HasSuffix(textIn(fields["type"]), "#"+string(code)) {
		t.Errorf("%s of type %s", w.Header().Get("Content-Type"), fields["type"])
	}
	if text := textIn(fields["detail"]); text == "" || controlInText.MatchString(text) || strings.Contains(text, "%!") {
		t.Errorf("detail %q", text)
	}
}
