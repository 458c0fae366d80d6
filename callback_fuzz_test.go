package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// A JSON body gives the data and signature that the standard library reads in it, and
// one that is not a single object with a text for data gives nothing.
func FuzzFromJSON(f *testing.F) {
	for _, seed := range []string{
		`{"data":"YQ==","signature":"ab"}`, `{"d\u0061ta":"a\/b","signature":null}`, `{"data":"a b\u002b","x":{"data":1}}`, `{"data":"","signature":""}`,
		`{"data":"\ud83d"}`, `{"data":{"a":1}}`, `{"data":1}`, `{"data":"a","data":"b"}`, `{"data":"a","x":{"y":1,"y":1}}`, `[{"data":"a"}]`, `{"data":"a"}{}`, `{"DATA":"a"}`, utf8BOM + `{}`, "", "{\"data\":\"\xe9\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		object, _ := objectIn(body)
		data, _ := valueIn(object["data"]).(string)
		signature, _ := valueIn(object["signature"]).(string)
		msg, failed := fromJSON(body)
		if (failed == nil) != (data != "") {
			t.Fatalf("failure %q, by the standard library data is %q", outcomeOf(failed), data)
		}
		if failed != nil && failed.Code != problem.CodeCallbackMalformed {
			t.Errorf("failure %q", outcomeOf(failed))
		}
		if failed == nil && (string(msg.data) != data || msg.signature != signature) {
			t.Errorf("data %q, signature %q, by the standard library %q, %q", msg.data, msg.signature, data, signature)
		}
	})
}

// A form gives what the standard library reads in it. Two differences are meant: the
// standard library refuses a semicolon, which here is a character like any other; and
// a bad escape counts only in our own two fields.
func FuzzFromForm(f *testing.F) {
	for _, seed := range []string{
		"data=YQ==&signature=ab", "data=a+b%2Bc&signature=", "d%61ta=x&data=y", "data=%zz", "x=%zz&data=y", "data=a;b&signature=c", "data", "&=&data=a=b",
		"%zz=1&data=x", "signature=%&data=x", "data=x&signature&signature", "data=%0A+%00", "d%61ta=%ff&signature=;", "data=&data=x", "data%=x&data=y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		var readable []string
		spoilt := false
		for pair := range strings.SplitSeq(strings.ReplaceAll(form, ";", "%3B"), "&") {
			if _, err := url.ParseQuery(pair); err == nil {
				readable = append(readable, pair)
				continue
			}
			name, _, _ := strings.Cut(pair, "=")
			if values, err := url.ParseQuery(name); err == nil && (values.Has("data") || values.Has("signature")) {
				spoilt = true
			}
		}
		values, err := url.ParseQuery(strings.Join(readable, "&"))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(values.Get("data"), " ", "+")
		valid := want != "" && !spoilt && len(values["data"]) == 1 && len(values["signature"]) <= 1
		msg, failed := fromForm(form)
		if (failed == nil) != valid {
			t.Fatalf("failure %q, but valid by the standard library: %t", outcomeOf(failed), valid)
		}
		if valid && (string(msg.data) != want || msg.signature != values.Get("signature")) {
			t.Errorf("data %q, signature %q", msg.data, msg.signature)
		}
	})
}

// ways are how a callback may travel: each turns data and signature into a request,
// with what else the merchant's address holds.
var ways = []func(data, signature, own string) *http.Request{
	func(data, signature, own string) *http.Request {
		body, _ := json.Marshal(map[string]string{"data": data, "signature": signature})
		return postTo(own, "application/json", string(body))
	},
	func(data, signature, own string) *http.Request {
		form := url.Values{"data": {data}, "signature": {signature}}.Encode()
		return postTo(own, "application/x-www-form-urlencoded", form)
	},
	func(data, signature, own string) *http.Request { // plus signs become spaces
		return postTo(own, "application/x-www-form-urlencoded", "signature="+signature+"&data="+data)
	},
	func(data, signature, own string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/cb", nil)
		r.URL.RawQuery = own + "&" + url.Values{"data": {data}, "signature": {signature}}.Encode()
		return r
	},
	func(data, signature, own string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/cb", nil)
		r.URL.RawQuery = "data=" + data + "&" + own + "&s%69gnature=" + signature
		return r
	},
}

