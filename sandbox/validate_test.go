package sandbox

import (
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// The catalogue's own tests cover its rules; these are that the sandbox keeps to them, in
// words that hold nothing of the value.
func TestRequestsAgainstTheCatalogue(t *testing.T) {
	pay := func(more string) string { return envelope("1", purchase(more)) }
	at := func(time string) string {
		return strings.Replace(pay(""), `"requestDateTime":"20260102030405"`, `"requestDateTime":`+time, 1)
	}
	for name, test := range map[string]struct{ body, want string }{
		"method":                {pay(`,"paymentMethod":"s3cret"`), "paymentMethod is not one of DOMESTIC, INTERNATIONAL, WALLET, HUB, QRPAY, BNPL"},
		"version":               {pay(`,"apiVersion":"s3cret"`), "apiVersion is not one of 1, 2"},
		"language":              {pay(`,"language":"fr"`), "language is not one of vi, en"},
		"source of fund":        {pay(`,"sourceOfFund":"s3cret"`), "sourceOfFund is not one of CARD, TOKEN"},
		"time of the order":     {pay(`,"orderDateTime":"20260230000000"`), "orderDateTime is not a date and time as yyyyMMddHHmmss"},
		"number as a flag":      {pay(`,"orderID":true`), "orderID is neither a string nor a number"},
		"sub-merchant":          {pay(`,"subMerchant":"s3cret"`), "subMerchant is not an object"},
		"inside of extraData":   {pay(`,"extraData":{"customer":{"gender":"s3cret"}}`), "extraData.customer.gender is longer than 1 characters"},
		"extraData as text":     {pay(`,"extraData":"s3cret"`), "extraData is not an object"},
		"first of two":          {pay(`,"ipnURL":"s3cret","language":"s3cret"`), "ipnURL is not an http or https URL"},
		"app's scheme for IPNs": {pay(`,"ipnURL":"shopapp://ipn"`), "ipnURL is not an http or https URL"},
		"digits of an amount":   {pay(`,"orderAmount":"12345678901234567"`), "orderAmount is longer than 16 characters"},

		// What only the sandbox minds.
		"huge amount":          {pay(`,"orderAmount":"1e999999999"`), "orderAmount " + notAmount},
		"letter of accents":    {pay(`,"orderDescription":"a` + strings.Repeat("\u0301", 4<<10) + `"`), "orderDescription is longer than 4096 bytes"},
		"script with a host":   {pay(`,"successURL":"javascript://shop.example/%0aalert(1)"`), "successURL is not an absolute address"},
		"script in capitals":   {pay(`,"cancelURL":"JavaScript://shop.example/%0aalert(1)"`), "cancelURL is not an absolute address"},
		"file of this machine": {pay(`,"failureURL":"file:///etc/passwd"`), "failureURL is not an absolute address"},

		"no time":                 {at(`"20260230000000"`), "requestDateTime is not a date and time as yyyyMMddHHmmss"},
		"time with letters":       {at(`"2026010203040x"`), "requestDateTime is not a date and time as yyyyMMddHHmmss"},
		"time null":               {at(`null`), "requestDateTime is missing"},
		"field twice":             {strings.Replace(pay(""), `"orderID"`, `"orderAmount":1,"orderID"`, 1), "the body has a field twice"},
		"requestData twice":       {strings.Replace(pay(""), `{`, `{"requestData":{},`, 1), "the body has a field twice"},
		"twice, spelled with \\u": {strings.Replace(pay(""), `"orderID"`, `"order\u0041mount":1,"orderID"`, 1), "the body has a field twice"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask("/api/v1/transaction/pay", test.body)
			if answer.ResponseCode != "400" || answer.ResponseMessage != test.want {
				t.Errorf("answer %+v, want 400 %s", answer, test.want)
			}
		})
	}
}

// Where the documents contradict each other the sandbox takes both readings.
func TestDisputedRequestsAreTaken(t *testing.T) {
	for name, more := range map[string]string{
		"no language":           `,"language":null`,
		"wallet of no list":     `,"paymentMethod":"WALLET","sourceType":"SHOPEEPAY"`,
		"bank by its number":    `,"sourceType":"970437"`,
		"currency of no list":   `,"orderCurrency":"EUR"`,
		"domestic, without CVV": `,"sourceOfFund":"CARD","cardNumber":"9704000000000018","cardHolderName":"NGUYEN VAN A","cardExpireDate":"03/07"`,
		"unknown fields":        `,"isUseOtp":false,"pendingURL":1`,
		"time as a number":      `,"orderDateTime":20260102030405`,
		"app's own scheme":      `,"successURL":"shopapp://paid","cancelURL":"shopapp:/cancelled"`,
	} {
		t.Run(name, func(t *testing.T) { serve(t, new(Handler)).pay(more) })
	}
}

// An app on the customer's phone gets its result like a web site.
func TestRedirectToAnApp(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay(`,"successURL":"shopapp://paid/1?x=y"`)
	returned, address := g.returned(g.press(page, "success"))
	if address.Scheme != "shopapp" || address.Host != "paid" || address.Query().Get("x") != "y" || returned.ResponseCode != "200" {
		t.Errorf("redirected to %s with %+v", address, returned)
	}
	if text, _ := g.open(page, nil); !strings.Contains(text, `href="shopapp://paid/1?x=y&amp;data=`) {
		t.Errorf("page %s", text)
	}
}

// The samples of the catalogue are those of the documents.
func TestDocumentedSamples(t *testing.T) {
	stateful := map[string]string{ // they name what another request has made
		"payWithToken": "token is unknown or no longer valid", "fastPay": "token is unknown or no longer valid",
		"deleteToken": "token is unknown or no longer valid", "removeToken": "token is unknown or no longer valid",
		"query": "transactionID is unknown", "refund": "transactionID is unknown",
		"void": "transactionID is unknown", "capture": "transactionID is unknown",
	}
	g := serve(t, new(Handler))
	for _, op := range operation.All() {
		data := string(op.Example)
		for _, f := range op.Fixed() {
			data = override(data, `,"`+f.Name+`":"`+f.Fixed+`"`)
		}
		answer := g.ask(op.Path, envelope(op.Name, data))
		if want := stateful[op.Name]; want != "" && answer.ResponseMessage != want || want == "" && answer.ResponseCode != "200" {
			t.Errorf("%s: %s %s", op.Name, answer.ResponseCode, answer.ResponseMessage)
		}
	}
}
