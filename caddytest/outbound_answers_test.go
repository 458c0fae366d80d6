package caddytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The gateway's refusals, proven, each with the row of the contract that it falls
// under. number is the code as it stands in the answer; "" leaves it out.
var gatewayRefusals = []struct {
	number  string
	status  int
	code    string
	outcome string
}{
	{`"400"`, 400, "gateway_bad_request", "rejected"},
	{`"401"`, 502, "gateway_unauthorized", "rejected"},
	{`"408"`, 402, "payment_expired", "rejected"},
	{`"409"`, 409, "transaction_duplicate", "rejected"},
	{`"499"`, 402, "payment_cancelled", "rejected"},
	{`"502"`, 502, "provider_unreachable", "rejected"},
	{`"503"`, 503, "provider_unavailable", "rejected"},
	{`"504"`, 504, "provider_timeout", "unknown"},
	{`"505"`, 402, "authentication_failed", "rejected"},
	{`400`, 400, "gateway_bad_request", "rejected"},
	{`409`, 409, "transaction_duplicate", "rejected"},
	{`504`, 504, "provider_timeout", "unknown"},
	{`"00"`, 502, "response_code_unexpected", "unknown"},
	{`"0"`, 502, "response_code_unexpected", "unknown"},
	{`0`, 502, "response_code_unexpected", "unknown"},
	{`"999"`, 502, "response_code_unexpected", "unknown"},
	{`"201"`, 502, "response_code_unexpected", "unknown"},
	{`"500"`, 502, "response_code_unexpected", "unknown"},
	{`"0200"`, 502, "response_code_unexpected", "unknown"},
	{`" 200"`, 502, "response_code_unexpected", "unknown"},
	{`200.0`, 502, "response_code_unexpected", "unknown"},
	{`2e2`, 502, "response_code_unexpected", "unknown"},
	{`-200`, 502, "response_code_unexpected", "unknown"},
	{`""`, 502, "response_code_unexpected", "unknown"},
	{`null`, 502, "response_code_unexpected", "unknown"},
	{`true`, 502, "response_code_unexpected", "unknown"},
	{`["200"]`, 502, "response_code_unexpected", "unknown"},
	{`{"a":"200"}`, 502, "response_code_unexpected", "unknown"},
	{``, 502, "response_code_unexpected", "unknown"},
}

func TestRefusals(t *testing.T) {
	s := newSidecar(t)
	for _, r := range gatewayRefusals {
		t.Run("responseCode "+r.number, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte {
				code := ""
				if r.number != "" {
					code = `"responseCode":` + r.number + `,`
				}
				return s.gateway.signed(`{"requestID":"` + c.requestID() + `",` + code +
					`"responseMessage":"Không thành công","responseData":{"secret":"data-canary"}}`)
			})
			a := s.call(t, "/pay", payment)
			p := a.wantProblem(t, r.status, r.code, r.outcome)

			// Only text and numbers have a text to repeat.
			code := strings.Trim(r.number, `"`)
			if strings.ContainsAny(code, "[{") || code == "null" || code == "true" {
				code = ""
			}
			if p.ResponseCode != code || p.ResponseMessage != "Không thành công" {
				t.Errorf("responseCode %q, responseMessage %q", p.ResponseCode, p.ResponseMessage)
			}
			header := code
			if strings.Contains(code, " ") {
				header = "" // not for a header
			}
			if got := a.header.Get("Galaxypay-Response-Code"); got != header {
				t.Errorf("Galaxypay-Response-Code %q, want %q", got, header)
			}
			id := s.gateway.last(t).requestID()
			if p.Operation != "pay" || p.RequestID != id {
				t.Errorf("operation %q, requestID %q; want pay, %q", p.Operation, p.RequestID, id)
			}
			for name, want := range map[string]string{
				"Galaxypay-Operation":  "pay",
				"Galaxypay-Request-Id": id,
				"Galaxypay-Merchant":   "default",
				"Galaxypay-Verified":   "",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if strings.Contains(a.body, "data-canary") {
				t.Errorf("the problem holds responseData: %s", a.body)
			}
			if !strings.HasSuffix(p.Type, r.code) {
				t.Errorf("type %q does not lead to the code's description", p.Type)
			}
		})
	}
}

