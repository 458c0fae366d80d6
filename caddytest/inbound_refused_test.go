package caddytest

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Signatures that prove nothing, in every way in which they can arrive.
func TestInboundWrongSignature(t *testing.T) {
	proven := sealed(paidMessage, sandboxSalt)
	digest := sha256.Sum256([]byte(proven.data + sandboxSalt))
	keyed := hmac.New(sha256.New, []byte(sandboxSalt))
	keyed.Write([]byte(proven.data))
	turned := hmac.New(sha256.New, []byte(proven.data))
	turned.Write([]byte(sandboxSalt))
	sum512 := sha512.Sum512([]byte(proven.data + sandboxSalt))
	flipped := "0" + proven.signature[1:]
	if flipped == proven.signature {
		flipped = "1" + proven.signature[1:]
	}
	signatures := map[string]string{
		"empty":                      "",
		"a blank":                    " ",
		"zeros":                      strings.Repeat("0", 64),
		"one digit wrong":            flipped,
		"truncated to half":          proven.signature[:32],
		"truncated by one":           proven.signature[:63],
		"one digit more":             proven.signature + "0",
		"given twice":                proven.signature + proven.signature,
		"blank behind":               proven.signature + " ",
		"not hexadecimal":            strings.Repeat("g", 64),
		"0x in front":                "0x" + proven.signature,
		"of the empty text":          sign("", ""),
		"without salt":               sign(proven.data, ""),
		"salt first":                 sign(sandboxSalt, proven.data),
		"separator between":          sign(proven.data+"&", sandboxSalt),
		"over the decoded JSON":      sign(paidMessage, sandboxSalt),
		"HMAC":                       hex.EncodeToString(keyed.Sum(nil)),
		"HMAC with the parts turned": hex.EncodeToString(turned.Sum(nil)),
		"Base64 digest":              base64.StdEncoding.EncodeToString(digest[:]),
		"SHA-512":                    hex.EncodeToString(sum512[:]),
		"of another merchant":        sign(proven.data, "another-salt-0123456789"),
		"of another message":         sealed(failedMessage, sandboxSalt).signature,
		"the word null":              "null",
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for name, signature := range signatures {
		for _, way := range ways {
			t.Run(name+", "+way.name, func(t *testing.T) {
				way.deliver(t, c, callback{proven.data, signature}).refusedAs(t, http.StatusForbidden, "signature_invalid")
				app.untouched(t)
			})
		}
	}

	// Signed, then changed on its way.
	changed := map[string]string{
		"another message":  sealed(strings.Replace(paidMessage, "109000", "1", 1), sandboxSalt).data,
		"one letter":       "f" + proven.data[1:],
		"padding cut off":  strings.TrimRight(sealed(plusMessage, sandboxSalt).data, "="),
		"a blank in front": " " + proven.data,
		"something behind": proven.data + "AAAA",
	}
	for name, data := range changed {
		for _, way := range ways {
			t.Run("data changed: "+name+", "+way.name, func(t *testing.T) {
				signature := proven.signature
				if name == "padding cut off" {
					signature = sealed(plusMessage, sandboxSalt).signature
				}
				way.deliver(t, c, callback{data, signature}).refusedAs(t, http.StatusForbidden, "signature_invalid")
				app.untouched(t)
			})
		}
	}

	// Without any, or with one that is not text.
	for _, signature := range []string{"null", "0", "200", "1.5", "true", "false", "{}", "[]", `["` + proven.signature + `"]`, `{"":"` + proven.signature + `"}`} {
		for _, way := range []way{ways[0], ways[4]} {
			t.Run("signature "+signature+", "+way.name, func(t *testing.T) {
				way.send(t, c, c.url("9181"), `{"data":"`+proven.data+`","signature":`+signature+`}`).refusedAs(t, http.StatusForbidden, "signature_invalid")
				app.untouched(t)
			})
		}
	}
	missing := func(way way) string {
		if way.content == "application/json" {
			return `{"data":"` + proven.data + `","Signature":"` + proven.signature + `"}`
		}
		return "data=" + proven.data + "&Signature=" + proven.signature
	}
	for _, way := range ways {
		t.Run("signature missing, "+way.name, func(t *testing.T) {
			way.send(t, c, c.url("9181"), missing(way)).refusedAs(t, http.StatusForbidden, "signature_invalid")
			app.untouched(t)
		})
		t.Run("signature in a header, "+way.name, func(t *testing.T) {
			way.send(t, c, c.url("9181"), missing(way), "signature", proven.signature).refusedAs(t, http.StatusForbidden, "signature_invalid")
			app.untouched(t)
		})
	}
}

// A salt that was replaced verifies until its time is over.
func TestInboundPreviousSalts(t *testing.T) {
	salts := map[string]string{
		"CURRENT": "current-salt-0123456789", "PREVIOUS": "previous-salt-0123456789",
		"TIMELESS": "timeless-salt-0123456789", "EXPIRED": "expired-salt-0123456789",
	}
	for name, salt := range salts {
		t.Setenv(name+"_SALT", salt)
	}
	app := newApp(t)
	c := start(t, strings.Replace(callbackSite(app, ""), "environment sandbox", `
		environment uat
		api_key {env.CURRENT_SALT}
		salt {env.CURRENT_SALT}
		previous_salt {env.EXPIRED_SALT} until 2020-01-01T00:00:00+07:00
		previous_salt {env.PREVIOUS_SALT} until 2999-12-31T00:00:00+07:00
		previous_salt {env.TIMELESS_SALT}
		`, 1))
	for name, salt := range salts {
		for _, way := range ways {
			t.Run(name+", "+way.name, func(t *testing.T) {
				m := sealed(paidMessage, salt)
				a := way.deliver(t, c, m)
				if name == "EXPIRED" {
					a.refusedAs(t, http.StatusForbidden, "signature_invalid")
					app.untouched(t)
					return
				}
				trusted{target: way.path(), kind: way.kind, status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
			})
		}
	}
	t.Run("the sandbox's", func(t *testing.T) {
		ways[0].deliver(t, c, sealed(paidMessage, sandboxSalt)).refusedAs(t, http.StatusForbidden, "signature_invalid")
		app.untouched(t)
	})
}

// What is no callback at all, and what is signed but holds no message.
func TestInboundMalformed(t *testing.T) {
	m := sealed(paidMessage, sandboxSalt)
	type sending struct {
		name    string
		ways    []way
		encoded string
	}
	asJSON, asForm := []way{ways[0], ways[4]}, []way{ways[1], ways[2], ways[3]}
	sendings := []sending{
		{"nothing", asJSON, ""},
		{"white space", asJSON, " \r\n"},
		{"not JSON", asJSON, "data=" + m.data},
		{"cut off", asJSON, m.json()[:len(m.json())-1]},
		{"a list", asJSON, "[" + m.json() + "]"},
		{"a string", asJSON, jsonText(m.data)},
		{"a number", asJSON, "200"},
		{"null", asJSON, "null"},
		{"two objects", asJSON, m.json() + m.json()},
		{"trailing text", asJSON, m.json() + "x"},
		{"a trailing comma", asJSON, strings.Replace(m.json(), "}", ",}", 1)},
		{"single quotes", asJSON, strings.ReplaceAll(m.json(), `"`, `'`)},
		{"not UTF-8", asJSON, strings.Replace(m.json(), "{", "{\"x\":\"\xff\",", 1)},
		{"UTF-16", asJSON, "\xff\xfe{\x00}\x00"},
		{"data missing", asJSON, `{"signature":"` + m.signature + `"}`},
		{"another spelling of data", asJSON, `{"Data":"` + m.data + `","signature":"` + m.signature + `"}`},
		{"data further inside", asJSON, `{"body":` + m.json() + `}`},
		{"data empty", asJSON, signedData("", sandboxSalt).json()},
		{"data null", asJSON, `{"data":null,"signature":"` + sign("null", sandboxSalt) + `"}`},
		{"data a number", asJSON, `{"data":1234,"signature":"` + sign("1234", sandboxSalt) + `"}`},
		{"data true", asJSON, `{"data":true,"signature":"` + sign("true", sandboxSalt) + `"}`},
		{"data a list", asJSON, `{"data":["` + m.data + `"],"signature":"` + m.signature + `"}`},
		{"data an object", asJSON, `{"data":` + paidMessage + `,"signature":"` + sign(paidMessage, sandboxSalt) + `"}`},
		{"data twice", asJSON, `{"data":"` + m.data + `",` + m.json()[1:]},
		{"data twice, once escaped", asJSON, `{"d\u0061ta":"` + m.data + `",` + m.json()[1:]},
		{"signature twice", asJSON, `{"signature":"` + m.signature + `",` + m.json()[1:]},
		{"another field twice", asJSON, `{"x":1,"x":1,` + m.json()[1:]},
		{"a field further inside twice", asJSON, `{"x":{"y":1,"y":1},` + m.json()[1:]},

		{"nothing", asForm, ""},
		{"data missing", asForm, "signature=" + m.signature},
		{"data empty", asForm, signedData("", sandboxSalt).form()},
		{"data without a value", asForm, "data&signature=" + sign("", sandboxSalt)},
		{"another spelling of data", asForm, "Data=" + m.data + "&signature=" + m.signature},
		{"data twice", asForm, m.form() + "&data=" + m.data},
		{"data twice, the other empty", asForm, m.form() + "&data="},
		{"data twice, once escaped", asForm, m.form() + "&d%61ta=" + m.data},
		{"signature twice", asForm, m.form() + "&signature=" + m.signature},
		{"broken percent-encoding in data", asForm, "data=%zz" + m.data + "&signature=" + m.signature},
		{"percent sign at the end of data", asForm, "data=" + m.data + "%&signature=" + m.signature},
		{"broken percent-encoding in signature", asForm, "data=" + m.data + "&signature=" + m.signature + "%f"},
		{"JSON", []way{ways[1], ways[3]}, m.json()},
	}
	signed := []struct{ name, data string }{
		{"not Base64", "?"},
		{"URL-safe Base64", strings.NewReplacer("+", "-", "/", "_").Replace(sealed(plusMessage, sandboxSalt).data)},
		{"padding in the middle", base64.StdEncoding.EncodeToString([]byte(`{"a":1}`)) + base64.StdEncoding.EncodeToString([]byte(`{"b":1}`))},
		{"one letter too many", strings.TrimRight(m.data, "=") + "AAA"},
		{"plain JSON", `{"responseCode":"200"}`},
		{"padding alone", "=="},
		{"encoded: nothing but white space", base64.StdEncoding.EncodeToString([]byte(" \n"))},
	}
	for name, message := range map[string]string{
		"a list": `[` + paidMessage + `]`, "a string": `"200"`, "a number": `200`, "null": `null`, "true": `true`,
		"not JSON": `responseCode=200`, "cut off": paidMessage[:len(paidMessage)-1], "trailing text": paidMessage + "x",
		"two objects": paidMessage + "\n" + failedMessage, "not UTF-8": `{"responseCode":"200","x":"` + "\xe1\xbb" + `"}`,
		"UTF-16": "\xff\xfe{\x00}\x00", "two BOMs": "\ufeff\ufeff" + paidMessage, "doubly encoded": m.data,
		"responseCode twice":                 `{"responseCode":"505","responseCode":"200","responseData":{}}`,
		"responseCode twice, once escaped":   `{"responseCode":"505","responseCod\u0065":"200","responseData":{}}`,
		"transactionStatus twice":            `{"responseCode":"200","responseData":{"transactionStatus":"499","transactionStatus":"200"}}`,
		"another field further inside twice": `{"responseCode":"200","responseData":{"x":[{"y":1,"y":2}]}}`,
	} {
		signed = append(signed, struct{ name, data string }{"encoded: " + name, base64.StdEncoding.EncodeToString([]byte(message))})
	}
	for _, s := range signed {
		for _, way := range ways {
			sendings = append(sendings, sending{"signed: " + s.name, oneWay(way), way.encode(signedData(s.data, sandboxSalt))})
		}
	}

	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, sending := range sendings {
		for _, way := range sending.ways {
			t.Run(sending.name+", "+way.name, func(t *testing.T) {
				way.send(t, c, c.url("9181"), sending.encoded).refusedAs(t, http.StatusBadRequest, "callback_malformed")
				app.untouched(t)
			})
		}
	}

	// Nothing is decoded before it is proven: a forger learns nothing of the parser.
	for _, s := range signed {
		t.Run("unsigned: "+s.name, func(t *testing.T) {
			forged := callback{s.data, strings.Repeat("0", 64)}
			ways[0].deliver(t, c, forged).refusedAs(t, http.StatusForbidden, "signature_invalid")
			app.untouched(t)
		})
	}

	// A body that breaks off is not the message that its beginning looks like.
	t.Run("broken off", func(t *testing.T) {
		conn, err := net.Dial("tcp", c.ports["9181"])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /galaxypay/ipn HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(m.json())+1, m.json())
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		answered{response.StatusCode, response.Header, string(text)}.refusedAs(t, http.StatusBadRequest, "callback_malformed")
		app.untouched(t)
	})
}

// IPNs are posted; results are posted or fetched. Nothing else.
func TestInboundMethod(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := sealed(paidMessage, sandboxSalt)
	tests := []struct {
		path    string
		methods []string
		allow   []string
	}{
		{"/galaxypay/ipn", []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}, []string{"POST"}},
		{"/galaxypay/result", []string{"HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}, []string{"GET", "POST"}},
	}
	for _, test := range tests {
		for _, method := range test.methods {
			t.Run(method+" "+test.path, func(t *testing.T) {
				a := exchange(t, c, method, c.url("9181")+test.path+"?"+m.form(), strings.NewReader(m.json()), "Content-Type", "application/json")
				if method == http.MethodHead {
					if a.status != http.StatusMethodNotAllowed {
						t.Errorf("HTTP %d, want 405", a.status)
					}
				} else {
					a.refusedAs(t, http.StatusMethodNotAllowed, "method_not_allowed")
				}
				allow := strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ",")
				if slices.Sort(allow); !slices.Equal(allow, test.allow) {
					t.Errorf("Allow %q, want %q", a.header.Get("Allow"), test.allow)
				}
				app.untouched(t)
			})
		}
	}
}

// The limit itself is accepted, one byte more is not; and the default is 64 KiB.
func TestInboundSize(t *testing.T) {
	m := sealed(paidMessage, sandboxSalt)
	app := newApp(t)
	limits := []struct {
		option string
		limit  int
	}{
		{"max_body 2KiB", 2 << 10},
		{"max_body 1500", 1500},
		{"", 64 << 10},
	}
	for _, limit := range limits {
		c := start(t, callbackSite(app, limit.option))
		for _, way := range ways {
			if way.method == http.MethodGet && limit.limit > 8<<10 {
				continue // the server's own limit for headers comes first
			}
			for _, chunked := range []bool{false, true} {
				if chunked && way.method == http.MethodGet {
					continue
				}
				send := func(t *testing.T, size int) answered {
					t.Helper()
					encoded := way.encode(m)
					if fill := size - len(encoded); way.content == "application/json" {
						encoded += strings.Repeat(" ", fill)
					} else {
						encoded += "&x=" + strings.Repeat("x", fill-3)
					}
					if !chunked {
						return way.send(t, c, c.url("9181"), encoded)
					}
					unknownLength := struct{ io.Reader }{strings.NewReader(encoded)}
					return exchange(t, c, way.method, c.url("9181")+way.path(), unknownLength, "Content-Type", way.content)
				}
				name := fmt.Sprintf("%d, %s, chunked %t", limit.limit, way.name, chunked)
				for _, size := range []int{limit.limit - 1, limit.limit} {
					t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
						if a := send(t, size); a.status != http.StatusOK {
							t.Errorf("HTTP %d: %s", a.status, a.body)
						}
						if got := app.only(t).body; got != paidMessage {
							t.Errorf("the app got %q", got)
						}
					})
				}
				for _, size := range []int{limit.limit + 1, limit.limit + 4000} {
					t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
						send(t, size).refusedAs(t, http.StatusRequestEntityTooLarge, "body_too_large")
						app.untouched(t)
					})
				}
			}
		}
		c.stop()
	}
}

