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

// Of a reply that is not proven, not a byte of the body and none of the headers reach the app.
func TestCallReplyUnprovenIsDiscarded(t *testing.T) {
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
			return httpResponse(http.StatusOK, ok(c), "signature", signature(ok(c)))
		}
	}
	const missing, invalid = "response_signature_missing", "response_signature_invalid"
	for name, test := range map[string]struct {
		code  string
		reply func(c *call) []byte
	}{
		"unsigned":        {missing, func(c *call) []byte { return httpResponse(http.StatusOK, ok(c)) }},
		"empty signature": {missing, signedWith(func(string) string { return "" })},
		"HTML 502": {missing, func(*call) []byte {
			return httpResponse(http.StatusBadGateway, "<html>"+canary+"</html>", "Content-Type", "text/html")
		}},
		"empty":          {missing, func(*call) []byte { return httpResponse(http.StatusOK, "") }},
		"204":            {missing, func(*call) []byte { return []byte("HTTP/1.1 204 No Content\r\n\r\n") }},
		"304":            {missing, func(*call) []byte { return []byte("HTTP/1.1 304 Not Modified\r\n\r\n") }},
		"unsigned, cut":  {missing, func(c *call) []byte { return httpResponse(http.StatusOK, ok(c)[:40]) }},
		"unsigned array": {missing, func(c *call) []byte { return httpResponse(http.StatusOK, "["+ok(c)+"]") }},
		"unsigned duplicate": {missing, func(*call) []byte {
			return httpResponse(http.StatusOK, `{"responseCode":"401","responseCode":"401","a":"`+canary+`"}`)
		}},
		"signature in body": {missing, func(c *call) []byte {
			return httpResponse(http.StatusOK, ok(c)[:len(ok(c))-1]+`,"signature":"`+sign(ok(c), testSalt)+`"}`)
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
		"last digit changed": {invalid, signedWith(func(body string) string { return lastDigitChanged(sign(body, testSalt)) })},
		"no hex digit":       {invalid, signedWith(func(body string) string { return sign(body, testSalt)[:63] + "g" })},
		"prefixed":           {invalid, signedWith(func(body string) string { return "sha256=" + sign(body, testSalt) })},
		"quoted":             {invalid, signedWith(func(body string) string { return `"` + sign(body, testSalt) + `"` })},
		"zeros":              {invalid, signedWith(func(string) string { return strings.Repeat("0", 64) })},
		"of the request":     {invalid, func(c *call) []byte { return httpResponse(http.StatusOK, ok(c), "signature", c.value("signature")) }},
		"of another reply":   {invalid, signedWith(func(string) string { return sign("{}", testSalt) })},
		"of the empty text":  {invalid, signedWith(func(string) string { return sign("", testSalt) })},
		"tampered": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, strings.Replace(ok(c), `"Success"`, `"success"`, 1), "signature", sign(ok(c), testSalt))
		}},
		"a blank more": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, ok(c)+"\n", "signature", sign(ok(c), testSalt))
		}},
		"re-serialised": {invalid, func(c *call) []byte {
			var v map[string]any
			if err := json.Unmarshal([]byte(ok(c)), &v); err != nil {
				t.Error(err)
			}
			again, err := json.MarshalIndent(v, "", " ")
			if err != nil {
				t.Error(err)
			}
			return httpResponse(http.StatusOK, string(again), "signature", sign(ok(c), testSalt))
		}},
		"two signatures, one right": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt), "signature", sign("x", testSalt))
		}},
		"two right signatures": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt), "Signature", sign(ok(c), testSalt))
		}},
		"two in one header": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, ok(c), "signature", sign(ok(c), testSalt)+", "+sign(ok(c), testSalt))
		}},
		"invalid refusal": {invalid, func(c *call) []byte {
			return httpResponse(http.StatusOK, envelope(c.requestID(), "409", canary, ""), "signature", strings.Repeat("0", 64))
		}},
		"200 in the body, 401 in HTTP": {missing, func(c *call) []byte { return httpResponse(http.StatusUnauthorized, ok(c)) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.replies(func(c *call) []byte {
				reply := string(test.reply(c))
				leak := "Set-Cookie: session=" + canary + "\r\nX-Leak: " + canary + "\r\nLocation: https://" + canary +
					"/\r\nGalaxypay-Verified: " + canary + "\r\nGalaxypay-Payment-Status: paid\r\nServer: " + canary + "\r\n\r\n"
				head, body, _ := strings.Cut(reply, "\r\n\r\n")
				return []byte(head + "\r\n" + leak + body)
			})
			a := s.call(t, "/fastPay", payment)
			p := a.wantProblem(t, http.StatusBadGateway, test.code, "unknown")
			checkNoLeak(t, a, canary)
			if p.ResponseCode != "" || p.ResponseMessage != "" || a.header.Get("Galaxypay-Response-Code") != "" {
				t.Errorf("an unproven code is presented as proven: %s", a.body)
			}
			if got := a.header.Get("Galaxypay-Payment-Status"); got != "" {
				t.Errorf("Galaxypay-Payment-Status %q of an unproven reply", got)
			}
			s.gateway.only(t)
			s.stop()
			if logs := s.logs(t); strings.Contains(logs, canary) {
				t.Errorf("the log holds a part of the forged reply: %s", logs)
			}
		})
	}
}