// Numbers and strings mean the same, here and in requestID.
func TestSuccessSpellings(t *testing.T) {
	s := newSidecar(t)
	for name, body := range map[string]string{
		"strings":          `{"requestID":"17","responseCode":"200","responseData":{"a":1}}`,
		"numbers":          `{"requestID":17,"responseCode":200,"responseData":{"a":1}}`,
		"escaped":          `{"request\u0049D":"\u00317","responseCode":"20\u0030","responseData":{"a":1}}`,
		"as payment links": `{"requestId":"17","responseCode":"200","responseData":{"a":1}}`,
		"with a BOM":       "\xef\xbb\xbf" + `{"requestID":"17","responseCode":"200","responseData":{"a":1}}`,
		"indented":         "\r\n{\r\n  \"requestID\": \"17\",\r\n  \"responseCode\": \"200\",\r\n  \"responseData\": {\"a\":1}\r\n}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(*call) []byte { return s.gateway.signed(body) })
			s.call(t, "/pay", payment, "Idempotency-Key", "17").wantOK(t, `{"a":1}`)
		})
	}
}

// An answer that is not proven reaches the app with not a byte of its body and none of
// its headers.
func TestUnprovenAnswers(t *testing.T) {
	const canary = "forged-canary"
	ok := func(c *call) string {
		return envelope(c.requestID(), "200", "Success", `{"endpoint":"https://`+canary+`.example"}`)
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, []byte(testSalt))
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	digest := func(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }
	signedWith := func(signature func(body string) string) func(c *call) []byte {
		return func(c *call) []byte {
			return httpAnswer(http.StatusOK, ok(c), "signature", signature(ok(c)))
		}
	}
	const missing, invalid = "response_signature_missing", "response_signature_invalid"
	for name, test := range map[string]struct {
		code   string
		answer func(c *call) []byte
	}{
		"unsigned":        {missing, func(c *call) []byte { return httpAnswer(http.StatusOK, ok(c)) }},
		"empty signature": {missing, signedWith(func(string) string { return "" })},
		"HTML 502": {missing, func(*call) []byte {
			return httpAnswer(http.StatusBadGateway, "<html>"+canary+"</html>", "Content-Type", "text/html")
		}},
		"empty":          {missing, func(*call) []byte { return httpAnswer(http.StatusOK, "") }},
		"204":            {missing, func(*call) []byte { return []byte("HTTP/1.1 204 No Content\r\n\r\n") }},
		"304":            {missing, func(*call) []byte { return []byte("HTTP/1.1 304 Not Modified\r\n\r\n") }},
		"unsigned, cut":  {missing, func(c *call) []byte { return httpAnswer(http.StatusOK, ok(c)[:40]) }},
		"unsigned array": {missing, func(c *call) []byte { return httpAnswer(http.StatusOK, "["+ok(c)+"]") }},
		"unsigned duplicate": {missing, func(*call) []byte {
			return httpAnswer(http.StatusOK, `{"responseCode":"401","responseCode":"401","a":"`+canary+`"}`)
		}},
		"signature in body": {missing, func(c *call) []byte {
			return httpAnswer(http.StatusOK, ok(c)[:len(ok(c))-1]+`,"signature":"`+sign(ok(c), testSalt)+`"}`)
		}},
		"signature in trailer": {missing, func(c *call) []byte {
			whole := string(chunked(ok(c), 50, "Trailer", "signature"))
			return []byte(strings.TrimSuffix(whole, "\r\n") + "signature: " + sign(ok(c), testSalt) + "\r\n\r\n")
		}},

		"wrong salt":       {invalid, signedWith(func(body string) string { return sign(body, "another salt") })},
		"no salt":          {invalid, signedWith(func(body string) string { return sign(body, "") })},
		"salt first":       {invalid, signedWith(func(body string) string { return sign(testSalt, body) })},
		"salt twice":       {invalid, signedWith(func(body string) string { return sign(body+testSalt, testSalt) })},
		"with a separator": {invalid, signedWith(func(body string) string { return sign(body+"|", testSalt) })},
		"HMAC":             {invalid, signedWith(func(body string) string { return hex.EncodeToString(mac(body)) })},
		"Base64 of the digest": {invalid, signedWith(func(body string) string {
			return base64.StdEncoding.EncodeToString(digest(body + testSalt))
		})},
		"Base64 of the hex": {invalid, signedWith(func(body string) string {
			return base64.StdEncoding.EncodeToString([]byte(sign(body, testSalt)))
		})},
		"one digit short":    {invalid, signedWith(func(body string) string { return sign(body, testSalt)[:63] })},
		"one digit more":     {invalid, signedWith(func(body string) string { return sign(body, testSalt) + "0" })},
		"last digit changed": {invalid, signedWith(func(body string) string { return changed(sign(body, testSalt)) })},
		"no hex digit":       {invalid, signedWith(func(body string) string { return sign(body, testSalt)[:63] + "g" })},
		"prefixed":           {invalid, signedWith(func(body string) string { return "sha256=" + sign(body, testSalt) })},
		"quoted":             {invalid, signedWith(func(body string) string { return `"` + sign(body, testSalt) + `"` })},
		"zeros":              {invalid, signedWith(func(string) string { return strings.Repeat("0", 64) })},
		"of the request":     {invalid, func(c *call) []byte { return httpAnswer(http.StatusOK, ok(c), "signature", c.value("signature")) }},
		"of another answer":  {invalid, signedWith(func(string) string { return sign("{}", testSalt) })},
		"of the empty text":  {invalid, signedWith(func(string) string { return sign("", testSalt) })},
		"tampered": {invalid, func(c *call) []byte {
			return httpAnswer(http.StatusOK, strings.Replace(ok(c), `"Success"`, `"success"`, 1), "signature", sign(ok(c), testSalt))
		}},
		"a blank more": {invalid, func(c *call) []byte { return httpAnswer(http.StatusOK, ok(c)+"\n", "signature", sign(ok(c), testSalt)) }},
		"re-serialised": {invalid, func(c *call) []byte {
			var v map[string]any
			if err := json.Unmarshal([]byte(ok(c)), &v); err != nil {
				t.Error(err)
			}
			again, err := json.MarshalIndent(v, "", " ")
			if err != nil {
				t.Error(err)
			}
			return httpAnswer(http.StatusOK, string(again), "signature", sign(ok(c), testSalt))
		}},
		"two signatures, one right": {invalid, func(c *call) []byte {
			return httpAnswer(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt), "signature", sign("x", testSalt))
		}},
		"two right signatures": {invalid, func(c *call) []byte {
			return httpAnswer(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt), "Signature", sign(ok(c), testSalt))
		}},
		"two in one header": {invalid, func(c *call) []byte {
			return httpAnswer(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt)+", "+sign(ok(c), testSalt))
		}},
		"invalid refusal": {invalid, func(c *call) []byte {
			return httpAnswer(http.StatusOK, envelope(c.requestID(), "409", canary, ""), "signature", strings.Repeat("0", 64))
		}},
		"200 in the body, 401 in HTTP": {missing, func(c *call) []byte { return httpAnswer(http.StatusUnauthorized, ok(c)) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.answers(func(c *call) []byte {
				answer := string(test.answer(c))
				leak := "Set-Cookie: session=" + canary + "\r\nX-Leak: " + canary + "\r\nLocation: https://" + canary +
					"/\r\nGalaxypay-Verified: " + canary + "\r\nGalaxypay-Payment-Status: paid\r\nServer: " + canary + "\r\n\r\n"
				head, body, _ := strings.Cut(answer, "\r\n\r\n")
				return []byte(head + "\r\n" + leak + body)
			})
			a := s.call(t, "/fastPay", payment)
			p := a.wantProblem(t, http.StatusBadGateway, test.code, "unknown")
			checkNoLeak(t, a, canary)
			if p.ResponseCode != "" || p.ResponseMessage != "" || a.header.Get("Galaxypay-Response-Code") != "" {
				t.Errorf("an unproven code is presented as proven: %s", a.body)
			}
			if got := a.header.Get("Galaxypay-Payment-Status"); got != "" {
				t.Errorf("Galaxypay-Payment-Status %q of an unproven answer", got)
			}
			s.gateway.only(t)
			s.stop()
			if logs := s.logs(t); strings.Contains(logs, canary) {
				t.Errorf("the log holds something of the forged answer: %s", logs)
			}
		})
	}
}

