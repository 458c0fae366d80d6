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
	{Status: 409, Code: "transaction_duplicate", Outcome: "rejected", Title: "The gateway has it", Headers: []string{"Galaxypay-Operation", "Galaxypay-Response-Code"}},
	{Status: 502, Code: "response_malformed", Outcome: "unknown", Title: "Not JSON", Headers: []string{"Galaxypay-Request-Id", "Galaxypay-Operation"}},
	{Status: 502, Code: "gateway_unreachable", Outcome: "not_sent", Title: "No connection", Headers: []string{"Galaxypay-Operation"}, Example: "no"},
	{Status: 403, Code: "caller_not_allowed", Outcome: "not_sent", Title: "Not you"},
	{Status: 404, Code: "operation_unknown", Outcome: "not_sent", Title: "No such operation", Headers: []string{"Galaxypay-Merchant"}},
	{Status: 503, Code: "overloaded", Outcome: "not_sent", Title: "Too many", Headers: []string{"Retry-After"}},
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
	return openAPIOf(t, testSite())
}

func openAPIOf(t *testing.T, site *Site) node {
	t.Helper()
	text, err := OpenAPI(site)
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
	one, err := OpenAPI(testSite())
	if err != nil {
		t.Fatal(err)
	}
	reversed := testSite()
	reversed.Calls = slices.Clone(reversed.Calls)
	slices.Reverse(reversed.Calls)
	slices.Reverse(reversed.Documents)
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
		answer := op.Answer
		if answer == nil {
			answer = op.SandboxAnswer
		}
		checkExample(t, op.Name, answer, post.at(t, "responses", "200", "content", "application/json"))
	}
	slices.Sort(want)
	if got := sortedKeys(doc.at(t, "paths")); !slices.Equal(got, want) {
		t.Errorf("paths %v", got)
	}
}