// Bodies that are neither JSON nor a form.
func TestInboundContentType(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := sealed(paidMessage, sandboxSalt)
	multipart := "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + m.data +
		"\r\n--b\r\nContent-Disposition: form-data; name=\"signature\"\r\n\r\n" + m.signature + "\r\n--b--\r\n"
	tests := []struct {
		name   string
		body   string
		header []string
	}{
		{"text", m.json(), []string{"Content-Type", "text/plain"}},
		{"HTML", m.json(), []string{"Content-Type", "text/html"}},
		{"XML", "<data/>", []string{"Content-Type", "application/xml"}},
		{"bytes", m.json(), []string{"Content-Type", "application/octet-stream"}},
		{"multipart", multipart, []string{"Content-Type", "multipart/form-data; boundary=b"}},
		{"look-alike of JSON", m.json(), []string{"Content-Type", "application/jsonp"}},
		{"no type at all", m.json(), []string{"Content-Type", "json"}},
		{"compressed", m.json(), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}},
	}
	for _, test := range tests {
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			t.Run(test.name+", "+path, func(t *testing.T) {
				a := exchange(t, c, http.MethodPost, c.url("9181")+path, strings.NewReader(test.body), test.header...)
				a.refusedAs(t, http.StatusUnsupportedMediaType, "content_type_unsupported")
				app.untouched(t)
			})
		}
	}
}