// changed is the same hex text with another last digit.
func changed(digits string) string {
	last := "0"
	if strings.HasSuffix(digits, "0") {
		last = "1"
	}
	return digits[:len(digits)-1] + last
}

// checkNoLeak looks for anything of the gateway's in an answer.
func checkNoLeak(t *testing.T, a answered, canary string) {
	t.Helper()
	if strings.Contains(a.body, canary) {
		t.Errorf("the body holds something of the gateway's answer: %s", a.body)
	}
	for name, values := range a.header {
		if strings.Contains(fmt.Sprint(values), canary) {
			t.Errorf("a header of the gateway's passed through: %s: %s", name, values)
		}
	}
}

// No header of the gateway's passes through with a proven answer either.
func TestHeadersOfProvenAnswers(t *testing.T) {
	s := newSidecar(t)
	s.gateway.answers(func(c *call) []byte {
		return s.gateway.signed(envelope(c.requestID(), "200", "Success", paid),
			"Set-Cookie", "session=header-canary", "X-Leak", "header-canary", "Server", "header-canary", "Location", "/header-canary",
			"Cache-Control", "public, max-age=header-canary", "ETag", `"header-canary"`, "Galaxypay-Verified", "header-canary",
			"Access-Control-Allow-Origin", "header-canary", "Content-Language", "header-canary")
	})
	a := s.call(t, "/pay", payment)
	a.wantOK(t, paid)
	checkNoLeak(t, a, "header-canary")
	known := "Cache-Control Content-Length Content-Type Date Galaxypay-Merchant Galaxypay-Operation " +
		"Galaxypay-Request-Id Galaxypay-Response-Code Server X-Content-Type-Options"
	for name := range a.header {
		if !strings.Contains(known, name) {
			t.Errorf("unexpected header %s: %s", name, a.header[name])
		}
	}
	if got := a.header.Get("signature"); got != "" {
		t.Errorf("signature %q passed through", got)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q: payment data must not be cached", got)
	}
}