func postTo(query, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", contentType)
	return r
}

// Whatever the gateway signs, in each way that it may come: the app gets exactly the
// bytes inside the Base64, less a BOM, if they are one JSON object, else nothing. It gets the
// merchant's own query parameters as they were spelled. And with one digit of data or
// signature changed, nothing.
func FuzzReceive(f *testing.F) {
	for i, seed := range []string{
		`{"responseCode":"200","requestID":"i"}`, `{"responseCode":"499"}`, utf8BOM + " {\"responseCode\":200} \n", utf8BOM + `{}`, `{}`, `[]`, ``, `{"a":1,"a":2}`, "{\"a\":\"\xe9\"}",
		`{"responseCode":"200","responseData":{"transactionStatus":"499"}}`, `{"x":">>>???~~~"}`, `{"responseCode":"200"}{}`, `{"requestID":"a\r\nX: y"}`,
	} {
		f.Add([]byte(seed), uint8(i), "order=1&x=100%&y=a+b%20c", uint16(i))
		f.Add([]byte(seed), uint8(i+5), "", uint16(17*i))
	}
	const salt = "a salt of the tests"
	f.Fuzz(func(t *testing.T, message []byte, way uint8, own string, digit uint16) {
		if kept := withoutOurs(own); kept != own {
			t.Skip("the merchant's parameters hold one of ours")
		}
		send := ways[int(way)%len(ways)]
		data := spell(message, way)
		signature := plainSignature(data, salt)
		r := send(data, signature, own)
		if len(data)+len(own) > defaultMaxBody/4 {
			t.Skip("too large")
		}
		c := &Result{Receiver: receiverFor(salt)}
		cb, failed := c.receive(httptest.NewRecorder(), r)

		bare := bytes.TrimPrefix(message, []byte(utf8BOM))
		if _, ok := objectIn(bare); (failed == nil) != (ok && data != "" && !saysTwice(bare)) {
			t.Fatalf("%q: failure %q, by the standard library an object: %t", message, outcomeOf(failed), ok)
		}
		if failed == nil {
			checkRedirect(t, c, r, cb, own)
			if r.Method == http.MethodGet {
				checkHandedOn(t, c.visit(send(data, signature, own), cb), nil, data, own, cb)
			}
			checkHandedOn(t, c.forward(r, cb), bare, data, own, cb)
		}

		spoilt := []byte(data + signature)
		at := int(digit) % len(spoilt)
		spoilt[at] = otherDigit(spoilt[at])
		r = send(string(spoilt[:len(data)]), string(spoilt[len(data):]), own)
		if _, failed := c.receive(httptest.NewRecorder(), r); data != "" && outcomeOf(failed) != "signature_invalid callback_signature" {
			t.Errorf("with another digit at %d: failure %q", at, outcomeOf(failed))
		}
	})
}

// saysTwice reports whether a name that decides stands twice in a message, in different letter case, by the standard library.
func saysTwice(message []byte) bool {
	top, _ := objectIn(message)
	inner, _ := objectIn(plainData(top["responseData"]))
	for object, names := range map[*map[string]json.RawMessage][]string{&top: envelopeNames, &inner: paymentNames} {
		for _, name := range names {
			found := 0
			for key := range *object {
				if strings.EqualFold(key, name) {
					found++
				}
			}
			if found > 1 {
				return true
			}
		}
	}
	return false
}

// spell writes Base64 as gateways do: with and without padding.
func spell(message []byte, way uint8) string {
	if way%2 == 0 {
		return base64.StdEncoding.EncodeToString(message)
	}
	return base64.RawStdEncoding.EncodeToString(message)
}

// otherDigit is another digit of the same alphabet, and not the same in other case.
func otherDigit(digit byte) byte {
	if digit == '7' {
		return '1'
	}
	return '7'
}

