package caddytest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// callback is a message of the gateway as it travels: Base64 text and its signature.
type callback struct{ data, signature string }

// sealed wraps and signs a message as the gateway does.
func signedMessage(message, salt string) callback {
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

// plusMessage gives Base64 with a plus sign, a slash and padding in it.
const plusMessage = `{"responseCode":"200","responseData":{"orderDescription":"Đơn 25 – cà phê ~~~???"}}`

// way is one of the ways in which a callback arrives.
type way struct {
	name    string
	kind    string // ipn or result; the last part of the address too
	method  string
	content string // Content-Type
	encode  func(callback) string
}

// oneWay is a list of one, where a variable called way hides the type.
func oneWay(w way) []way { return []way{w} }

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
func (w way) send(t *testing.T, c *caddyServer, base, encoded string, header ...string) httpAnswer {
	t.Helper()
	if w.method == http.MethodGet {
		return exchange(t, c, w.method, base+w.path()+"?"+encoded, nil, header...)
	}
	return exchange(t, c, w.method, base+w.path(), strings.NewReader(encoded), append([]string{"Content-Type", w.content}, header...)...)
}

// deliver encodes the message and sends it to callbackSite.
func (w way) deliver(t *testing.T, c *caddyServer, m callback, header ...string) httpAnswer {
	t.Helper()
	return w.send(t, c, c.url("9181"), w.encode(m), header...)
}

// trusted is what a message must look like when it is handed to the app.
type provenCallback struct {
	target   string
	kind     string // ipn, result or cancel
	merchant string // default: default
	status   string
	message  string
	from     callback
}

// check compares a request with what the contract says of it.
func (want provenCallback) check(t *testing.T, got appRequest) {
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
func (want provenCallback) checkMarks(t *testing.T, header http.Header) {
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