// Proven answers in other clothes: the case of header and digits, and the HTTP status,
// mean nothing.
func TestProvenAnswers(t *testing.T) {
	for name, answer := range map[string]func(body string) []byte{
		"upper-case hex": func(body string) []byte {
			return httpAnswer(200, body, "signature", strings.ToUpper(sign(body, testSalt)))
		},
		"mixed-case hex": func(body string) []byte {
			return httpAnswer(200, body, "signature", strings.Replace(sign(body, testSalt), "a", "A", 1))
		},
		"Signature":     func(body string) []byte { return httpAnswer(200, body, "Signature", sign(body, testSalt)) },
		"SIGNATURE":     func(body string) []byte { return httpAnswer(200, body, "SIGNATURE", sign(body, testSalt)) },
		"blanks around": func(body string) []byte { return httpAnswer(200, body, "signature", "  "+sign(body, testSalt)+" \t") },
		"as text/plain": func(body string) []byte {
			return httpAnswer(200, body, "Content-Type", "text/plain", "signature", sign(body, testSalt))
		},
		"HTTP 201": func(body string) []byte { return httpAnswer(201, body, "signature", sign(body, testSalt)) },
		"HTTP 500": func(body string) []byte { return httpAnswer(500, body, "signature", sign(body, testSalt)) },
		"HTTP 302": func(body string) []byte {
			return httpAnswer(302, body, "Location", "/x", "signature", sign(body, testSalt))
		},
		"after early hints": func(body string) []byte {
			return append([]byte("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"), httpAnswer(200, body, "signature", sign(body, testSalt))...)
		},
		"HTTP/1.0": func(body string) []byte {
			return []byte("HTTP/1.0 200 OK\r\nsignature: " + sign(body, testSalt) + "\r\n\r\n" + body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.answers(func(c *call) []byte {
				return answer(envelope(c.requestID(), "200", "Success", paid))
			})
			if name == "HTTP/1.0" {
				s.gateway.handles(closingAfter(func(c *call) []byte { return answer(envelope(c.requestID(), "200", "Success", paid)) }))
			}
			s.call(t, "/pay", payment).wantOK(t, paid)
			s.gateway.only(t)
		})
	}
}

