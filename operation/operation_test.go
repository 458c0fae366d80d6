package operation

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The short names are paths of the sidecar and options of its configuration, so
// the list is a promise to users.
var promised = strings.Fields(`pay payWithCreateToken payWithToken payWithOption payWithQR checkout createPaymentLink fastPay
	createToken deleteToken queryTokens removeToken query refund void capture`)

func named(t *testing.T, name string) Operation {
	t.Helper()
	for _, op := range All() {
		if op.Name == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return Operation{}
}

func TestNames(t *testing.T) {
	if !slices.Equal(Names(), promised) {
		t.Errorf("operations are %v", Names())
	}
	if slices.Contains(Names(), Other) {
		t.Errorf("%s is in the catalogue; it stands for what is not", Other)
	}
	for _, name := range []string{Query, FastPay} {
		if !slices.Contains(Names(), name) {
			t.Errorf("%s is treated in a way of its own, but is not in the catalogue", name)
		}
	}
}

// Field names and fixed values are written into messages as they are, so nothing in
// them may need an escape.
func TestCatalogue(t *testing.T) {
	var (
		name  = regexp.MustCompile(`^[a-z][A-Za-z]*$`)
		path  = regexp.MustCompile(`^/api/v1/(transaction|tokenization)/[a-z][A-Za-z]*$`)
		value = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
	)
	seen := make(map[string]bool)
	for _, op := range All() {
		if !name.MatchString(op.Name) || seen[op.Name] {
			t.Errorf("name %q", op.Name)
		}
		seen[op.Name] = true
		if !path.MatchString(op.Path) {
			t.Errorf("%s: path %q", op.Name, op.Path)
		}
		for i, f := range op.Fields {
			if !name.MatchString(f) || slices.Contains(op.Fields[:i], f) {
				t.Errorf("%s: field %q", op.Name, f)
			}
		}
		for _, f := range op.Fixed {
			if !slices.Contains(op.Fields, f.Field) {
				t.Errorf("%s: %s is fixed, but no field", op.Name, f.Field)
			}
			if !value.MatchString(f.Value) {
				t.Errorf("%s: %s is fixed as %q", op.Name, f.Field, f.Value)
			}
		}
	}

	// A slip in a key of the data file would leave its field empty, silently.
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var ops []Operation
	if err := decoder.Decode(&ops); err != nil {
		t.Error(err)
	}
}

// Only what reads may be sent twice. A payment in this list would be paid twice.
func TestRepeatable(t *testing.T) {
	for _, op := range All() {
		want := op.Name == "query" || op.Name == "queryTokens"
		if op.Repeatable != want {
			t.Errorf("%s is repeatable: %t", op.Name, op.Repeatable)
		}
	}
}

// Operations that share a path can be told apart by their fixed fields alone.
func TestOperationsOfOnePathDiffer(t *testing.T) {
	for i, one := range All() {
		for _, other := range All()[:i] {
			if one.Path == other.Path && slices.Equal(one.Fixed, other.Fixed) {
				t.Errorf("%s and %s are the same", one.Name, other.Name)
			}
		}
	}
	for name, path := range map[string]string{
		"pay": "/api/v1/transaction/pay", "payWithCreateToken": "/api/v1/transaction/pay",
		"payWithToken": "/api/v1/transaction/pay", "fastPay": "/api/v1/transaction/pay",
		"query": "/api/v1/transaction/query", "refund": "/api/v1/transaction/refund",
		"createPaymentLink": "/api/v1/transaction/createPaymentLink", "removeToken": "/api/v1/tokenization/removeToken",
	} {
		if got := named(t, name).Path; got != path {
			t.Errorf("%s is at %s", name, got)
		}
	}
}

func TestCallersCannotChangeTheCatalogue(t *testing.T) {
	All()[0] = Operation{Name: "changed"}
	Names()[0] = "changed"
	if All()[0].Name != "pay" || Names()[0] != "pay" {
		t.Error("the catalogue was changed from outside")
	}
	op := &All()[0]
	op.Path = "/changed"
	if named(t, "pay").Path == "/changed" {
		t.Error("the catalogue was changed through a pointer")
	}
}

func TestTakes(t *testing.T) {
	for field, test := range map[string]struct {
		by   []string
		want bool
	}{
		"ipnURL":        {[]string{"pay", "payWithQR", "fastPay", "createPaymentLink"}, true},
		"transactionID": {[]string{"query", "refund"}, true},
		"customerToken": {[]string{"queryTokens", "checkout"}, true},
		"token":         {[]string{"deleteToken", "removeToken", "payWithToken"}, true},
		// Listed elsewhere: the documents speak against it here.
		"successURL": {[]string{"query", "refund", "queryTokens", "createToken", "createPaymentLink", "void", Other}, false},
		"cardNumber": {[]string{"query", "payWithOption", "payWithToken", Other}, false},
		// Listed nowhere: nothing speaks against it.
		"pendingURL": {append(Names(), Other), true},
		"":           {append(Names(), Other), true},
		"IPNURL":     {append(Names(), Other), true},
	} {
		for _, name := range test.by {
			op := Operation{Name: Other}
			if name != Other {
				op = named(t, name)
			}
			if got := op.Takes(field); got != test.want {
				t.Errorf("%s takes %q: %t", name, field, got)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	at := func(path string) []Operation {
		return slices.DeleteFunc(All(), func(op Operation) bool { return op.Path != path })
	}
	paying := at("/api/v1/transaction/pay")
	one := func(name string) []Operation { return []Operation{named(t, name)} }
	type fields map[string]string
	for name, test := range map[string]struct {
		ops  []Operation
		sent fields
		want string // "" for none
	}{
		"nothing said":                 {paying, fields{}, "pay"},
		"pay":                          {paying, fields{"apiOperation": "PAY"}, "pay"},
		"pay, with a card":             {paying, fields{"apiOperation": "PAY", "sourceOfFund": "CARD"}, "pay"},
		"pay, with a token":            {paying, fields{"apiOperation": "PAY", "sourceOfFund": "TOKEN"}, "payWithToken"},
		"a token":                      {paying, fields{"sourceOfFund": "TOKEN"}, "payWithToken"},
		"a card":                       {paying, fields{"sourceOfFund": "CARD"}, "pay"},
		"create a token":               {paying, fields{"apiOperation": "PAY_WITH_CREATE_TOKEN"}, "payWithCreateToken"},
		"create a token from a token":  {paying, fields{"apiOperation": "PAY_WITH_CREATE_TOKEN", "sourceOfFund": "TOKEN"}, "payWithCreateToken"},
		"fast pay":                     {paying, fields{"apiOperation": "FAST_PAY"}, "fastPay"},
		"fast pay, with a card":        {paying, fields{"apiOperation": "FAST_PAY", "sourceOfFund": "CARD"}, "fastPay"},
		"unknown operation":            {paying, fields{"apiOperation": "PAYOUT"}, ""},
		"lower case":                   {paying, fields{"apiOperation": "pay"}, ""},
		"empty operation":              {paying, fields{"apiOperation": ""}, ""},
		"unknown operation, a token":   {paying, fields{"apiOperation": "PAYOUT", "sourceOfFund": "TOKEN"}, ""},
		"short name, nothing said":     {one("payWithToken"), fields{}, "payWithToken"},
		"short name, agreed":           {one("fastPay"), fields{"apiOperation": "FAST_PAY"}, "fastPay"},
		"short name, contradicted":     {one("pay"), fields{"apiOperation": "FAST_PAY"}, ""},
		"short name, half agreed":      {one("payWithToken"), fields{"apiOperation": "PAY", "sourceOfFund": "CARD"}, ""},
		"nothing fixed":                {one("query"), fields{"apiOperation": "PAY"}, "query"},
		"another path, contradicted":   {one("payWithQR"), fields{"apiOperation": "FAST_PAY"}, ""},
		"no operations, nothing found": {nil, fields{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Match(test.ops, func(field string) (string, bool) {
				text, ok := test.sent[field]
				return text, ok
			})
			switch {
			case got == nil && test.want != "":
				t.Errorf("matches nothing, expected %s", test.want)
			case got != nil && got.Name != test.want:
				t.Errorf("matches %s, expected %q", got.Name, test.want)
			}
		})
	}
}

func TestLoadingABrokenCatalogue(t *testing.T) {
	defer func() {
		text, ok := recover().(string)
		if !ok || !strings.HasPrefix(text, "operation: reading the embedded catalogue: ") {
			t.Errorf("panicked with %q", text)
		}
	}()
	mustLoad([]byte(`[{"name":1}]`))
	t.Error("a broken catalogue was loaded")
}
