package ledger

import (
	"regexp"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// fingerprint is that of a pay with requestData.
func fingerprint(t *testing.T, data string) string {
	t.Helper()
	return fingerprintOf(t, &operation.Operation{Name: "pay"}, data)
}

func fingerprintOf(t *testing.T, op *operation.Operation, data string) string {
	t.Helper()
	members, err := rawjson.Members([]byte(data))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return Fingerprint(op, members)
}

const order = `{"orderID":"o1","orderAmount":"100000","orderCurrency":"VND","isAutoCapture":false,"paymentMethod":"DOMESTIC"}`

func TestFingerprintIsAHash(t *testing.T) {
	if f := fingerprint(t, order); !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(f) {
		t.Errorf("%q", f)
	}
}

func TestFingerprintSame(t *testing.T) {
	for _, test := range []struct{ name, one, other string }{
		{"the order of members", order, `{"paymentMethod":"DOMESTIC","isAutoCapture":false,"orderCurrency":"VND","orderAmount":"100000","orderID":"o1"}`},
		{"white space", order, `{ "orderID" : "o1",	"orderAmount":"100000",` + "\n" + `"orderCurrency":"VND","isAutoCapture": false ,"paymentMethod":"DOMESTIC"}`},
		{"a number and a text", `{"orderAmount":100000,"orderID":7}`, `{"orderAmount":"100000","orderID":"7"}`},
		{"a flag and a text", `{"isAutoCapture":false}`, `{"isAutoCapture":"false"}`},
		{"an amount by value", `{"orderAmount":100000}`, `{"orderAmount":"100000.00"}`},
		{"an amount with an exponent", `{"orderAmount":100000}`, `{"orderAmount":1E+5}`},
		{"every amount by value", `{"orderAmount":1,"feeAmount":2.50}`, `{"orderAmount":1.0,"feeAmount":"2.5"}`},
		{"escapes", `{"orderID":"o1"}`, `{"\u006frderID":"\u006f1"}`},
		{"null", order, `{"sourceType":null,` + order[1:]},
		{"an empty text", order, `{"sourceOfFund":"",` + order[1:]},
		{"an amount of null", `{"orderID":"o1"}`, `{"orderID":"o1","orderAmount":null}`},
		{"the order within subMerchant", `{"subMerchant":{"identifier":"a","city":"Hue"}}`, `{"subMerchant": {"city": "Hue", "identifier": "a"}}`},
		{"null within subMerchant", `{"subMerchant":{"identifier":"a"}}`, `{"subMerchant":{"identifier":"a","city":null,"x":""}}`},
		{"a number within subMerchant", `{"subMerchant":{"identifier":7}}`, `{"subMerchant":{"identifier":"7"}}`},
		{"an amount within subMerchant", `{"subMerchant":{"feeAmount":7}}`, `{"subMerchant":{"feeAmount":"7.0"}}`},
		{"an array in other white space", `{"subMerchant":[{"a":1,"b":[]}]}`, `{"subMerchant":[ {"b":[ ], "a":"1"} ]}`},

		{"a card", order, `{"cardNumber":"9704000000000018","cardHolderName":"A","cardExpireDate":"0307","cardIssueDate":"0307","cvv":"123",` + order[1:]},
		{"a token", order, `{"token":"abc","tokenization":{"token":"abc"},` + order[1:]},
		{"a date-time", order, `{"orderDateTime":"20261130090000",` + order[1:]},
		{"a text", order, `{"orderDescription":"another one","extraData":{"a":1},"language":"vi",` + order[1:]},
		{"addresses", order, `{"ipnURL":"https://a.example","successURL":"https://a.example","failureURL":"x","cancelURL":"y",` + order[1:]},
		{"the customer", order, `{"customer":{"email":"a@b.example"},"payerIP":"1.2.3.4",` + order[1:]},
		{"what has the name in another place", order, `{"extraData":{"orderID":"o2","orderAmount":5},` + order[1:]},
		{"a name in other letter case", order, `{"orderid":"o2",` + order[1:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			if fingerprint(t, test.one) != fingerprint(t, test.other) {
				t.Errorf("%s and %s differ", test.one, test.other)
			}
		})
	}
}

func TestFingerprintDiffers(t *testing.T) {
	tests := []struct{ name, one, other string }{
		{"left out", order, `{}`},
		{"an amount by value", `{"orderAmount":"100000"}`, `{"orderAmount":"100000.01"}`},
		{"an amount with a separator", `{"orderAmount":"100000"}`, `{"orderAmount":"100,000"}`},
		{"an amount with another sign", `{"orderAmount":"5"}`, `{"orderAmount":"-5"}`},
		{"another amount", `{"orderAmount":"1"}`, `{"feeAmount":"1"}`},
		{"an amount of another kind", `{"orderAmount":"1","feeAmount":"2"}`, `{"orderAmount":"2","feeAmount":"1"}`},
		{"an order in other letter case", `{"orderID":"a"}`, `{"orderID":"A"}`},
		{"an order with a space", `{"orderID":"a"}`, `{"orderID":"a "}`},
		{"an order that only looks like the same number", `{"orderID":"1"}`, `{"orderID":"1.0"}`},
		{"a flag", `{"isAutoCapture":true}`, `{"isAutoCapture":false}`},
		{"a flag left out", `{"isAutoCapture":false}`, `{}`},
		{"within subMerchant", `{"subMerchant":{"identifier":"a"}}`, `{"subMerchant":{"identifier":"b"}}`},
		{"subMerchant and its text", `{"subMerchant":{"identifier":"a"}}`, `{"subMerchant":"{\"identifier\":\"a\"}"}`},
		{"subMerchant and its canonical text", `{"subMerchant":{"a":"b"}}`, `{"subMerchant":"{\"a\":\"b\",}"}`},
		{"the order of an array", `{"subMerchant":["a","b"]}`, `{"subMerchant":["b","a"]}`},
		{"an array in one text", `{"subMerchant":["a","b"]}`, `{"subMerchant":["a,b"]}`},
		{"values that run into each other", `{"orderID":"a\u0000paymentMethod\u0000b"}`, `{"orderID":"a","paymentMethod":"b"}`},
		{"values that run into each other, nested", `{"subMerchant":{"a":"b\u0001c\u0001d"}}`, `{"subMerchant":{"a":"b","c":"d"}}`},
		{"quotation marks", `{"orderID":"a\",\"paymentMethod\":\"b"}`, `{"orderID":"a","paymentMethod":"b"}`},
	}
	for _, name := range comparedFields {
		tests = append(tests, struct{ name, one, other string }{name, `{"` + name + `":"a"}`, `{"` + name + `":"b"}`})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if fingerprint(t, test.one) == fingerprint(t, test.other) {
				t.Errorf("%s and %s are the same", test.one, test.other)
			}
		})
	}
}