// The quoted words of an unsigned refusal help a developer whose key is unknown to the
// gateway. They stand in the detail and nowhere else.
func TestUnsignedRefusals(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct {
		status        int
		code, message string
		quoted        []string
	}{
		"401":                 {401, `"401"`, "Invalid API key", []string{"401", "Invalid API key"}},
		"401 in HTTP 200":     {200, `"401"`, "Invalid API key", []string{"401", "Invalid API key"}},
		"400 as a number":     {400, `400`, "Thiếu trường orderID", []string{"400", "Thiếu trường orderID"}},
		"very long message":   {401, `"401"`, "start" + strings.Repeat("x", 10_000) + "end-canary", []string{"start"}},
		"control characters":  {401, `"401"`, `a\u0000\u001b[31mb\r\nc`, []string{"401", "a[31mbc"}},
		"code with a payload": {401, `"401-code-canary-and-much-more"`, "m", []string{"m"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte {
				return httpAnswer(test.status, `{"requestID":"`+c.requestID()+`","responseCode":`+test.code+`,"responseMessage":"`+test.message+
					`","responseData":{"x":"data-canary"}}`, "X-Leak", "header-canary")
			})
			a := s.call(t, "/pay", payment)
			p := a.wantProblem(t, http.StatusBadGateway, "response_signature_missing", "unknown")
			for _, want := range test.quoted {
				if !strings.Contains(p.Detail, want) {
					t.Errorf("detail %q does not quote %q", p.Detail, want)
				}
			}
			if !strings.Contains(strings.ToLower(p.Detail), "unproven") {
				t.Errorf("detail %q does not say that this is unproven", p.Detail)
			}
			if p.ResponseCode != "" || p.ResponseMessage != "" || a.header.Get("Galaxypay-Response-Code") != "" {
				t.Errorf("an unproven code is presented as proven: %s", a.body)
			}
			if len(p.Detail) > 1000 {
				t.Errorf("detail of %d bytes", len(p.Detail))
			}
			checkNoLeak(t, a, "canary")
		})
	}
}

