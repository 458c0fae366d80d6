package caddytest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The sixteen operations by short name, with the path that the gateway documents and
// the fields that make a request that operation, as the sidecar adds them to {}.
// Copied by hand from the gateway's pages, so that a slip in the catalogue shows.
var catalogue = []struct{ name, path, fixed string }{
	{"pay", "/api/v1/transaction/pay", `{"apiOperation":"PAY"}`},
	{"payWithCreateToken", "/api/v1/transaction/pay", `{"apiOperation":"PAY_WITH_CREATE_TOKEN"}`},
	{"payWithToken", "/api/v1/transaction/pay", `{"apiOperation":"PAY","sourceOfFund":"TOKEN"}`},
	{"payWithOption", "/api/v1/transaction/payWithOption", `{}`},
	{"payWithQR", "/api/v1/transaction/payWithQR", `{"apiOperation":"PAY"}`},
	{"checkout", "/api/v1/transaction/checkout", `{}`},
	{"createPaymentLink", "/api/v1/transaction/createPaymentLink", `{}`},
	{"fastPay", "/api/v1/transaction/pay", `{"apiOperation":"FAST_PAY"}`},
	{"createToken", "/api/v1/tokenization/createToken", `{}`},
	{"deleteToken", "/api/v1/tokenization/deleteToken", `{}`},
	{"queryTokens", "/api/v1/tokenization/queryTokens", `{}`},
	{"removeToken", "/api/v1/tokenization/removeToken", `{}`},
	{"query", "/api/v1/transaction/query", `{}`},
	{"refund", "/api/v1/transaction/refund", `{}`},
	{"void", "/api/v1/transaction/void", `{}`},
	{"capture", "/api/v1/transaction/capture", `{}`},
}

// last is the latest request that the gateway got.
func (g *gateway) last(t *testing.T) *call {
	t.Helper()
	calls := g.calls()
	if len(calls) == 0 {
		t.Fatal("the gateway got nothing")
	}
	return calls[len(calls)-1]
}

func TestShortNames(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, op := range catalogue {
		t.Run(op.name, func(t *testing.T) {
			a := s.call(t, "/"+op.name, `{}`)
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
		})
	}
}

func TestDocumentedPaths(t *testing.T) {
	s := newSidecar(t, "validate off")
	for _, op := range catalogue {
		t.Run(op.name, func(t *testing.T) {
			// At the shared path the posted fields tell the operations apart.
			a := s.call(t, op.path, op.fixed)
			a.wantOK(t, paid)
			got := s.gateway.last(t)
			if got.path() != op.path {
				t.Errorf("path %s, want %s", got.path(), op.path)
			}
			if data := got.requestData(t); data != op.fixed {
				t.Errorf("requestData %s, want %s as posted", data, op.fixed)
			}
			if name := a.header.Get("Galaxypay-Operation"); name != op.name {
				t.Errorf("Galaxypay-Operation %q, want %q", name, op.name)
			}
		})
	}
}

// Four operations share one path.
func TestSharedPath(t *testing.T) {
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

// A request that says it is another operation than the one it was posted to is signed
// as neither.
func TestContradictions(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct{ path, body, field string }{
		"fast pay at /pay":            {"/pay", `{"apiOperation":"FAST_PAY"}`, "apiOperation"},
		"in other letters too":        {"/pay", `{"apiOperation":"PAY","APIOperation":"FAST_PAY"}`, "APIOperation"},
		"pay at /fastPay":             {"/fastPay", `{"apiOperation":"PAY"}`, "apiOperation"},
		"card at /payWithToken":       {"/payWithToken", `{"sourceOfFund":"CARD"}`, "sourceOfFund"},
		"unknown at the shared path":  {"/api/v1/transaction/pay", `{"apiOperation":"GIVE"}`, "apiOperation"},
		"lower case":                  {"/pay", `{"apiOperation":"pay"}`, "apiOperation"},
		"null":                        {"/pay", `{"apiOperation":null}`, "apiOperation"},
		"an array that starts well":   {"/pay", `{"apiOperation":["PAY"]}`, "apiOperation"},
		"in an envelope of the app's": {"/pay", `{"requestID":"1","requestDateTime":"1","requestData":{"apiOperation":"FAST_PAY"}}`, "requestData.apiOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := s.refused(t, test.path, test.body)
			if p.Status != http.StatusUnprocessableEntity || p.Code != "fields_invalid" {
				t.Fatalf("HTTP %d %s, want 422 fields_invalid", p.Status, p.Code)
			}
			if len(p.Errors) != 1 || p.Errors[0].Field != test.field || p.Errors[0].Code == "" || p.Errors[0].Detail == "" {
				t.Errorf("errors %+v, want one for %s", p.Errors, test.field)
			}
		})
	}
}

