package caddytest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ---- messages of the gateway ----

// callback is a message of the gateway as it travels: Base64 text and its signature.
type callback struct{ data, signature string }

// sealed wraps and signs a message as the gateway does.
func sealed(message, salt string) callback {
	return signedData(base64.StdEncoding.EncodeToString([]byte(message)), salt)
}

// signedData signs a text that need not be Base64.
func signedData(data, salt string) callback { return callback{data, sign(data, salt)} }

// deliveryID is what the app is told the message is called.
func (m callback) deliveryID() string {
	sum := sha256.Sum256([]byte(m.data))
	return hex.EncodeToString(sum[:])
}

// json is the message as the body that the gateway's server posts.
func (m callback) json() string {
	return `{"data":` + jsonText(m.data) + `,"signature":` + jsonText(m.signature) + `}`
}

// form is the message as form fields or query parameters, properly encoded.
func (m callback) form() string {
	return "data=" + url.QueryEscape(m.data) + "&signature=" + url.QueryEscape(m.signature)
}

// jsonText is a text as a JSON string.
func jsonText(text string) string {
	literal, _ := json.Marshal(text) // a string cannot fail
	return string(literal)
}

// A paid order in the form of the published sample, with Vietnamese letters.
const paidMessage = `{"requestID":"0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b","responseDateTime":"20260102030405","responseCode":"200",` +
	`"responseMessage":"Giao dịch thành công.","responseData":{"transactionID":"2601021234567890123456789",` +
	`"orderID":"A-1","orderAmount":"109000","orderDescription":"Cà phê sữa đá – Nguyễn Thị Ánh Tuyết","orderCurrency":"VND",` +
	`"orderDateTime":"20260102030405","language":"vi"}}`

// The other two ends of a payment.
var (
	cancelledMessage = strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"499"`, 1)
	failedMessage    = strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"505"`, 1)
)

// ---- the app behind the sidecar ----

// recordingApp is a merchant's app on a server of its own. It remembers what it was
// handed.
type recordingApp struct {
	address string // host:port, for reverse_proxy

	mu       sync.Mutex
	answer   http.HandlerFunc
	received []handed
}

// handed is one request as the app received it.
type handed struct {
	method  string
	target  string // path and query, as on the wire
	header  http.Header
	trailer http.Header
	length  int64
	body    string
	broken  error // why the body could not be read to its end
}

