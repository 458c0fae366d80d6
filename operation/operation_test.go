package operation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
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
		t.Errorf("%s is in the catalogue; it is the name for what is not", Other)
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
		for _, f := range op.Request {
			if !name.MatchString(f.Name) {
				t.Errorf("%s: field %q", op.Name, f.Name)
			}
		}
		for _, f := range op.Fixed() {
			if !value.MatchString(f.Fixed) {
				t.Errorf("%s: %s is fixed as %q", op.Name, f.Name, f.Fixed)
			}
		}
	}
}

// strictly decodes JSON whose every key must have a place to go to.
func strictly(t *testing.T, data []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// A slip in a key of a data file would leave its field empty, silently.
func TestDataFilesHaveNoUnknownKeys(t *testing.T) {
	var fields map[string]struct {
		Field
		Name string `json:"field"` // the key is the name
	}
	strictly(t, fieldsData, &fields)
	for name, f := range fields {
		if f.Name != "" {
			t.Errorf("%s is named a second time", name)
		}
	}
	var ops []struct {
		Operation
		Request  []Field `json:"request"`
		Response []Field `json:"response"`
	}
	strictly(t, operationsData, &ops)
	var lists map[string]struct {
		List
		Name string `json:"-"`
	}
	strictly(t, listsData, &lists)
	if len(ops) != len(all) || len(lists) != len(Lists()) {
		t.Errorf("%d operations and %d lists", len(ops), len(lists))
	}

	// A name given twice would win over the one before it, silently too.
	for file, data := range map[string][]byte{"fields": fieldsData, "lists": listsData, "operations": slices.Concat([]byte(`{"x":`), operationsData, []byte(`}`))} {
		if _, err := rawjson.Members(data); err != nil {
			t.Errorf("%s: %s at byte %d", file, err.Fault, err.Offset)
		}
	}
}

var allKinds = []Kind{KindText, KindCurrency, KindAmount, KindInteger, KindTime, KindFlag, KindURL, KindLink, KindObject, KindArray}

// everyField calls visit with every field of the catalogue, those inside of others too.
func everyField(visit func(where string, f *Field)) {
	var walk func(where string, fields []Field)
	walk = func(where string, fields []Field) {
		for i := range fields {
			visit(where+" "+fields[i].Name, &fields[i])
			walk(where, fields[i].Fields)
		}
	}
	for _, op := range All() {
		walk(op.Name+" request", op.Request)
		walk(op.Name+" response", op.Response)
	}
}

func TestFieldsAreSane(t *testing.T) {
	used := make(map[string]bool)
	everyField(func(where string, f *Field) {
		used[f.Name] = true
		if !slices.Contains(allKinds, f.Kind) {
			t.Errorf("%s: kind %q", where, f.Kind)
		}
		if f.Max < 0 || f.Max > 500 {
			t.Errorf("%s: at most %d characters", where, f.Max)
		}
		if isShort := f.Max < 10; f.Form.En != "" && (f.Max == 0 || f.Form.Vi == "" || !isShort && !strings.Contains(f.Form.En, strconv.Itoa(f.Max))) {
			t.Errorf("%s: the form %q says nothing of its length", where, f.Form)
		}
		if f.Required && f.When != nil {
			t.Errorf("%s is mandatory and conditional", where)
		}
		if f.Values != nil && (len(f.Values) == 0 || f.Fixed != "") {
			t.Errorf("%s takes one of %q, fixed as %q", where, f.Values, f.Fixed)
		}
		if f.Kind != KindObject && f.Kind != KindArray && len(f.Fields) > 0 {
			t.Errorf("%s is of kind %s and has fields inside", where, f.Kind)
		}
		for i, v := range f.Values {
			if v == "" || f.Max > 0 && utf8.RuneCountInString(v) > f.Max || slices.Contains(f.Values[:i], v) {
				t.Errorf("%s takes %q", where, v)
			}
		}
		if f.Max > 0 && len(f.Fixed) > f.Max {
			t.Errorf("%s: %s is too long for itself", where, f.Fixed)
		}
		for _, name := range f.Lists {
			if len(lists[name].Codes) == 0 {
				t.Errorf("%s: no list %s", where, name)
			}
		}
	})
	var known map[string]json.RawMessage
	if err := json.Unmarshal(fieldsData, &known); err != nil {
		t.Fatal(err)
	}
	for name := range known {
		if !used[name] {
			t.Errorf("%s is described, and nothing has it", name)
		}
	}
}

func TestConditionsAreSane(t *testing.T) {
	for _, op := range All() {
		has := func(name string) *Field {
			i := slices.IndexFunc(op.Request, func(f Field) bool { return f.Name == name })
			if i < 0 {
				t.Errorf("%s: a condition names %q", op.Name, name)
				return new(Field)
			}
			return &op.Request[i]
		}
		for _, f := range op.Request {
			for c := f.When; c != nil; c = c.And {
				ways := 0
				for _, list := range [][]string{c.In, c.NotIn, c.Without} {
					if len(list) > 0 {
						ways++
					}
				}
				if ways != 1 || (c.Field == "") != (c.Without != nil) {
					t.Errorf("%s: %s has the condition %+v", op.Name, f.Name, *c)
				}
				if c.Field != "" {
					decides := has(c.Field)
					for _, value := range slices.Concat(c.In, c.NotIn) {
						if !slices.Contains(decides.Values, value) && decides.Fixed != value {
							t.Errorf("%s: %s depends on %s being %s, which it cannot be", op.Name, f.Name, decides.Name, value)
						}
					}
				}
				for _, name := range c.Without {
					if name == f.Name || has(name).Required {
						t.Errorf("%s: %s will do for %s", op.Name, name, f.Name)
					}
				}
			}
		}
		for _, f := range op.Response {
			if f.When != nil || f.Fixed != "" {
				t.Errorf("%s: the answer's field %s has a condition", op.Name, f.Name)
			}
		}
	}
}

// vietnamese finds a letter that only Vietnamese, of our two languages, has.
var vietnamese = regexp.MustCompile(`[À-ỹđĐ]`)

func wantBoth(t *testing.T, where string, text language.Text) {
	t.Helper()
	for _, s := range []string{text.En, text.Vi} {
		if strings.TrimSpace(s) != s || s == "" {
			t.Errorf("%s: text %q", where, s)
		}
	}
	if vietnamese.MatchString(text.En) {
		t.Errorf("%s: in English it is %q", where, text.En)
	}
	if !vietnamese.MatchString(text.Vi) && text.Vi != "yyyyMMdd." {
		t.Errorf("%s: in Vietnamese it is %q", where, text.Vi)
	}
}

func TestBothLanguages(t *testing.T) {
	for _, op := range All() {
		wantBoth(t, op.Name, op.Title)
		wantBoth(t, op.Name, op.About)
		if !strings.HasSuffix(op.About.En, ".") || !strings.HasSuffix(op.About.Vi, ".") {
			t.Errorf("%s: about is not a sentence", op.Name)
		}
		if op.Source == "" || vietnamese.MatchString(op.Source) {
			t.Errorf("%s: source %q", op.Name, op.Source)
		}
	}
	everyField(func(where string, f *Field) {
		wantBoth(t, where, f.Text)
		if vietnamese.MatchString(f.Disputed) || f.Disputed != "" && !strings.HasSuffix(f.Disputed, ".") {
			t.Errorf("%s: disputed %q", where, f.Disputed)
		}
	})
	for _, list := range Lists() {
		wantBoth(t, list.Name, list.Text)
		for _, entry := range list.Codes { // many are names, and the same in both
			if entry.Code == "" || entry.En == "" || entry.Vi == "" || vietnamese.MatchString(entry.En) {
				t.Errorf("%s: %+v", list.Name, entry)
			}
		}
	}
}

func TestListsAreSane(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][A-Za-z]*$`)
	var names []string
	for _, list := range Lists() {
		names = append(names, list.Name)
		if !name.MatchString(list.Name) { // it is a path below /codes/
			t.Errorf("list %q", list.Name)
		}
		seen := make(map[string]bool)
		for _, entry := range list.Codes {
			if seen[entry.Code] {
				t.Errorf("%s has %s twice", list.Name, entry.Code)
			}
			seen[entry.Code] = true
		}
		again, ok := lists[list.Name]
		if !ok || again.Name != list.Name {
			t.Errorf("%s is not found by its name", list.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("lists come as %q", names)
	}
}

// Examples are what people copy first.
func TestExamples(t *testing.T) {
	for _, op := range All() {
		if faults := faultsOf(t, op.Name, string(op.Example)); faults != nil {
			t.Errorf("%s: its own example has %q", op.Name, faults)
		}
		for _, f := range op.Fixed() {
			if members, _ := rawjson.Members(op.Example); rawjson.Find(members, f.Name) != nil {
				t.Errorf("%s: the example has %s, which no app needs to send", op.Name, f.Name)
			}
		}
		if (op.Answer == nil) == (op.SandboxAnswer == nil) {
			t.Errorf("%s: an answer is published or the sandbox's, and not both", op.Name)
		}
		if op.Answer == nil {
			continue
		}
		members, err := rawjson.Members(op.Answer)
		if err != nil {
			t.Errorf("%s: the answer is %s at byte %d", op.Name, err.Fault, err.Offset)
		}
		for _, m := range members {
			i := slices.IndexFunc(op.Response, func(f Field) bool { return f.Name == string(m.Name) })
			if i < 0 {
				t.Errorf("%s: the answer has %s, the list of its fields has not", op.Name, m.Name)
			} else if faults := op.Response[i].faults(m.Value, nil); faults != nil && !IsEmpty(m.Value) {
				t.Errorf("%s: in the answer %s is %s", op.Name, m.Name, faults[0].Code)
			}
		}
	}
}

// Only what reads may be sent twice. A payment in this list would be paid twice.
func TestRepeatable(t *testing.T) {
	for _, op := range All() {
		want := op.Name == "query" || op.Name == "queryTokens"
		if repeatable := op.Effect == Reads; repeatable != want {
			t.Errorf("%s is repeatable: %t", op.Name, repeatable)
		}
	}
}

func fixedAs(op Operation) string {
	var b strings.Builder
	for _, f := range op.Fixed() {
		fmt.Fprintf(&b, "%s=%s ", f.Name, f.Fixed)
	}
	return b.String()
}

// Operations that share a path can be distinguished by their fixed fields alone.
func TestOperationsOfOnePathDiffer(t *testing.T) {
	for i, one := range All() {
		for _, other := range All()[:i] {
			if one.Path == other.Path && fixedAs(one) == fixedAs(other) {
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
		"successURL":    {[]string{"query", "refund", "queryTokens", "createToken", "createPaymentLink", "void", Other}, false},
		"cardNumber":    {[]string{"query", "payWithOption", "payWithToken", Other}, false},
		"pendingURL":    {append(Names(), Other), false},
		"":              {append(Names(), Other), false},
		"IPNURL":        {append(Names(), Other), false},
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
	const fields = `{"a":{"kind":"text"},"b":{"kind":"text"}}`
	many, rows := `{`, ``
	for i := range mostFields + 1 {
		many += fmt.Sprintf(`"f%d":{},`, i)
		rows += fmt.Sprintf(`{"field":"f%d"},`, i)
	}
	many, rows = strings.TrimSuffix(many, ",")+`}`, strings.TrimSuffix(rows, ",")

	for name, test := range map[string]struct{ operations, fields, want string }{
		"fields are not JSON":         {`[]`, `{`, "fields: "},
		"operations are not a list":   {`{}`, fields, "operations: "},
		"a wrong kind of value":       {`[{"name":1}]`, fields, "operations: "},
		"an unknown field":            {`[{"name":"x","request":[{"field":"c"}]}]`, fields, `x: request: unknown field "c"`},
		"unknown in the answer":       {`[{"name":"x","response":[{"field":"c"}]}]`, fields, `x: response: unknown field "c"`},
		"a row that is not an object": {`[{"name":"x","request":["a"]}]`, fields, "x: request: "},
		"a row with a wrong kind":     {`[{"name":"x","request":[{"field":"a","max":"1"}]}]`, fields, "x: request: a: "},
		"a field twice":               {`[{"name":"x","request":[{"field":"a"},{"field":"a"}]}]`, fields, "x: a is listed twice"},
		"a condition on nothing":      {`[{"name":"x","request":[{"field":"a","when":{"field":"b","in":["1"]}}]}]`, fields, "x: a depends on b, which"},
		"another on nothing":          {`[{"name":"x","request":[{"field":"a","when":{"field":"a","in":["1"],"and":{"field":"b","in":["1"]}}}]}]`, fields, "x: a depends on b, which"},
		"too many fields":             {`[{"name":"x","request":[` + rows + `]}]`, many, "x: more than 64 fields"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load([]byte(test.operations), []byte(test.fields)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			wantPanic(t, "operation: reading the embedded catalogue: "+test.want, func() {
				mustLoad([]byte(test.operations), []byte(test.fields))
			})
		})
	}
	wantPanic(t, "operation: reading the embedded lists: ", func() { mustLoadLists([]byte(`[]`)) })

	full := strings.Replace(rows, `{"field":"f0"},`, "", 1) // as many as there may be
	ops, err := load([]byte(`[{"name":"x","request":[`+full+`]}]`), []byte(many))
	if err != nil || len(ops[0].Request) != mostFields {
		t.Fatalf("%d fields are refused: %v", mostFields, err)
	}
	members, _ := rawjson.Members([]byte(`{"f64":"last"}`))
	if faults := ops[0].Validate(members); faults != nil {
		t.Errorf("the last of %d fields has %v", mostFields, faults)
	}
}

func wantPanic(t *testing.T, prefix string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text, ok := recover().(string); !ok || !strings.HasPrefix(text, prefix) {
			t.Errorf("panicked with %q, want %s", text, prefix)
		}
	}()
	f()
}

// A new operation needs no code: it is found by its fixed fields among those of the
// same path, and checked by its rows. So does a change of what the gateway takes.
func TestAnOperationIsAddedByDataAlone(t *testing.T) {
	const row = `{
		"name": "payByInstalments", "path": "/api/v1/transaction/pay",
		"title": {"en": "Pay by instalments", "vi": "Trả góp"},
		"request": [
			{"field": "apiOperation", "required": true, "fixed": "PAY_BY_INSTALMENTS"},
			{"field": "orderID", "required": true, "max": 8},
			{"field": "orderAmount", "required": true},
			{"field": "months", "required": true, "values": ["3", "6", "12"]},
			{"field": "guarantor", "when": {"field": "months", "in": ["12"], "and": {"field": "language", "notIn": ["ja"]}}},
			{"field": "language", "values": ["ja", "ko"]},
			{"field": "sourceType", "lists": ["brands", "banks"], "max": 4}
		],
		"response": [{"field": "endpoint", "required": true}],
		"example": {"orderID": "1", "orderAmount": 1, "months": 3}
	}`
	const fields = `"months": {"kind": "integer", "en": "Months.", "vi": "Số tháng."},
		"guarantor": {"kind": "object", "en": "Guarantor.", "vi": "Người bảo lãnh."},
		"guarantor.phone": {"kind": "text", "max": 10, "en": "Phone.", "vi": "Điện thoại."},
		"guarantor.address": {"kind": "object", "en": "Address.", "vi": "Địa chỉ."},
		"guarantor.address.city": {"kind": "text", "max": 3, "en": "City.", "vi": "Thành phố."}`
	into := func(data []byte, more string) []byte { // in front of the last bracket
		end := bytes.LastIndexAny(data, "]}")
		return slices.Concat(data[:end], []byte(","+more), data[end:])
	}
	ops, err := load(into(operationsData, row), into(fieldsData, fields))
	if err != nil || len(ops) != len(all)+1 {
		t.Fatalf("%d operations: %v", len(ops), err)
	}
	paying := slices.DeleteFunc(slices.Clone(ops), func(op Operation) bool { return op.Path != "/api/v1/transaction/pay" })

	for name, test := range map[string]struct{ body, operation, faults string }{
		"right":              {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":3}`, "payByInstalments", ""},
		"right, by a number": {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":1,"orderAmount":"1","months":"6"}`, "payByInstalments", ""},
		"all wrong":          {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"123456789","months":5}`, "payByInstalments", "orderID too_long, months value, orderAmount required"},
		"condition":          {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":12,"language":"ko"}`, "payByInstalments", "guarantor required"},
		"half a condition":   {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":12,"language":"ja"}`, "payByInstalments", ""},
		"the other half":     {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":6,"language":"ko"}`, "payByInstalments", ""},
		"values of its own":  {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":3,"language":"vi"}`, "payByInstalments", "language value"},
		"inside": {`{"apiOperation":"PAY_BY_INSTALMENTS","orderID":"1","orderAmount":1,"months":12,"guarantor":{"phone":"01234567890","address":{"city":"HCMC"}}}`,
			"payByInstalments", "guarantor.phone too_long, guarantor.address.city too_long"},
		"its sibling is as it was": {`{"apiOperation":"PAY","sourceOfFund":"TOKEN","orderID":"123456789","orderAmount":1,"orderCurrency":"VND",` +
			`"orderDateTime":20220426083322,"orderDescription":"x","paymentMethod":"DOMESTIC","token":"x"}`, "payWithToken", ""},
	} {
		t.Run(name, func(t *testing.T) {
			members, fault := rawjson.Members([]byte(test.body))
			if fault != nil {
				t.Fatal(fault.Fault)
			}
			op := Match(paying, func(field string) (string, bool) {
				value := rawjson.Find(members, field)
				return rawjson.Scalar(value), value != nil
			})
			if op == nil || op.Name != test.operation {
				t.Fatalf("matches %v, want %s", op, test.operation)
			}
			if got := strings.Join(inWords(op.Validate(members)), ", "); got != test.faults {
				t.Errorf("faults are %q, want %q", got, test.faults)
			}
		})
	}
	if !reflect.DeepEqual(ops[:len(all)], all) {
		t.Error("the other operations are not what they were")
	}
}
