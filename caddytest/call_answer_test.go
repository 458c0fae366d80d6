package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// responseData reaches the app byte for byte.
func TestCallAnswerIsResponseData(t *testing.T) {
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
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, test.sent) })
			want := test.want
			if want == "" {
				want = test.sent
			}
			s.call(t, "/pay", payment).wantOK(t, want)
		})
	}
}

// With "response envelope" the app gets the whole proven message, byte for byte.
func TestCallAnswerIsEnvelope(t *testing.T) {
	s := newSidecar(t, "response envelope")
	for name, body := range map[string]string{
		"compact":            `{"requestID":"17","responseDateTime":20260102030405,"responseCode":200,"responseMessage":"\u1ea1","responseData":{"a":1.50}}`,
		"indented":           "{\n \"requestID\" : \"17\",\n \"responseCode\": \"200\" }",
		"string as data":     `{"requestID":"17","responseCode":"200","responseData":"{\"a\":1}"}`,
		"data before the id": `{"responseData":{},"responseCode":"200","requestID":"17","more":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			s.gateway.replies(func(*call) []byte { return s.gateway.signed(body) })
			s.call(t, "/pay", payment, "Idempotency-Key", "17").wantOK(t, body)
		})
	}
	// A refusal is still a problem, and an unproven reply is still refused.
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "409") })
	s.call(t, "/pay", payment).wantProblem(t, http.StatusConflict, "transaction_duplicate", "rejected")
	s.gateway.replies(func(c *call) []byte { return httpResponse(200, envelope(c.requestID(), "200", "Success", "{}")) })
	s.call(t, "/pay", payment).wantProblem(t, http.StatusBadGateway, "response_signature_missing", "unknown")
}

// No header of a proven reply passes through.
func TestCallAnswerHeaders(t *testing.T) {
	s := newSidecar(t)
	s.gateway.replies(func(c *call) []byte {
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

// refusedReplies are the gateway's proven refusals, each with the row of the contract that applies.
// number is the code as it is written in the reply; "" leaves it out.
var refusedReplies = []struct {
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

func TestCallAnswerToRefusals(t *testing.T) {
	s := newSidecar(t)
	for _, r := range refusedReplies {
		t.Run("responseCode "+r.number, func(t *testing.T) {
			s.gateway.replies(func(c *call) []byte {
				code := ""
				if r.number != "" {
					code = `"responseCode":` + r.number + `,`
				}
				return s.gateway.signed(`{"requestID":"` + c.requestID() + `",` + code +
					`"responseMessage":"Không thành công","responseData":{"secret":"data-canary"}}`)
			})
			a := s.call(t, "/pay", payment)
			p := a.wantProblem(t, r.status, r.code, r.outcome)

			// Only strings and numbers have a text to repeat.
			code := strings.Trim(r.number, `"`)
			if strings.ContainsAny(code, "[{") || code == "null" || code == "true" {
				code = ""
			}
			if p.ResponseCode != code || p.ResponseMessage != "Không thành công" {
				t.Errorf("responseCode %q, responseMessage %q", p.ResponseCode, p.ResponseMessage)
			}
			header := code
			if strings.Contains(code, " ") {
				header = "" // a header cannot hold it
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
				t.Errorf("type %q does not lead to the description of the code", p.Type)
			}
		})
	}
}

// Galaxypay-Payment-Status says what the reply means for the order.
func TestCallAnswerPaymentStatus(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, test := range []struct{ data, query, fastPay string }{
		{`{"transactionID":"1","transactionStatus":"200","transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
		{`{"transactionID":"1","transactionStatus":200,"transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
		{`{"transactionID":"1","transactionStatus":"200"}`, "paid", "paid"},
		{`{"transactionID":"1","transactionStage":"SUCCESSFUL"}`, "paid", "paid"},
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
		{`{"transactionID":"1","a":{"transactionStatus":"499"}}`, "pending", "paid"}, // no status in the reply: the query has found nothing
		{`{"transactionID":"1"}`, "pending", "paid"},
		{`{"transactionID":"1","endpoint":"https://bank.example/3ds"}`, "pending", "pending"}, // the bank wants to see the customer
		{`{"transactionID":"1","endpoint":"https://bank.example/3ds","transactionStatus":"200"}`, "paid", "paid"},
		{`{"transactionStatus":"200"}`, "failed", "failed"}, // names no payment
		{``, "pending", "failed"},
		{`"{\"transactionStatus\":\"499\"}"`, "cancelled", "cancelled"},
	} {
		t.Run(test.data, func(t *testing.T) {
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, test.data) })
			for operation, want := range map[string]string{"query": test.query, "fastPay": test.fastPay, "pay": "", "refund": "", "queryTokens": ""} {
				a := s.call(t, "/"+operation, `{"a":1}`)
				if got := a.header.Get("Galaxypay-Payment-Status"); a.status != 200 || got != want {
					t.Errorf("%s: HTTP %d, Galaxypay-Payment-Status %q, want %q", operation, a.status, got, want)
				}
			}
		})
	}

	// A refused query gives no payment status. A refused fast pay does, unless the payment was made
	// before or its outcome is unknown.
	for code, fastPay := range map[string]string{
		"400": "failed", "401": "failed", "408": "expired", "409": "", "499": "cancelled", "502": "failed", "503": "failed", "504": "", "505": "failed", "00": "",
	} {
		t.Run("responseCode "+code, func(t *testing.T) {
			s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, code) })
			for operation, want := range map[string]string{"query": "", "fastPay": fastPay} {
				a := s.call(t, "/"+operation, `{"a":1}`)
				if got := a.header.Get("Galaxypay-Payment-Status"); got != want {
					t.Errorf("%s: Galaxypay-Payment-Status %q, want %q", operation, got, want)
				}
			}
		})
	}
}

// Titles and details are for people, in their language. Codes are for programs and the same in
// every language.
func TestCallAnswerLanguages(t *testing.T) {
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