// newApp runs an app that answers every IPN with success.
func newApp(t *testing.T) *recordingApp {
	t.Helper()
	a := new(recordingApp)
	a.answers(saying(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"order updated"}`))
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.address = server.Listener.Addr().String()
	return a
}

// ServeHTTP implements http.Handler.
func (a *recordingApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	a.received = append(a.received, handed{r.Method, r.RequestURI, r.Header.Clone(), r.Trailer.Clone(), r.ContentLength, string(body), err})
	answer := a.answer
	a.mu.Unlock()
	answer(w, r)
}

// answers decides how the app answers from now on.
func (a *recordingApp) answers(f http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// saying is an app's answer, with headers given as name, value, name, value ...
func saying(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// calls returns what the app was handed, and forgets it.
func (a *recordingApp) calls() []handed {
	a.mu.Lock()
	defer a.mu.Unlock()
	received := a.received
	a.received = nil
	return received
}

// only returns the one request that the app was handed, and forgets it.
func (a *recordingApp) only(t *testing.T) handed {
	t.Helper()
	calls := a.calls()
	if len(calls) != 1 {
		t.Fatalf("the app got %d requests, want 1: %+v", len(calls), calls)
	}
	if calls[0].broken != nil {
		t.Errorf("the app could not read the body: %v", calls[0].broken)
	}
	return calls[0]
}

// untouched demands that nothing reached the app.
func (a *recordingApp) untouched(t *testing.T) {
	t.Helper()
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("the app got %d requests, want none: %+v", len(calls), calls)
	}
}

// trusted is what a message must look like when it is handed to the app.
type trusted struct {
	target   string
	kind     string // ipn, result or cancel
	merchant string // default: default
	status   string
	message  string
	from     callback
}

// check compares a request with what the contract says of it.
func (want trusted) check(t *testing.T, got handed) {
	t.Helper()
	if got.method != http.MethodPost {
		t.Errorf("method %s, want POST", got.method)
	}
	if got.target != want.target {
		t.Errorf("target %s, want %s", got.target, want.target)
	}
	if got.body != want.message {
		t.Errorf("body\n%q, want\n%q", got.body, want.message)
	}
	if got.length != int64(len(want.message)) {
		t.Errorf("Content-Length %d, want %d", got.length, len(want.message))
	}
	if got := got.header["Content-Type"]; !slices.Equal(got, []string{"application/json"}) {
		t.Errorf("Content-Type %q, want application/json", got)
	}
	want.checkMarks(t, got.header)
}

// checkMarks demands exactly the four marks, also in the spelling that CGI would
// fold into theirs.
func (want trusted) checkMarks(t *testing.T, header http.Header) {
	t.Helper()
	if want.merchant == "" {
		want.merchant = "default"
	}
	marks := map[string]string{
		"galaxypay-callback":       want.kind,
		"galaxypay-merchant":       want.merchant,
		"galaxypay-payment-status": want.status,
		"galaxypay-delivery-id":    want.from.deliveryID(),
	}
	for name, values := range header {
		folded := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
		if !strings.HasPrefix(folded, "galaxypay") {
			continue
		}
		if expected, known := marks[folded]; !known || !slices.Equal(values, []string{expected}) {
			t.Errorf("header %s is %q, want %q", name, values, expected)
		}
		delete(marks, folded)
	}
	for name, value := range marks {
		t.Errorf("header %s is missing, want %q", name, value)
	}
}

// ---- the callback site ----

// callbackSite is the Caddyfile of a site that takes IPNs and results of the sandbox's
// merchant for the app. options go into both directives.
func callbackSite(app *recordingApp, options string) string {
	return `
		{
			galaxypay {
				environment sandbox
			}
		}
		http://:9181 {
			handle /galaxypay/ipn* {
				galaxypay_ipn {
					` + options + `
				}
				reverse_proxy ` + app.address + `
			}
			handle /galaxypay/result* {
				galaxypay_result {
					` + options + `
				}
				reverse_proxy ` + app.address + `
			}
		}`
}

// The sandbox's salt, which is also that of the gateway's published examples.
const sandboxSalt = "GO@2021"

// way is one of the ways in which a callback arrives.
type way struct {
	name    string
	kind    string // ipn or result; the last part of the address too
	method  string
	content string // Content-Type
	encode  func(callback) string
}

var ways = []way{
	{"ipn as JSON", "ipn", http.MethodPost, "application/json", callback.json},
	{"ipn as form", "ipn", http.MethodPost, "application/x-www-form-urlencoded", callback.form},
	{"result in the query", "result", http.MethodGet, "", callback.form},
	{"result as form", "result", http.MethodPost, "application/x-www-form-urlencoded", callback.form},
	{"result as JSON", "result", http.MethodPost, "application/json", callback.json},
}

// path is where callbacks of this kind go in callbackSite.
func (w way) path() string { return "/galaxypay/" + w.kind }

// send delivers an encoded message to the site at base.
func (w way) send(t *testing.T, c *caddyServer, base, encoded string, header ...string) answered {
	t.Helper()
	if w.method == http.MethodGet {
		return exchange(t, c, w.method, base+w.path()+"?"+encoded, nil, header...)
	}
	return exchange(t, c, w.method, base+w.path(), strings.NewReader(encoded), append([]string{"Content-Type", w.content}, header...)...)
}

// deliver encodes the message and sends it to callbackSite.
func (w way) deliver(t *testing.T, c *caddyServer, m callback, header ...string) answered {
	t.Helper()
	return w.send(t, c, c.url("9181"), w.encode(m), header...)
}

// exchange sends a request with headers given as name, value, name, value ...
func exchange(t *testing.T, c *caddyServer, method, address string, body io.Reader, header ...string) answered {
	t.Helper()
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	return c.do(t, method, address, h, body)
}

// refusedAs demands a problem with this status and code, in the shape that callbacks
// get it: without an outcome, for nothing was to be sent.
func (a answered) refusedAs(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status {
		t.Errorf("HTTP %d, want %d: %s", a.status, status, a.body)
	}
	p := a.problem(t)
	if p.Code != code {
		t.Errorf("code %q, want %q: %s", p.Code, code, p.Detail)
	}
	if p.Outcome != "" || p.Operation != "" || p.ResponseCode != "" || p.ResponseMessage != "" || p.Errors != nil {
		t.Errorf("a callback's problem speaks of a call: %s", a.body)
	}
}

// confirmedAs demands that the gateway is told exactly this ipnStatus, in two strings.
func (a answered) confirmedAs(t *testing.T, status string) (description string) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("HTTP %d, %s, want 200, application/json: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(a.body), &fields); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	description, ok := fields["ipnDescription"].(string)
	if !ok || description == "" || fields["ipnStatus"] != status || len(fields) != 2 {
		t.Errorf("answer %s, want ipnStatus %q and a description, as strings", a.body, status)
	}
	return description
}

// goodbye ends the connection of a request without a word of HTTP more.
func goodbye(w http.ResponseWriter, last string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, last)
	_ = conn.Close()
}

// oneWay is a list of one, where a variable called way hides the type.
func oneWay(w way) []way { return []way{w} }