// A proven answer must be one JSON object and belong to this very request: an answer
// that was proven once can be played back.
func TestMalformedAnswers(t *testing.T) {
	s := newSidecar(t)
	for name, body := range map[string]func(id string) string{
		"empty":                  func(string) string { return "" },
		"array":                  func(id string) string { return "[" + envelope(id, "200", "canary", "{}") + "]" },
		"truncated":              func(id string) string { return envelope(id, "200", "canary", "{}")[:60] },
		"trailing data":          func(id string) string { return envelope(id, "200", "canary", "{}") + "{}" },
		"duplicate responseCode": func(id string) string { return `{"requestID":"` + id + `","responseCode":"200","responseCode":"409"}` },
		"duplicate in the data":  func(id string) string { return envelope(id, "200", "canary", `{"a":1,"a":2}`) },
		"bad UTF-8":              func(id string) string { return envelope(id, "200", "canary", "{\"a\":\"\xff\"}") },
		"text":                   func(string) string { return `"canary"` },
		"HTML":                   func(string) string { return `<html>canary</html>` },
		"another requestID":      func(string) string { return envelope("another", "200", "canary", "{}") },
		"requestID longer":       func(id string) string { return envelope(id+"0", "200", "canary", "{}") },
		"requestID upper case":   func(id string) string { return envelope(strings.ToUpper(id), "200", "canary", "{}") },
		"no requestID":           func(string) string { return envelope("", "200", "canary", "{}") },
		"empty requestID":        func(string) string { return `{"requestID":"","responseCode":"200","responseData":{}}` },
		"null requestID":         func(string) string { return `{"requestID":null,"responseCode":"200","responseData":{}}` },
		"requestID in the data":  func(id string) string { return envelope("", "200", "canary", `{"requestID":"`+id+`"}`) },
		"refusal, another id":    func(string) string { return envelope("another", "409", "canary", "") },
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte { return s.gateway.signed(body(c.requestID())) })
			a := s.call(t, "/pay", payment, "Idempotency-Key", "abcdef")
			p := a.wantProblem(t, http.StatusBadGateway, "response_malformed", "unknown")
			checkNoLeak(t, a, "canary")
			if p.RequestID != "abcdef" {
				t.Errorf("requestID %q, want ours", p.RequestID)
			}
		})
	}
	for name, body := range map[string]string{
		"no requestID":    `{"responseCode":"409","responseMessage":"m"}`,
		"empty requestID": `{"requestID":"","responseCode":"409","responseMessage":"m"}`,
		"null requestID":  `{"requestID":null,"responseCode":409,"responseMessage":"m"}`,
	} {
		t.Run("refusal with "+name, func(t *testing.T) {
			s.gateway.answers(func(*call) []byte { return s.gateway.signed(body) })
			p := s.call(t, "/pay", payment, "Idempotency-Key", "abcdef").wantProblem(t, http.StatusConflict, "transaction_duplicate", "rejected")
			if p.RequestID != "abcdef" || p.ResponseCode != "409" || p.ResponseMessage != "m" {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

// responseData reaches the app byte for byte.
func TestResponseData(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct{ sent, want string }{
		"numbers":                {`{"a":12.50,"b":1e3,"c":9007199254740993}`, ""},
		"escapes":                {`{"endpoint":"https:\/\/pay.example\/?a=1&b=<2>","n":"V\u1ea1n"}`, ""},
		"white space":            {"{\r\n\t\"a\" : [ 1 , 2 ]\n}", ""},
		"U+2028":                 {"{\"a\":\"\u2028\"}", ""},
		"lone surrogate":         {`{"a":"\ud83d"}`, ""},
		"Vietnamese":             {`{"orderDescription":"Hồ Chí Minh"}`, ""},
		"empty object":           {`{}`, ""},
		"array":                  {`[{"token":"1"},{"token":"2"}]`, ""},
		"number":                 {`0`, ""},
		"true":                   {`true`, ""},
		"plain text":             {`"done"`, ""},
		"absent":                 {``, `{}`},
		"null":                   {`null`, `{}`},
		"object in a string":     {`"{\"a\":12.50,\"b\":\"\\u1ea1\"}"`, `{"a":12.50,"b":"\u1ea1"}`},
		"object in a string, 2":  {`"{\u0022a\u0022:\"\/\"}"`, `{"a":"/"}`},
		"two objects in one":     {`"{}{}"`, `"{}{}"`},
		"array in a string":      {`"[1]"`, `"[1]"`},
		"duplicates in a string": {`"{\"a\":1,\"a\":2}"`, `"{\"a\":1,\"a\":2}"`},
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte { return s.gateway.success(c, test.sent) })
			want := test.want
			if want == "" {
				want = test.sent
			}
			s.call(t, "/pay", payment).wantOK(t, want)
		})
	}
}

// response envelope hands over the whole verified message, untouched.
func TestResponseEnvelope(t *testing.T) {
	s := newSidecar(t, "response envelope")
	for name, body := range map[string]string{
		"compact":            `{"requestID":"17","responseDateTime":20260102030405,"responseCode":200,"responseMessage":"\u1ea1","responseData":{"a":1.50}}`,
		"indented":           "{\n \"requestID\" : \"17\",\n \"responseCode\": \"200\" }",
		"string as data":     `{"requestID":"17","responseCode":"200","responseData":"{\"a\":1}"}`,
		"data before the id": `{"responseData":{},"responseCode":"200","requestID":"17","more":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(*call) []byte { return s.gateway.signed(body) })
			s.call(t, "/pay", payment, "Idempotency-Key", "17").wantOK(t, body)
		})
	}
	// A refusal is a problem all the same, and an unproven answer is refused.
	s.gateway.answers(func(c *call) []byte { return s.gateway.signed(envelope(c.requestID(), "409", "Duplicate", "")) })
	s.call(t, "/pay", payment).wantProblem(t, http.StatusConflict, "transaction_duplicate", "rejected")
	s.gateway.answers(func(c *call) []byte { return httpAnswer(200, envelope(c.requestID(), "200", "Success", "{}")) })
	s.call(t, "/pay", payment).wantProblem(t, http.StatusBadGateway, "response_signature_missing", "unknown")
}

// verify report passes unproven answers on, marks each and logs each.
func TestVerifyReport(t *testing.T) {
	for name, test := range map[string]struct {
		signature []string
		code      string
		status    int
		proven    bool
	}{
		"unsigned success":  {nil, "200", 200, false},
		"forged success":    {[]string{"signature", strings.Repeat("0", 64)}, "200", 200, false},
		"unsigned refusal":  {nil, "409", 409, false},
		"proven success":    {[]string{"signature", "?"}, "200", 200, true},
		"proven refusal":    {[]string{"signature", "?"}, "409", 409, true},
		"two, one is right": {[]string{"signature", "?", "signature", "x"}, "200", 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t, "verify report")
			s.gateway.answers(func(c *call) []byte {
				body := envelope(c.requestID(), test.code, "m", `{"a":1}`)
				header := []string{"X-Leak", "header-canary"}
				for _, h := range test.signature {
					header = append(header, strings.Replace(h, "?", sign(body, testSalt), 1))
				}
				return httpAnswer(200, body, header...)
			})
			a := s.call(t, "/pay", payment)
			if a.status != test.status {
				t.Fatalf("HTTP %d, want %d: %s", a.status, test.status, a.body)
			}
			switch {
			case test.status == 200:
				a.wantOK(t, `{"a":1}`)
			case test.proven:
				a.wantProblem(t, test.status, "transaction_duplicate", "rejected")
			default: // a refusal may be forged too
				a.wantProblem(t, test.status, "transaction_duplicate", "unknown")
			}
			checkNoLeak(t, a, "header-canary")
			mark := "false"
			if test.proven {
				mark = ""
			}
			if got := a.header.Get("Galaxypay-Verified"); got != mark {
				t.Errorf("Galaxypay-Verified %q, want %q", got, mark)
			}
			lines := s.logLines(t, "call")
			if len(lines) != 1 {
				t.Fatalf("%d log lines, want 1", len(lines))
			}
			if !test.proven && (lines[0]["verified"] != false || lines[0]["level"] != "error") {
				t.Errorf("logged as %v, want an error with verified false", lines[0])
			}
			if test.proven && lines[0]["verified"] == false {
				t.Errorf("logged as unproven: %v", lines[0])
			}
		})
	}

	// Nothing that is not proven says how a payment ended.
	t.Run("payment status", func(t *testing.T) {
		s := newSidecar(t, "verify report")
		s.gateway.answers(func(c *call) []byte {
			return httpAnswer(200, envelope(c.requestID(), "200", "m", `{"transactionStatus":"200","transactionStage":"SUCCESSFUL"}`))
		})
		for _, operation := range []string{"query", "fastPay"} {
			a := s.call(t, "/"+operation, payment)
			if got := a.header.Get("Galaxypay-Payment-Status"); a.status != 200 || got != "" {
				t.Errorf("%s: HTTP %d, Galaxypay-Payment-Status %q", operation, a.status, got)
			}
		}
	})

	// What cannot be read, or belongs to another request, is refused in this mode too.
	s := newSidecar(t, "verify report")
	for name, answer := range map[string][]byte{
		"HTML":              httpAnswer(502, "<html>forged-canary</html>"),
		"another requestID": httpAnswer(200, envelope("another", "200", "forged-canary", "{}")),
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.answers(func(*call) []byte { return answer })
			a := s.call(t, "/pay", payment)
			a.wantProblem(t, http.StatusBadGateway, "response_malformed", "unknown")
			checkNoLeak(t, a, "forged-canary")
		})
	}
}

// Galaxypay-Payment-Status says what the answer means for the order.
func TestPaymentStatus(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, test := range []struct{ data, query, fastPay string }{
		{`{"transactionStatus":"200","transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
		{`{"transactionStatus":200,"transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
		{`{"transactionStatus":"200"}`, "paid", "paid"},
		{`{"transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
		{`{"transactionStatus":"200","transactionStage":"PROCESSING"}`, "pending", "pending"},
		{`{"transactionStatus":"200","transactionStage":"INIT"}`, "pending", "pending"},
		{`{"transactionStatus":"200","transactionStage":"FAILURE"}`, "failed", "failed"},
		{`{"transactionStatus":"200","transactionStage":""}`, "failed", "failed"},
		{`{"transactionStatus":"200","transactionStage":"successful"}`, "failed", "failed"},
		{`{"transactionStatus":"","transactionStage":"INIT"}`, "pending", "pending"},
		{`{"transactionStatus":"","transactionStage":"PROCESSING"}`, "pending", "pending"},
		{`{"transactionStatus":null,"transactionStage":"PROCESSING"}`, "pending", "pending"},
		{`{"transactionStatus":""}`, "pending", "pending"},
		{`{"transactionStage":"INIT"}`, "pending", "pending"},
		{`{"transactionStatus":"","transactionStage":"FAILURE"}`, "failed", "failed"},
		{`{"transactionStatus":"499","transactionStage":"FAILURE"}`, "cancelled", "cancelled"},
		{`{"transactionStatus":499}`, "cancelled", "cancelled"},
		{`{"transactionStatus":"408","transactionStage":"FAILURE"}`, "expired", "expired"},
		{`{"transactionStatus":"400","transactionStage":"FAILURE"}`, "failed", "failed"},
		{`{"transactionStatus":"505","transactionStage":"FAILURE"}`, "failed", "failed"},
		{`{"transactionStatus":"00","transactionStage":"SUCCESSFUL"}`, "failed", "failed"},
		{`{"transactionStatus":{"a":"200"},"transactionStage":"SUCCESSFUL"}`, "failed", "failed"},
		{`{"transactionStatus":true}`, "failed", "failed"},
		{`{"a":{"transactionStatus":"499"}}`, "pending", "paid"}, // nothing is said: a query has found nothing out
		{``, "pending", "paid"},
		{`"{\"transactionStatus\":\"499\"}"`, "cancelled", "cancelled"},
	} {
		t.Run(test.data, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte { return s.gateway.success(c, test.data) })
			for operation, want := range map[string]string{"query": test.query, "fastPay": test.fastPay, "pay": "", "refund": "", "queryTokens": ""} {
				a := s.call(t, "/"+operation, `{"a":1}`)
				if got := a.header.Get("Galaxypay-Payment-Status"); a.status != 200 || got != want {
					t.Errorf("%s: HTTP %d, Galaxypay-Payment-Status %q, want %q", operation, a.status, got, want)
				}
			}
		})
	}

	// A refused query says nothing about the payment; a refused fast pay does, unless
	// the payment was made before or its outcome is unknown.
	for code, fastPay := range map[string]string{
		"400": "failed", "401": "failed", "408": "expired", "409": "", "499": "cancelled", "502": "failed", "503": "failed", "504": "", "505": "failed", "00": "",
	} {
		t.Run("responseCode "+code, func(t *testing.T) {
			s.gateway.answers(func(c *call) []byte { return s.gateway.signed(envelope(c.requestID(), code, "m", "")) })
			for operation, want := range map[string]string{"query": "", "fastPay": fastPay} {
				a := s.call(t, "/"+operation, `{"a":1}`)
				if got := a.header.Get("Galaxypay-Payment-Status"); got != want {
					t.Errorf("%s: Galaxypay-Payment-Status %q, want %q", operation, got, want)
				}
			}
		})
	}
}

// People read titles and details; programs read codes, which are the same in every
// language.
func TestLanguages(t *testing.T) {
	s := newSidecar(t)
	english, vietnamese := s.call(t, "/nothing", payment), s.call(t, "/nothing", payment, "Accept-Language", "vi-VN,vi;q=0.9,en;q=0.5")
	e, v := english.problem(t), vietnamese.problem(t)
	if e.Title == v.Title || e.Detail == v.Detail || e.Code != v.Code || e.Type != v.Type {
		t.Errorf("English %+v, Vietnamese %+v", e, v)
	}
	if english.header.Get("Content-Language") != "en" || vietnamese.header.Get("Content-Language") != "vi" {
		t.Errorf("Content-Language %q and %q", english.header.Get("Content-Language"), vietnamese.header.Get("Content-Language"))
	}
}
