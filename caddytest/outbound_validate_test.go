package caddytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// faultsOf lists a problem's errors as field:code.
func faultsOf(t *testing.T, a answered) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Field, Code, Detail string }
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range p.Errors {
		if e.Detail == "" {
			t.Errorf("%s: %s without a sentence", e.Field, e.Code)
		}
		list = append(list, e.Field+":"+e.Code)
	}
	return list
}

// A wrong request never leaves the machine, and each of its faults is told at once.
func TestWrongRequestsStayHere(t *testing.T) {
	s := newSidecar(t)
	for name, test := range map[string]struct {
		path, body string
		want       []string
	}{
		"everything missing": {"/pay", `{}`, []string{
			"orderID:required", "orderAmount:required", "orderCurrency:required", "orderDateTime:required",
			"orderDescription:required", "paymentMethod:required",
		}},
		"everything wrong": {
			"/pay", `{"orderID":{},"orderAmount":-1,"orderCurrency":"DONG","orderDateTime":"20260230000000","orderDescription":"` +
				strings.Repeat("ệ", 251) + `","paymentMethod":"CASH","language":"fr","ipnURL":"shop","extraData":[],"isAutoCapture":"yes",` +
				`"subMerchant":{"identifier":"` + strings.Repeat("x", 51) + `"}}`,
			[]string{
				"orderID:kind", "orderAmount:amount", "orderCurrency:too_long", "orderDateTime:date_time", "orderDescription:too_long",
				"paymentMethod:value", "language:value", "ipnURL:url", "extraData:kind", "isAutoCapture:value",
				"subMerchant.identifier:too_long", "sourceType:required",
			},
		},
		"wallet without a source": {"/pay", strings.Replace(payment, "DOMESTIC", "WALLET", 1), []string{"sourceType:required"}},
		"domestic card without its data": { // such cards have no CVV
			"/pay", strings.Replace(payment, "{", `{"sourceOfFund":"CARD",`, 1),
			[]string{"cardNumber:required", "cardHolderName:required", "cardExpireDate:required"},
		},
		"international card without its data": {
			"/api/v1/transaction/pay", strings.Replace(strings.Replace(payment, "{", `{"sourceOfFund":"CARD",`, 1), "DOMESTIC", "INTERNATIONAL", 1),
			[]string{"cardNumber:required", "cardHolderName:required", "cardExpireDate:required", "cardVerificationValue:required"},
		},
		"token without one":     {"/api/v1/transaction/pay", strings.Replace(payment, "{", `{"sourceOfFund":"TOKEN",`, 1), []string{"token:required"}},
		"query of nothing":      {"/query", `{"transactionID":""}`, []string{"transactionID:required"}},
		"own envelope":          {"/query", `{"requestID":"1","requestDateTime":"1","requestData":{}}`, []string{"requestDateTime:date_time", "requestData.transactionID:required"}},
		"own envelope, long id": {"/query", `{"requestID":"` + strings.Repeat("1", 51) + `","requestDateTime":20260615190000,"requestData":{"transactionID":1}}`, []string{"requestID:too_long"}},
		"own envelope, nothing is added": {
			"/payWithQR", `{"requestID":"1","requestDateTime":20260615190000,"requestData":` + strings.Replace(payment, "{", `{"sourceType":"QRPAY",`, 1) + `}`,
			[]string{"requestData.paymentMethod:value", "requestData.apiOperation:required"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := s.refused(t, test.path, test.body)
			a.wantProblem(t, http.StatusUnprocessableEntity, "fields_invalid", "not_sent")
			if got := faultsOf(t, a); !slices.Equal(got, test.want) {
				t.Errorf("faults %q, want %q", got, test.want)
			}
		})
	}
}

// What a request says must not come back in a problem or get into the log: a number
// too long for a card number may be one all the same.
func TestFaultsDoNotQuote(t *testing.T) {
	s := newSidecar(t)
	const card, holder, cvv = "97040000000000180000", "CANARY CARD HOLDER OF FUNDS", "7391"
	body := strings.Replace(payment, "{", fmt.Sprintf(`{"sourceOfFund":"CARD","cardNumber":%q,"cardHolderName":%q,"cardVerificationValue":%q,"cardExpireDate":"13/9999",`, card, holder, cvv), 1)
	a, _ := s.refused(t, "/pay", body)
	if got := faultsOf(t, a); len(got) != 4 {
		t.Errorf("faults %q, want four", got)
	}
	for _, canary := range []string{card, holder, cvv, "13/9999"} {
		if strings.Contains(a.body, canary) || strings.Contains(s.logs(t), canary) {
			t.Errorf("%q came out", canary)
		}
	}
}