// lastDigitChanged is the same hexadecimal text with another last digit.
func lastDigitChanged(digits string) string {
	last := "0"
	if strings.HasSuffix(digits, "0") {
		last = "1"
	}
	return digits[:len(digits)-1] + last
}

// checkNoLeak checks that nothing of the gateway's reply is in an answer to the app.
func checkNoLeak(t *testing.T, a httpAnswer, canary string) {
	t.Helper()
	if strings.Contains(a.body, canary) {
		t.Errorf("the body holds a part of the gateway's reply: %s", a.body)
	}
	for name, values := range a.header {
		if strings.Contains(fmt.Sprint(values), canary) {
			t.Errorf("a header of the gateway's reply passed through: %s: %s", name, values)
		}
	}
}

// A reply is proven whatever the case of its header and digits and whatever its HTTP status.
func TestCallReplyProven(t *testing.T) {
	for name, reply := range map[string]func(body string) []byte{
		"upper-case hex": func(body string) []byte {
			return httpResponse(200, body, "signature", strings.ToUpper(sign(body, testSalt)))
		},
		"mixed-case hex": func(body string) []byte {
			return httpResponse(200, body, "signature", strings.Replace(sign(body, testSalt), "a", "A", 1))
		},
		"Signature":     func(body string) []byte { return httpResponse(200, body, "Signature", sign(body, testSalt)) },
		"SIGNATURE":     func(body string) []byte { return httpResponse(200, body, "SIGNATURE", sign(body, testSalt)) },
		"blanks around": func(body string) []byte { return httpResponse(200, body, "signature", "  "+sign(body, testSalt)+" \t") },
		"as text/plain": func(body string) []byte {
			return httpResponse(200, body, "Content-Type", "text/plain", "signature", sign(body, testSalt))
		},
		"HTTP 201": func(body string) []byte { return httpResponse(201, body, "signature", sign(body, testSalt)) },
		"HTTP 500": func(body string) []byte { return httpResponse(500, body, "signature", sign(body, testSalt)) },
		"HTTP 302": func(body string) []byte {
			return httpResponse(302, body, "Location", "/x", "signature", sign(body, testSalt))
		},
		"after early hints": func(body string) []byte {
			return append([]byte("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"), httpResponse(200, body, "signature", sign(body, testSalt))...)
		},
		"HTTP/1.0": func(body string) []byte {
			return []byte("HTTP/1.0 200 OK\r\nsignature: " + sign(body, testSalt) + "\r\n\r\n" + body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t)
			s.gateway.replies(func(c *call) []byte {
				return reply(envelope(c.requestID(), "200", "Success", paid))
			})
			if name == "HTTP/1.0" {
				s.gateway.handles(replyAndClose(func(c *call) []byte { return reply(envelope(c.requestID(), "200", "Success", paid)) }))
			}
			s.call(t, "/pay", payment).wantOK(t, paid)
			s.gateway.only(t)
		})
	}
}

// Numbers and strings mean the same, in responseCode and in requestID.
func TestCallReplySpellings(t *testing.T) {
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
			s.gateway.replies(func(*call) []byte { return s.gateway.signed(body) })
			s.call(t, "/pay", payment, "Idempotency-Key", "17").wantOK(t, `{"a":1}`)
		})
	}
}

