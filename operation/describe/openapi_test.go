package describe

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

var someFailures = []Failure{
	{409, "transaction_duplicate", "rejected", "The gateway has it"},
	{502, "response_malformed", "unknown", "Not JSON"},
	{502, "gateway_unreachable", "not_sent", "No connection"},
	{403, "caller_not_allowed", "not_sent", "Not you"},
	{404, "operation_unknown", "not_sent", "No such operation"},
	{503, "overloaded", "not_sent", "Too many"},
}

// node is an object of the document.
type node map[string]any

func (n node) at(t *testing.T, path ...string) node {
	t.Helper()
	for i, name := range path {
		inner, ok := n[name].(map[string]any)
		if !ok {
			t.Fatalf("nothing at %s", strings.Join(path[:i+1], " > "))
		}
		n = inner
	}
	return n
}

func openAPI(t *testing.T) node {
	t.Helper()
	text, err := OpenAPI(someFailures)
	if err != nil {
		t.Fatal(err)
	}
	var doc node
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// compact is a value as JSON, for comparing.
func compact(t *testing.T, value any) string {
	t.Helper()
	text, err := object{{"", value}}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(out.String(), `{"":`), "}")
}

func sortedKeys(n node) []string { return slices.Sorted(maps.Keys(n)) }

func TestOpenAPIIsStable(t *testing.T) {
	one, err := OpenAPI(someFailures)
	if err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(someFailures)
	slices.Reverse(reversed)
	other, err := OpenAPI(reversed)
	if err != nil || !bytes.Equal(one, other) {
		t.Errorf("the order of the failures changes the document: %v", err)
	}
	for what, want := range map[string]string{
		"the version, first":        "{\n  \"openapi\": \"3.1.0\",\n",
		"literals of the catalogue": `"orderDateTime": 20220426083322`,
		"a field without escapes":   "Mã giao dịch",
	} {
		if !bytes.Contains(one, []byte(want)) {
			t.Errorf("%s: %s is missing", what, want)
		}
	}
	if bytes.Contains(one, []byte(`\u00`)) || !bytes.HasSuffix(one, []byte("}\n")) {
		t.Error("not a text file for people")
	}
}

func TestOpenAPIOperations(t *testing.T) {
	doc := openAPI(t)
	want := []string{"/codes", "/codes/{list}", "/openapi.json"}
	for _, op := range operation.All() {
		want = append(want, "/"+op.Name)
		post := doc.at(t, "paths", "/"+op.Name, "post")
		if post["operationId"] != op.Name || post["summary"] != op.Title.En || post["x-summary-vi"] != op.Title.Vi {
			t.Errorf("%s: %v, %v, %v", op.Name, post["operationId"], post["summary"], post["x-summary-vi"])
		}
		if post["x-gateway-path"] != op.Path || post["x-path-unpublished"] == true != op.PathUnpublished {
			t.Errorf("%s: gateway path %v, unpublished %v", op.Name, post["x-gateway-path"], post["x-path-unpublished"])
		}
		if tag := post["tags"].([]any)[0]; tag != strings.Split(op.Path, "/")[3] {
			t.Errorf("%s: tag %v", op.Name, tag)
		}
		description := post["description"].(string)
		if !strings.HasPrefix(description, op.About.En) || !strings.HasSuffix(description, "\n\n"+op.About.Vi) {
			t.Errorf("%s: description %q", op.Name, description)
		}
		if got := compact(t, post["parameters"]); got != `[{"$ref":"#/components/parameters/IdempotencyKey"},{"$ref":"#/components/parameters/AcceptLanguage"}]` {
			t.Errorf("%s: parameters %s", op.Name, got)
		}
		checkExample(t, op.Name, op.Example, post.at(t, "requestBody", "content", "application/json"))
		checkExample(t, op.Name, op.Answer, post.at(t, "responses", "200", "content", "application/json"))
	}
	slices.Sort(want)
	if got := sortedKeys(doc.at(t, "paths")); !slices.Equal(got, want) {
		t.Errorf("paths %v", got)
	}
}

