package galaxypay

import (
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

func namesOf(ops []operation.Operation) string {
	var names []string
	for _, op := range ops {
		names = append(names, op.Name+"@"+op.Path)
	}
	return strings.Join(names, " ")
}

func mustRoutes(t *testing.T, paths map[string]string, allowed ...string) *routes {
	t.Helper()
	rt, err := newRoutes(paths, allowed)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func TestRoutes(t *testing.T) {
	rt := mustRoutes(t, nil)
	const pay = "/api/v1/transaction/pay"
	for path, want := range map[string]string{
		"/pay":                       "pay@" + pay,
		"/payWithCreateToken":        "payWithCreateToken@" + pay,
		"/payWithToken":              "payWithToken@" + pay,
		"/fastPay":                   "fastPay@" + pay,
		"/query":                     "query@/api/v1/transaction/query",
		"/queryTokens":               "queryTokens@/api/v1/tokenization/queryTokens",
		"/void":                      "void@/api/v1/transaction/void",
		pay:                          "pay@" + pay + " payWithCreateToken@" + pay + " payWithToken@" + pay + " fastPay@" + pay,
		"/api/v1/transaction/refund": "refund@/api/v1/transaction/refund",

		// What the catalogue does not know is still signed, under its own path.
		"/api/v1/new":                   "other@/api/v1/new",
		"/api/v1/transaction/new-one_2": "other@/api/v1/transaction/new-one_2",
		"/api/v1/a/b/c/d":               "other@/api/v1/a/b/c/d",
		// A gateway that does not care for case would take these for known operations,
		// so they are none, rather than a way around what is closed.
		"/api/v1/transaction/PAY":          "",
		"/api/v1/Transaction/Refund":       "",
		"/api/v1/tokenization/QUERYTOKENS": "",

		"":                                   "",
		"/":                                  "",
		"pay":                                "",
		"/Pay":                               "",
		"/pay/":                              "",
		"//pay":                              "",
		"/pays":                              "",
		"/other":                             "",
		"/api/v1":                            "",
		"/api/v1/":                           "",
		"/api/v1//pay":                       "",
		"/api/v1/transaction/pay/":           "",
		"/api/v2/transaction/pay":            "",
		"/API/v1/transaction/pay":            "",
		"/x/api/v1/transaction/pay":          "",
		"/api/v1/../admin":                   "",
		"/api/v1/./pay":                      "",
		"/api/v1/a.b":                        "",
		"/api/v1/a%2fb":                      "",
		"/api/v1/a b":                        "",
		"/api/v1/a?b":                        "",
		"/api/v1/a#b":                        "",
		"/api/v1/a;b":                        "",
		"/api/v1/a@b":                        "",
		"/api/v1/a\\b":                       "",
		"/api/v1/a\n":                        "",
		"/api/v1/a\nb":                       "",
		"/api/v1/a\r\nHost: x":               "",
		"/api/v1/thanh-toán":                 "",
		"/api/v1/a\x00":                      "",
		"https://gateway.example/api/v1/pay": "",
	} {
		if got := namesOf(rt.at(path)); got != want {
			t.Errorf("%q leads to %q, expected %q", path, got, want)
		}
	}
}

// Every operation is there under its short name and under its documented path.
func TestRoutesKnowTheCatalogue(t *testing.T) {
	rt := mustRoutes(t, nil)
	for _, op := range operation.All() {
		if got := namesOf(rt.at("/" + op.Name)); got != op.Name+"@"+op.Path {
			t.Errorf("/%s leads to %q", op.Name, got)
		}
		if !slices.ContainsFunc(rt.at(op.Path), func(o operation.Operation) bool { return o.Name == op.Name }) {
			t.Errorf("%s does not lead to %s", op.Path, op.Name)
		}
		if !rt.allows(op.Name) {
			t.Errorf("%s is closed", op.Name)
		}
	}
	if !rt.allows(operation.Other) {
		t.Error("other is closed")
	}
}

// An operator's own path is where the request goes, from each address that leads
// to the operation.
func TestRoutesWithOwnPaths(t *testing.T) {
	rt := mustRoutes(t, map[string]string{"void": "/api/v2/void", "fastPay": "/fast", "refund": "/api/v1/transaction/refund"})
	const pay = "/api/v1/transaction/pay"
	for path, want := range map[string]string{
		"/void":                      "void@/api/v2/void",
		"/api/v1/transaction/void":   "void@/api/v2/void",
		"/api/v2/void":               "void@/api/v2/void",
		"/api/v1/transaction/VOID":   "",
		"/fastPay":                   "fastPay@/fast",
		"/fast":                      "fastPay@/fast",
		pay:                          "pay@" + pay + " payWithCreateToken@" + pay + " payWithToken@" + pay + " fastPay@/fast",
		"/refund":                    "refund@/api/v1/transaction/refund",
		"/api/v1/transaction/refund": "refund@/api/v1/transaction/refund", // once
		"/api/v2/other":              "",
	} {
		if got := namesOf(rt.at(path)); got != want {
			t.Errorf("%q leads to %q, expected %q", path, got, want)
		}
	}
	if got := namesOf(mustRoutes(t, nil).at("/void")); got != "void@/api/v1/transaction/void" {
		t.Errorf("one configuration's path shows in another: %s", got)
	}
}

// Operations that the gateway distinguishes by a field may move together.
func TestRoutesMovedTogether(t *testing.T) {
	rt := mustRoutes(t, map[string]string{"pay": "/v2/pay", "fastPay": "/v2/pay"})
	if got := namesOf(rt.at("/v2/pay")); got != "fastPay@/v2/pay pay@/v2/pay" {
		t.Errorf("got %s", got)
	}
	rt = mustRoutes(t, map[string]string{"fastPay": "/pay"})
	if got := namesOf(rt.at("/pay")); got != "pay@/api/v1/transaction/pay fastPay@/pay" {
		t.Errorf("got %s", got)
	}
}

// What a request is at the gateway goes by its path and fields, not by the short
// name that the app used.
func TestRoutesClosest(t *testing.T) {
	rt := mustRoutes(t, nil)
	for name, test := range map[string]struct {
		path   string
		fields map[string]string
		want   string
	}{
		"nothing more":  {"/pay", nil, "pay"},
		"token":         {"/pay", map[string]string{"sourceOfFund": "TOKEN"}, "payWithToken"},
		"card":          {"/pay", map[string]string{"sourceOfFund": "CARD"}, "pay"},
		"fast by token": {"/fastPay", map[string]string{"apiOperation": "FAST_PAY", "sourceOfFund": "TOKEN"}, "fastPay"},
		"other":         {"/api/v1/new", nil, "other"},
		"other path":    {"/payWithQR", map[string]string{"sourceOfFund": "TOKEN"}, "payWithQR"},
		"none of them":  {"/pay", map[string]string{"apiOperation": "PAYOUT"}, "pay"},
	} {
		t.Run(name, func(t *testing.T) {
			value := func(field string) (string, bool) { text, ok := test.fields[field]; return text, ok }
			if got := rt.closest(&rt.at(test.path)[0], value).Name; got != test.want {
				t.Errorf("got %s, expected %s", got, test.want)
			}
		})
	}
}

func TestRoutesRestricted(t *testing.T) {
	rt := mustRoutes(t, nil, "query", "pay", "other")
	for _, name := range append(operation.Names(), operation.Other, "", "nonsense") {
		want := name == "query" || name == "pay" || name == "other"
		if rt.allows(name) != want {
			t.Errorf("%q is open: %t", name, !want)
		}
	}
	if got := rt.names(); got != "pay, query, other" {
		t.Errorf("open are %q", got)
	}
	if got := mustRoutes(t, nil, "void").names(); got != "void" {
		t.Errorf("open are %q", got)
	}
	all := "pay, payWithCreateToken, payWithToken, payWithOption, payWithQR, checkout, createPaymentLink, fastPay, " +
		"createToken, deleteToken, queryTokens, removeToken, query, refund, void, capture, other"
	for _, rt := range []*routes{mustRoutes(t, nil), mustRoutes(t, nil, []string{}...)} {
		if got := rt.names(); got != all {
			t.Errorf("open are %q", got)
		}
	}
}

func TestRoutesRefuse(t *testing.T) {
	for name, test := range map[string]struct {
		paths   map[string]string
		allowed []string
		want    string
	}{
		"path of an unknown operation": {map[string]string{"Void": "/x"}, nil, `path: unknown operation "Void"; known are pay, `},
		"path of other":                {map[string]string{"other": "/x"}, nil, `path: unknown operation "other"`},
		"path of nothing":              {map[string]string{"": "/x"}, nil, `path: unknown operation ""`},
		"relative path":                {map[string]string{"void": "x"}, nil, "path void: expected a plain absolute path"},
		"empty path":                   {map[string]string{"void": ""}, nil, "path void: expected a plain absolute path"},
		"address":                      {map[string]string{"void": "https://x.example/void"}, nil, "path void: expected a plain absolute path"},
		"path with a query":            {map[string]string{"void": "/x?a=b"}, nil, "path void: expected a plain absolute path"},
		"path with a fragment":         {map[string]string{"void": "/x#a"}, nil, "path void: expected a plain absolute path"},
		"path with an escape":          {map[string]string{"void": "/%2e%2e/x"}, nil, "path void: expected a plain absolute path"},
		"path with a blank":            {map[string]string{"void": "/x y"}, nil, "path void: expected a plain absolute path"},
		"path that climbs":             {map[string]string{"void": "/x/../y"}, nil, "path void: expected a plain absolute path"},
		"path of another operation":    {map[string]string{"void": "/api/v1/transaction/refund"}, nil, "path void: /api/v1/transaction/refund is the path of refund"},
		"short name of another":        {map[string]string{"capture": "/query"}, nil, "path capture: /query is the path of query"},
		"two at one new path":          {map[string]string{"capture": "/x", "void": "/x"}, nil, "path void: /x is the path of capture"},
		"unknown operation":            {nil, []string{"pay", "refunds"}, `operations: unknown operation "refunds"; known are pay, `},
		"operation in capitals":        {nil, []string{"PAY"}, `operations: unknown operation "PAY"`},
		"empty name":                   {nil, []string{""}, `operations: unknown operation ""`},
		"path as operation":            {nil, []string{"/pay"}, `operations: unknown operation "/pay"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newRoutes(test.paths, test.allowed)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, expected %q", err, test.want)
			}
		})
	}
}
