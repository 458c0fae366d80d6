package caddytest

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A request that is not a callback is refused, and so is a signed text that holds no message.
func TestCallbackMalformedIsRefused(t *testing.T) {
	m := signedMessage(paidMessage, sandboxSalt)
	type sending struct {
		name    string
		ways    []way
		encoded string
	}
	asJSON, asForm := []way{ipnJSON, resultJSON}, []way{ipnForm, resultQuery, resultForm}
	sendings := []sending{
		{"nothing", asJSON, ""},
		{"white space", asJSON, " \r\n"},
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
	}
	signed := []struct{ name, data string }{
		{"not Base64", "?"},
		{"URL-safe Base64", strings.NewReplacer("+", "-", "/", "_").Replace(signedMessage(plusMessage, sandboxSalt).data)},
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
		"responseCode twice":                  `{"responseCode":"505","responseCode":"200","responseData":{}}`,
		"responseCode twice, in another case": `{"responseCode":"505","responsecode":"200","responseData":{}}`,
		"responseCode twice, once escaped":    `{"responseCode":"505","responseCod\u0065":"200","responseData":{}}`,
		"transactionStatus twice":             `{"responseCode":"200","responseData":{"transactionStatus":"499","transactionStatus":"200"}}`,
		"another field further inside twice":  `{"responseCode":"200","responseData":{"x":[{"y":1,"y":2}]}}`,
	} {
		signed = append(signed, struct{ name, data string }{"encoded: " + name, base64.StdEncoding.EncodeToString([]byte(message))})
	}
	for _, s := range signed {
		for _, w := range ways {
			sendings = append(sendings, sending{"signed: " + s.name, []way{w}, w.encode(signedData(s.data, sandboxSalt))})
		}
	}

	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, sending := range sendings {
		for _, way := range sending.ways {
			t.Run(sending.name+", "+way.name, func(t *testing.T) {
				way.sendEncoded(t, c, sending.encoded).wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
				app.wantNothing(t)
			})
		}
	}

	// Nothing is decoded before it is proven, so a forger learns nothing about the parser.
	for _, s := range signed {
		t.Run("unsigned: "+s.name, func(t *testing.T) {
			forged := callback{s.data, strings.Repeat("0", 64)}
			ipnJSON.send(t, c, forged).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
			app.wantNothing(t)
		})
	}

	// A body that breaks off is not taken for the message that it begins with.
	t.Run("broken off", func(t *testing.T) {
		conn := dial(t, c.ports["9181"])
		defer conn.Close()
		fmt.Fprintf(conn, "POST /galaxypay/ipn HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(m.json())+1, m.json())
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		a, err := readAnswer(bufio.NewReader(conn))
		if err != nil {
			t.Fatal(err)
		}
		a.wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
		app.wantNothing(t)
	})
}

// IPNs come by POST, results by POST, GET or HEAD. Other methods are refused.
func TestCallbackMethods(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	tests := []struct {
		path    string
		methods []string
		allow   []string
	}{
		{"/galaxypay/ipn", []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}, []string{"POST"}},
		{"/galaxypay/result", []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}, []string{"GET", "HEAD", "POST"}},
	}
	for _, test := range tests {
		for _, method := range test.methods {
			t.Run(method+" "+test.path, func(t *testing.T) {
				a := c.do(t, method, c.url("9181")+test.path+"?"+m.form(), strings.NewReader(m.json()), "Content-Type", "application/json")
				if method == http.MethodHead {
					if a.status != http.StatusMethodNotAllowed {
						t.Errorf("HTTP %d, want 405", a.status)
					}
				} else {
					a.wantCallbackRefused(t, http.StatusMethodNotAllowed, "method_not_allowed")
				}
				allow := strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ",")
				if slices.Sort(allow); !slices.Equal(allow, test.allow) {
					t.Errorf("Allow %q, want %q", a.header.Get("Allow"), test.allow)
				}
				app.wantNothing(t)
			})
		}
	}
}

// A body of the limit is accepted, one byte more is refused. The default is 64 KiB.
func TestCallbackSizes(t *testing.T) {
	m := signedMessage(paidMessage, sandboxSalt)
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
				send := func(t *testing.T, size int) httpAnswer {
					t.Helper()
					encoded := way.encode(m)
					if fill := size - len(encoded); way.contentType == "application/json" {
						encoded += strings.Repeat(" ", fill)
					} else {
						encoded += "&x=" + strings.Repeat("x", fill-3)
					}
					if !chunked {
						return way.sendEncoded(t, c, encoded)
					}
					unknownLength := struct{ io.Reader }{strings.NewReader(encoded)}
					return c.do(t, way.method, c.url("9181")+way.path(), unknownLength, "Content-Type", way.contentType)
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
						send(t, size).wantCallbackRefused(t, http.StatusRequestEntityTooLarge, "body_too_large")
						app.wantNothing(t)
					})
				}
			}
		}
		c.stop()
	}
}

// The signature is the proof, so what a body is called decides nothing.
func TestCallbackContentTypes(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	multipart := "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + m.data +
		"\r\n--b\r\nContent-Disposition: form-data; name=\"signature\"\r\n\r\n" + m.signature + "\r\n--b--\r\n"
	tests := []struct {
		name   string
		body   string
		header []string
		status int
		code   string
	}{
		{"text", m.json(), []string{"Content-Type", "text/plain"}, http.StatusOK, ""},
		{"HTML", m.json(), []string{"Content-Type", "text/html"}, http.StatusOK, ""},
		{"XML", "<data/>", []string{"Content-Type", "application/xml"}, http.StatusBadRequest, "callback_malformed"},
		{"bytes", m.json(), []string{"Content-Type", "application/octet-stream"}, http.StatusOK, ""},
		{"multipart", multipart, []string{"Content-Type", "multipart/form-data; boundary=b"}, http.StatusOK, ""},
		{"look-alike of JSON", m.json(), []string{"Content-Type", "application/jsonp"}, http.StatusOK, ""},
		{"no type at all", m.json(), []string{"Content-Type", "json"}, http.StatusOK, ""},
		{"compressed", m.json(), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, http.StatusUnsupportedMediaType, "content_type_unsupported"},
	}
	for _, test := range tests {
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			t.Run(test.name+", "+path, func(t *testing.T) {
				a := c.do(t, http.MethodPost, c.url("9181")+path, strings.NewReader(test.body), test.header...)
				if test.code == "" {
					if got := app.only(t); a.status != http.StatusOK || got.body != paidMessage {
						t.Errorf("HTTP %d, the app got %s", a.status, got.body)
					}
					return
				}
				a.wantCallbackRefused(t, test.status, test.code)
				app.wantNothing(t)
			})
		}
	}
}