// refusals are one of each kind, for the tests of how a refusal is shown.
var refusals = []struct {
	name   string
	method string
	query  string
	body   string
	header []string
	status int
	code   string
}{
	{"signature", http.MethodGet, "data=eyJ9&signature=00", "", nil, http.StatusForbidden, "signature_invalid"},
	{"malformed", http.MethodGet, "signature=00", "", nil, http.StatusBadRequest, "callback_malformed"},
	{"method", http.MethodPut, "", "", nil, http.StatusMethodNotAllowed, "method_not_allowed"},
	{"size", http.MethodPost, "", strings.Repeat(" ", 3000), []string{"Content-Type", "application/json"}, http.StatusRequestEntityTooLarge, "body_too_large"},
	{"content type", http.MethodPost, "", "x", []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType, "content_type_unsupported"},
}

// People get a page, in their language; programs get a problem. An IPN comes from a
// program, whatever it says it accepts.
func TestInboundPage(t *testing.T) {
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	app := newApp(t)
	c := start(t, callbackSite(app, "max_body 2KiB"))
	languages := []struct{ name, accept, language, words string }{
		{"Vietnamese", "vi", "vi", "vui lòng không thanh toán lại"},
		{"Vietnamese first", "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", "vi", "vui lòng không thanh toán lại"},
		{"English", "en-US,en;q=0.5", "en", "do not pay again"},
		{"English first", "en,vi;q=0.5", "en", "do not pay again"},
		{"neither", "ja,fr;q=0.8", "en", "do not pay again"},
		{"none", "", "en", "do not pay again"},
	}
	for _, refusal := range refusals {
		send := func(t *testing.T, path string, header ...string) answered {
			t.Helper()
			header = append(slices.Clone(refusal.header), header...)
			return exchange(t, c, refusal.method, c.url("9181")+path+"?"+refusal.query, strings.NewReader(refusal.body), header...)
		}
		for _, language := range languages {
			t.Run(refusal.name+", "+language.name, func(t *testing.T) {
				a := send(t, "/galaxypay/result", "Accept", browser, "Accept-Language", language.accept)
				if a.status != refusal.status || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Fatalf("HTTP %d, %s, want a page with %d: %s", a.status, a.header.Get("Content-Type"), refusal.status, a.body)
				}
				if !strings.Contains(a.body, `<html lang="`+language.language+`">`) || !strings.Contains(a.body, language.words) {
					t.Errorf("the page is not in %s: %s", language.language, a.body)
				}
				if refusal.code == "method_not_allowed" && a.header.Get("Allow") == "" {
					t.Error("no header Allow")
				}
				app.untouched(t)
			})
		}
		t.Run(refusal.name+", for a program", func(t *testing.T) {
			send(t, "/galaxypay/result", "Accept", "application/json").refusedAs(t, refusal.status, refusal.code)
			send(t, "/galaxypay/result", "Accept", "*/*").refusedAs(t, refusal.status, refusal.code)
		})
	}
	t.Run("an IPN that accepts pages", func(t *testing.T) {
		a := c.post(t, c.url("9181")+"/galaxypay/ipn", "{}", "Accept", browser, "Accept-Language", "vi")
		a.refusedAs(t, http.StatusBadRequest, "callback_malformed")
		if got := a.problem(t).Detail; !strings.Contains(got, "Trường") {
			t.Errorf("detail %q is not Vietnamese", got)
		}
	})
	t.Run("nothing of the message is on the page", func(t *testing.T) {
		forged := callback{sealed(paidMessage, sandboxSalt).data, `"><script>alert(1)</script>`}
		a := ways[2].deliver(t, c, forged, "Accept", browser)
		if a.status != http.StatusForbidden || strings.Contains(a.body, "script>alert") || strings.Contains(a.body, forged.data) {
			t.Errorf("HTTP %d: %s", a.status, a.body)
		}
	})
	app.untouched(t)
}