func TestFaultsInVietnamese(t *testing.T) {
	s := newSidecar(t)
	for language, want := range map[string]string{
		"vi":               "Trường này là bắt buộc.",
		"vi-VN, en;q=0.5":  "Trường này là bắt buộc.",
		"en":               "This field is required.",
		"fr":               "This field is required.",
		"fr, vi;q=0.1":     "Trường này là bắt buộc.",
		"en, vi;q=0.9":     "This field is required.",
		"not a language!!": "This field is required.",
	} {
		a, p := s.refused(t, "/query", "{}", "Accept-Language", language)
		if !strings.Contains(a.body, `{"field":"transactionID","code":"required","detail":"`+want+`"}`) || p.Code != "fields_invalid" {
			t.Errorf("%s: %s", language, a.body)
		}
	}
}

// What an operator's defaults supply is not missing, and is checked like the rest.
func TestDefaultsAreValidated(t *testing.T) {
	withoutCurrency := strings.Replace(payment, `"orderCurrency":"VND",`, "", 1)
	newSidecar(t, "defaults {", "orderCurrency VND", "}").call(t, "/pay", withoutCurrency).wantOK(t, paid)

	a, _ := newSidecar(t, "defaults {", "ipnURL shop", "}").refused(t, "/pay", payment)
	if got := faultsOf(t, a); !slices.Equal(got, []string{"ipnURL:url"}) {
		t.Errorf("faults %q", got)
	}
}

func TestValidateOff(t *testing.T) {
	s := newSidecar(t, "validate off")
	s.call(t, "/pay", `{"orderAmount":"much"}`).wantOK(t, paid)
	a, _ := s.refused(t, "/pay", `{"apiOperation":"FAST_PAY"}`) // telling operations apart is never off
	if got := faultsOf(t, a); !slices.Equal(got, []string{"apiOperation:fixed"}) {
		t.Errorf("faults %q", got)
	}
}

// The documents' samples that are not valid JSON: a comma is missing, or one too many.
func TestBrokenSamples(t *testing.T) {
	s := newSidecar(t)
	for body, offset := range map[string]int{
		`{"orderID":"1","extraData":{}"isAutoCapture":true}`: 29,
		`{"token":"3235EAC34706B85A49D1993805798FB483B6",}`:  47,
	} {
		a, _ := s.refused(t, "/payWithToken", body)
		a.wantProblem(t, http.StatusBadRequest, "body_invalid", "not_sent")
		if !strings.Contains(a.body, fmt.Sprintf("at byte %d.", offset)) {
			t.Errorf("%s, want byte %d", a.body, offset)
		}
	}
}

func TestDocuments(t *testing.T) {
	s := newSidecar(t, "operations query")
	get := func(method, path string, header http.Header) answered {
		return s.do(t, method, s.url("9180")+path, header, nil)
	}
	for path, part := range map[string]string{
		"/openapi.json":        `"openapi": "3.1.0"`,
		"/codes":               `"name":"banks"`,
		"/codes/banks":         `{"code":"VIETCOMBANK","en":"Vietcombank","vi":"Ngân hàng TMCP Ngoại thương Việt Nam"}`,
		"/codes/currencies":    `"code":"VND"`,
		"/codes/wallets":       `"code":"MOMO"`,
		"/codes/brands":        `"code":"JCB"`,
		"/codes/responseCodes": `"vi":"Khách hàng đã hủy"`,
	} {
		a := get(http.MethodGet, path, nil)
		etag := a.header.Get("ETag")
		if a.status != http.StatusOK || !strings.Contains(a.body, part) || a.header.Get("Content-Type") != "application/json" || etag == "" {
			t.Errorf("%s: HTTP %d, ETag %s: %.200s", path, a.status, etag, a.body)
		}
		if again := get(http.MethodGet, path, http.Header{"If-None-Match": {etag}}); again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s again: HTTP %d: %s", path, again.status, again.body)
		}
		if other := get(http.MethodGet, path, http.Header{"If-None-Match": {`"other"`}}); other.status != http.StatusOK {
			t.Errorf("%s with another ETag: HTTP %d", path, other.status)
		}
		if head := get(http.MethodHead, path, nil); head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != etag {
			t.Errorf("%s HEAD: HTTP %d", path, head.status)
		}
		post := get(http.MethodPost, path, nil)
		post.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed", "not_sent")
		if allow := post.header.Get("Allow"); allow != "GET, HEAD" {
			t.Errorf("%s: Allow %q", path, allow)
		}
		get(http.MethodGet, path, http.Header{"Origin": {"https://evil.example"}}).
			wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
	}
	get(http.MethodGet, "/codes/nothing", nil).wantProblem(t, http.StatusNotFound, "operation_unknown", "not_sent")
}