func checkExample(t *testing.T, name string, published json.RawMessage, media node) {
	t.Helper()
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
		"text":            {operation.Field{Kind: operation.KindText, Max: 50}, `{"oneOf":[{"type":"string","maxLength":50},{"type":"number","minimum":-1e49,"maximum":1e50},{"type":"null"}]}`},
		"short text":      {operation.Field{Kind: operation.KindText, Max: 2}, `{"oneOf":[{"type":"string","maxLength":2},{"type":"integer","minimum":-9,"maximum":99},{"type":"null"}]}`},
		"a letter":        {operation.Field{Kind: operation.KindText, Max: 1}, `{"oneOf":[{"type":"string","maxLength":1},{"type":"integer","minimum":0,"maximum":9},{"type":"null"}]}`},
		"mandatory text":  {operation.Field{Kind: operation.KindText, Required: true}, `{"oneOf":[{"type":"string","minLength":1},{"type":"number"}]}`},
		"amount":          {operation.Field{Kind: operation.KindAmount, Required: true}, `{"oneOf":[{"type":"string","pattern":"^([0-9]+(\\.[0-9]{1,4})?)$"},{"type":"number","minimum":0}]}`},
		"amount, bounded": {operation.Field{Kind: operation.KindAmount, Max: 12}, `{"oneOf":[{"type":"string","pattern":"^([0-9]{1,12}|[0-9]{1,11}\\.[0-9]{1}|[0-9]{1,10}\\.[0-9]{2}|[0-9]{1,9}\\.[0-9]{3}|[0-9]{1,8}\\.[0-9]{4})?$"},{"type":"number","minimum":0,"maximum":999999999999},{"type":"null"}]}`},
		"amount above 0":  {operation.Field{Kind: operation.KindAmount, Positive: true, Required: true}, `{"pattern":"[1-9]","oneOf":[{"type":"string","pattern":"^([0-9]+(\\.[0-9]{1,4})?)$"},{"type":"number","minimum":0.0001}]}`},
		"above 0, or not": {operation.Field{Kind: operation.KindAmount, Positive: true}, `{"pattern":"^$|[1-9]","oneOf":[{"type":"string","pattern":"^([0-9]+(\\.[0-9]{1,4})?)?$"},{"type":"number","minimum":0.0001},{"type":"null"}]}`},
		"integer":         {operation.Field{Kind: operation.KindInteger, Max: 2}, `{"oneOf":[{"type":"string","pattern":"^([0-9]+)?$","maxLength":2},{"type":"integer","minimum":0,"maximum":99},{"type":"null"}]}`},
		"time":            {operation.Field{Kind: operation.KindTime, Max: 14, Required: true}, `{"oneOf":[{"type":"string","pattern":"^(` + timePattern + `)$"},{"type":"integer","minimum":10000101000000,"maximum":99991231235959}]}`},
		"flag":            {operation.Field{Kind: operation.KindFlag, Max: 20, Values: []string{"true", "false"}}, `{"oneOf":[{"type":"boolean"},{"type":"string","enum":["true","false",""]},{"type":"null"}]}`},
		"url":             {operation.Field{Kind: operation.KindURL, Max: 500}, `{"oneOf":[{"type":"string","pattern":` + compact(t, "^("+webAddress+")?$") + `,"maxLength":500},{"type":"null"}]}`},
		"link":            {operation.Field{Kind: operation.KindLink, Required: true}, `{"type":"string","pattern":` + compact(t, "^("+webAddress+"|"+appAddress+")$") + `}`},
		"fixed":           {operation.Field{Kind: operation.KindText, Fixed: "PAY"}, `{"oneOf":[{"type":"string","enum":["PAY",""]},{"type":"null"}]}`},
		"words":           {operation.Field{Kind: operation.KindText, Max: 9, Values: []string{"A", "2C2P"}, Required: true}, `{"type":"string","enum":["A","2C2P"]}`},
		"digits":          {operation.Field{Kind: operation.KindText, Values: []string{"2", "1", "x", "07", "3"}}, `{"oneOf":[{"type":"string","enum":["2","1","x","07","3",""]},{"type":"integer","minimum":1,"maximum":3},{"type":"null"}]}`},
		"open list":       {operation.Field{Kind: operation.KindText, Lists: []string{"currencies"}}, `{"oneOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}`},
		"array":           {operation.Field{Kind: operation.KindArray, Required: true}, `{"type":"array","items":{}}`},
		"array, or not":   {operation.Field{Kind: operation.KindArray}, `{"oneOf":[{"type":"array","items":{}},{"type":"string","enum":[""]},{"type":"null"}]}`},
		"array of codes":  {operation.Field{Kind: operation.KindArray, Lists: []string{"linkFields"}, Required: true}, `{"type":"array","items":{"oneOf":[{"type":"string","minLength":1},{"type":"number"}]}}`},
		"any object":      {operation.Field{Kind: operation.KindObject, Required: true}, `{"type":"object","additionalProperties":true}`},
		"shared object":   {operation.Field{Name: "extraData", Kind: operation.KindObject, Fields: []operation.Field{{Name: "extraData.customer"}}}, `{"oneOf":[{"$ref":"#/components/schemas/ExtraData"},{"type":"string","enum":[""]},{"type":"null"}]}`},
		"object": {
			operation.Field{Name: "a.b", Kind: operation.KindObject, Required: true, Fields: []operation.Field{{Name: "a.b.c", Kind: operation.KindText, Text: language.Both("C", "Xê")}}},
			`{"type":"object","properties":{"c":{"description":"C","x-description-vi":"Xê","oneOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}},"additionalProperties":true}`,
		},
	} {
		if got := compact(t, valueSchema(&test.field, test.field.Required)); got != test.want {
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
			operation.Field{Name: "token", Kind: operation.KindText, Secret: true, Required: true, Text: language.Both("A.", "B.")},
			`{"description":"A.","x-description-vi":"B.","format":"password","writeOnly":true,"oneOf":[{"type":"string","minLength":1},{"type":"number"}]}`,
		},
		"disputed": {
			operation.Field{Name: "a", Kind: operation.KindText, Values: []string{"X"}, Required: true, Disputed: "Who knows.", Text: language.Both("A.", "B.")},
			`{"type":"string","description":"A. Disputed: Who knows.","x-description-vi":"B.","enum":["X"],"x-disputed":"Who knows."}`,
		},
		"open lists": {
			operation.Field{Name: "a", Kind: operation.KindText, Required: true, Lists: []string{"banks", "brands"}, Text: language.Both("A.", "B.")},
			`{"description":"A. Codes: /codes/banks, /codes/brands; the gateway may take others.","x-description-vi":"B.","oneOf":[{"type":"string","minLength":1},{"type":"number"}],"x-lists":["banks","brands"]}`,
		},
		"closed list": {
			operation.Field{Name: "a", Kind: operation.KindText, Required: true, Lists: []string{"stages"}, Text: language.Both("A.", "B.")},
			`{"description":"A. Codes: /codes/stages.","x-description-vi":"B.","oneOf":[{"type":"string","minLength":1},{"type":"number"}],"x-lists":["stages"]}`,
		},
		"values in a list": {
			operation.Field{Name: "a", Kind: operation.KindText, Required: true, Values: []string{"VISA"}, Lists: []string{"brands"}, Text: language.Both("A.", "B.")},
			`{"type":"string","description":"A. Codes: /codes/brands.","x-description-vi":"B.","enum":["VISA"],"x-lists":["brands"]}`,
		},
		"fixed": {
			operation.Field{Name: "a", Kind: operation.KindText, Fixed: "PAY", Text: language.Both("A.", "B.")},
			`{"description":"A. The sidecar adds it where it is left out.","x-description-vi":"B.","oneOf":[{"type":"string","enum":["PAY",""]},{"type":"null"}]}`,
		},
		"described elsewhere": {
			operation.Field{Name: "extraData", Kind: operation.KindObject, Required: true, Fields: []operation.Field{{Name: "extraData.customer"}}},
			`{"$ref":"#/components/schemas/ExtraData"}`,
		},
	} {
		if got := compact(t, fieldSchema(&test.field, test.field.Required)); got != test.want {
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
			`{"properties":{"f":{"not":{"enum":["A","B",null,""]}}},"required":["f"]}`,
		},
		"without one": {
			operation.Condition{Without: []string{"f"}}, "unless f is sent",
			`{"not":{"properties":{"f":{"not":{"enum":[null,""]}}},"required":["f"]}}`,
		},
		"without both": {
			operation.Condition{Without: []string{"f", "g"}}, "unless f or g is sent",
			`{"not":{"anyOf":[{"properties":{"f":{"not":{"enum":[null,""]}}},"required":["f"]},{"properties":{"g":{"not":{"enum":[null,""]}}},"required":["g"]}]}}`,
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
		if got := compact(t, dataOf(t, doc, schema)["required"]); got != want {
			t.Errorf("%s requires %s", schema, got)
		}
	}
	sent := func(names ...string) string {
		properties := make(map[string]any)
		for _, name := range names {
			properties[name] = map[string]any{"not": map[string]any{"enum": []any{nil, ""}}}
		}
		return `"properties":` + compact(t, properties) + `,"required":` + compact(t, names) + `,"title":"` + strings.Join(names, ", ") + ` must be sent"`
	}
	want := []string{
		`{"if":{"properties":{"paymentMethod":{"not":{"enum":["DOMESTIC","INTERNATIONAL",null,""]}}},"required":["paymentMethod"],"title":"unless paymentMethod is DOMESTIC or INTERNATIONAL"},` +
			`"then":{` + sent("sourceType") + `},"title":"Unless paymentMethod is DOMESTIC or INTERNATIONAL"}`,
		`{"if":{"properties":{"sourceOfFund":{"enum":["CARD"]}},"required":["sourceOfFund"],"title":"when sourceOfFund is CARD"},` +
			`"then":{` + sent("cardNumber", "cardHolderName", "cardExpireDate") + `},"title":"When sourceOfFund is CARD"}`,
		`{"if":{"allOf":[{"properties":{"sourceOfFund":{"enum":["CARD"]}},"required":["sourceOfFund"]},` +
			`{"properties":{"paymentMethod":{"enum":["INTERNATIONAL"]}},"required":["paymentMethod"]}],"title":"when sourceOfFund is CARD and paymentMethod is INTERNATIONAL"},` +
			`"then":{` + sent("cardVerificationValue") + `},"title":"When sourceOfFund is CARD and paymentMethod is INTERNATIONAL"}`,
		`{"if":{"properties":{"sourceOfFund":{"enum":["TOKEN"]}},"required":["sourceOfFund"],"title":"when sourceOfFund is TOKEN"},` +
			`"then":{` + sent("token") + `},"title":"When sourceOfFund is TOKEN"}`,
	}
	all := doc.at(t, "components", "schemas", "PayRequest")["allOf"].([]any)
	if len(all) != 1+len(want)+1 { // the object first, the amounts last
		t.Fatalf("pay has %d members of allOf", len(all))
	}
	for i, condition := range want {
		if got := compact(t, all[i+1]); got != condition {
			t.Errorf("condition of pay:\n got %s\nwant %s", got, condition)
		}
	}
	if got := compact(t, all[len(all)-1]); !strings.Contains(got, "[Vv][Nn][Dd]") || !strings.Contains(got, `"orderAmount":{"multipleOf":1`) {
		t.Errorf("amounts of pay: %s", got)
	}
}

