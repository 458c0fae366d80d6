package galaxypay

import (
	"slices"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

func TestSecretsInARequest(t *testing.T) {
	const card = "9704000000000018"
	for name, test := range map[string]struct {
		data string
		want []string
	}{
		"nothing":                   {`{"orderID":"o1","orderAmount":109000,"paid":true,"x":null}`, nil},
		"card data":                 {`{"cardNumber":"` + card + `","cardVerificationValue":100,"cvv":"781","token":"t"}`, []string{card, "100", "781", "t"}},
		"a masked card":             {`{"cardNumber":"970400******0018"}`, []string{"970400******0018"}},
		"in objects and arrays":     {`{"a":{"b":[{"tokens":["t",["u"]]}]}}`, []string{"t", "u"}},
		"a card of another name":    {`{"card_number":"` + card + `"}`, []string{card}},
		"as a number":               {`{"pan":` + card + `}`, []string{card}},
		"in groups":                 {`{"card":{"number":"9704 0000-0000 0018"}}`, []string{"9704 0000-0000 0018"}},
		"among others":              {`{"cards":["x","4111111111111111"]}`, []string{"4111111111111111"}},
		"of 15 digits":              {`{"number":"378282246310005"}`, []string{"378282246310005"}},
		"of 19 digits":              {`{"number":"6304000000000000000"}`, []string{"6304000000000000000"}},
		"digits that are no card":   {`{"orderID":"9704000000000019"}`, nil},
		"too short for a card":      {`{"orderDateTime":"00000000000"}`, nil},
		"too long for a card":       {`{"transactionID":"97040000000000180000"}`, nil},
		"a text with a card in it":  {`{"orderDescription":"o 9704000000000018"}`, nil},
		"JSON in a text":            {`{"extra":"{\"cardNumber\":\"` + card + `\",\"a\":{\"cvv\":\"781\"}}"}`, []string{card, "781"}},
		"JSON in a text in a text":  {`{"a":"{\"b\":\"{\\\"token\\\":\\\"t\\\"}\"}"}`, []string{"t"}},
		"a token that looks like {": {`{"token":"{"}`, []string{"{"}},
	} {
		t.Run(name, func(t *testing.T) {
			members, err := rawjson.Members([]byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := secretsIn(members); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What a reply repeats of a call's secrets is not kept, wherever it stands. A CVV of three digits takes nothing else with it.
func TestKeptReply(t *testing.T) {
	secrets := []string{"5506922400634930", "123", "tok-0123456789"}
	for name, test := range map[string]struct{ reply, kept string }{
		"nothing repeated":     {`{"responseCode":"123","responseMessage":"ok"}`, `{"responseCode":"123","responseMessage":"ok"}`},
		"message":              {`{"responseMessage":"bad CVV 123"}`, `{"responseMessage":"***"}`},
		"short, elsewhere":     {`{"responseMessage":"123","responseData":{"transactionID":"T-1234"}}`, `{"responseMessage":"***","responseData":{"transactionID":"T-1234"}}`},
		"card data":            {`{"responseData":{"cardVerificationValue":"123","x":1}}`, `{"responseData":{"cardVerificationValue":"***","x":1}}`},
		"number":               {`{"responseData":{"x":[5506922400634930,1]}}`, `{"responseData":{"x":["***",1]}}`},
		"with blanks":          {`{"responseData":{"x":"5506 9224 0063 4930"}}`, `{"responseData":{"x":"***"}}`},
		"data in a string":     {`{"responseData":"{\"a\":\"tok-0123456789\",\"b\":\"1\"}"}`, `{"responseData":"{\"a\":\"***\",\"b\":\"1\"}"}`},
		"as a name":            {`{"responseData":{"tok-0123456789":1,"b":2}}`, `{"responseData":{"b":2}}`},
		"in a repeated member": {`{"responseData":{"a":"tok-0123456789","a":1}}`, `"***"`},
	} {
		t.Run(name, func(t *testing.T) {
			if kept := string(withoutRepeated("", []byte(test.reply), secrets)); kept != test.kept {
				t.Errorf("kept %s, want %s", kept, test.kept)
			}
		})
	}
}