func TestFingerprintOfOperations(t *testing.T) {
	other := func(path string) *operation.Operation { return &operation.Operation{Name: operation.Other, Path: path} }
	if fingerprintOf(t, &operation.Operation{Name: "pay"}, order) == fingerprintOf(t, &operation.Operation{Name: "fastPay"}, order) {
		t.Error("two operations are the same")
	}
	if fingerprintOf(t, other("/api/v1/a"), order) == fingerprintOf(t, other("/api/v1/b"), order) {
		t.Error("two paths that are not in the catalogue are the same")
	}
	moved := &operation.Operation{Name: "void", Path: "/api/v1/transaction/cancel"}
	if fingerprintOf(t, moved, order) != fingerprintOf(t, &operation.Operation{Name: "void", Path: "/api/v1/transaction/void"}, order) {
		t.Error("an operation at another path is another one")
	}
}

// Every member of the catalogue but those compared, and the amounts, changes nothing: above all no card, and no token.
func TestFingerprintIgnoresTheRest(t *testing.T) {
	compares := make(map[string]bool)
	for _, name := range comparedFields {
		compares[name] = true
	}
	without := fingerprint(t, order)
	n := 0
	for _, op := range operation.All() {
		for _, f := range op.Request {
			name := f.BaseName()
			if compares[name] || isAmount([]byte(name)) {
				continue
			}
			n++
			if fingerprint(t, `{"`+name+`":"x",`+order[1:]) != without {
				t.Errorf("%s changes the fingerprint", name)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d members", n)
	}
}

func TestAmounts(t *testing.T) {
	for _, test := range []struct {
		one, other string
		want       bool
	}{
		{"100000", "100000", true},
		{"100000", "100000.00", true},
		{"100000", "100000.", true},
		{"0100", "100", true},
		{"0", "0.00", true},
		{"1e3", "1000", true},
		{"1.5E+2", "150", true},
		{"15e-1", "1.5", true},
		{"100000", "10000", false},
		{"0.1", "0.10000000000000001", false},
		{"", "", false},
		{"a", "a", false},
		{"1,000", "1,000", false},
		{"1_000", "1000", false},
		{"0x10", "16", false},
		{"010", "8", false},
		{"1/2", "0.5", false},
		{" 1", "1", false},
		{"+1", "1", false},
		{".", ".", false},
		{".5", "0.5", false},
		{"1e999", "1e999", false},
		{"Inf", "Inf", false},
		{"NaN", "NaN", false},
		{"１", "1", false},
	} {
		if got := SameAmount(test.one, test.other); got != test.want {
			t.Errorf("%q and %q: %v, want %v", test.one, test.other, got, test.want)
		}
	}
}