// What a default of the handler fills in, the app need not send.
func TestOpenAPIDefaults(t *testing.T) {
	site := testSite()
	site.Defaults = []string{"orderCurrency", "sourceType"}
	doc := openAPIOf(t, site)
	if got := compact(t, dataOf(t, doc, "PayRequest")["required"]); got != `["orderID","orderAmount","orderDateTime","orderDescription","paymentMethod"]` {
		t.Errorf("pay requires %s", got)
	}
	if got := compact(t, doc.at(t, "components", "schemas", "PayRequest")); strings.Contains(got, "sourceType must be sent") {
		t.Error("sourceType must be sent")
	}
}

// dataOf is the object of a request: the schema, or the first member of its allOf.
func dataOf(t *testing.T, doc node, name string) node {
	t.Helper()
	schema := doc.at(t, "components", "schemas", name)
	if all, ok := schema["allOf"].([]any); ok {
		return all[0].(map[string]any)
	}
	return schema
}

// A client must not choke on an answer: it may already be the customer's money.
func TestOpenAPIAnswersAreLenient(t *testing.T) {
	schemas := openAPI(t).at(t, "components", "schemas")
	for _, op := range operation.All() {
		text := compact(t, schemas[schemaName(&op, "Answer")])
		if found := regexp.MustCompile(`"(enum|const|pattern|minLength|maxLength|minimum|writeOnly|allOf)":`).FindString(text); found != "" {
			t.Errorf("%s: the answer is bound by %s", op.Name, found)
		}
		if !strings.Contains(text, `"additionalProperties":true`) {
			t.Errorf("%s: the answer may hold nothing else", op.Name)
		}
	}
	for name, want := range map[string]string{
		"PayAnswer": `["transactionID","endpoint"]`, "QueryAnswer": `["transactionID"]`, "CreatePaymentLinkAnswer": `["orderNo","shortLink"]`,
		"CheckoutAnswer": "null", "RefundAnswer": "null", "CreateTokenAnswer": "null",
	} {
		if got := compact(t, schemas.at(t, name)["required"]); got != want {
			t.Errorf("%s requires %s", name, got)
		}
	}
	answer := schemas.at(t, "QueryAnswer", "properties")
	if got := answer.at(t, "transactionStage")["description"]; got != "The state of the transaction. Codes: /codes/stages." {
		t.Errorf("transactionStage: %s", got)
	}
	for name, want := range map[string]string{
		"PayAnswer endpoint":              `"type":"string"`,
		"QueryAnswer orderAmount":         `"oneOf":[{"type":"string"},{"type":"number"}]`,
		"QueryAnswer transactionID":       `"type":"string"`,
		"QueryTokensAnswer tokens":        `"tokenID":{`,
		"QueryAnswer transactionStatus":   `"x-lists":["responseCodes"]`,
		"PayWithQRAnswer qrCode":          `"x-description-vi":"Nội dung mã QR`,
		"CreatePaymentLinkAnswer orderNo": `"description":"Id of the payment link."`,
	} {
		schema, field, _ := strings.Cut(name, " ")
		got := compact(t, schemas.at(t, schema, "properties", field))
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestOpenAPIHidesSecrets(t *testing.T) {
	doc := openAPI(t)
	for _, op := range operation.All() {
		properties := dataOf(t, doc, schemaName(&op, "Request")).at(t, "properties")
		for _, f := range op.Request {
			property := properties.at(t, f.Name)
			if hidden := property["writeOnly"] == true && property["format"] == "password"; hidden != f.Secret {
				t.Errorf("%s: %s is hidden: %t", op.Name, f.Name, hidden)
			}
		}
	}
	if dataOf(t, doc, "PayRequest").at(t, "properties", "cardNumber")["writeOnly"] != true {
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
		want := []string{"Cache-Control", "Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id", "Galaxypay-Response-Code", "X-Content-Type-Options"}
		if op.Name == "query" || op.Name == "fastPay" {
			want = slices.Insert(want, 3, "Galaxypay-Payment-Status")
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
			"Cache-Control Content-Language Galaxypay-Merchant X-Content-Type-Options",
		},
		"Problem409": {
			"Conflict. `code` and `outcome`:\n\n- `transaction_duplicate` (`rejected`): The gateway has it.",
			"Cache-Control Content-Language Galaxypay-Operation Galaxypay-Response-Code X-Content-Type-Options",
		},
		"Problem503": {
			"Service Unavailable. `code` and `outcome`:\n\n- `overloaded` (`not_sent`): Too many.",
			"Cache-Control Content-Language Retry-After X-Content-Type-Options",
		},
		"Problem502": {
			"Bad Gateway. `code` and `outcome`:\n\n- `gateway_unreachable` (`not_sent`): No connection.\n- `response_malformed` (`unknown`): Not JSON.",
			"Cache-Control Content-Language Galaxypay-Operation Galaxypay-Request-Id X-Content-Type-Options",
		},
		"DocumentProblem403": {
			"Forbidden. `code` and `outcome`:\n\n- `caller_not_allowed` (`not_sent`): Not you.",
			"Cache-Control Content-Language X-Content-Type-Options",
		},
	} {
		response := responses.at(t, name)
		if response["description"] != want.description {
			t.Errorf("%s: %q", name, response["description"])
		}
		if got := strings.Join(sortedKeys(response.at(t, "headers")), " "); got != want.headers {
			t.Errorf("%s: headers %s", name, got)
		}
		if got := compact(t, response.at(t, "content", "application/problem+json", "schema")); got != `{"$ref":"#/components/schemas/Problem"}` {
			t.Errorf("%s: %s", name, got)
		}
	}
	examples := responses.at(t, "Problem502", "content", "application/problem+json", "examples")
	if got := compact(t, examples["gateway_unreachable"]); len(examples) != 2 || got != `{"summary":"No connection","value":"no"}` {
		t.Errorf("%d examples, %s", len(examples), got)
	}
}

func TestOpenAPIDocuments(t *testing.T) {
	doc := openAPI(t)
	for path, statuses := range map[string]string{
		"/openapi.json": "200 206 304 403", "/codes": "200 206 304 403", "/codes/{list}": "200 206 304 403 404",
	} {
		responses := doc.at(t, "paths", path, "get", "responses")
		if got := strings.Join(sortedKeys(responses), " "); got != statuses {
			t.Errorf("%s answers %s", path, got)
		}
		for _, status := range []string{"200", "206", "304"} {
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

// The pattern says of text what Validate says, but for the currency.
func TestPatternsAgreeWithValidate(t *testing.T) {
	texts := strings.Fields("0 1 00 10.5 1. .5 1.5.5 1e3 1E+3 1e-3 1e 1e+ -1 +1 1,000 １ abc 20261120161500 2026112016150 http://a https://a HTTP://a ftp://a httpx://a http:/a")
	for kind, test := range patternTests {
		pattern := regexp.MustCompile(filled(variantsOf(&operation.Field{Kind: kind}))[0].Pattern)
		for _, text := range append(texts, "12345678901234", " 1") {
			code := verdict(t, test.operation, test.field, kind, text)
			if code != "" && code != test.code {
				t.Fatalf("%s %q: Validate finds %s, which is not the pattern's matter", kind, text, code)
			}
			valid := code == "" ||
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
	value, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
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

// testSite is a handler without options.
func testSite() *Site {
	return &Site{Version: "v1.2.3", Operations: operation.All(), Calls: someFailures, Documents: []Failure{someFailures[3], someFailures[4]}}
}
