package caddytest

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Each operation has a short name. Its fixed fields are added.
func TestCallPathShortNames(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, op := range catalogue {
		t.Run(op.name, func(t *testing.T) { s.wantOperation(t, "/"+op.name, `{}`, op) })
	}
}

// Each operation has the path that the gateway documents. Where operations share a path, the posted
// fields distinguish them.
func TestCallPathDocumented(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, op := range catalogue {
		t.Run(op.name, func(t *testing.T) { s.wantOperation(t, op.path, op.fixed, op) })
	}
}

// wantOperation makes a call and checks that it is this operation, with the fixed fields and no others.
func (s sidecar) wantOperation(t *testing.T, path, body string, op catalogued) {
	t.Helper()
	a := s.call(t, path, body)
	a.wantOK(t, paid)
	got := s.gateway.last(t)
	if got.path() != op.path {
		t.Errorf("path %s, want %s", got.path(), op.path)
	}
	if data := got.requestData(t); data != op.fixed {
		t.Errorf("requestData %s, want %s", data, op.fixed)
	}
	if name := a.header.Get("Galaxypay-Operation"); name != op.name {
		t.Errorf("Galaxypay-Operation %q, want %q", name, op.name)
	}
}

// Four operations share one path.
func TestCallPathShared(t *testing.T) {
	s := newSidecar(t, "validate off")
	for name, test := range map[string]struct{ body, operation, sent string }{
		"nothing said":        {`{"a":1}`, "pay", `{"a":1,"apiOperation":"PAY"}`},
		"card":                {`{"apiOperation":"PAY","sourceOfFund":"CARD"}`, "pay", ""},
		"token":               {`{"sourceOfFund":"TOKEN","apiOperation":"PAY"}`, "payWithToken", ""},
		"token alone":         {`{"sourceOfFund":"TOKEN"}`, "payWithToken", `{"sourceOfFund":"TOKEN","apiOperation":"PAY"}`},
		"create token, card":  {`{"apiOperation":"PAY_WITH_CREATE_TOKEN","sourceOfFund":"CARD"}`, "payWithCreateToken", ""},
		"fast pay with token": {`{"apiOperation":"FAST_PAY","sourceOfFund":"TOKEN"}`, "fastPay", ""},
		"in an envelope": {
			`{"requestID":"1","requestDateTime":"1","requestData":{"apiOperation":"FAST_PAY"}}`, "fastPay",
			`{"requestID":"1","requestDateTime":"1","requestData":{"apiOperation":"FAST_PAY"}}`,
		},
		"outside requestData": {
			`{"requestID":"1","requestDateTime":"1","apiOperation":"FAST_PAY","requestData":{}}`, "pay",
			`{"requestID":"1","requestDateTime":"1","apiOperation":"FAST_PAY","requestData":{}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "/api/v1/transaction/pay", test.body)
			a.wantOK(t, paid)
			if got := a.header.Get("Galaxypay-Operation"); got != test.operation {
				t.Errorf("Galaxypay-Operation %q, want %q", got, test.operation)
			}
			want := test.sent
			if want == "" {
				want = test.body
			}
			if got := s.gateway.last(t).body; !strings.Contains(got, want) {
				t.Errorf("the gateway got %s, want %s in it", got, want)
			}
		})
	}
}

// A request whose fields name another operation than its address is not signed.
func TestCallPathContradictions(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct{ path, body, field string }{
		"fast pay at /pay":            {"/pay", `{"apiOperation":"FAST_PAY"}`, "apiOperation"},
		"in other letters too":        {"/pay", `{"apiOperation":"PAY","APIOperation":"FAST_PAY"}`, "APIOperation"},
		"pay at /fastPay":             {"/fastPay", `{"apiOperation":"PAY"}`, "apiOperation"},
		"card at /payWithToken":       {"/payWithToken", `{"sourceOfFund":"CARD"}`, "sourceOfFund"},
		"unknown at the shared path":  {"/api/v1/transaction/pay", `{"apiOperation":"GIVE"}`, "apiOperation"},
		"lower case":                  {"/pay", `{"apiOperation":"pay"}`, "apiOperation"},
		"an array that starts well":   {"/pay", `{"apiOperation":["PAY"]}`, "apiOperation"},
		"in an envelope of the app's": {"/pay", `{"requestID":"1","requestDateTime":"1","requestData":{"apiOperation":"FAST_PAY"}}`, "requestData.apiOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := s.wantNotSent(t, test.path, test.body)
			if p.Status != http.StatusUnprocessableEntity || p.Code != "fields_invalid" {
				t.Fatalf("HTTP %d %s, want 422 fields_invalid", p.Status, p.Code)
			}
			if len(p.Errors) != 1 || p.Errors[0].Field != test.field || p.Errors[0].Code == "" || p.Errors[0].Detail == "" {
				t.Errorf("errors %+v, want one for %s", p.Errors, test.field)
			}
		})
	}
}

// The option operations closes all other operations, by every path that leads to them.
func TestCallPathOperationsClosed(t *testing.T) {
	s := newSidecar(t, "validate off", "operations pay query")
	for name, test := range map[string]struct {
		path, body string
		open       bool
	}{
		"pay":                       {"/pay", `{}`, true},
		"query":                     {"/query", `{}`, true},
		"pay, documented":           {"/api/v1/transaction/pay", `{}`, true},
		"refund":                    {"/refund", `{}`, false},
		"refund, documented":        {"/api/v1/transaction/refund", `{}`, false},
		"fast pay":                  {"/fastPay", `{}`, false},
		"fast pay at a shared path": {"/api/v1/transaction/pay", `{"apiOperation":"FAST_PAY"}`, false},
		"token at a shared path":    {"/api/v1/transaction/pay", `{"sourceOfFund":"TOKEN"}`, false},
		"token by the short name":   {"/pay", `{"sourceOfFund":"TOKEN"}`, false},
		"another case":              {"/api/v1/transaction/REFUND", `{}`, false},
		"other":                     {"/api/v1/transaction/new", `{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if test.open {
				s.call(t, test.path, test.body).wantOK(t, paid)
				return
			}
			_, p := s.wantNotSent(t, test.path, test.body)
			if p.Status != http.StatusNotFound || p.Code != "operation_unknown" {
				t.Errorf("HTTP %d %s, want 404 operation_unknown", p.Status, p.Code)
			}
			if !strings.Contains(p.Detail, "pay, query") || strings.Contains(p.Detail, "refund") {
				t.Errorf("detail %q, want the list of open operations", p.Detail)
			}
		})
	}

	// "other" can be opened by name.
	s = newSidecar(t, "validate off", "operations query other")
	a := s.call(t, "/api/v1/transaction/new", `{}`)
	a.wantOK(t, paid)
	s.wantNotSent(t, "/pay", `{}`)
}

