package caddytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A wrong request never leaves the machine, and one answer lists all of its faults.
func TestCallFieldsWrongAreNotSent(t *testing.T) {
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
				"orderID:kind", "orderAmount:amount", "orderCurrency:currency", "orderDateTime:date_time", "orderDescription:too_long",
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
			a, _ := s.wantNotSent(t, test.path, test.body)
			a.wantProblem(t, http.StatusUnprocessableEntity, "fields_invalid", "not_sent")
			if got := a.problem(t).fieldCodes(t); !slices.Equal(got, test.want) {
				t.Errorf("faults %q, want %q", got, test.want)
			}
		})
	}
}

// Each operation requires its own fields, by its short name and by its documented path.
func TestCallFieldsOfEachOperation(t *testing.T) {
	const order = "orderID orderAmount orderCurrency orderDateTime orderDescription"
	required := map[string]string{
		"pay":                order + " paymentMethod",
		"payWithCreateToken": order + " paymentMethod",
		"payWithToken":       order + " paymentMethod token",
		"payWithOption":      "apiOperation " + order,
		"payWithQR":          order + " paymentMethod sourceType",
		"checkout":           "orderID orderAmount orderNetAmount orderFeeAmount orderDiscountAmount orderCurrency orderDateTime orderDescription paymentMethod",
		"createPaymentLink":  "orderID orderName orderAmount orderDescription expiryDuration paymentMethods paymentFields",
		"fastPay":            order + " paymentMethod",
		"createToken":        "paymentMethod cardNumber cardHolderName cardExpireDate",
		"deleteToken":        "token",
		"queryTokens":        "customerToken",
		"removeToken":        "token",
		"query":              "transactionID",
		"refund":             "transactionID " + order,
		"void":               "",
		"capture":            "",
	}
	s := newSidecar(t)
	for _, op := range catalogue {
		t.Run(op.name, func(t *testing.T) {
			fields, ok := required[op.name]
			if !ok {
				t.Fatal("this test has no row for it")
			}
			if fields == "" {
				s.call(t, "/"+op.name, `{}`).wantOK(t, paid)
				return
			}
			var want []string
			for name := range strings.FieldsSeq(fields) {
				want = append(want, name+":required")
			}
			slices.Sort(want)
			for path, body := range map[string]string{"/" + op.name: `{}`, op.path: op.fixed} {
				a, p := s.wantNotSent(t, path, body)
				a.wantProblem(t, http.StatusUnprocessableEntity, "fields_invalid", "not_sent")
				got := a.problem(t).fieldCodes(t)
				slices.Sort(got)
				if p.Operation != op.name || a.header.Get("Galaxypay-Operation") != op.name || !slices.Equal(got, want) {
					t.Errorf("%s: operation %s, faults %q, want %s, %q", path, p.Operation, got, op.name, want)
				}
			}
		})
	}
}

// The content of a request must not appear in a problem or in the log: a number that is too long
// for a card number may still hold one.
func TestCallFieldErrorsDoNotQuote(t *testing.T) {
	s := newSidecar(t)
	const card, holder, cvv = "97040000000000180000", "CANARY CARD HOLDER OF FUNDS", "7391"
	body := strings.Replace(payment, "{", fmt.Sprintf(`{"sourceOfFund":"CARD","cardNumber":%q,"cardHolderName":%q,"cardVerificationValue":%q,"cardExpireDate":"13/9999",`, card, holder, cvv), 1)
	a, _ := s.wantNotSent(t, "/pay", body)
	if got := a.problem(t).fieldCodes(t); len(got) != 4 {
		t.Errorf("faults %q, want four", got)
	}
	for _, canary := range []string{card, holder, cvv, "13/9999"} {
		if strings.Contains(a.body, canary) || strings.Contains(s.logs(t), canary) {
			t.Errorf("%q came out", canary)
		}
	}
}

func TestCallFieldErrorsInVietnamese(t *testing.T) {
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
		a, p := s.wantNotSent(t, "/query", "{}", "Accept-Language", language)
		if !strings.Contains(a.body, `{"field":"transactionID","code":"required","detail":"`+want+`"}`) || p.Code != "fields_invalid" {
			t.Errorf("%s: %s", language, a.body)
		}
	}
}

func TestCallValidateOff(t *testing.T) {
	s := newSidecar(t, "validate off")
	s.call(t, "/pay", `{"orderAmount":"much"}`).wantOK(t, paid)
	a, _ := s.wantNotSent(t, "/pay", `{"apiOperation":"FAST_PAY"}`) // telling operations apart is never off
	if got := a.problem(t).fieldCodes(t); !slices.Equal(got, []string{"apiOperation:fixed"}) {
		t.Errorf("faults %q", got)
	}
}