// handle_errors takes the place of the page where it covers the error; where it does
// not, the customer is not left with a blank one.
func TestInboundErrorRoutes(t *testing.T) {
	const ours, theirs = "do not pay again", "the shop's own page"
	result := func(app *recordingApp) string {
		return "handle /galaxypay/result {\n galaxypay_result\n reverse_proxy " + app.address + "\n }\n"
	}
	page := func(codes string) string {
		return "handle_errors " + codes + " {\n respond \"" + theirs + " {err.status_code}\" {err.status_code}\n }\n"
	}
	tests := []struct {
		name  string
		sites func(app *recordingApp) string
		host  string
		want  string
	}{
		{"none", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + "}\n" }, "", ours},
		{"all", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("") + "}\n" }, "", theirs},
		{"403", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("403") + "}\n" }, "", theirs},
		{"4xx", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("4xx") + "}\n" }, "", theirs},
		{"404 only", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("404") + "}\n" }, "", ours},
		{"5xx only", func(app *recordingApp) string { return "http://:9181 {\n" + result(app) + page("5xx") + "}\n" }, "", ours},
		{"this host's, all", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", theirs},
		{"this host's, 403", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("403") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", theirs},
		{"this host's, 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://other.example:9181 {\n respond hi\n}\n"
		}, "shop.example", ours},
		{"another host's", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + "}\n" + "http://other.example:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
		{"a site's for every host", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + "}\n" + "http://:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", theirs},
		{"a site's for every host, and this one's 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
		{"both hosts', this one's 404 only", func(app *recordingApp) string {
			return "http://shop.example:9181 {\n" + result(app) + page("404") + "}\n" + "http://other.example:9181 {\n respond hi\n" + page("") + "}\n"
		}, "shop.example", ours},
	}
	app := newApp(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, "{\n galaxypay {\n environment sandbox\n }\n }\n"+test.sites(app))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url("9181")+"/galaxypay/result?data=eyJ9&signature=00", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = test.host
			request.Header.Set("Accept", "text/html")
			response, err := c.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusForbidden || !strings.Contains(string(text), test.want) {
				t.Errorf("HTTP %d, want 403 and %q: %s", response.StatusCode, test.want, text)
			}
			app.untouched(t)
		})
	}
}
