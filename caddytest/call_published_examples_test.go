package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// brokenSample is the gateway's published example of paying with a token. The comma after
// extraData is missing.
const brokenSample = `{
"requestID": "14653fa12f694f4f9d4b240e1bebbdf3",
"requestDateTime": "20230726172307",
"requestData": {
"apiOperation": "PAY",
"orderID": "2a43e4b9-c5df-49e6-8b18-42af9bcd150e",
"orderNumber": 205249008064,
"orderAmount": 100000,
"orderCurrency": "VND",
"orderDateTime": 20230726172307,
"orderDescription": "DEMO TRANSACTION",
"paymentMethod": "DOMESTIC",
"sourceType": "",
"language": "vi",
"extraData": {
}
"isAutoCapture": true,
"isUseOtp": false,
"successURL": "https://uat-demo.galaxypay.vn/api/result/3235",
"failureURL": "https://uat-demo.galaxypay.vn/api/result/3235",
"cancelURL": "https://uat-demo.galaxypay.vn/api/cancel/3235",
"ipnURL": "https://uat-demo.galaxypay.vn/api/ipn/3235",
"token": "3235D5767D5257694B02B602040945D80405",
"sourceOfFund": "TOKEN"
}
}`

func TestCallSampleBroken(t *testing.T) {
	s := newSidecar(t)
	inner := brokenSample[strings.Index(brokenSample, `{`+"\n"+`"apiOperation"`) : len(brokenSample)-2]
	for _, path := range []string{"/payWithToken", "/api/v1/transaction/pay"} {
		for _, body := range []string{brokenSample, inner} {
			a, _ := s.wantNotSent(t, path, body)
			p := a.wantProblem(t, http.StatusBadRequest, "body_invalid", "not_sent")
			if want := fmt.Sprintf("at byte %d.", strings.Index(body, `"isAutoCapture"`)); !strings.HasSuffix(p.Detail, want) {
				t.Errorf("%s: %s, want it %s", path, p.Detail, want)
			}
			if len(p.Errors) != 0 {
				t.Errorf("%s: field errors %+v of a body that could not be read", path, p.Errors)
			}
		}
	}
}

// Published examples that are not valid JSON: a comma is missing, or there is one too many.
func TestCallSamplesBrokenAreRefused(t *testing.T) {
	s := newSidecar(t)
	for body, offset := range map[string]int{
		`{"orderID":"1","extraData":{}"isAutoCapture":true}`: 29,
		`{"token":"3235EAC34706B85A49D1993805798FB483B6",}`:  47,
	} {
		a, _ := s.wantNotSent(t, "/payWithToken", body)
		a.wantProblem(t, http.StatusBadRequest, "body_invalid", "not_sent")
		if !strings.Contains(a.body, fmt.Sprintf("at byte %d.", offset)) {
			t.Errorf("%s, want byte %d", a.body, offset)
		}
	}
}

// The examples in the gateway's documents are right, so they get through, byte for byte.
func TestCallSamplesGetThrough(t *testing.T) {
	const (
		order = `"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND",` +
			`"orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION"`
		pay = `,"apiOperation":"PAY"}`
	)
	mended := strings.Replace(brokenSample, "}\n\"isAuto", "},\n\"isAuto", 1)
	s := newSidecar(t)
	for name, test := range map[string]struct{ path, body, added string }{
		"pay with token":                     {"/payWithToken", mended[strings.Index(mended, `{`+"\n"+`"apiOperation"`) : len(mended)-2], ""},
		"pay":                                {"/pay", `{` + order + `,"paymentMethod":"DOMESTIC","sourceType":"","language":"vi"}`, pay},
		"pay, documented path":               {"/api/v1/transaction/pay", `{` + order + `,"paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}`, pay},
		"pay and store":                      {"/payWithCreateToken", `{` + order + `,"paymentMethod":"INTERNATIONAL"}`, `,"apiOperation":"PAY_WITH_CREATE_TOKEN"}`},
		"pay with option":                    {"/payWithOption", `{"apiOperation":"PAY",` + order + `,"language":"vi","extraData":{}}`, ""},
		"pay with QR":                        {"/payWithQR", `{` + order + `,"paymentMethod":"QRPAY","sourceType":"QRPAY"}`, pay},
		"checkout":                           {"/checkout", `{` + order + `,"orderNetAmount":100000,"orderFeeAmount":0,"orderDiscountAmount":0,"paymentMethod":"DOMESTIC"}`, ""},
		"link":                               {"/createPaymentLink", `{"orderID":"1","orderName":"x","orderAmount":1,"orderCurrency":"VND","orderDescription":"x","expiryDuration":3,"paymentMethods":["NAPAS"],"paymentFields":["email"]}`, ""},
		"fast pay":                           {"/fastPay", `{` + order + `,"paymentMethod":"INTERNATIONAL","sourceOfFund":"TOKEN","token":"1"}`, `,"apiOperation":"FAST_PAY"}`},
		"create token":                       {"/createToken", `{"paymentMethod":"INTERNATIONAL","cardNumber":"550692******4930","cardHolderName":"A","cardExpireDate":"01/39","cardVerificationValue":"100"}`, ""},
		"delete token":                       {"/deleteToken", `{"token":"000192421419FE3F46EDBB04E43CB4DB79F4"}`, ""},
		"query tokens":                       {"/queryTokens", `{"customerToken":"x"}`, ""},
		"remove token":                       {"/removeToken", `{"token":"3235EAC34706B85A49D1993805798FB483B6"}`, ""},
		"query":                              {"/query", "{\n    \"transactionID\": \"2307274612216981190343178\"\n  }", ""},
		"refund":                             {"/refund", `{"transactionID":"2311165672361384300115770","orderID":"17d17e5431a6473bb5ab91cf5a9080a4","orderAmount":10000,"orderCurrency":"VND","orderDateTime":"20231116151903","orderDescription":"DEMO REFUND TRANSACTION"}`, ""},
		"void, of which nothing is known":    {"/void", `{"a":[1.0,{ }]}`, ""},
		"capture, of which nothing is known": {"/capture", `{}`, ""},
		"what the catalogue does not know":   {"/api/v1/transaction/new", `{"orderAmount":"abc","orderID":[]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, test.path, test.body).wantOK(t, paid)
			want := test.body
			if test.added != "" {
				want = strings.TrimSuffix(want, "}") + test.added
			}
			if got := s.gateway.last(t).requestData(t); got != want {
				t.Errorf("requestData\n%s, want\n%s", got, want)
			}
		})
	}
	// Whole envelopes are sent as they are. One is published with its signature, so that one is
	// compared, too.
	for name, envelope := range map[string]string{
		"page":   mended,
		"vector": publishedRequests[0].body,
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, "/api/v1/transaction/pay", envelope).wantOK(t, paid)
			c := s.gateway.last(t)
			if c.body != envelope || c.value("signature") != sign(envelope, testSalt) {
				t.Errorf("sent %s", c.body)
			}
			if name == "vector" && c.value("signature") != publishedRequests[0].signature {
				t.Errorf("signature %s, want %s", c.value("signature"), publishedRequests[0].signature)
			}
		})
	}
}