// checkRedirect resolves what a browser that has posted the message is sent to, as a browser does: the same page, with the same
// message and the merchant's own parameters.
func checkRedirect(t *testing.T, c *Result, r *http.Request, cb *callback, own string) {
	t.Helper()
	query, fits := c.queryOf(r, cb)
	if strings.Trim(query, asciiDigits) != "" {
		t.Errorf("the address holds %q", query)
	}
	if len(query) > longestAddress && fits {
		t.Errorf("an address of %d bytes", len(query))
	}
	reference, err := url.Parse("?" + query)
	if err != nil {
		t.Fatal(err)
	}
	base := url.URL{Scheme: "https", Host: "shop.example", Path: "/cb", RawQuery: "x"}
	to := base.ResolveReference(reference)
	if to.Scheme != "https" || to.Host != "shop.example" || to.Path != "/cb" || to.Fragment != "" || to.RawQuery != query {
		t.Errorf("the browser is sent to %s", to)
	}
	visit := httptest.NewRequest(http.MethodGet, "/cb", nil)
	visit.URL.RawQuery = to.RawQuery
	again, failed := c.receive(httptest.NewRecorder(), visit)
	if failed != nil || again.deliveryID != cb.deliveryID || !bytes.Equal(again.message, cb.message) {
		t.Errorf("the browser comes back with another message, failure %q", outcomeOf(failed))
	}
	if got := strings.Trim(withoutOurs(to.RawQuery), "&"); unescaped(got) != unescaped(strings.Trim(own, "&")) {
		t.Errorf("the merchant's parameters are %q, expected %q", got, own)
	}
}

// asciiDigits are what a query may hold.
var asciiDigits = func() string {
	var b strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		if c != '#' {
			b.WriteByte(c)
		}
	}
	return b.String()
}()

// unescaped reads %XX where it is one, and leaves everything else.
func unescaped(text string) string {
	var b []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if value, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(value))
				i += 2
				continue
			}
		}
		b = append(b, text[i])
	}
	return string(b)
}