// The words of an unsigned refusal help a developer whose key the gateway does not know. They are
// quoted in the detail and nowhere else.
func TestCallReplyUnsignedRefusalIsQuoted(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct {
		status        int
		code, message string
		quoted        []string
	}{
		"401":                 {401, `"401"`, "Invalid API key", []string{"401", "Invalid API key"}},
		"401 in HTTP 200":     {200, `"401"`, "Invalid API key", []string{"401", "Invalid API key"}},
		"401 as a number":     {200, `401`, "Invalid signature", []string{"401", "Invalid signature"}},
		"HTTP 401 only":       {401, `null`, "Invalid signature", []string{"HTTP 401", "Invalid signature"}},
		"HTTP 401 with a 200": {401, `200`, "Success", []string{"HTTP 401", "200"}},
		"400 as a number":     {400, `400`, "Thiếu trường orderID", []string{"400", "Thiếu trường orderID"}},
		"very long message":   {401, `"401"`, "start" + strings.Repeat("x", 10_000) + "end-canary", []string{"start"}},
		"control characters":  {401, `"401"`, `a\u0000\u001b[31mb\r\nc`, []string{"401", "a[31mbc"}},
		"code with a payload": {401, `"401-code-canary-and-much-more"`, "m", []string{"m"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.replies(func(c *call) []byte {
				return httpResponse(test.status, `{"requestID":"`+c.requestID()+`","responseCode":`+test.code+`,"responseMessage":"`+test.message+
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
			const usually = "Usually the configured api_key or salt is wrong, or belongs to another environment."
			if isUnauthorized := test.status == 401 || test.code == `"401"` || test.code == `401`; strings.Contains(p.Detail, usually) != isUnauthorized {
				t.Errorf("detail %q says why a 401 usually comes, or does not", p.Detail)
			}
			if len(p.Detail) > 1000 {
				t.Errorf("detail of %d bytes", len(p.Detail))
			}
			checkNoLeak(t, a, "canary")
		})
	}
}

// A 401 whose body is no envelope has nothing to quote, and still says where to look.
func TestCallReplyUnsignedUnauthorizedPage(t *testing.T) {
	s := newSidecar(t)
	for name, body := range map[string]string{
		"empty": "", "web page": "<html>canary</html>", "null": "null", "no members": "{}", "duplicates": `{"responseCode":"canary","responseCode":"401"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.replies(func(*call) []byte { return httpResponse(http.StatusUnauthorized, body) })
			for language, want := range map[string]string{
				"en": "The gateway refused the api key or the signature (HTTP 401, not signed). Usually the configured api_key or salt is wrong, or belongs to another environment.",
				"vi": "Cổng thanh toán từ chối api key hoặc chữ ký (HTTP 401, không có chữ ký). Thường là do api_key hoặc salt trong cấu hình sai, hoặc thuộc môi trường khác.",
			} {
				a := s.call(t, "/pay", payment, "Accept-Language", language)
				if p := a.wantProblem(t, http.StatusBadGateway, "response_signature_missing", "unknown"); p.Detail != want {
					t.Errorf("%s: %q", language, p.Detail)
				}
				checkNoLeak(t, a, "canary")
			}
		})
	}
}

// A proven reply must be one JSON object and must belong to this request. Otherwise an attacker
// could play back a reply that was proven once.
func TestCallReplyMalformed(t *testing.T) {
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
			s.gateway.replies(func(c *call) []byte { return s.gateway.signed(body(c.requestID())) })
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
			s.gateway.replies(func(*call) []byte { return s.gateway.signed(body) })
			p := s.call(t, "/pay", payment, "Idempotency-Key", "abcdef").wantProblem(t, http.StatusConflict, "transaction_duplicate", "unknown")
			if p.RequestID != "abcdef" || p.ResponseCode != "409" || p.ResponseMessage != "m" {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

// A whole reply that cannot be unpacked. The connection stays usable.
func TestCallReplyInBadGzip(t *testing.T) {
	s := newSidecar(t)
	s.gateway.replies(func(c *call) []byte {
		body := envelope(c.requestID(), "200", "Success", paid)
		return httpResponse(http.StatusOK, body, "Content-Encoding", "gzip", "signature", sign(body, testSalt))
	})
	if p := s.call(t, "/pay", payment).problem(t); p.Outcome != "unknown" || p.Status != http.StatusBadGateway {
		t.Errorf("HTTP %d, outcome %s; want 502, unknown", p.Status, p.Outcome)
	}
	s.gateway.only(t)
}

// With "verify report", unproven replies are passed on, and each is marked and logged.
func TestCallReplyVerifyReport(t *testing.T) {
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
			s.gateway.replies(func(c *call) []byte {
				body := envelope(c.requestID(), test.code, "m", `{"a":1}`)
				header := []string{"X-Leak", "header-canary"}
				for _, h := range test.signature {
					header = append(header, strings.Replace(h, "?", sign(body, testSalt), 1))
				}
				return httpResponse(200, body, header...)
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
			default: // a refusal may be forged, too
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

	// A reply that is not proven gives no payment status.
	t.Run("payment status", func(t *testing.T) {
		s := newSidecar(t, "verify report")
		s.gateway.replies(func(c *call) []byte {
			return httpResponse(200, envelope(c.requestID(), "200", "m", `{"transactionStatus":"200","transactionStage":"SUCCESSFUL"}`))
		})
		for _, operation := range []string{"query", "fastPay"} {
			a := s.call(t, "/"+operation, payment)
			if got := a.header.Get("Galaxypay-Payment-Status"); a.status != 200 || got != "" {
				t.Errorf("%s: HTTP %d, Galaxypay-Payment-Status %q", operation, a.status, got)
			}
		}
	})

	// A reply that cannot be read, or belongs to another request, is refused in this mode, too.
	s := newSidecar(t, "verify report")
	for name, reply := range map[string][]byte{
		"HTML":              httpResponse(502, "<html>forged-canary</html>"),
		"another requestID": httpResponse(200, envelope("another", "200", "forged-canary", "{}")),
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.replies(func(*call) []byte { return reply })
			a := s.call(t, "/pay", payment)
			a.wantProblem(t, http.StatusBadGateway, "response_malformed", "unknown")
			checkNoLeak(t, a, "forged-canary")
		})
	}
}
