package caddytest

import (
	"slices"
	"strings"
	"testing"
)

// A default is added where the app left the field out, and only to operations whose documents
// list the field. A member that is null or "" counts as left out: the default takes its place.
func TestCallDefaults(t *testing.T) {
	t.Setenv("TEST_SHOP", `https://shop.example/"quoted"`)
	s := newSidecar(t, "validate off",
		"defaults {",
		"ipnURL {env.TEST_SHOP}",
		"language vi",
		"sourceOfFund CARD",
		"}")
	const ipn = `"ipnURL":"https://shop.example/\"quoted\""`
	for name, test := range map[string]struct{ path, body, want string }{
		"all absent":                             {"/payWithOption", `{}`, `{` + ipn + `,"language":"vi"}`},
		"given":                                  {"/payWithOption", `{"ipnURL":"x","language":"fr"}`, `{"ipnURL":"x","language":"fr"}`},
		"given as another kind":                  {"/payWithOption", `{"ipnURL":false,"language":[]}`, `{"ipnURL":false,"language":[]}`},
		"null":                                   {"/payWithOption", `{"ipnURL":null,"a":1}`, `{` + ipn + `,"a":1,"language":"vi"}`},
		"empty":                                  {"/payWithOption", `{"a":1,"language":""}`, `{"a":1,"language":"vi",` + ipn + `}`},
		"null and empty, between others":         {"/payWithOption", "{\"a\":null, \"language\" :\t\"\" ,\"b\":\"\",\"ipnURL\":\nnull\n, \"c\":0.0}", "{\"a\":null, \"language\" :\t\"vi\" ,\"b\":\"\"," + `"ipnURL":` + "\n" + ipn[len(`"ipnURL":`):] + "\n, \"c\":0.0}"},
		"a blank is a text":                      {"/payWithOption", `{"ipnURL":" ","language":"\t"}`, `{"ipnURL":" ","language":"\t"}`},
		"given, escaped":                         {"/payWithOption", `{"ipn\u0055RL":1}`, `{"ipn\u0055RL":1,"language":"vi"}`},
		"null, escaped":                          {"/payWithOption", `{"ipn\u0055RL":null}`, `{"ipn\u0055RL"` + ipn[len(`"ipnURL"`):] + `,"language":"vi"}`},
		"given deeper":                           {"/payWithOption", `{"a":{"ipnURL":1}}`, `{"a":{"ipnURL":1},` + ipn + `,"language":"vi"}`},
		"null deeper":                            {"/payWithOption", `{"extraData":{"ipnURL":null,"language":""},"b":[{"ipnURL":null}]}`, `{"extraData":{"ipnURL":null,"language":""},"b":[{"ipnURL":null}],` + ipn + `,"language":"vi"}`},
		"null of a field without a default":      {"/payWithOption", `{"successURL":null,"orderNumber":"","language":"vi"}`, `{"successURL":null,"orderNumber":"","language":"vi",` + ipn + `}`},
		"fixed wins":                             {"/payWithToken", `{}`, `{"apiOperation":"PAY","sourceOfFund":"TOKEN",` + ipn + `,"language":"vi"}`},
		"fixed wins over null":                   {"/payWithToken", `{"sourceOfFund":null,"apiOperation":""}`, `{"sourceOfFund":"TOKEN","apiOperation":"PAY",` + ipn + `,"language":"vi"}`},
		"query takes none":                       {"/query", `{"transactionID":"1","ipnURL":null}`, `{"transactionID":"1","ipnURL":null}`},
		"refund takes none":                      {"/refund", `{}`, `{}`},
		"checkout has no ipnURL, but a language": {"/checkout", `{"ipnURL":null}`, `{"ipnURL":null,"language":"vi"}`},
		"other takes none":                       {"/api/v1/transaction/new", `{"ipnURL":null}`, `{"ipnURL":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, test.path, test.body).wantOK(t, paid)
			if got := s.gateway.last(t).requestData(t); got != test.want {
				t.Errorf("requestData\n%s, want\n%s", got, test.want)
			}
		})
	}
	t.Run("an envelope of the app's own", func(t *testing.T) {
		const own = `{"requestID":"null-1","requestDateTime":"20260615190000","requestData":{"ipnURL":null,"language":""}}`
		s.call(t, "/payWithOption", own).wantOK(t, paid)
		if got := s.gateway.last(t).body; got != own {
			t.Errorf("sent %s", got)
		}
	})
}

// Blanks around the object are not part of it. Fields are added inside its closing brace.
func TestCallDefaultsAreAppended(t *testing.T) {
	s := newSidecar(t, "validate off")
	for name, test := range map[string]struct{ body, want string }{
		"empty object":       {"{}", `{"apiOperation":"PAY"}`},
		"empty with a blank": {"{ }", `{ "apiOperation":"PAY"}`},
		"blanks around":      {" \t\r\n{\"a\":1}\r\n ", `{"a":1,"apiOperation":"PAY"}`},
		"line end inside":    {"{\"a\":1\n}", "{\"a\":1\n,\"apiOperation\":\"PAY\"}"},
		"given":              {`{"apiOperation":"PAY"}`, `{"apiOperation":"PAY"}`},
		"given, escaped":     {`{"api\u004fperation":"P\u0041Y"}`, `{"api\u004fperation":"P\u0041Y"}`},
		"given deeper only":  {`{"a":{"apiOperation":"X"}}`, `{"a":{"apiOperation":"X"},"apiOperation":"PAY"}`},
		"null":               {`{"a":1, "apiOperation" : null}`, `{"a":1, "apiOperation" : "PAY"}`},
		"empty":              {`{"apiOperation":"","a":null}`, `{"apiOperation":"PAY","a":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, "/pay", test.body).wantOK(t, paid)
			if got := s.gateway.last(t).requestData(t); got != test.want {
				t.Errorf("requestData %q, want %q", got, test.want)
			}
		})
	}
}

// A field that the operator's defaults supply is not missing, and it is validated like the rest.
func TestCallDefaultsAreValidated(t *testing.T) {
	withoutCurrency := strings.Replace(payment, `"orderCurrency":"USD",`, "", 1)
	newSidecar(t, "defaults {", "orderCurrency USD", "}").call(t, "/pay", withoutCurrency).wantOK(t, paid)

	newSidecar(t, "defaults {", "orderCurrency USD", "}").call(t, "/pay", strings.Replace(payment, `"orderCurrency":"USD"`, `"orderCurrency":null`, 1)).wantOK(t, paid)

	a, _ := newSidecar(t, "defaults {", "language fr", "}").wantNotSent(t, "/pay", payment)
	if got := a.problem(t).fieldCodes(t); !slices.Equal(got, []string{"language:value"}) {
		t.Errorf("faults %q", got)
	}
}

// A required field that is null or "" is missing, unless a default takes its place.
func TestCallNullOfRequiredFields(t *testing.T) {
	s := newSidecar(t, "defaults {", "language vi", "}")
	for _, empty := range []string{"null", `""`} {
		a, _ := s.wantNotSent(t, "/pay", strings.NewReplacer("12.50", "12", `"orderCurrency":"USD"`, `"orderCurrency":`+empty).Replace(payment))
		if got := a.problem(t).fieldCodes(t); !slices.Equal(got, []string{"orderCurrency:required"}) {
			t.Errorf("%s: faults %q", empty, got)
		}
	}
}