// A new operation of the gateway works before it is in the catalogue.
func TestCallPathUndocumented(t *testing.T) {
	s := newSidecar(t, "defaults {", "ipnURL https://shop.example/ipn", "}")
	for _, path := range []string{"/api/v1/x", "/api/v1/transaction/payByWink_2-b", "/api/v1/a/b/c/d"} {
		t.Run(path, func(t *testing.T) {
			a := s.call(t, path, `{"apiOperation":"ANY"}`)
			a.wantOK(t, paid)
			got := s.gateway.last(t)
			if got.path() != path {
				t.Errorf("path %s", got.path())
			}
			if data := got.requestData(t); data != `{"apiOperation":"ANY"}` {
				t.Errorf("requestData %s, want it as posted", data)
			}
			if got.value("signature") != sign(got.body, testSalt) {
				t.Error("the signature does not fit the bytes sent")
			}
			if name := a.header.Get("Galaxypay-Operation"); name != "other" {
				t.Errorf("Galaxypay-Operation %q, want other", name)
			}
		})
	}
}

// The sidecar passes on no request to the rest of the gateway's site or of its own.
func TestCallPathRefused(t *testing.T) {
	s := newSidecar(t)
	for _, path := range []string{
		"/",
		"/Pay",
		"/pay/",
		"/pay/x",
		"//pay",
		"/pay%00",
		"/pay;x",
		"/other",
		"/api",
		"/api/v1",
		"/api/v1/",
		"/api/v2/transaction/pay",
		"/api/v1/transaction/pay/",
		"/api/v1/transaction/PAY", // the gateway may ignore case
		"/api/v1/Transaction/refund",
		"/api/v1//transaction/pay",
		"//api/v1/transaction/pay",
		"/api/v1/../admin",
		"/api/v1/transaction/../../../admin",
		"/api/v1/transaction/..",
		"/api/v1/./x",
		"/api/v1/%2e%2e/admin",
		"/api/v1/%2E%2E%2Fadmin",
		"/api/v1/x%2f..%2fy",
		"/api/v1/x%252e%252e",
		"/api/v1/..%5cadmin",
		`/api/v1/x\y`,
		"/api/v1/x%20y",
		"/api/v1/x%0d%0aX-Injected:%201",
		"/api/v1/x%3fy=1",
		"/api/v1/x%23y",
		"/api/v1/x@evil.example",
		"/api/v1/tr%C3%A1n",
		"/galaxypay/ipn",
		"/metrics",
		"/openapi",
	} {
		t.Run(path, func(t *testing.T) {
			_, p := s.wantNotSent(t, path, payment)
			if p.Status != http.StatusNotFound || p.Code != "operation_unknown" {
				t.Errorf("HTTP %d %s, want 404 operation_unknown", p.Status, p.Code)
			}
			for _, op := range catalogue {
				if !regexp.MustCompile(`\b` + op.name + `\b`).MatchString(p.Detail) {
					t.Errorf("detail %q does not list %s", p.Detail, op.name)
				}
			}
		})
	}
}

