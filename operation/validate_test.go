package operation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// inWords writes faults down as "field code".
func inWords(faults []Fault) []string {
	var words []string
	for _, f := range faults {
		words = append(words, f.Field.Name+" "+string(f.Code))
	}
	return words
}

// faultsOf validates a requestData as the sidecar does: with the operation's fixed
// fields added where they are missing.
func faultsOf(t *testing.T, name, text string) []string {
	t.Helper()
	op := named(t, name)
	members, err := rawjson.Members([]byte(text))
	if err != nil {
		t.Fatalf("%s at byte %d: %s", err.Fault, err.Offset, text)
	}
	for _, f := range op.Fixed() {
		if rawjson.Find(members, f.Name) == nil {
			members = append(members, rawjson.Member{Name: []byte(f.Name), Value: []byte(`"` + f.Fixed + `"`)})
		}
	}
	return inWords(op.Validate(members))
}

// wantFaults checks all that is wrong with a requestData, in its order.
func wantFaults(t *testing.T, operation, text string, want ...string) {
	t.Helper()
	if got := faultsOf(t, operation, text); !slices.Equal(got, want) {
		t.Errorf("%s: %s\nfaults are %q, want %q", operation, text, got, want)
	}
}

// with sets members of an object, given as name, value, name, value ...; an empty
// value takes one away. What is new comes last.
func with(t *testing.T, object string, changes ...string) string {
	t.Helper()
	members, err := rawjson.Members([]byte(object))
	if err != nil {
		t.Fatal(object)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		name, value := changes[i], changes[i+1]
		at := slices.IndexFunc(members, func(m rawjson.Member) bool { return string(m.Name) == name })
		if at >= 0 {
			members[at].Value = []byte(value)
		} else {
			members = append(members, rawjson.Member{Name: []byte(name), Value: []byte(value)})
		}
	}
	var parts []string
	for _, m := range members {
		if len(m.Value) > 0 {
			parts = append(parts, fmt.Sprintf("%q:%s", m.Name, m.Value))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

const order = `"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,` +
	`"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION"`

// valid is one right requestData of each operation, with what is mandatory and more.
var valid = map[string]string{
	"pay":                `{` + order + `,"paymentMethod":"DOMESTIC"}`,
	"payWithCreateToken": `{` + order + `,"paymentMethod":"INTERNATIONAL"}`,
	"payWithToken":       `{` + order + `,"paymentMethod":"DOMESTIC","token":"3235D5767D5257694B02B602040945D80405"}`,
	"payWithOption":      `{"apiOperation":"PAY",` + order + `}`,
	"payWithQR":          `{` + order + `,"paymentMethod":"QRPAY","sourceType":"QRPAY"}`,
	"checkout":           `{` + order + `,"orderNetAmount":100000,"orderFeeAmount":0,"orderDiscountAmount":0,"paymentMethod":"DOMESTIC"}`,
	"createPaymentLink": `{"orderID":"1","orderName":"Order 1","orderAmount":100000,"orderCurrency":"VND","orderDescription":"Link",` +
		`"expiryDuration":3,"paymentMethods":["QRPAY"],"paymentFields":["email"]}`,
	"fastPay":     `{` + order + `,"paymentMethod":"INTERNATIONAL","sourceOfFund":"TOKEN","token":"3235D5767D5257694B02B602040945D80405"}`,
	"createToken": `{"paymentMethod":"INTERNATIONAL","cardNumber":"5506922400634930","cardHolderName":"NGUYEN VAN A","cardExpireDate":"01/39","cardVerificationValue":"100"}`,
	"deleteToken": `{"token":"000192421419FE3F46EDBB04E43CB4DB79F4"}`,
	"queryTokens": `{"customerToken":"eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"}`,
	"removeToken": `{"token":"3235EAC34706B85A49D1993805798FB483B6"}`,
	"query":       `{"transactionID":"2307274612216981190343178"}`,
	"refund": `{"transactionID":"2311165672361384300115770","orderID":"17d17e5431a6473bb5ab91cf5a9080a4","orderAmount":10000,` +
		`"orderCurrency":"VND","orderDateTime":"20231116151903","orderDescription":"DEMO REFUND TRANSACTION"}`,
	"void":    `{"transactionID":"2311165672361384300115770"}`,
	"capture": `{"transactionID":"2311165672361384300115770"}`,
}

// mandatory is what each of them cannot be sent without.
var mandatory = map[string]string{
	"pay":                "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription paymentMethod",
	"payWithCreateToken": "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription paymentMethod",
	"payWithToken":       "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription paymentMethod sourceOfFund token",
	"payWithOption":      "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription",
	"payWithQR":          "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription paymentMethod sourceType",
	"checkout": "orderID orderAmount orderNetAmount orderFeeAmount orderDiscountAmount orderCurrency orderDateTime orderDescription " +
		"paymentMethod",
	"createPaymentLink": "orderID orderName orderAmount orderDescription expiryDuration paymentMethods paymentFields",
	"fastPay":           "apiOperation orderID orderAmount orderCurrency orderDateTime orderDescription paymentMethod",
	"createToken":       "paymentMethod cardNumber cardHolderName cardExpireDate cardVerificationValue",
	"deleteToken":       "token",
	"queryTokens":       "customerToken",
	"removeToken":       "token",
	"query":             "transactionID",
	"refund":            "transactionID orderID orderAmount orderCurrency orderDateTime orderDescription",
	"void":              "",
	"capture":           "",
}

// samples are those of the gateway's documents and of its official demos, as
// they are there, numbers and strings mixed as they are. Cut samples are filled up
// with what the same page asks for.
var samples = map[string]struct{ operation, text string }{
	"guide 3.6.1, pay": {"pay", `{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,` +
		`"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"","language":"vi","extraData":{}}`},
	"signature page": {"pay", `{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,` +
		`"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}`},
	"web page, pay with token, its comma put right": {"payWithToken", `{
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
},
"isAutoCapture": true,
"isUseOtp": false,
"successURL": "https://uat-demo.galaxypay.vn/api/result/3235",
"failureURL": "https://uat-demo.galaxypay.vn/api/result/3235",
"cancelURL": "https://uat-demo.galaxypay.vn/api/cancel/3235",
"ipnURL": "https://uat-demo.galaxypay.vn/api/ipn/3235",
"token": "3235D5767D5257694B02B602040945D80405",
"sourceOfFund": "TOKEN"
}`},
	"guide 3.6.1, pay with option": {"payWithOption", `{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,` +
		`"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","language":"vi","extraData":{}}`},
	"web page, checkout, filled up": {"checkout", `{"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderDateTime":20230726175152,` +
		`"orderAmount":100000,"orderNetAmount":100000,"orderFeeAmount":0,"orderDiscountAmount":0,"orderCurrency":"VND","orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC"}`},
	"web page, pay with QR, filled up": {"payWithQR", `{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderAmount":"100000",` +
		`"orderCurrency":"VND","orderDateTime":"20231222172332","orderDescription":"QR","paymentMethod":"WALLET","sourceType":"MOMO"}`},
	"web page, create token, masked as stored": {"createToken", `{"paymentMethod":"INTERNATIONAL","cardNumber":"550692******4930",` +
		`"cardHolderName":"(cardholder name)","cardExpireDate":"01/39","cardVerificationValue":"100"}`},
	"web page, delete token":     {"deleteToken", `{"token":"000192421419FE3F46EDBB04E43CB4DB79F4"}`},
	"guide 3.6.1, remove token":  {"removeToken", `{"token":"3235EAC34706B85A49D1993805798FB483B6"}`},
	"web page, query":            {"query", "{\n    \"transactionID\": \"2307274612216981190343178\"\n  }"},
	"web page, query, older id":  {"query", `{"transactionID":"22050699e65d9a71d548e6b67323aef1a494ac"}`},
	"web page, query tokens":     {"queryTokens", `{"customerToken":"` + strings.Repeat("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.", 40) + `"}`},
	"web page, refund":           {"refund", `{"transactionID":"2311165672361384300115770","orderID":"17d17e5431a6473bb5ab91cf5a9080a4","orderAmount":10000,"orderCurrency":"VND","orderDateTime":"20231116151903","orderDescription":"DEMO REFUND TRANSACTION"}`},
	".NET demo, all as strings":  {"pay", `{"apiOperation":"PAY","orderID":"1","orderNumber":"205249008064","orderAmount":"100000","orderCurrency":"VND","orderDateTime":"20220426083322","orderDescription":"x","paymentMethod":"WALLET","sourceType":"GPAY","language":"en","extraData":null,"successURL":null,"token":null}`},
	"Node demo, unknown fields":  {"pay", `{"apiOperation":"PAY","orderID":"1","orderAmount":"100000","orderCurrency":"VND","orderDateTime":"20220426083322","orderDescription":"x","paymentMethod":"HUB","sourceType":"PAYTM","pendingURL":"https://shop.example/pending","extraData":{"billing":{"countryCode":"VNM","stateProvine":"","cityName":"Hồ Chí Minh","addressLine1":"1"}}}`},
	"demo, option with a token":  {"payWithOption", `{"apiOperation":"PAY","orderID":"1","orderAmount":1,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"x","sourceOfFund":"TOKEN","token":"1"}`},
	"domestic test card":         {"pay", `{` + order + `,"paymentMethod":"DOMESTIC","sourceOfFund":"CARD","cardNumber":"9704000000000018","cardHolderName":"NGUYEN VAN A","cardExpireDate":"03/07"}`},
	"international test card":    {"pay", `{` + order + `,"paymentMethod":"INTERNATIONAL","sourceOfFund":"CARD","cardNumber":5506920809243667,"cardHolderName":"NGUYEN VAN A","cardExpireDate":"01/39","cardVerificationValue":100}`},
	"domestic card, to be kept":  {"payWithCreateToken", `{` + order + `,"paymentMethod":"DOMESTIC","sourceOfFund":"CARD","cardNumber":"9704000000000018","cardHolderName":"NGUYEN VAN A","cardExpireDate":"03/07"}`},
	"payment link, all of today": {"createPaymentLink", `{"orderID":"1","orderName":"Đơn 1","orderAmount":"100000","orderCurrency":"VND","orderDescription":"x","expiryDuration":"3","expiryUnit":"HOUR","paymentMethods":["GALAXYPAY","MPGS","QRPAY","MOMO","ZALOPAY","NAPAS"],"paymentFields":["email","fullname","phone","shippingAddress"],"language":"vi","subMerchant":{"identifier":"1"}}`},
	"payment link, older form":   {"createPaymentLink", `{"orderID":"1","orderName":"x","orderAmount":1,"orderDescription":"x","paymentDays":30,"paymentMethods":["NAPAS"],"paymentFields":["email"]}`},
}

func TestPublishedSamplesPass(t *testing.T) {
	for name, sample := range samples {
		t.Run(name, func(t *testing.T) {
			wantFaults(t, sample.operation, sample.text)
		})
	}
}

func TestValidRequestsPass(t *testing.T) {
	if !slices.Equal(slices.Sorted(maps.Keys(valid)), slices.Sorted(slices.Values(promised))) {
		t.Error("an operation is missing here")
	}
	for name, text := range valid {
		wantFaults(t, name, text)
	}
}

// Null and "" say nothing: some serialisers write them for what was left out.
func TestMandatoryFields(t *testing.T) {
	for name, text := range valid {
		fields := strings.Fields(mandatory[name])
		var all []string
		for _, field := range fields {
			for _, nothing := range []string{"", "null", `""`} {
				// A fixed field that is missing is added, so it is not missing.
				if op := named(t, name); nothing == "" && fieldAt(op.Fixed(), field) != nil {
					continue
				}
				wantFaults(t, name, with(t, text, field, nothing), field+" required")
			}
			all = append(all, field+" required")
		}
		t.Run(name, func(t *testing.T) {
			op := named(t, name)
			got := inWords(op.Validate(nil))
			if op.Name == "createToken" { // the condition is not met by nothing
				all = slices.DeleteFunc(all, func(f string) bool { return strings.HasPrefix(f, "cardVerificationValue") })
			}
			slices.Sort(got)
			slices.Sort(all)
			if !slices.Equal(got, all) {
				t.Errorf("of nothing, %q are missing, want %q", got, all)
			}
		})
	}
}

// What is optional may be left out, null or "", whatever it is.
func TestOptionalFields(t *testing.T) {
	for name, text := range valid {
		op := named(t, name)
		for _, f := range op.Request {
			if slices.Contains(strings.Fields(mandatory[name]), f.Name) {
				continue
			}
			for _, nothing := range []string{"", "null", `""`} {
				wantFaults(t, name, with(t, text, f.Name, nothing))
			}
		}
	}
}

func TestConditions(t *testing.T) {
	pay, card := valid["pay"], `"4012000033330026"`
	for name, test := range map[string]struct {
		operation, text string
		want            []string
	}{
		"card, no card data": {"pay", with(t, pay, "sourceOfFund", `"CARD"`),
			[]string{"cardNumber required", "cardHolderName required", "cardExpireDate required"}},
		"card, one missing": {"pay", with(t, pay, "sourceOfFund", `"CARD"`, "cardNumber", card, "cardHolderName", `"A"`),
			[]string{"cardExpireDate required"}},
		"card, nothing in them": {"pay", with(t, pay, "sourceOfFund", `"CARD"`, "cardNumber", `""`, "cardHolderName", `null`, "cardExpireDate", `"01/39"`),
			[]string{"cardNumber required", "cardHolderName required"}},
		"card, escaped":           {"pay", with(t, pay, "sourceOfFund", `"\u0043ARD"`, "cardNumber", card, "cardHolderName", `"A"`), []string{"cardExpireDate required"}},
		"token, no token":         {"pay", with(t, pay, "sourceOfFund", `"TOKEN"`), []string{"token required"}},
		"token":                   {"pay", with(t, pay, "sourceOfFund", `"TOKEN"`, "token", `"1"`), nil},
		"token, no card is asked": {"payWithToken", valid["payWithToken"], nil},
		"no source of fund":       {"pay", pay, nil},
		"card to be kept": {"payWithCreateToken", with(t, valid["payWithCreateToken"], "sourceOfFund", `"CARD"`),
			[]string{"cardNumber required", "cardHolderName required", "cardExpireDate required", "cardVerificationValue required"}},
		"international card, no CVV to pay": {"pay", with(t, pay, "paymentMethod", `"INTERNATIONAL"`, "sourceOfFund", `"CARD"`, "cardNumber", card, "cardHolderName", `"A"`, "cardExpireDate", `"01/39"`),
			[]string{"cardVerificationValue required"}},
		"fast, by card":          {"fastPay", with(t, valid["fastPay"], "sourceOfFund", `"CARD"`, "token", ""), []string{"cardNumber required"}},
		"fast, by no more":       {"fastPay", with(t, valid["fastPay"], "sourceOfFund", `"CARD"`, "token", "", "cardNumber", card), nil},
		"fast, no source at all": {"fastPay", with(t, valid["fastPay"], "sourceOfFund", "", "token", ""), nil},

		"domestic, no source type":      {"pay", with(t, pay, "sourceType", `""`), nil},
		"international, no source type": {"pay", with(t, pay, "paymentMethod", `"INTERNATIONAL"`), nil},
		"wallet, no source type":        {"pay", with(t, pay, "paymentMethod", `"WALLET"`), []string{"sourceType required"}},
		"hub, no source type":           {"pay", with(t, pay, "paymentMethod", `"HUB"`, "sourceType", "null"), []string{"sourceType required"}},
		"QR, no source type":            {"pay", with(t, pay, "paymentMethod", `"QRPAY"`, "sourceType", `""`), []string{"sourceType required"}},
		"BNPL, no source type":          {"pay", with(t, pay, "paymentMethod", `"BNPL"`), []string{"sourceType required"}},
		"BNPL":                          {"pay", with(t, pay, "paymentMethod", `"BNPL"`, "sourceType", `"KREDIVO"`), nil},
		"no method, no source type":     {"pay", with(t, pay, "paymentMethod", ""), []string{"paymentMethod required"}},
		"checkout by wallet":            {"checkout", with(t, valid["checkout"], "paymentMethod", `"WALLET"`), []string{"sourceType required"}},
		"checkout by card":              {"checkout", with(t, valid["checkout"], "paymentMethod", `"INTERNATIONAL"`), nil},
		"QR for a wallet":               {"payWithQR", with(t, valid["payWithQR"], "paymentMethod", `"WALLET"`, "sourceType", ""), []string{"sourceType required"}},

		"card to be stored, no CVV":       {"createToken", with(t, valid["createToken"], "cardVerificationValue", ""), []string{"cardVerificationValue required"}},
		"domestic card, no CVV":           {"createToken", with(t, valid["createToken"], "cardVerificationValue", "", "paymentMethod", `"DOMESTIC"`), nil},
		"domestic card, CVV":              {"createToken", with(t, valid["createToken"], "paymentMethod", `"DOMESTIC"`), nil},
		"no method, no CVV":               {"createToken", with(t, valid["createToken"], "cardVerificationValue", "", "paymentMethod", ""), []string{"paymentMethod required"}},
		"paid by international card":      {"pay", with(t, pay, "paymentMethod", `"INTERNATIONAL"`, "sourceOfFund", `"CARD"`, "cardNumber", card, "cardHolderName", `"A"`, "cardExpireDate", `"01/39"`), []string{"cardVerificationValue required"}},
		"paid by domestic card":           {"pay", with(t, pay, "sourceOfFund", `"CARD"`, "cardNumber", card, "cardHolderName", `"A"`, "cardExpireDate", `"01/39"`), nil},
		"international, card on the page": {"pay", with(t, pay, "paymentMethod", `"INTERNATIONAL"`), nil},
		"international, by token":         {"pay", with(t, pay, "paymentMethod", `"INTERNATIONAL"`, "sourceOfFund", `"TOKEN"`, "token", `"1"`), nil},
		"a card, no method": {"pay", with(t, pay, "paymentMethod", "", "sourceOfFund", `"CARD"`, "cardNumber", card, "cardHolderName", `"A"`, "cardExpireDate", `"01/39"`),
			[]string{"paymentMethod required"}},

		"link, days instead":         {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", "", "paymentDays", "3"), nil},
		"link, days as text":         {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", `""`, "paymentDays", `"3"`), nil},
		"link, both":                 {"createPaymentLink", with(t, valid["createPaymentLink"], "paymentDays", "3"), nil},
		"link, neither":              {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", "", "paymentDays", "null"), []string{"expiryDuration required"}},
		"link, a unit is not a time": {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", "", "expiryUnit", `"DAY"`), []string{"expiryDuration required"}},
		"link, days too many":        {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", "", "paymentDays", "100"), []string{"paymentDays too_long"}},
		"link, half a day":           {"createPaymentLink", with(t, valid["createPaymentLink"], "expiryDuration", "0.5"), []string{"expiryDuration integer"}},
		"link, no currency":          {"createPaymentLink", with(t, valid["createPaymentLink"], "orderCurrency", ""), nil},
		"removal by id":              {"removeToken", `{"tokenID":12}`, nil},
		"removal by customer":        {"removeToken", `{"customerToken":"x"}`, nil},
		"removal by both":            {"removeToken", `{"customerToken":"x","tokenID":"12"}`, nil},
		"removal by all":             {"removeToken", `{"token":"x","customerToken":"x","tokenID":"12"}`, nil},
		"removal by nothing":         {"removeToken", `{"customerToken":"","tokenID":null}`, []string{"token required"}},
		"removal by something new":   {"removeToken", `{"card":"x"}`, []string{"token required"}},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, test.operation, test.text, test.want...) })
	}
}

// limits are the lengths of texts, by field; each is met and exceeded below.
var limits = map[string]map[string]int{
	"pay": {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "sourceType": 20, "cardNumber": 19,
		"cardHolderName": 19, "cardExpireDate": 5, "cardVerificationValue": 3, "token": 50},
	"payWithCreateToken": {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "cardNumber": 19, "cardHolderName": 19, "cardExpireDate": 5, "cardVerificationValue": 3},
	"payWithToken":       {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "token": 50},
	"payWithOption":      {"orderID": 50, "orderNumber": 20, "orderDescription": 250},
	"payWithQR":          {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "sourceType": 20},
	"checkout":           {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "sourceType": 20},
	"createPaymentLink":  {"orderID": 50, "orderName": 250, "orderDescription": 250},
	"fastPay":            {"orderID": 50, "orderNumber": 20, "orderDescription": 250, "cardNumber": 19, "token": 50},
	"createToken":        {"cardNumber": 19, "cardHolderName": 19, "cardExpireDate": 5, "cardVerificationValue": 3},
	"deleteToken":        {"token": 50},
	"removeToken":        {"token": 50, "tokenID": 10},
	"query":              {"transactionID": 50},
	"refund":             {"transactionID": 50, "orderID": 50, "orderDescription": 250},
	"void":               {"transactionID": 50},
	"capture":            {"transactionID": 50},
}

// One letter is one character, however many bytes it takes and however it is spelled.
func TestLengths(t *testing.T) {
	letters := map[string]string{
		"Latin": "a", "composed": "ệ", "decomposed": "e\u0323\u0302", "half composed": "ẹ\u0302", "escaped": `\u1ec7`, "decomposed and escaped": `e\u0323\u0302`,
		"beyond the basic plane": "😀", "escaped pair": `\ud83d\ude00`, "line end": `\n`, "quote": `\"`, "lone surrogate": `\ud83d`,
	}
	for name, fields := range limits {
		for field, n := range fields {
			for kind, letter := range letters {
				fits := with(t, valid[name], field, `"`+strings.Repeat(letter, n)+`"`)
				if got := faultsOf(t, name, fits); got != nil {
					t.Errorf("%s: %d letters %s in %s: %q", name, n, kind, field, got)
				}
				over := with(t, valid[name], field, `"`+strings.Repeat(letter, n+1)+`"`)
				if got := faultsOf(t, name, over); !slices.Equal(got, []string{field + " too_long"}) {
					t.Errorf("%s: %d letters %s in %s: %q", name, n+1, kind, field, got)
				}
			}
		}
	}
	// The same limits hold for the digits of a number.
	for field, n := range map[string]int{"orderID": 50, "orderNumber": 20, "sourceType": 20, "cardNumber": 19, "cardVerificationValue": 3} {
		wantFaults(t, "pay", with(t, valid["pay"], field, strings.Repeat("9", n)))
		wantFaults(t, "pay", with(t, valid["pay"], field, strings.Repeat("9", n+1)), field+" too_long")
	}
	// A sentence as people write it, at the limit in composed and decomposed letters.
	const sentence, decomposed = "Thanh toán vé Đà Nẵng", "Thanh toa\u0301n ve\u0301 \u0110a\u0300 Na\u0306\u0303ng"
	for _, text := range []string{sentence, decomposed} {
		rest := strings.Repeat("x", 250-21)
		wantFaults(t, "pay", with(t, valid["pay"], "orderDescription", `"`+text+rest+`"`))
		wantFaults(t, "pay", with(t, valid["pay"], "orderDescription", `"`+text+rest+`x"`), "orderDescription too_long")
	}
	// There is no limit where the documents name none.
	wantFaults(t, "queryTokens", `{"customerToken":"`+strings.Repeat("x", 9000)+`"}`)
	wantFaults(t, "checkout", with(t, valid["checkout"], "customerToken", `"`+strings.Repeat("x", 9000)+`"`))
}

func TestLengthOfAddresses(t *testing.T) {
	for _, field := range []string{"successURL", "failureURL", "cancelURL", "ipnURL"} {
		const start = "https://shop.example/"
		text := start + strings.Repeat("x", 500-len(start))
		wantFaults(t, "pay", with(t, valid["pay"], field, `"`+text+`"`))
		wantFaults(t, "pay", with(t, valid["pay"], field, `"`+text+`x"`), field+" too_long")
	}
}

func TestKinds(t *testing.T) {
	object, array, yes, number, text := `{"a":1}`, `["a"]`, `true`, `7`, `"x"`
	for _, test := range []struct {
		operation, field string
		wrong, right     []string
	}{
		{"pay", "orderID", []string{object, array, yes, "false", "[]", "{}"}, []string{number, text, "-1", "1e9"}},
		{"pay", "orderNumber", []string{object, array, yes}, []string{number, text}},
		{"pay", "orderAmount", []string{object, array, yes}, []string{number, `"7"`}},
		{"pay", "orderCurrency", []string{object, array, yes}, []string{`"usd"`}},
		{"pay", "orderDateTime", []string{object, array, yes}, []string{"20220426083322", `"20220426083322"`}},
		{"pay", "orderDescription", []string{object, array, yes}, []string{number, text}},
		{"pay", "paymentMethod", []string{object, array, yes}, []string{`"DOMESTIC"`}},
		{"pay", "sourceType", []string{object, array, yes}, []string{"970400", text}},
		{"pay", "language", []string{object, array, yes}, []string{`"en"`}},
		{"pay", "apiVersion", []string{object, array, yes}, []string{"1", `"2"`}},
		{"pay", "isAutoCapture", []string{object, array}, []string{"true", "false", `"true"`, `"false"`}},
		{"pay", "successURL", []string{object, array, yes}, []string{`"https://shop.example"`}},
		{"pay", "ipnURL", []string{object, array, yes}, []string{`"https://shop.example"`}},
		{"pay", "cardNumber", []string{object, array, yes}, []string{"4012000033330026", text}},
		{"pay", "extraData", []string{array, yes, number, text, `"{}"`, "[]"}, []string{object, "{}"}},
		{"pay", "subMerchant", []string{array, yes, number, text}, []string{object, `{"identifier":1}`, `{"identifier":"x"}`}},
		{"createPaymentLink", "paymentMethods", []string{object, yes, number, text, `"QRPAY"`, "[null]", `["QRPAY",null]`, `[""]`, "[true]", "[{}]", "[[]]"}, []string{array, "[]", "[1]"}},
		{"createPaymentLink", "paymentFields", []string{object, yes, number, text, "[null]"}, []string{array}},
		{"createPaymentLink", "expiryDuration", []string{object, array, yes}, []string{number, `"7"`}},
		{"query", "transactionID", []string{object, array, yes}, []string{"2307274612216981190343178", text}},
	} {
		for _, value := range test.wrong {
			wantFaults(t, test.operation, with(t, valid[test.operation], test.field, value), test.field+" kind")
		}
		for _, value := range test.right {
			wantFaults(t, test.operation, with(t, valid[test.operation], test.field, value))
		}
	}
}

func TestDates(t *testing.T) {
	for text, code := range map[string]string{
		"20220426083322":  "",
		"20240229000000":  "", // leap years
		"20000229235959":  "",
		"20230229000000":  "date_time",
		"19000229000000":  "date_time",
		"20260230120000":  "date_time",
		"20260431120000":  "date_time",
		"20261301120000":  "date_time",
		"20260001120000":  "date_time",
		"20260100120000":  "date_time",
		"20260101240000":  "date_time",
		"20260101236000":  "date_time",
		"20260101235960":  "date_time",
		"2026010112000":   "date_time", // 13 digits
		"20260101":        "date_time",
		"0":               "date_time",
		"202601011200000": "date_time", // 15
	} {
		for _, value := range []string{text, `"` + text + `"`} {
			for _, name := range []string{"pay", "refund", "checkout"} {
				var want []string
				if code != "" {
					want = append(want, "orderDateTime "+code)
				}
				if strings.HasPrefix(value, "0") && len(value) > 1 {
					continue // no JSON number
				}
				wantFaults(t, name, with(t, valid[name], "orderDateTime", value), want...)
			}
		}
	}
	for _, value := range []string{`"2026-01-01"`, `"2026010112000x"`, `"20260101 12000"`, `" 2026010112000"`, `"x"`, `"２０２６０１０１１２００００"`, `"-2026010112000"`,
		`"+2026010112000"`, `"2026010112.000"`, "-2026010112000", "2.026e13", "2026010112000.0", "1e13"} {
		wantFaults(t, "pay", with(t, valid["pay"], "orderDateTime", value), "orderDateTime date_time")
	}
	wantFaults(t, "pay", with(t, valid["pay"], "orderDateTime", `"2022-04-26T08:33:22"`), "orderDateTime date_time")
	wantFaults(t, "pay", with(t, valid["pay"], "orderDateTime", `"20/11/2026"`), "orderDateTime date_time")
	wantFaults(t, "pay", with(t, valid["pay"], "orderDateTime", `"\u00320220426083322"`))
}

func TestAmounts(t *testing.T) {
	type verdicts map[string]string // by amount
	common := verdicts{
		"1": "", "0100": "", "109000": "", "9999999999999999": "", "9007199254740993": "", "10000000000000000": "too_long",
		"-1": "amount", "-0": "amount", "-0.5": "amount", "1e5": "amount", "1E+5": "amount", "1e400": "amount", "1.5e-2": "amount", "0e0": "amount",
		"1,000": "amount", "1.000.000": "amount", "109 000": "amount", " 1": "amount", "1 ": "amount", "abc": "amount", "NaN": "amount", "Infinity": "amount",
		"109000.": "amount", ".5": "amount", ".": "amount", "+5": "amount", "1e": "amount", "e3": "amount", "1e+": "amount", "1ee3": "amount", "0x10": "amount",
		"1_000": "amount", "100000 VND": "amount", "100.000đ": "amount", "１００": "amount", `1\n`: "amount", "1.5.5": "amount", "null": "amount", "true": "amount",
	}
	noFraction := verdicts{"999999999999999.99": "amount", "109000.0": "", "109000.00": "", "109000.000": "amount", "109.000": "amount", "109000.5": "amount", "12.50": "amount", "109000.01": "amount", "0.5": "amount"}
	two := verdicts{"999999999999999.99": "too_long", "12.5": "", "12.50": "", "0.01": "", "12.505": "amount", "109.000": "amount"}
	three := verdicts{"1.234": "", "109.000": "", "1.2345": "amount"}
	four := verdicts{"1.2345": "", "1.23456": "amount"}
	for currency, own := range map[string]verdicts{
		`"VND"`: noFraction, `"JPY"`: noFraction, `"KRW"`: noFraction, `"CLP"`: noFraction, `"vnd"`: noFraction,
		`"USD"`: two, `"usd"`: two, `"KHR"`: two, `"IDR"`: two, `"MMK"`: two, `"TWD"`: two, `"ZZZ"`: two, `"\u0055SD"`: two, `"KWD"`: three, `"BHD"`: three, `"CLF"`: four,
	} {
		for _, of := range []verdicts{common, own} {
			for text, code := range of {
				for _, name := range []string{"pay", "refund", "createPaymentLink", "fastPay"} {
					wantFaults(t, name, with(t, valid[name], "orderCurrency", currency, "orderAmount", `"`+text+`"`), faultOf("orderAmount", code)...)
				}
				for _, field := range []string{"orderNetAmount", "orderFeeAmount", "orderDiscountAmount"} {
					wantFaults(t, "checkout", with(t, valid["checkout"], "orderCurrency", currency, field, `"`+text+`"`), faultOf(field, code)...)
				}
				if json.Valid([]byte(text)) && strings.Trim(text, "0123456789.eE+-") == "" { // a number
					wantFaults(t, "pay", with(t, valid["pay"], "orderCurrency", currency, "orderAmount", text), faultOf("orderAmount", code)...)
				}
			}
		}
	}
	for _, zero := range []string{"0", "0.0", "0.00", `"0"`, `"00"`, `"0.00"`} {
		for _, name := range []string{"pay", "refund", "createPaymentLink", "checkout"} {
			wantFaults(t, name, with(t, valid[name], "orderAmount", zero), "orderAmount amount")
		}
		wantFaults(t, "checkout", with(t, valid["checkout"], "orderNetAmount", zero, "orderFeeAmount", zero, "orderDiscountAmount", zero))
	}
	for _, name := range []string{"capture", "void"} { // without a currency it is that of the payment, which may be another than VND
		wantFaults(t, name, `{"transactionID":"1","orderAmount":"109.000"}`, "orderAmount amount")
		wantFaults(t, name, `{"transactionID":"1","orderAmount":"12.50"}`)
		wantFaults(t, name, `{"transactionID":"1","orderAmount":"0"}`, "orderAmount amount")
		wantFaults(t, name, `{"transactionID":"1","orderAmount":"12.50","orderCurrency":"VND"}`, "orderAmount amount")
		wantFaults(t, name, `{"transactionID":"1","orderAmount":"12.50","orderCurrency":"USD"}`)
		wantFaults(t, name, `{"orderCurrency":null,"transactionID":"1","orderAmount":"109000.00"}`)
	}
	for _, nothing := range []string{"", "null", `""`} {
		wantFaults(t, "createPaymentLink", with(t, valid["createPaymentLink"], "orderCurrency", nothing, "orderAmount", `"12.50"`), "orderAmount amount")
	}
	// JSON has no such numbers, so no validation ever sees them.
	for _, literal := range []string{"NaN", "Infinity", "0100", "+1", ".5", "1.", "1,000", "0x10"} {
		if _, err := rawjson.Members([]byte(`{"orderAmount":` + literal + `}`)); err == nil {
			t.Errorf("%s is a number", literal)
		}
	}
}

// One rule holds for every field of a request that holds an amount, also where its operation does not list it.
func TestUnlistedAmounts(t *testing.T) {
	for _, field := range []string{"orderNetAmount", "orderFeeAmount", "orderDiscountAmount", "shippingAmount"} {
		for text, code := range map[string]string{
			"109000": "", "0": "", "109000.00": "", "109.000": "amount", "109,000": "amount", "109 000": "amount", "1e5": "amount", "12.50": "amount", "abc": "amount",
		} {
			wantFaults(t, "pay", with(t, valid["pay"], field, `"`+text+`"`), faultOf(field, code)...)
		}
		wantFaults(t, "pay", with(t, valid["pay"], field, "1e5"), field+" amount")
		wantFaults(t, "pay", with(t, valid["pay"], "orderCurrency", `"USD"`, "orderAmount", "20", field, `"12.50"`))
		wantFaults(t, "pay", with(t, valid["pay"], field, `""`))
		wantFaults(t, "query", with(t, valid["query"], field, `"109.000"`), field+" amount")
		wantFaults(t, "query", with(t, valid["query"], field, `"12.50"`))
	}
	wantFaults(t, "pay", with(t, valid["pay"], "orderNetAmount", "-1"), "orderNetAmount amount")
	wantFaults(t, "pay", with(t, valid["pay"], "orderNetAmount", "{}"), "orderNetAmount kind")
	wantFaults(t, "pay", with(t, valid["pay"], "shippingAmount", `"--1"`), "shippingAmount amount")
	wantFaults(t, "query", with(t, valid["query"], "orderAmount", `"abc"`), "orderAmount amount")
}

func TestLacksCurrency(t *testing.T) {
	for _, test := range []struct {
		operation, data string
		want            bool
	}{
		{"void", `{"transactionID":"1","orderAmount":"12.50"}`, true},
		{"capture", `{"transactionID":"1","orderAmount":1,"orderCurrency":null}`, true},
		{"capture", `{"transactionID":"1","orderAmount":1,"orderCurrency":"USD"}`, false},
		{"capture", `{"transactionID":"1"}`, false},
		{"void", `{"transactionID":"1","orderAmount":""}`, false},
		{"pay", `{"orderAmount":1}`, false},
	} {
		members, err := rawjson.Members([]byte(test.data))
		op := named(t, test.operation)
		if got := op.LacksCurrency(members); got != test.want || err != nil {
			t.Errorf("%s of %s: %t, %v", test.operation, test.data, got, err)
		}
	}
}

// What is no currency is told as such. Its amount has a fault only where it is wrong in nearly every currency.
func TestCurrencies(t *testing.T) {
	for _, currency := range []string{`"Đồng"`, `"VNĐ"`, `"đ"`, `704`, `"704"`, `"VN"`, `"VNDD"`, `" VND"`, `"Việt Nam đồng"`, `"$"`, `"US$"`} {
		for _, name := range []string{"pay", "refund", "createPaymentLink", "fastPay", "checkout"} {
			wantFaults(t, name, with(t, valid[name], "orderCurrency", currency), "orderCurrency currency")
		}
		wantFaults(t, "pay", with(t, valid["pay"], "orderCurrency", currency, "orderAmount", `"109.000"`), "orderAmount amount", "orderCurrency currency")
		wantFaults(t, "createPaymentLink", with(t, valid["createPaymentLink"], "orderCurrency", currency, "orderAmount", `"12.50"`), "orderCurrency currency")
		wantFaults(t, "void", `{"transactionID":"1","orderAmount":"12.50","orderCurrency":`+currency+`}`, "orderAmount amount")
	}
	for _, nothing := range []string{"", "null", `""`, `"Đồng"`, `["USD"]`, `{}`, `true`} {
		wantAmountsWithoutCurrency(t, nothing)
	}
	for _, currency := range []string{`"VND"`, `"vnd"`, `"Usd"`, `"ZZZ"`} {
		wantFaults(t, "pay", with(t, valid["pay"], "orderCurrency", currency))
	}
}

func wantAmountsWithoutCurrency(t *testing.T, currency string) {
	t.Helper()
	about := map[string]string{"": "required", "null": "required", `""`: "required", `"Đồng"`: "currency"}[currency]
	if about == "" {
		about = "kind"
	}
	for amount, isWrong := range map[string]bool{
		"12.50": false, `"12.50"`: false, `"12.5"`: false, `"109000"`: false, `"109000.00"`: false,
		`"109.000"`: true, `"12.505"`: true, `"1,5"`: true, `"abc"`: true, `"0.00"`: true, "-1": true, "1e5": true,
	} {
		for _, name := range []string{"pay", "refund", "checkout", "fastPay", "payWithOption"} {
			text := with(t, valid[name], "orderCurrency", currency, "orderAmount", amount)
			want := []string{"orderCurrency " + about}
			if isWrong {
				want = append(want, "orderAmount amount")
			}
			got := faultsOf(t, name, text)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s of %s: faults %q, want %q", name, text, got, want)
			}
		}
	}
}

func faultOf(field, code string) []string {
	if code == "" {
		return nil
	}
	return []string{field + " " + code}
}

// A default stands behind the app's own members, and counts where those say nothing.
func TestTheCurrencyOfADefault(t *testing.T) {
	op := named(t, "createPaymentLink")
	members, _ := rawjson.Members([]byte(with(t, valid["createPaymentLink"], "orderCurrency", "null", "orderAmount", `"12.50"`)))
	members = append(members, Member{Name: []byte("orderCurrency"), Value: []byte(`"USD"`)})
	if faults := op.Validate(members); faults != nil {
		t.Errorf("faults are %q", inWords(faults))
	}
}

// What was probably meant, and nothing where it could be two things.
func TestMeant(t *testing.T) {
	for digits, amounts := range map[int]map[string]string{
		0: {
			"109.000": "109000", "109,000": "109000", "109 000": "109000", "109\u00a0000": "109000", "109'000": "109000", "1_000": "1000", "1.000.000": "1000000",
			"109,000.00": "109000", "109.000,00": "109000", "109000.000": "109000", "109000.": "109000", "+5": "5", " 5 ": "5", "１０９０００": "109000", "１０９．０００": "109000",
			"1e5": "100000", "1E+5": "100000", "1.5e3": "1500", "1e400": "", "1e-2": "", "15e-1": "", "-1": "", "-109.000": "", "109000.5": "", "109.50": "", "109,50": "",
			".5": "", ".": "", "": "", "NaN": "", "abc": "", "109.0000": "", "109.00.000": "", "1.000,000": "", "0.000": "", "0,000": "", "1e12": "", "4012.0000.3333.0026": "",
			"4012000033330026.5": "", "401.200.003.333.002": "", "109.000 VND": "", "1e5e5": "", "0x10": "", "1,000.000": "",
		},
		2: {
			"10.995": "", "1,095": "", "1.001": "", "999,999": "", "12,345.678": "", "10 995": "10995",
			"109.000": "", "109,000": "", "12.340": "", "1,000,000": "1000000", "1.000.000": "1000000", "1,234.56": "1234.56", "1.234,56": "1234.56", "109,50": "109.5", "109 000": "109000",
			"109000.000": "109000", "1234.5600": "1234.56", "12.3456": "", ".5": "0.5", "5.": "5", "1e5": "100000", "1.25e1": "12.5", "+12.50": "12.5",
		},
		3: {"1,234": "", "1.234,5": "1234.5", "1.2340": "1.234", "1.2345": ""},
	} {
		for text, want := range amounts {
			if got := meant(text, digits); got != want {
				t.Errorf("%q with %d digits: %q, want %q", text, digits, got, want)
			}
		}
	}
	if got := meant(strings.Repeat("1", 1<<20)+".000", 0); got != "" {
		t.Errorf("a long text is repeated: %q", got)
	}
}

func TestAmountsWithACurrencyOfTheirOwn(t *testing.T) {
	for inside, want := range map[string]string{
		`{"airline":{"services":[{"amount":12.50,"currency":"USD"}]}}`:                              "",
		`{"airline":{"services":[{"amount":"109.000","currency":"USD"}]}}`:                          "extraData.airline.services[0].amount",
		`{"airline":{"services":[{"amount":"109.000"}]}}`:                                           "extraData.airline.services[0].amount",
		`{"airline":{"services":[{"amount":0},{"currency":null,"amount":12.5}]}}`:                   "extraData.airline.services[1].amount",
		`{"airline":{"services":[{"totalAmount":-1,"currency":"USD"}]}}`:                            "extraData.airline.services[0].totalAmount",
		`{"payment_detail":[{"amount":1,"ccy_code":"VND"},2,{"amount":"1e5","ccy_code":"VND"}]}`:    "extraData.payment_detail[2].amount",
		`{"payment_detail":[{"ccy_code":"KWD","amount":"1.234"},{"amount":5.50,"ccy_code":"USD"}]}`: "",
		`{"payment_detail":{}}`: "extraData.payment_detail",
		`{"payment_detail":[],"airline":{"services":[[],"x",null,{}]}}`:     "",
		`{"payment_detail":[{"amount":"x"},{"amount":"x"},{"amount":"x"}]}`: "extraData.payment_detail[0].amount",
	} {
		op := named(t, "pay")
		members, _ := rawjson.Members([]byte(with(t, valid["pay"], "extraData", inside)))
		var got []string
		for _, fault := range op.Validate(members) {
			if fault.Code != CodeRequired { // apiOperation, which the sidecar adds
				got = append(got, fault.Path())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: faults of %q, want %q", inside, got, want)
		}
	}
}

func TestClosedLists(t *testing.T) {
	for _, test := range []struct{ operation, field, right, wrong string }{
		{"pay", "paymentMethod", "DOMESTIC INTERNATIONAL", "CASH domestic DOMESTICS ATM 1"},
		{"payWithCreateToken", "paymentMethod", "DOMESTIC INTERNATIONAL", "WALLET HUB QRPAY BNPL"},
		{"payWithToken", "paymentMethod", "DOMESTIC INTERNATIONAL", "WALLET"},
		{"payWithQR", "paymentMethod", "QRPAY WALLET", "DOMESTIC BNPL"},
		{"checkout", "paymentMethod", "DOMESTIC INTERNATIONAL", "CASH"},
		{"fastPay", "paymentMethod", "INTERNATIONAL DOMESTIC", "WALLET"},
		{"createToken", "paymentMethod", "DOMESTIC INTERNATIONAL", "WALLET"},
		{"pay", "language", "vi en", "VI fr v"},
		{"pay", "apiVersion", "1 2", "0 3 1.0 v2"},
		{"pay", "isAutoCapture", "true false", "yes 1 0 True TRUE"},
		{"payWithOption", "apiOperation", "PAY PAY_WITH_CREATE_TOKEN", "FAST_PAY pay"},
		{"createPaymentLink", "expiryUnit", "DAY HOUR MINUTE", "WEEK day DAYS"},
		{"createPaymentLink", "language", "vi en", "fr"},
		{"fastPay", "sourceOfFund", "TOKEN", "ACCOUNT token"},
	} {
		for value := range strings.FieldsSeq(test.right) {
			wantFaults(t, test.operation, with(t, valid[test.operation], test.field, `"`+value+`"`))
		}
		for value := range strings.FieldsSeq(test.wrong) {
			got := faultsOf(t, test.operation, with(t, valid[test.operation], test.field, `"`+value+`"`))
			if !slices.Contains(got, test.field+" value") {
				t.Errorf("%s: %s %q: faults are %q", test.operation, test.field, value, got)
			}
		}
	}
	wantFaults(t, "pay", with(t, valid["pay"], "isAutoCapture", "1"), "isAutoCapture value")
	wantFaults(t, "pay", with(t, valid["pay"], "language", `"vie"`), "language value")
}

func TestAddresses(t *testing.T) {
	for _, good := range []string{
		"https://shop.example", "http://shop.example/ipn", "HTTPS://SHOP.EXAMPLE/IPN", "https://shop.example:8443/a/b?c=d&e=%20#f", "http://localhost:9180/ipn",
		"http://10.0.0.1/ipn", "https://[2001:db8::1]:443/ipn", "https://user:pass@shop.example/", "https://xn--ca-hng-2ta.vn/", "https://cửahàng.vn/kết-quả",
		"https://shop.example/a,b;c=(d)", "https://shop.example/{id}", "https://shop_1.example/x",
	} {
		for _, field := range []string{"ipnURL", "successURL", "failureURL", "cancelURL"} {
			wantFaults(t, "pay", with(t, valid["pay"], field, `"`+good+`"`))
		}
	}
	for _, bad := range []string{
		"x", "shop.example", "/ipn", "//shop.example/ipn", "https://", "https:///ipn", "http:/shop.example", "https:shop.example", "://shop.example", "https:/", "https//shop.example",
		"https://:8443/ipn", "https://shop.example:port/", "https://shop.example/%zz", "https://shop example/", "1https://shop.example", "localhost:9180/ipn", `https:\\\\shop.example`,
		`https://shop.example/\n`, " https://shop.example", "https://[::1", "mailto:a@shop.example", "shopapp:", "shopapp:/", "shopapp:///", "javascript:alert(1)", "1",
	} {
		for _, field := range []string{"ipnURL", "successURL", "failureURL", "cancelURL"} {
			wantFaults(t, "pay", with(t, valid["pay"], field, `"`+bad+`"`), field+" url")
		}
	}
	wantFaults(t, "pay", with(t, valid["pay"], "ipnURL", "1"), "ipnURL url")
	// A browser on a phone can be sent into an app, the gateway's server cannot.
	for _, app := range []string{"shopapp://paid", "com.shop.app://paid/1?x=y", "shopapp:/paid", "shopapp:///paid"} {
		for _, field := range []string{"successURL", "failureURL", "cancelURL"} {
			wantFaults(t, "pay", with(t, valid["pay"], field, `"`+app+`"`))
		}
		wantFaults(t, "pay", with(t, valid["pay"], "ipnURL", `"`+app+`"`), "ipnURL url")
		wantFaults(t, "createPaymentLink", with(t, valid["createPaymentLink"], "ipnURL", `"`+app+`"`), "ipnURL url")
	}
}

// What the documents do not agree on, or do not say, is up to the gateway.
func TestDisputedRequestsPass(t *testing.T) {
	for name, test := range map[string]struct {
		operation string
		changes   []string
	}{
		"no language":                      {"pay", []string{"language", ""}},
		"no language, by option":           {"payWithOption", []string{"language", ""}},
		"unknown wallet":                   {"pay", []string{"paymentMethod", `"WALLET"`, "sourceType", `"SHOPEEPAY"`}},
		"Galaxy Pay's wallet, newer":       {"pay", []string{"paymentMethod", `"WALLET"`, "sourceType", `"GALAXYPAY"`}},
		"Galaxy Pay's wallet, older":       {"payWithQR", []string{"paymentMethod", `"WALLET"`, "sourceType", `"GPAY"`}},
		"Viettel, one spelling":            {"pay", []string{"paymentMethod", `"WALLET"`, "sourceType", `"VIETTEL"`}},
		"Viettel, the other":               {"pay", []string{"paymentMethod", `"WALLET"`, "sourceType", `"VIETEL"`}},
		"unknown bank":                     {"pay", []string{"sourceType", `"CAKE"`}},
		"bank by its older number":         {"pay", []string{"sourceType", "970437"}},
		"bank in lower case":               {"pay", []string{"sourceType", `"sacombank"`}},
		"unknown currency":                 {"pay", []string{"orderCurrency", `"EUR"`}},
		"dollars by QR":                    {"payWithQR", []string{"orderCurrency", `"USD"`}},
		"unknown QR provider":              {"payWithQR", []string{"sourceType", `"VIETQR"`}},
		"unknown hub":                      {"pay", []string{"paymentMethod", `"HUB"`, "sourceType", `"APPLE"`}},
		"unknown instalments":              {"checkout", []string{"paymentMethod", `"BNPL"`, "sourceType", `"FUNDIIN"`}},
		"American Express":                 {"pay", []string{"paymentMethod", `"INTERNATIONAL"`, "sourceType", `"AMEX"`}},
		"unknown card brand":               {"pay", []string{"paymentMethod", `"INTERNATIONAL"`, "sourceType", `"UNIONPAY"`}},
		"wallet's code for a card":         {"pay", []string{"sourceType", `"MOMO"`}},
		"card, paid by a token":            {"pay", []string{"sourceOfFund", `"TOKEN"`, "token", `"1"`}},
		"link for an unknown provider":     {"createPaymentLink", []string{"paymentMethods", `["APPLE"]`}},
		"link asks for something else":     {"createPaymentLink", []string{"paymentFields", `["fullName","passport"]`}},
		"fast pay by a domestic card":      {"fastPay", []string{"paymentMethod", `"DOMESTIC"`}},
		"card number with blanks":          {"createToken", []string{"cardNumber", `"5506 9224 0063 4930"`}},
		"expiry without a slash":           {"createToken", []string{"cardExpireDate", `"0139"`}},
		"unknown fields":                   {"pay", []string{"isUseOtp", "false", "pendingURL", "1", "x", "[]", "y", `{"z":null}`}},
		"known fields of other operations": {"query", []string{"orderID", "{}", "extraData", "1"}},
		"unknown amounts":                  {"pay", []string{"shippingAmount", "20000", "couponAmount", "-5000", "taxAmount", `"10000.00"`, "orderFeeAmount", "0"}},
		"unknown amounts that are objects": {"pay", []string{"shippingAmount", `{"value":"1,5"}`, "taxAmount", "true", "amountOfItems", `"1,5"`}},
		"version, by QR":                   {"payWithQR", []string{"apiVersion", `"9"`}},
		"names in other letter case":       {"pay", []string{"ORDERID", "true", "extradata", "1"}},
		"void by something else":           {"void", []string{"transactionID", "", "orderID", `"1"`}},
		"capture of a part":                {"capture", []string{"orderAmount", `"10000"`}},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, test.operation, with(t, valid[test.operation], test.changes...)) })
	}
	t.Run("what is not in the catalogue", func(t *testing.T) {
		other := Operation{Name: Other}
		members, _ := rawjson.Members([]byte(`{"orderID":true,"orderAmount":"abc","a":{}}`))
		if faults := other.Validate(members); faults != nil {
			t.Errorf("faults are %q", inWords(faults))
		}
	})
}

func TestExtraData(t *testing.T) {
	long := strings.Repeat("ữ", 51)
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty": {`{}`, nil},
		"standard form": {`{"customer":{"firstName":"Thị Hương","lastName":"Nguyễn","identityNumber":"079012345678","email":"a@shop.example","phoneNumber":901234567,` +
			`"phoneType":"M","gender":"F","dateOfBirth":"19900131","title":"Mrs"},"device":{"browser":"Chrome 96.0","fingerprint":"3f1c","hostName":"shop","ipAddress":"203.0.113.7",` +
			`"deviceID":"1","deviceModel":"x"},"application":{"applicationID":"1","applicationChannel":"Web"},"billing":{"country":"VN","state":"","city":"Hồ Chí Minh",` +
			`"postalCode":700000,"streetNumber":"12","address01":"Đường Nguyễn Huệ","address02":null},"shipping":{"country":"VN"}}`, nil},
		// The documents' own samples hold these, against their own table.
		"contradicted rows": {`{"customer":{"phoneType":"CchWzxPtVq","dateOfBirth":"31/01/1990 00:00:00"},"airline":{"recordLocator":"X","journeyType":123456789,` +
			`"departureAirport":"SGN","departureAirPort":"SGN","departureDateTime":"31/01/2022 08:00:00","arrivalDateTime":"31/01/2022 10:00:00",` +
			`"services":[{"serviceCode":"1","quantity":1,"tax":"abc","fee":-1}],"flights":[{"departureDate":"QwErTy","fareBasisCode":"Y"}],` +
			`"passengers":[{"passengerType":"PET","dateOfBirth":"19900131","gender":"Male"}]}}`, nil},
		"airline's own form": {`{"mc_acc_code":"VJ","channel_id":"WEB","ip_addr":"203.0.113.7","pay_method_code":"ATM","order_number":"1","record_locator":"ABCDEF",` +
			`"created_date":"20220426083322","expire_date":"20220426093322","cus_name":"` + strings.Repeat("x", 100) + `","cus_country":"VN","country_code":"VNM","city_name":"Hồ Chí Minh",` +
			`"payment_detail":[{"leg_index":1,"service_code":"FARE","amount":100000,"ccy_code":"VND"}],"passenger_list":[{"pax_id":"1","pax_type":"ADT","gender":"M","dob":"1990-01-31"}]}`, nil},
		"Node demo's addresses": {`{"billing":{"countryCode":"VNM","stateProvine":"x","cityName":"x","addressLine1":"` + long + `","addressLine2":"x"}}`, nil},
		"any other":             {`{"a":1,"b":[{"c":null}],"":"","Customer":"An","billing2":true}`, nil},
		"nothing in them":       {`{"customer":null,"device":"","billing":{"country":"","city":null}}`, nil},
		"too long inside": {`{"customer":{"email":"` + long + `","gender":"Female"},"billing":{"country":"VNM"}}`,
			[]string{"extraData.customer.email too_long", "extraData.customer.gender too_long", "extraData.billing.country too_long"}},
		"wrong kinds inside": {`{"customer":[],"device":{"browser":{},"ipAddress":true},"shipping":{"city":["x"]},"application":"x"}`,
			[]string{"extraData.customer kind", "extraData.device.browser kind", "extraData.device.ipAddress kind", "extraData.shipping.city kind", "extraData.application kind"}},
		"escapes and white space": {` { "cust\u006fmer" : { "em\u0061il" : "` + long + `" , "title":"\"}{,:" } , "billing" : { "country" : "V\u004e" } } `,
			[]string{"extraData.customer.email too_long"}},
		"names that look alike": {`{"customer":{"email.x":"` + long + `","extraData.customer.email":"` + long + `"},"customer.email":"` + long + `"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, operation := range []string{"pay", "payWithCreateToken", "payWithToken", "payWithOption", "payWithQR", "checkout", "fastPay"} {
				wantFaults(t, operation, with(t, valid[operation], "extraData", test.text), test.want...)
			}
		})
	}
	wantFaults(t, "pay", with(t, valid["pay"], "subMerchant", `{"identifier":"`+strings.Repeat("x", 50)+`","name":1}`))
	wantFaults(t, "pay", with(t, valid["pay"], "subMerchant", `{"identifier":"`+strings.Repeat("x", 51)+`"}`), "subMerchant.identifier too_long")
}

// Everything that is wrong is reported at once: in the order of the request, then what is
// missing in the order of the documents. Always the same, for people and for logs.
func TestAllFaultsAtOnce(t *testing.T) {
	const text = `{"language":"fr","orderAmount":"-1","unknown":{},"ipnURL":"shop","extraData":{"billing":{"country":"VNM","city":[]},"customer":{"gender":"FM"}},` +
		`"orderDateTime":"20260230000000","apiVersion":true,"paymentMethod":"WALLET","sourceOfFund":"CARD","cardNumber":"","orderID":null,"apiOperation":"PAY"}`
	want := []string{
		"language value", "orderAmount amount", "ipnURL url", "extraData.billing.country too_long", "extraData.billing.city kind", "extraData.customer.gender too_long",
		"orderDateTime date_time", "apiVersion kind",
		"orderID required", "orderCurrency required", "orderDescription required", "sourceType required", "cardNumber required", "cardHolderName required", "cardExpireDate required",
	}
	for range 20 {
		wantFaults(t, "pay", text, want...)
	}
	// One fault for each field: the first that is found.
	wantFaults(t, "pay", with(t, valid["pay"], "orderAmount", `"`+strings.Repeat("x1", 17)+`"`), "orderAmount amount")
	// The same names in another order of members.
	wantFaults(t, "refund", `{"orderDateTime":"x","orderAmount":"x"}`, "orderDateTime date_time", "orderAmount amount",
		"transactionID required", "orderID required", "orderCurrency required", "orderDescription required")
}

// Another operation's fixed value is for Match to notice, not for Validate.
func TestFixedValuesAreUpToMatch(t *testing.T) {
	wantFaults(t, "pay", with(t, valid["pay"], "apiOperation", `"FAST_PAY"`))
	wantFaults(t, "payWithToken", with(t, valid["payWithToken"], "sourceOfFund", `"CARD"`))
}

func TestIsTime(t *testing.T) {
	if !IsTime([]byte("20240229235959")) || IsTime([]byte("20230229235959")) || IsTime(nil) || IsTime([]byte("2024022923595９")) {
		t.Error("the wrong times are real")
	}
}

// The sidecar passes on what rawjson.Members has accepted. What any other caller makes up
// is judged too, and never passes for right.
func TestValuesThatAreNotJSON(t *testing.T) {
	for name, test := range map[string]struct{ field, value, want string }{
		"nothing":                  {"orderID", ``, "orderID required"},
		"broken off in an object":  {"extraData", `{"customer":{"email":"a@shop.example"`, "extraData kind"},
		"broken off in a name":     {"extraData", `{"cust`, "extraData kind"},
		"no value in an object":    {"extraData", `{"customer":}`, "extraData kind"},
		"no JSON inside an object": {"extraData", `{"customer":{"email":?}}`, "extraData kind"},
	} {
		t.Run(name, func(t *testing.T) {
			op := named(t, "pay")
			faults := inWords(op.Validate([]Member{{Name: []byte(test.field), Value: []byte(test.value)}}))
			if !slices.Contains(faults, test.want) {
				t.Errorf("faults are %q, want %s among them", faults, test.want)
			}
		})
	}
}

// Validate reads. It must neither change the request nor keep a part of it.
func TestValidateChangesNothing(t *testing.T) {
	for name, text := range valid {
		body := []byte(text)
		members, _ := rawjson.Members(body)
		op := named(t, name)
		op.Validate(members)
		if string(body) != text {
			t.Errorf("%s: the body was changed", name)
		}
		again, _ := rawjson.Members([]byte(text))
		for i := range again {
			if string(again[i].Name) != string(members[i].Name) || string(again[i].Value) != string(members[i].Value) {
				t.Errorf("%s: a member was changed", name)
			}
		}
	}
}
