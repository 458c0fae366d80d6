package caddytest

import (
	"slices"
	"strings"
	"testing"
)

// A default is added where the app left the field out, and only to operations whose documents
// list the field.
func TestCallDefaults(t *testing.T) {
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
	withoutCurrency := strings.Replace(payment, `"orderCurrency":"VND",`, "", 1)
	newSidecar(t, "defaults {", "orderCurrency VND", "}").call(t, "/pay", withoutCurrency).wantOK(t, paid)

	a, _ := newSidecar(t, "defaults {", "ipnURL shop", "}").wantNotSent(t, "/pay", payment)
	if got := a.problem(t).fieldCodes(t); !slices.Equal(got, []string{"ipnURL:url"}) {
		t.Errorf("faults %q", got)
	}
}