// checkHandedOn checks what the app gets: a POST of the message, or where message is nil a GET.
func checkHandedOn(t *testing.T, r *http.Request, message []byte, data, own string, cb *callback) {
	t.Helper()
	method, want := http.MethodGet, http.Header{}
	if message != nil {
		method = http.MethodPost
		want.Set("Content-Type", "application/json")
		want.Set("Content-Length", fmt.Sprint(len(message)))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Equal(body, message) || r.ContentLength != int64(len(message)) {
		t.Errorf("the app gets %q of length %d, error %v", body, r.ContentLength, err)
	}
	status := PaymentStatus(r.Header.Get("Galaxypay-Payment-Status"))
	if want := statusIn(cb.message); status != want {
		t.Errorf("%s is %s, expected %s", cb.message, status, want)
	}
	for name, value := range map[string]string{
		"Galaxypay-Callback":       "result",
		"Galaxypay-Merchant":       "airline",
		"Galaxypay-Payment-Status": string(status),
		"Galaxypay-Delivery-Id":    fmt.Sprintf("%x", sha256.Sum256([]byte(data))),
	} {
		want.Set(name, value)
	}
	e, _ := parseEnvelope(cb.message)
	payment := paymentOf(&e)
	for name, value := range map[string]string{"Galaxypay-Transaction-Id": payment.transaction, "Galaxypay-Order-Id": payment.order} {
		if value != "" && len(value) <= 1024 {
			want.Set(name, percentEncoded(value))
		}
	}
	if status == Cancelled {
		want.Set("Galaxypay-Callback", "cancel")
	}
	for name := range want {
		if !slices.Equal(r.Header[name], want[name]) {
			t.Errorf("%s: %q, expected %q", name, r.Header[name], want[name])
		}
	}
	if len(r.Header) != len(want) || r.Method != method || strings.Trim(r.URL.RawQuery, "&") != strings.Trim(own, "&") {
		t.Errorf("%s with query %q and headers %v", r.Method, r.URL.RawQuery, r.Header)
	}
}

// What the app says to an IPN reaches the gateway as two texts and nothing else: a
// status of the documents, and a description that fits.
func FuzzIPNAnswer(f *testing.F) {
	for i, seed := range []string{
		`{"ipnStatus":"200","ipnDescription":"ok"}`, `{"ipnStatus":409}`, `{"ipnStatus":"404","ipnDescription":"` + strings.Repeat("ễ", 251) + `","x":1}`, `{"ipnStatus":"500"}`, `{"ipnStatus":"200","ipnStatus":"404"}`,
		`{"ipnStatus":""}`, `{"success":false}`, `{"ok":"false"}`, `{"error":"x"}`, `{"errors":[]}`, `{"errors":{"a":1}}`, `{"RspCode":"00"}`, `{"RspCode":"02"}`,
		`{"return_code":1}`, `{"return_code":-1.5}`, `true`, `"success"`, " OK\n", "<html>", "not OK",
		utf8BOM + `{"ipnStatus":"404"}`, "", "ok", "[]", `{"ipnStatus":404.0}`, `{"ipnDescription":"\ud83d\u0000\n"}`, "{\"ipnDescription\":\"\xff\"}",
	} {
		for _, status := range []int{200, 204, 299, 300, 404, 409, 500} {
			f.Add([]byte(seed), status+i%2)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 100 || status > 999 {
			t.Skip("no HTTP status")
		}
		app := &appAnswer{header: make(http.Header)}
		app.WriteHeader(status)
		if n, err := app.Write(body); n != len(body) || err != nil {
			t.Fatalf("wrote %d, error %v", n, err)
		}
		answer, spoke := app.word()

		want := expectedWordOf(app.status, body)
		if spoke != (want != "") || answer.Status != want {
			t.Fatalf("HTTP %d %q is %q, expected %q", app.status, body, answer.Status, want)
		}
		if !spoke {
			return
		}
		said, _ := objectIn(body)
		if text := textIn(said["ipnDescription"]); text != "" && !strings.HasPrefix(text, answer.Description) {
			t.Errorf("described as %q", answer.Description)
		}
		if n := len([]rune(answer.Description)); n == 0 || n > longestDescription {
			t.Errorf("a description of %d characters", n)
		}
		sent, err := json.Marshal(answer)
		if fields, ok := objectIn(sent); err != nil || !ok || len(fields) != 2 {
			t.Errorf("answered %s, error %v", sent, err)
		}
	})
}

// expectedWordOf is the table of what counts as the app's word, written a second time with
// encoding/json.
func expectedWordOf(status int, body []byte) string {
	isLong := len(body) > longestAppAnswer
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte(utf8BOM)))
	word := ""
	said, isObject := objectIn(body)
	switch {
	case isLong:
	case len(body) == 0, string(body) == "true":
		word = "200"
	case isObject:
		word = wordInObject(said)
	default:
		for _, yes := range []string{"OK", "success", "received", "accepted"} {
			if strings.EqualFold(string(body), yes) || strings.EqualFold(string(body), `"`+yes+`"`) {
				word = "200"
			}
		}
	}
	if status >= 200 && status <= 299 || status == http.StatusConflict && word == "409" {
		return word
	}
	return ""
}

func wordInObject(said map[string]json.RawMessage) string {
	if _, ok := said["ipnStatus"]; ok {
		if own := textIn(said["ipnStatus"]); own == "200" || own == "404" || own == "409" {
			return own
		}
		return ""
	}
	for name, value := range said {
		if saysNoIn(name, value) {
			return ""
		}
	}
	return "200"
}

// saysNoIn reports whether a member says that the IPN was not taken.
func saysNoIn(name string, value json.RawMessage) bool {
	text := textIn(value)
	is := func(other string) bool { return strings.EqualFold(name, other) }
	switch {
	case is("ipnStatus"):
		return !slices.Contains([]string{"200", "404", "409"}, text)
	case is("success"), is("ok"):
		return string(value) == "false" || strings.EqualFold(text, "false") || text == "0"
	case is("error"), is("errors"):
		return hasContent(value)
	case is("RspCode"):
		return text != "00"
	case is("return_code"):
		n, err := strconv.ParseFloat(text, 64)
		return err != nil || !(n > 0)
	}
	return false
}

func hasContent(value json.RawMessage) bool {
	var parsed any
	_ = json.Unmarshal(value, &parsed)
	switch parsed := parsed.(type) {
	case string:
		return parsed != ""
	case float64:
		return string(value) != "0"
	case bool:
		return parsed
	case []any:
		return len(parsed) > 0
	case map[string]any:
		return len(parsed) > 0
	}
	return false
}