// The option path moves an operation to another address at the gateway.
func TestCallPathOption(t *testing.T) {
	s := newSidecar(t, "validate off", "path void /api/v1/transaction/cancelIt", "path refund /v2/refund.do", "operations void refund")
	for path, test := range map[string]struct{ operation, target string }{
		"/void":                         {"void", "/api/v1/transaction/cancelIt"},
		"/api/v1/transaction/void":      {"void", "/api/v1/transaction/cancelIt"},
		"/api/v1/transaction/cancelIt":  {"void", "/api/v1/transaction/cancelIt"},
		"/refund":                       {"refund", "/v2/refund.do"},
		"/v2/refund.do":                 {"refund", "/v2/refund.do"},
		"/api/v1/transaction/refund":    {"refund", "/v2/refund.do"},
		"/api/v1/transaction/cancelIt2": {},
		"/v2/other":                     {},
	} {
		t.Run(path, func(t *testing.T) {
			if test.operation == "" {
				s.wantNotSent(t, path, `{}`)
				return
			}
			a := s.call(t, path, `{}`)
			a.wantOK(t, paid)
			if got := s.gateway.last(t).path(); got != test.target {
				t.Errorf("path %s, want %s", got, test.target)
			}
			if got := a.header.Get("Galaxypay-Operation"); got != test.operation {
				t.Errorf("Galaxypay-Operation %q, want %q", got, test.operation)
			}
		})
	}
}

func TestCallMethods(t *testing.T) {
	s := newSidecar(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post"} {
		t.Run(method, func(t *testing.T) {
			for _, path := range []string{"/pay", "/api/v1/transaction/pay", "/api/v1/x"} {
				a := s.do(t, method, s.url("9180")+path, strings.NewReader(payment), asJSON(nil)...)
				if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
					t.Errorf("%s: HTTP %d, Allow %q; want 405, POST", path, a.status, a.header.Get("Allow"))
				}
				if method != "HEAD" {
					a.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed", "not_sent")
				}
			}
			a := s.do(t, method, s.url("9180")+"/nothing", nil)
			if a.status != http.StatusNotFound {
				t.Errorf("unknown path: HTTP %d, want 404", a.status)
			}
		})
	}
	s.gateway.wantCalls(t, 0)
}

// A base_url may have a path, for a gateway behind a prefix.
func TestCallBaseURLWithPath(t *testing.T) {
	g := newGateway(t)
	merchant := strings.Replace(g.merchant(t), g.url, g.url+"/prefix/", 1)
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	s.call(t, "/query", `{"transactionID":"1"}`).wantOK(t, paid)
	if got, want := g.only(t).path(), "/prefix/api/v1/transaction/query"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}