// operations closes all others, by every path that leads to them.
func TestOperationsClosed(t *testing.T) {
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
			_, p := s.refused(t, test.path, test.body)
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
	s.refused(t, "/pay", `{}`)
}

// A new operation of the gateway's works the day it appears.
func TestUndocumentedPaths(t *testing.T) {
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

// The sidecar is no door to the rest of the gateway's site, and not to its own.
func TestPathsRefused(t *testing.T) {
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
		"/api/v1/transaction/PAY", // the gateway may not care for case
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
			_, p := s.refused(t, path, payment)
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

func TestMethods(t *testing.T) {
	s := newSidecar(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post"} {
		t.Run(method, func(t *testing.T) {
			for _, path := range []string{"/pay", "/api/v1/transaction/pay", "/api/v1/x"} {
				a := s.do(t, method, s.url("9180")+path, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(payment))
				if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
					t.Errorf("%s: HTTP %d, Allow %q; want 405, POST", path, a.status, a.header.Get("Allow"))
				}
				if method != "HEAD" {
					a.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed", "not_sent")
				}
			}
			a := s.do(t, method, s.url("9180")+"/nothing", nil, nil)
			if a.status != http.StatusNotFound {
				t.Errorf("unknown path: HTTP %d, want 404", a.status)
			}
		})
	}
	if n := len(s.gateway.calls()); n != 0 {
		t.Errorf("the gateway got %d requests", n)
	}
}

func TestContentTypes(t *testing.T) {
	s := newSidecar(t)
	for contentType, accepted := range map[string]bool{
		"application/json":                        true,
		"Application/JSON":                        true,
		"application/json; charset=utf-8":         true,
		`application/json;charset="UTF-8"`:        true,
		"application/json; profile=x":             true,
		"application/vnd.shop.order+json":         true,
		"application/problem+json; charset=UTF-8": true,
		"application/json; charset=latin1":        false,
		"application/json; charset=utf-16":        false,
		"application/vnd.shop+json; charset=1258": false,
		"application/x-www-form-urlencoded":       false,
		"multipart/form-data; boundary=x":         false,
		"text/plain":                              false,
		"application/xml":                         false,
		"application/jsonp":                       false,
		"application/json-seq":                    false,
		"application/json, text/plain":            false,
		"image/svg+json":                          false,
		"json":                                    false,
		"":                                        false,
	} {
		t.Run(contentType, func(t *testing.T) {
			header := http.Header{"Content-Type": {contentType}}
			if contentType == "" {
				header = http.Header{}
			}
			before := len(s.gateway.calls())
			a := s.do(t, http.MethodPost, s.url("9180")+"/pay", header, strings.NewReader(payment))
			if accepted {
				a.wantOK(t, paid)
				if got := s.gateway.last(t).value("Content-Type"); got != "application/json" {
					t.Errorf("the gateway got Content-Type %q", got)
				}
				return
			}
			a.wantProblem(t, http.StatusUnsupportedMediaType, "content_type_unsupported", "not_sent")
			if len(s.gateway.calls()) != before {
				t.Error("the gateway got a request")
			}
		})
	}
}

// Compressed bodies are refused rather than unpacked: what is signed is what came.
func TestContentEncodings(t *testing.T) {
	s := newSidecar(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, payment); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for encoding, body := range map[string]string{"gzip": packed.String(), "deflate": payment, "br": payment, "gzip, identity": packed.String()} {
		a := s.call(t, "/pay", body, "Content-Encoding", encoding)
		a.wantProblem(t, http.StatusUnsupportedMediaType, "content_type_unsupported", "not_sent")
	}
	if n := len(s.gateway.calls()); n != 0 {
		t.Errorf("the gateway got %d requests", n)
	}
	s.call(t, "/pay", payment, "Content-Encoding", "identity").wantOK(t, paid)
}

// path moves an operation to another address at the gateway.
func TestPathOption(t *testing.T) {
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
				s.refused(t, path, `{}`)
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

// defaults are added where the app left a field out, and only to operations whose
// documents list the field.
func TestDefaults(t *testing.T) {
	t.Setenv("TEST_SHOP", `https://shop.example/"quoted"`)
	s := newSidecar(t, "validate off",
		"defaults {",
		"ipnURL {env.TEST_SHOP}",
		"language vi",
		"sourceOfFund CARD",
		`merchantNote "của tôi"`,
		"}")
	const note = `"merchantNote":"của tôi"` // a field that the documents list nowhere
	const ipn = `"ipnURL":"https://shop.example/\"quoted\""`
	for name, test := range map[string]struct{ path, body, want string }{
		"all absent":                             {"/payWithOption", `{}`, `{` + ipn + `,"language":"vi",` + note + `}`},
		"given":                                  {"/payWithOption", `{"ipnURL":"x","language":""}`, `{"ipnURL":"x","language":"",` + note + `}`},
		"given as null":                          {"/payWithOption", `{"ipnURL":null}`, `{"ipnURL":null,"language":"vi",` + note + `}`},
		"given, escaped":                         {"/payWithOption", `{"ipn\u0055RL":1}`, `{"ipn\u0055RL":1,"language":"vi",` + note + `}`},
		"given deeper":                           {"/payWithOption", `{"a":{"ipnURL":1}}`, `{"a":{"ipnURL":1},` + ipn + `,"language":"vi",` + note + `}`},
		"fixed wins":                             {"/payWithToken", `{}`, `{"apiOperation":"PAY","sourceOfFund":"TOKEN",` + ipn + `,"language":"vi",` + note + `}`},
		"query takes none":                       {"/query", `{"transactionID":"1"}`, `{"transactionID":"1",` + note + `}`},
		"refund takes none":                      {"/refund", `{}`, `{` + note + `}`},
		"checkout has no ipnURL, but a language": {"/checkout", `{}`, `{"language":"vi",` + note + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, test.path, test.body).wantOK(t, paid)
			if got := s.gateway.last(t).requestData(t); got != test.want {
				t.Errorf("requestData\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// The same Idempotency-Key always gives the same requestID, so that the gateway can
// recognise a repeated payment as a duplicate.
func TestIdempotencyKeys(t *testing.T) {
	s := newSidecar(t)
	id := func(t *testing.T, key ...string) string {
		t.Helper()
		var header []string
		for _, k := range key {
			header = append(header, "Idempotency-Key", k)
		}
		a := s.call(t, "/pay", payment, header...)
		a.wantOK(t, paid)
		got := s.gateway.last(t).requestID()
		if a.header.Get("Galaxypay-Request-Id") != got {
			t.Errorf("Galaxypay-Request-Id %q, the gateway got %q", a.header.Get("Galaxypay-Request-Id"), got)
		}
		return got
	}

	for _, key := range []string{"a", "ORDER-2026-000017", strings.Repeat("x", 50), "0", "-"} {
		t.Run("as it is: "+key, func(t *testing.T) {
			if got := id(t, key); got != key {
				t.Errorf("requestID %q, want the key", got)
			}
		})
	}

	// These were computed with another implementation of UUIDv5. They must never
	// change: after an upgrade, a retry under another requestID would pay twice.
	for key, want := range map[string]string{
		"order_17":              "5fd6426602345cbca2d44e6cd3f13f53",
		"order 17":              "d3f735e9dbab5d48aec3d4492deeedc4",
		strings.Repeat("x", 51): "6aefc99a87e651248db02228870b2d4f",
		"đơn hàng 17":           "75ac04b03cb65a9c96e35ec1acfd3a26",
		`"quoted"`:              "47df18fe36305d8e884b35a2d260972c",
		"a\",\"requestID\":\"b": "9ac43c7a24c65a2eb106051b65c7df05",
	} {
		t.Run("hashed: "+key, func(t *testing.T) {
			if got := id(t, key); got != want {
				t.Errorf("requestID %q, want %q", got, want)
			}
		})
	}

	// Two keys are neither of them alone.
	t.Run("two headers", func(t *testing.T) {
		if got, want := id(t, "a", "b"), "08fcc6fd15465b05b79117a635106f5a"; got != want {
			t.Errorf("requestID %q, want %q", got, want)
		}
	})

	t.Run("absent or empty", func(t *testing.T) {
		ids := []string{id(t), id(t), id(t, ""), id(t, "")}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 4 {
			t.Errorf("requestIDs %q, want them all different", ids)
		}
	})
}