func checkExample(t *testing.T, name string, published json.RawMessage, media node) {
	t.Helper()
	if published == nil {
		if media["example"] != nil {
			t.Errorf("%s: an example that is not published", name)
		}
		return
	}
	var want any
	if err := json.Unmarshal(published, &want); err != nil {
		t.Fatal(err)
	}
	if compact(t, media["example"]) != compact(t, want) {
		t.Errorf("%s: example %v", name, media["example"])
	}
}

// Every reference leads somewhere, and every component is used.
func TestOpenAPIReferences(t *testing.T) {
	doc := openAPI(t)
	used := make(map[string]bool)
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if target, ok := value["$ref"].(string); ok {
				used[target] = true
				doc.at(t, strings.Split(strings.TrimPrefix(target, "#/"), "/")...)
			}
			for _, inner := range value {
				walk(inner)
			}
		case []any:
			for _, inner := range value {
				walk(inner)
			}
		}
	}
	walk(map[string]any(doc))
	for section := range doc.at(t, "components") {
		for name := range doc.at(t, "components", section) {
			if !used["#/components/"+section+"/"+name] {
				t.Errorf("%s %s is not used", section, name)
			}
		}
	}
}

func TestValueSchema(t *testing.T) {
	for name, test := range map[string]struct {
		field operation.Field
		want  string
	}{
		"text":           {operation.Field{Kind: operation.KindText, Max: 50}, `{"type":["string","number"],"maxLength":50}`},
		"mandatory text": {operation.Field{Kind: operation.KindText, Required: true}, `{"type":["string","number"],"minLength":1}`},
		"amount":         {operation.Field{Kind: operation.KindAmount, Max: 16}, `{"type":["string","number"],"pattern":"^[0-9]+(\\.[0-9]{1,4})?$","minimum":0}`},
		"amount above 0": {operation.Field{Kind: operation.KindAmount, Positive: true}, `{"type":["string","number"],"pattern":"^[0-9]+(\\.[0-9]{1,4})?$","exclusiveMinimum":0}`},
		"integer":        {operation.Field{Kind: operation.KindInteger, Max: 2}, `{"type":["string","integer"],"pattern":"^[0-9]+$","maxLength":2,"minimum":0}`},
		"time":           {operation.Field{Kind: operation.KindTime, Max: 14}, `{"type":["string","integer"],"pattern":"^[0-9]{14}$","maxLength":14}`},
		"flag":           {operation.Field{Kind: operation.KindFlag, Max: 20, Values: []string{"true", "false"}}, `{"type":["boolean","string"],"enum":[true,false,"true","false"]}`},
		"url":            {operation.Field{Kind: operation.KindURL, Max: 500}, `{"type":"string","format":"uri","pattern":"^[Hh][Tt][Tt][Pp][Ss]?://","maxLength":500}`},
		"link":           {operation.Field{Kind: operation.KindLink}, `{"type":"string","format":"uri"}`},
		"fixed":          {operation.Field{Kind: operation.KindText, Fixed: "PAY", Required: true}, `{"type":"string","const":"PAY"}`},
		"words":          {operation.Field{Kind: operation.KindText, Max: 9, Values: []string{"A", "2C2P"}}, `{"type":"string","enum":["A","2C2P"]}`},
		"digits":         {operation.Field{Kind: operation.KindText, Values: []string{"1", "10", "x", "07"}}, `{"type":["string","number"],"enum":["1","10","x","07",1,10]}`},
		"open list":      {operation.Field{Kind: operation.KindText, Lists: []string{"currencies"}}, `{"type":["string","number"]}`},
		"array":          {operation.Field{Kind: operation.KindArray}, `{"type":"array","items":{}}`},
		"array of codes": {operation.Field{Kind: operation.KindArray, Lists: []string{"linkFields"}}, `{"type":"array","items":{"type":"string"}}`},
		"any object":     {operation.Field{Kind: operation.KindObject}, `{"type":"object","additionalProperties":true}`},
		"object": {
			operation.Field{Name: "a.b", Kind: operation.KindObject, Fields: []operation.Field{{Name: "a.b.c", Kind: operation.KindLink, Text: language.Both("C", "Xê")}}},
			`{"type":"object","properties":{"c":{"type":"string","description":"C","x-description-vi":"Xê","format":"uri"}},"additionalProperties":true}`,
		},
	} {
		if got := compact(t, valueSchema(&test.field)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestRequestSchema(t *testing.T) {
	for name, test := range map[string]struct {
		field operation.Field
		want  string
	}{
		"secret": {
			operation.Field{Name: "token", Kind: operation.KindText, Secret: true, Text: language.Both("A.", "B.")},
			`{"type":["string","number"],"description":"A.","x-description-vi":"B.","format":"password","writeOnly":true}`,
		},
		"disputed": {
			operation.Field{Name: "a", Kind: operation.KindLink, Disputed: "Who knows.", Text: language.Both("A.", "B.")},
			`{"type":"string","description":"A. Disputed: Who knows.","x-description-vi":"B.","format":"uri","x-disputed":"Who knows."}`,
		},
		"open lists": {
			operation.Field{Name: "a", Kind: operation.KindText, Lists: []string{"banks", "brands"}, Text: language.Both("A.", "B.")},
			`{"type":["string","number"],"description":"A. Codes: /codes/banks, /codes/brands; the gateway may take others.","x-description-vi":"B.","x-lists":["banks","brands"]}`,
		},
		"closed list": {
			operation.Field{Name: "a", Kind: operation.KindText, Lists: []string{"stages"}, Text: language.Both("A.", "B.")},
			`{"type":["string","number"],"description":"A. Codes: /codes/stages.","x-description-vi":"B.","x-lists":["stages"]}`,
		},
		"values in a list": {
			operation.Field{Name: "a", Kind: operation.KindText, Values: []string{"VISA"}, Lists: []string{"brands"}, Text: language.Both("A.", "B.")},
			`{"type":"string","description":"A. Codes: /codes/brands.","x-description-vi":"B.","enum":["VISA"],"x-lists":["brands"]}`,
		},
		"fixed": {
			operation.Field{Name: "a", Kind: operation.KindText, Fixed: "PAY", Text: language.Both("A.", "B.")},
			`{"type":"string","description":"A. The sidecar adds it where it is left out.","x-description-vi":"B.","const":"PAY"}`,
		},
		"described elsewhere": {
			operation.Field{Name: "extraData", Kind: operation.KindObject, Fields: []operation.Field{{Name: "extraData.customer"}}},
			`{"$ref":"#/components/schemas/ExtraData"}`,
		},
	} {
		if got := compact(t, property(&test.field)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestConditionSchema(t *testing.T) {
	for name, test := range map[string]struct {
		condition    operation.Condition
		words, shape string
	}{
		"in": {
			operation.Condition{Field: "f", In: []string{"A", "2"}}, "when f is A or 2",
			`{"properties":{"f":{"enum":["A","2",2]}},"required":["f"]}`,
		},
		"not in": {
			operation.Condition{Field: "f", NotIn: []string{"A", "B"}}, "unless f is A or B",
			`{"properties":{"f":{"not":{"enum":["A","B"]}}},"required":["f"]}`,
		},
		"without one": {
			operation.Condition{Without: []string{"f"}}, "unless f is sent",
			`{"not":{"required":["f"]}}`,
		},
		"without both": {
			operation.Condition{Without: []string{"f", "g"}}, "unless f or g is sent",
			`{"not":{"anyOf":[{"required":["f"]},{"required":["g"]}]}}`,
		},
	} {
		if got := conditionInWords(&test.condition); got != test.words {
			t.Errorf("%s: %s", name, got)
		}
		if got := compact(t, conditionSchema(&test.condition)); got != test.shape {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.shape)
		}
	}
}

// What must be sent, by the catalogue, less what the sidecar adds.
func TestOpenAPIRequired(t *testing.T) {
	doc := openAPI(t)
	order := `"orderID","orderAmount","orderCurrency","orderDateTime","orderDescription","paymentMethod"`
	for schema, want := range map[string]string{
		"PayRequest":          `[` + order + `]`,
		"PayWithTokenRequest": `[` + order + `,"token"]`,
		"QueryRequest":        `["transactionID"]`,
		"RemoveTokenRequest":  `null`,
	} {
		if got := compact(t, doc.at(t, "components", "schemas", schema)["required"]); got != want {
			t.Errorf("%s requires %s", schema, got)
		}
	}
	want := `[` +
		`{"if":{"properties":{"paymentMethod":{"not":{"enum":["DOMESTIC","INTERNATIONAL"]}}},"required":["paymentMethod"]},"then":{"required":["sourceType"]}},` +
		`{"if":{"properties":{"sourceOfFund":{"enum":["CARD"]}},"required":["sourceOfFund"]},"then":{"required":["cardNumber","cardHolderName","cardExpireDate"]}},` +
		`{"if":{"allOf":[{"properties":{"sourceOfFund":{"enum":["CARD"]}},"required":["sourceOfFund"]},` +
		`{"properties":{"paymentMethod":{"enum":["INTERNATIONAL"]}},"required":["paymentMethod"]}]},"then":{"required":["cardVerificationValue"]}},` +
		`{"if":{"properties":{"sourceOfFund":{"enum":["TOKEN"]}},"required":["sourceOfFund"]},"then":{"required":["token"]}}]`
	if got := compact(t, doc.at(t, "components", "schemas", "PayRequest")["allOf"]); got != want {
		t.Errorf("conditions of pay:\n got %s\nwant %s", got, want)
	}
}

// A client must not choke on an answer: it may already be the customer's money.
func TestOpenAPIAnswersAreLenient(t *testing.T) {
	schemas := openAPI(t).at(t, "components", "schemas")
	for _, op := range operation.All() {
		text := compact(t, schemas[schemaName(&op, "Answer")])
		if found := regexp.MustCompile(`"(required|enum|const|pattern|minLength|maxLength|minimum|writeOnly|allOf)":`).FindString(text); found != "" {
			t.Errorf("%s: the answer is bound by %s", op.Name, found)
		}
		if !strings.Contains(text, `"additionalProperties":true`) {
			t.Errorf("%s: the answer may hold nothing else", op.Name)
		}
	}
	answer := schemas.at(t, "QueryAnswer", "properties")
	if got := answer.at(t, "transactionStage")["description"]; got != "The state of the transaction. Codes: /codes/stages." {
		t.Errorf("transactionStage: %s", got)
	}
	for name, want := range map[string]string{
		"PayAnswer endpoint":              `"type":"string"`,
		"QueryAnswer orderAmount":         `"type":["number","string"]`,
		"QueryTokensAnswer tokens":        `"tokenID":{`,
		"QueryAnswer transactionStatus":   `"x-lists":["responseCodes"]`,
		"PayWithQRAnswer qrCode":          `"x-description-vi":"Nội dung mã QR`,
		"CreatePaymentLinkAnswer orderNo": `"description":"Id of the payment link."`,
	} {
		schema, field, _ := strings.Cut(name, " ")
		got := compact(t, schemas.at(t, schema, "properties", field))
		got = strings.Replace(got, `["string","number"]`, `["number","string"]`, 1)
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestOpenAPIHidesSecrets(t *testing.T) {
	doc := openAPI(t)
	for _, op := range operation.All() {
		properties := doc.at(t, "components", "schemas", schemaName(&op, "Request"), "properties")
		for _, f := range op.Request {
			property := properties.at(t, f.Name)
			if hidden := property["writeOnly"] == true && property["format"] == "password"; hidden != f.Secret {
				t.Errorf("%s: %s is hidden: %t", op.Name, f.Name, hidden)
			}
		}
	}
	if doc.at(t, "components", "schemas", "PayRequest", "properties", "cardNumber")["writeOnly"] != true {
		t.Error("a card number is not marked as a secret")
	}
}

func TestOpenAPIAnswers(t *testing.T) {
	doc := openAPI(t)
	for _, op := range operation.All() {
		responses := doc.at(t, "paths", "/"+op.Name, "post", "responses")
		if got := sortedKeys(responses); !slices.Equal(got, []string{"200", "403", "404", "409", "502", "503"}) {
			t.Errorf("%s answers %v", op.Name, got)
		}
		want := []string{"Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id", "Galaxypay-Response-Code"}
		if op.Name == "query" || op.Name == "fastPay" {
			want = slices.Insert(want, 2, "Galaxypay-Payment-Status")
		}
		if got := sortedKeys(responses.at(t, "200", "headers")); !slices.Equal(got, want) {
			t.Errorf("%s: headers %v", op.Name, got)
		}
	}
	if got := compact(t, doc.at(t, "components", "headers", "Galaxypay-Payment-Status", "schema")); got != `{"enum":["paid","cancelled","expired","pending","failed"],"type":"string"}` {
		t.Errorf("payment status %s", got)
	}
}

func TestOpenAPIProblems(t *testing.T) {
	responses := openAPI(t).at(t, "components", "responses")
	for name, want := range map[string]struct{ description, headers string }{
		"Problem404": {
			"Not Found. `code` and `outcome`:\n\n- `operation_unknown` (`not_sent`): No such operation.",
			"Galaxypay-Merchant Galaxypay-Operation Galaxypay-Request-Id",
		},
		"Problem409": {
			"Conflict. `code` and `outcome`:\n\n- `transaction_duplicate` (`rejected`): The gateway has it.",
			"Galaxypay-Merchant Galaxypay-Operation Galaxypay-Payment-Status Galaxypay-Request-Id Galaxypay-Response-Code",
		},
		"Problem503": {
			"Service Unavailable. `code` and `outcome`:\n\n- `overloaded` (`not_sent`): Too many.",
			"Galaxypay-Merchant Galaxypay-Operation Galaxypay-Request-Id Retry-After",
		},
		"Problem502": {
			"Bad Gateway. `code` and `outcome`:\n\n- `gateway_unreachable` (`not_sent`): No connection.\n- `response_malformed` (`unknown`): Not JSON.",
			"Galaxypay-Merchant Galaxypay-Operation Galaxypay-Request-Id",
		},
	} {
		response := responses.at(t, name)
		if response["description"] != want.description {
			t.Errorf("%s: %q", name, response["description"])
		}
		if got := strings.Join(sortedKeys(response.at(t, "headers")), " "); got != want.headers {
			t.Errorf("%s: headers %s", name, got)
		}
		if got := compact(t, response["content"]); got != `{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}` {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestOpenAPIDocuments(t *testing.T) {
	doc := openAPI(t)
	for path, statuses := range map[string]string{
		"/openapi.json": "200 304 403", "/codes": "200 304 403", "/codes/{list}": "200 304 403 404",
	} {
		responses := doc.at(t, "paths", path, "get", "responses")
		if got := strings.Join(sortedKeys(responses), " "); got != statuses {
			t.Errorf("%s answers %s", path, got)
		}
		for _, status := range []string{"200", "304"} {
			responses.at(t, status, "headers", "ETag")
		}
	}
	parameter := doc.at(t, "paths", "/codes/{list}")["parameters"].([]any)[0]
	for _, list := range operation.Lists() {
		if !strings.Contains(compact(t, parameter), `"`+list.Name+`"`) {
			t.Errorf("/codes/%s is not described", list.Name)
		}
	}
}

// The schema of a list is what a list looks like as JSON.
func TestOpenAPICodeList(t *testing.T) {
	schema := openAPI(t).at(t, "components", "schemas", "CodeList")
	var list node
	text, err := json.Marshal(operation.Lists()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	entry := node(list["codes"].([]any)[0].(map[string]any))
	for what, pair := range map[string][2]node{
		"list":  {list, schema.at(t, "properties")},
		"entry": {entry, schema.at(t, "properties", "codes", "items", "properties")},
	} {
		if got, want := sortedKeys(pair[1]), sortedKeys(pair[0]); !slices.Equal(got, want) {
			t.Errorf("%s: described as %v, is %v", what, got, want)
		}
	}
}

// patternTests are a field of each kind that has a pattern, and what Validate calls a
// value that breaks it.
var patternTests = map[operation.Kind]struct {
	operation, field string
	code             operation.Code
}{
	operation.KindAmount:  {"checkout", "orderFeeAmount", operation.CodeAmount},
	operation.KindInteger: {"createPaymentLink", "expiryDuration", operation.CodeInteger},
	operation.KindTime:    {"pay", "orderDateTime", operation.CodeTime},
	operation.KindURL:     {"pay", "ipnURL", operation.CodeURL},
}

// The pattern says of text what Validate says, but for the calendar and for hosts.
func TestPatternsAgreeWithValidate(t *testing.T) {
	const noDate = "12345678901234" // 14 digits: right for the pattern alone
	texts := strings.Fields("0 1 00 10.5 1. .5 1.5.5 1e3 1E+3 1e-3 1e 1e+ -1 +1 1,000 １ abc 20261120161500 2026112016150 http://a https://a HTTP://a ftp://a httpx://a http:/a")
	for kind, test := range patternTests {
		pattern := regexp.MustCompile(valueSchema(&operation.Field{Kind: kind}).Pattern)
		for _, text := range append(texts, noDate, " 1") {
			code := verdict(t, test.operation, test.field, kind, text)
			if code != "" && code != test.code {
				t.Fatalf("%s %q: Validate finds %s, which is not the pattern's matter", kind, text, code)
			}
			valid := code == "" || kind == operation.KindTime && text == noDate ||
				kind == operation.KindAmount && text == "10.5" // right in a currency other than VND
			if pattern.MatchString(text) != valid {
				t.Errorf("%s %q: the pattern matches: %t", kind, text, pattern.MatchString(text))
			}
		}
		if pattern.MatchString("") { // to Validate a field without a value, to a client a wrong one
			t.Errorf("%s: the pattern matches the empty text", kind)
		}
	}
}

// verdict is what Validate finds wrong with a text in a field of that kind, "" for nothing.
func verdict(t *testing.T, name, field string, kind operation.Kind, text string) operation.Code {
	t.Helper()
	ops := operation.All()
	op := ops[slices.Index(operation.Names(), name)]
	if !slices.ContainsFunc(op.Request, func(f operation.Field) bool { return f.Name == field && f.Kind == kind }) {
		t.Fatalf("%s has no field %s of kind %s", name, field, kind)
	}
	value := append(append([]byte(`"`), text...), '"')
	for _, fault := range op.Validate([]rawjson.Member{{Name: []byte(field), Value: value}}) {
		if fault.Field.Name == field {
			return fault.Code
		}
	}
	return ""
}

func TestObjectReportsWhatCannotBeWritten(t *testing.T) {
	_, err := json.Marshal(object{{"a", object{{"b", func() {}}}}})
	if err == nil || !strings.Contains(err.Error(), "a: ") {
		t.Errorf("error %v", err)
	}
}
