package caddytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callback is a message of the gateway as it arrives: Base64 text and its signature.
type callback struct{ data, signature string }

// signedMessage encodes and signs a message as the gateway does.
func signedMessage(message, salt string) callback {
	return signedData(base64.StdEncoding.EncodeToString([]byte(message)), salt)
}

// signedData signs a text that need not be Base64.
func signedData(data, salt string) callback { return callback{data, sign(data, salt)} }

// deliveryID is the value of Galaxypay-Delivery-Id for this message.
func (m callback) deliveryID() string {
	sum := sha256.Sum256([]byte(m.data))
	return hex.EncodeToString(sum[:])
}

// json is the callback as a JSON body.
func (m callback) json() string {
	return `{"data":` + jsonText(m.data) + `,"signature":` + jsonText(m.signature) + `}`
}

// form is the callback as form fields or query parameters, properly encoded.
func (m callback) form() string {
	return "data=" + url.QueryEscape(m.data) + "&signature=" + url.QueryEscape(m.signature)
}

// paidMessage says that an order is paid, in the form of the published sample and with
// Vietnamese letters.
const paidMessage = `{"requestID":"0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b","responseDateTime":"20260102030405","responseCode":"200",` +
	`"responseMessage":"Giao dịch thành công.","responseData":{"transactionID":"2601021234567890123456789",` +
	`"orderID":"A-1","orderAmount":"109000","orderDescription":"Cà phê sữa đá – Nguyễn Thị Ánh Tuyết","orderCurrency":"VND",` +
	`"orderDateTime":"20260102030405","language":"vi"}}`

// How a payment can end otherwise.
var (
	cancelledMessage = strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"499"`, 1)
	failedMessage    = strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"505"`, 1)
)

// plusMessage gives Base64 with a plus sign, a slash and padding in it.
const plusMessage = `{"responseCode":"200","responseData":{"orderNo":1,"orderDescription":"Đơn 25 – cà phê ~~~???"}}`

// way is one of the ways in which a callback arrives.
type way struct {
	name        string
	kind        string // ipn or result; the last part of the address too
	method      string
	contentType string
	encode      func(callback) string
}

var (
	ipnJSON     = way{"ipn as JSON", "ipn", http.MethodPost, "application/json", callback.json}
	ipnForm     = way{"ipn as form", "ipn", http.MethodPost, "application/x-www-form-urlencoded", callback.form}
	resultQuery = way{"result in the query", "result", http.MethodGet, "", callback.form}
	resultForm  = way{"result as form", "result", http.MethodPost, "application/x-www-form-urlencoded", callback.form}
	resultJSON  = way{"result as JSON", "result", http.MethodPost, "application/json", callback.json}

	resultWays = []way{resultQuery, resultForm, resultJSON}
	ways       = append([]way{ipnJSON, ipnForm}, resultWays...)
)

// path is where callbacks of this kind go in callbackSite.
func (w way) path() string { return "/galaxypay/" + w.kind }

// sendEncoded sends the text of a callback to callbackSite.
func (w way) sendEncoded(t *testing.T, c *caddyServer, encoded string, header ...string) httpAnswer {
	t.Helper()
	address := c.url("9181") + w.path()
	if w.method == http.MethodGet {
		return c.get(t, address+"?"+encoded, header...)
	}
	a := c.do(t, w.method, address, strings.NewReader(encoded), append([]string{"Content-Type", w.contentType}, header...)...)
	if query, found := strings.CutPrefix(a.header.Get("Location"), "?"); found && a.status == http.StatusSeeOther {
		return c.get(t, address+"?"+query, header...) // as a browser does
	}
	return a
}

// send sends a callback to callbackSite.
func (w way) send(t *testing.T, c *caddyServer, m callback, header ...string) httpAnswer {
	t.Helper()
	return w.sendEncoded(t, c, w.encode(m), header...)
}

// ending is what Galaxypay-Callback must say of a callback that arrives in this way.
func (w way) ending(status string) string {
	if w.kind == "result" && status == "cancelled" {
		return "cancel"
	}
	return w.kind
}

// wantInApp checks that a callback which came in this way is the only request that the app got.
func (w way) wantInApp(t *testing.T, app *recordingApp, status, message string, from callback) {
	t.Helper()
	want := provenCallback{target: w.path(), kind: w.ending(status), status: status, message: message, from: from}
	want.check(t, app.only(t))
}

// provenCallback is what the app must get of a callback.
type provenCallback struct {
	target   string
	kind     string // ipn, result or cancel
	merchant string // default: default
	status   string
	message  string
	from     callback
}

// check compares what the app got with what it must get.
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
	want.checkHeaders(t, got.header)
}

// named are the transaction and the order of a message, as the headers have them.
func named(message string) (transaction, order string) {
	var envelope struct {
		ResponseData json.RawMessage `json:"responseData"`
	}
	_ = json.Unmarshal([]byte(strings.TrimPrefix(message, "\ufeff")), &envelope)
	data := []byte(envelope.ResponseData)
	var quoted string
	if json.Unmarshal(data, &quoted) == nil {
		data = []byte(quoted)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var members map[string]any
	_ = decoder.Decode(&members)
	text := func(names ...string) string {
		for _, name := range names {
			switch value := members[name].(type) {
			case string:
				if value != "" {
					return value
				}
			case json.Number:
				return value.String()
			}
		}
		return ""
	}
	return text("transactionID", "orderNo"), text("orderID", "orderNo")
}

// checkHeaders checks that the app gets exactly our headers. CGI reads every character that is no letter or digit as
// a hyphen, so a header in such a spelling would count as ours.
func (want provenCallback) checkHeaders(t *testing.T, header http.Header) {
	t.Helper()
	if want.merchant == "" {
		want.merchant = "default"
	}
	missing := map[string]string{
		"galaxypay-callback":       want.kind,
		"galaxypay-merchant":       want.merchant,
		"galaxypay-payment-status": want.status,
		"galaxypay-delivery-id":    want.from.deliveryID(),
	}
	transaction, order := named(want.message)
	if transaction != "" {
		missing["galaxypay-transaction-id"] = transaction
	}
	if order != "" {
		missing["galaxypay-order-id"] = order
	}
	for name, values := range header {
		folded := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(strings.ToLower(name), "-")
		if !strings.HasPrefix(folded, "galaxypay") {
			continue
		}
		if expected, known := missing[folded]; !known || !slices.Equal(values, []string{expected}) {
			t.Errorf("header %s is %q, want %q", name, values, expected)
		}
		delete(missing, folded)
	}
	for name, value := range missing {
		t.Errorf("header %s is missing, want %q", name, value)
	}
}

// callbackSite is the Caddyfile of a site that takes IPNs and results of the sandbox's
// merchant for the app, both by POST, with the message as body. options go into both directives.
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
					forward post
					` + options + `
				}
				reverse_proxy ` + app.address + `
			}
		}`
}
