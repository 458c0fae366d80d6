package galaxypay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// pairs writes members down for a comparison.
func pairs(members []rawjson.Member) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "%s=%s;", m.Name, m.Value)
	}
	return b.String()
}

// isPartOf reports whether part is a piece of whole itself, not a copy of one.
func isPartOf(whole, part []byte) bool {
	for i := range whole {
		if len(part) > 0 && i+len(part) <= len(whole) && &whole[i] == &part[0] {
			return true
		}
	}
	return false
}

func TestParseRequest(t *testing.T) {
	const own = `{"requestID":"id-1","requestDateTime":"20260615190000","requestData":{"orderID":"1"}}`
	for name, test := range map[string]struct {
		body      string
		object    string // "" means the body
		data      string
		enveloped bool
		requestID string
	}{
		"empty object":           {body: `{}`},
		"fields":                 {body: `{"orderID":"1","orderAmount":1.0}`, data: `orderID="1";orderAmount=1.0;`},
		"white space around":     {body: "\r\n\t { \"a\" : 1 } \n", object: `{ "a" : 1 }`, data: `a=1;`},
		"own envelope":           {body: own, data: `orderID="1";`, enveloped: true, requestID: "id-1"},
		"own, white space":       {body: " " + own + "\n", data: `orderID="1";`, enveloped: true, requestID: "id-1"},
		"own, other order":       {body: `{"requestData":{},"x":1,"requestDateTime":1,"requestID":"i"}`, enveloped: true, requestID: "i"},
		"own, escaped name":      {body: `{"request\u0044ata":{"a":1},"requestDateTime":1,"requestID":"i"}`, data: `a=1;`, enveloped: true, requestID: "i"},
		"own, numbers":           {body: `{"requestID":12,"requestDateTime":20220426083322,"requestData":{}}`, enveloped: true, requestID: "12"},
		"own, escapes in the id": {body: `{"requestID":"\u0041-\/","requestDateTime":"1","requestData":{}}`, enveloped: true, requestID: "A-/"},

		// Look-alikes are the app's data, whatever else they hold.
		"requestData deeper inside": {body: `{"a":{"requestData":{"b":1}}}`, data: `a={"requestData":{"b":1}};`},
		"requestData in a list":     {body: `{"a":[{"requestData":{}}]}`, data: `a=[{"requestData":{}}];`},
		"requestData as text":       {body: `{"requestData":"{\"a\":1}"}`, data: `requestData="{\"a\":1}";`},
		"requestData null":          {body: `{"requestData":null}`, data: `requestData=null;`},
		"requestData a list":        {body: `{"requestData":[{}]}`, data: `requestData=[{}];`},
		"requestData a number":      {body: `{"requestData":1}`, data: `requestData=1;`},
		"requestdata":               {body: `{"requestdata":{}}`, data: `requestdata={};`},
		"requestID without data":    {body: `{"requestID":"id-1"}`, data: `requestID="id-1";`},
	} {
		t.Run(name, func(t *testing.T) {
			if test.object == "" {
				test.object = test.body
			}
			body := []byte(test.body)
			req, err := parseRequest(body)
			if err != nil {
				t.Fatalf("refused: %s", err.Fault)
			}
			if string(req.object) != test.object || !isPartOf(body, req.object) {
				t.Errorf("object %q, expected %q of the body", req.object, test.object)
			}
			if got := pairs(req.data); got != test.data {
				t.Errorf("data %s, expected %s", got, test.data)
			}
			if req.enveloped != test.enveloped || req.requestID != test.requestID {
				t.Errorf("enveloped %t with requestID %q", req.enveloped, req.requestID)
			}
			if string(body) != test.body {
				t.Error("the body was changed")
			}
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		body  string
		fault rawjson.Fault
	}{
		"nothing":               {"", rawjson.Empty},
		"no object":             {`[]`, rawjson.NotObject},
		"duplicate":             {`{"a":1,"a":2}`, rawjson.Duplicate},
		"duplicate requestData": {`{"requestID":"i","requestDateTime":1,"requestData":{},"requestData":{}}`, rawjson.Duplicate},
		"duplicate inside":      {`{"requestID":"i","requestDateTime":1,"requestData":{"a":1,"a":2}}`, rawjson.Duplicate},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseRequest([]byte(test.body)); err == nil || err.Fault != test.fault {
				t.Errorf("fault %v, expected %s", err, test.fault)
			}
		})
	}
}

func TestRequestFields(t *testing.T) {
	for name, body := range map[string]string{
		"plain": `{"text":"a","number":1.50,"blank":" ","empty":"","null":null,"object":{},"true":true}`,
		"own":   `{"requestID":"i","requestDateTime":1,"requestData":{"text":"a","number":1.50,"blank":" ","empty":"","null":null,"object":{},"true":true}}`,
	} {
		t.Run(name, func(t *testing.T) {
			req, err := parseRequest([]byte(body))
			if err != nil {
				t.Fatal(err.Fault)
			}
			for field, want := range map[string]string{
				"text": "a", "number": "1.50", "blank": " ", "object": "", "true": "",
			} {
				if !req.has(field) || req.text(field) != want {
					t.Errorf("%s: there %t, text %q", field, req.has(field), req.text(field))
				}
			}
			for _, field := range []string{"requestID", "requestData", "absent", "Text", "", "empty", "null"} {
				if req.has(field) || req.text(field) != "" {
					t.Errorf("%q: there %t, text %q", field, req.has(field), req.text(field))
				}
			}
		})
	}
}

func TestAppendEnvelope(t *testing.T) {
	const head = `{"requestID":"id-1","requestDateTime":"20260615190000","requestData":`
	const own = `{"requestID":"own", "requestDateTime":20220426083322,"requestData":{ "a" : 1.0 } }`
	one := []field{{"apiOperation", []byte(`"PAY"`)}}
	two := append(slices.Clone(one), field{"ipnURL", []byte(`"https://shop.example/?a=1\u0026b=2"`)})
	for name, test := range map[string]struct {
		body  string
		added []field
		want  string
	}{
		"empty":                   {`{}`, nil, head + `{}}`},
		"empty, one added":        {`{}`, one, head + `{"apiOperation":"PAY"}}`},
		"empty, two added":        {`{}`, two, head + `{"apiOperation":"PAY","ipnURL":"https://shop.example/?a=1\u0026b=2"}}`},
		"blank, one added":        {`{ }`, one, head + `{ "apiOperation":"PAY"}}`},
		"fields":                  {`{"a":1}`, nil, head + `{"a":1}}`},
		"fields, one added":       {`{"a":1}`, one, head + `{"a":1,"apiOperation":"PAY"}}`},
		"fields, two added":       {`{"a":1}`, two, head + `{"a":1,"apiOperation":"PAY","ipnURL":"https://shop.example/?a=1\u0026b=2"}}`},
		"every byte stays":        {"{ \"z\" : 1.0,\r\n\t\"a\":\"\\u0041\\/ễ\",\"n\":1E+2 ,\"o\":{ } }", nil, head + "{ \"z\" : 1.0,\r\n\t\"a\":\"\\u0041\\/ễ\",\"n\":1E+2 ,\"o\":{ } }}"},
		"white space around goes": {" \n{\"a\":1}\n ", nil, head + `{"a":1}}`},
		"own":                     {own, nil, own},
		"own, white space around": {"\n " + own + " \n", nil, "\n " + own + " \n"},
		"own, nothing is added":   {own, two, own},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(test.body)
			req, err := parseRequest(body)
			if err != nil {
				t.Fatal(err.Fault)
			}
			if !req.enveloped {
				req.requestID = "id-1"
			}
			got := appendEnvelope([]byte("before:"), &req, today, test.added)
			if string(got) != "before:"+test.want {
				t.Errorf("wrote %s\nexpected before:%s", got, test.want)
			}
			if !json.Valid(got[len("before:"):]) {
				t.Error("the envelope is not valid JSON")
			}
			if string(body) != test.body {
				t.Error("the body was changed")
			}
		})
	}
}

func TestFill(t *testing.T) {
	fields := []field{{"a", []byte(`"A"`)}, {"b", []byte(`"B\u0026"`)}, {"c", []byte(`"C"`)}}
	for name, test := range map[string]struct {
		body, object string
		rest         string // names of the fields that found no place
	}{
		"none":                  {`{"x":null,"y":""}`, `{"x":null,"y":""}`, "abc"},
		"first":                 {`{"a":null,"x":1}`, `{"a":"A","x":1}`, "bc"},
		"last":                  {`{"x":1,"b":""}`, `{"x":1,"b":"B\u0026"}`, "ac"},
		"the only one":          {`{"c":null}`, `{"c":"C"}`, "ab"},
		"all, in another order": {`{"c":null,"x":"","b":"","a":null}`, `{"c":"C","x":"","b":"B\u0026","a":"A"}`, ""},
		"blanks around":         {"\r\n { \"a\" :\tnull , \"x\": 1.0\n,\"b\"\n:\n\"\" } \n", "{ \"a\" :\t\"A\" , \"x\": 1.0\n,\"b\"\n:\n\"B\\u0026\" }", "c"},
		"escaped name":          {`{"\u0061":null}`, `{"\u0061":"A"}`, "bc"},
		"deeper inside":         {`{"o":{"a":null},"l":[{"b":""}],"s":"{\"c\":null}"}`, `{"o":{"a":null},"l":[{"b":""}],"s":"{\"c\":null}"}`, "abc"},
		"deeper and outside":    {`{"o":{"a":null},"a":null,"p":{"a":null}}`, `{"o":{"a":null},"a":"A","p":{"a":null}}`, "bc"},
		"other letter case":     {`{"A":null}`, `{"A":null}`, "abc"},
		"other bytes stay":      {`{"n":1E+2,"t":"\u1ec5\/","a":"","z":null}`, `{"n":1E+2,"t":"\u1ec5\/","a":"A","z":null}`, "bc"},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(test.body)
			req, err := parseRequest(body)
			if err != nil {
				t.Fatal(err.Fault)
			}
			rest := ""
			for _, f := range req.fill(slices.Clone(fields)) {
				rest += f.name
			}
			if string(req.object) != test.object || rest != test.rest {
				t.Errorf("object %s, rest %s; expected %s, rest %s", req.object, rest, test.object, test.rest)
			}
			again, err := parseRequest(req.object)
			if err != nil || pairs(again.data) != pairs(req.data) {
				t.Errorf("members %s, in the object %s", pairs(req.data), pairs(again.data))
			}
			if string(body) != test.body {
				t.Error("the body was changed")
			}
		})
	}
}

// The gateway reads its own clock into these digits: always UTC+7, whatever zone
// the machine is in.
func TestRequestDateTime(t *testing.T) {
	newYork := time.FixedZone("", -5*60*60)
	for name, test := range map[string]struct {
		now  time.Time
		want string
	}{
		"UTC":                   {time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC), "20260615190000"},
		"next day":              {time.Date(2026, 6, 15, 17, 0, 0, 0, time.UTC), "20260616000000"},
		"next year":             {time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.UTC), "20270101065959"},
		"leap day":              {time.Date(2028, 2, 28, 20, 0, 0, 0, time.UTC), "20280229030000"},
		"another zone":          {time.Date(2026, 6, 15, 8, 4, 5, 0, newYork), "20260615200405"},
		"the gateway's own":     {time.Date(2026, 1, 2, 3, 4, 5, 0, gatewayZone), "20260102030405"},
		"afternoon, 24 hours":   {time.Date(2026, 1, 2, 15, 4, 5, 0, gatewayZone), "20260102150405"},
		"fractions are cut":     {time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, gatewayZone), "20260102030405"},
		"summer changes naught": {time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "20260701070000"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request{object: []byte(`{}`), requestID: "i"}
			var sent struct{ RequestDateTime string }
			if err := json.Unmarshal(appendEnvelope(nil, &req, test.now, nil), &sent); err != nil {
				t.Fatal(err)
			}
			if sent.RequestDateTime != test.want {
				t.Errorf("%s, expected %s", sent.RequestDateTime, test.want)
			}
		})
	}
}

// A published request goes through as the app's own envelope without a byte
// changing, so it gets the published signature.
func TestPublishedRequestsKeepTheirSignature(t *testing.T) {
	for _, id := range []string{"request-current", "request-v3.0"} {
		t.Run(id, func(t *testing.T) {
			v := vectorNamed(t, id)
			req, err := parseRequest([]byte(v.Text))
			if err != nil {
				t.Fatal(err.Fault)
			}
			s := signer{salt: []byte(v.Salt)}
			if got := s.sign(appendEnvelope(nil, &req, today, nil)); got != v.Signature {
				t.Errorf("signed %s, published %s", got, v.Signature)
			}
			if req.requestID != "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3" || req.text("orderAmount") != "100000" {
				t.Errorf("read requestID %s, orderAmount %s", req.requestID, req.text("orderAmount"))
			}
		})
	}
}

func TestParseEnvelope(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		want   envelope // without data and text
		data   string
		noData bool
		text   string // "" means the body
	}{
		"answer": {
			body: `{"requestID":"id-1","responseDateTime":"20220506092917","responseCode":"200","responseMessage":"Success","responseData":{"endpoint":"https://x/"}}`,
			want: envelope{requestID: "id-1", responseCode: "200", message: []byte(`"Success"`)},
			data: `{"endpoint":"https://x/"}`,
		},
		"numbers":             {body: `{"requestID":1,"responseCode":200,"responseMessage":3,"responseData":{}}`, want: envelope{requestID: "1", responseCode: "200", message: []byte(`"3"`)}, data: `{}`},
		"nothing":             {body: `{}`, noData: true},
		"nulls":               {body: `{"requestID":null,"responseCode":null,"responseMessage":null,"responseData":null}`, noData: true},
		"strange types":       {body: `{"requestID":{},"responseCode":[200],"responseMessage":true,"responseData":7}`, data: `7`},
		"other case":          {body: `{"requestid":"i","ResponseCode":"200","responsedata":{}}`, noData: true},
		"deeper inside":       {body: `{"a":{"requestID":"i","responseCode":"200","responseData":{}}}`, noData: true},
		"payment link":        {body: `{"requestId":"link","responseCode":"200"}`, want: envelope{requestID: "link", responseCode: "200"}, noData: true},
		"both spellings":      {body: `{"requestId":"link","requestID":"id-1"}`, want: envelope{requestID: "id-1"}, noData: true},
		"empty requestID":     {body: `{"requestId":"link","requestID":""}`, want: envelope{requestID: "link"}, noData: true},
		"escapes":             {body: `{"responseMessage":"Giao d\u1ecbch \"th\u00e0nh c\u00f4ng\""}`, want: envelope{message: []byte(`"Giao dịch \"thành công\""`)}, noData: true},
		"BOM":                 {body: utf8BOM + `{"responseCode":"200"}`, want: envelope{responseCode: "200"}, noData: true, text: `{"responseCode":"200"}`},
		"white space":         {body: " {\"responseCode\" : \"200\", \"responseData\" : { } }\n", want: envelope{responseCode: "200"}, data: `{ }`},
		"data byte for byte":  {body: `{"responseData":{"z":1.0,"a":"\u0041\/", "n":1E5}}`, data: `{"z":1.0,"a":"\u0041\/", "n":1E5}`},
		"data as text":        {body: `{"responseData":"{\"a\":\"\\u0041\",\"b\":\"\u1ec5\"}"}`, data: `{"a":"\u0041","b":"ễ"}`},
		"data as plain text":  {body: `{"responseData":"{}"}`, data: `{}`},
		"text, not an object": {body: `{"responseData":"hello"}`, data: `"hello"`},
		"text of a list":      {body: `{"responseData":"[1]"}`, data: `"[1]"`},
		"text, broken object": {body: `{"responseData":"{\"a\":1"}`, data: `"{\"a\":1"`},
		"text, empty":         {body: `{"responseData":""}`, data: `""`},
		"a list":              {body: `{"responseData":[1,2]}`, data: `[1,2]`},
		"historic success":    {body: `{"responseCode":"00"}`, want: envelope{responseCode: "00"}, noData: true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.text == "" {
				test.text = test.body
			}
			body := []byte(test.body)
			a, err := parseEnvelope(body)
			if err != nil {
				t.Fatalf("refused: %s", err.Fault)
			}
			if a.requestID != test.want.requestID || a.responseCode != test.want.responseCode || a.responseMessage() != test.want.responseMessage() {
				t.Errorf("read %q, %q, %q", a.requestID, a.responseCode, a.responseMessage())
			}
			if string(a.data) != test.data || (a.data == nil) != test.noData {
				t.Errorf("data %s, expected %s", a.data, test.data)
			}
			if string(a.text) != test.text || !isPartOf(body, a.text) {
				t.Errorf("envelope %s", a.text)
			}
			if string(body) != test.body {
				t.Error("the body was changed")
			}
		})
	}
	for name, test := range map[string]struct {
		body  string
		fault rawjson.Fault
	}{
		"nothing":      {"", rawjson.Empty},
		"only a BOM":   {utf8BOM, rawjson.Empty},
		"HTML":         {"<html></html>", rawjson.Syntax},
		"a list":       {`[{"responseCode":"200"}]`, rawjson.NotObject},
		"two verdicts": {`{"responseCode":"499","responseCode":"200"}`, rawjson.Duplicate},
		"two statuses": {`{"responseCode":"200","responseData":{"transactionStatus":"499","transactionStatus":"200"}}`, rawjson.Duplicate},
		"broken off":   {`{"responseCode":"200"`, rawjson.Truncated},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if a, err := parseEnvelope([]byte(test.body)); err == nil || err.Fault != test.fault || a.text != nil {
				t.Errorf("read %+v, fault %v, expected %s", a, err, test.fault)
			}
		})
	}
}

func TestParseEnvelopeReadsTheVectors(t *testing.T) {
	for id, want := range map[string]envelope{
		"callback-cancel": {requestID: "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3", responseCode: "499", message: []byte(`"Canceled by user"`)},
		"callback-result": {requestID: "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3", responseCode: "200", message: []byte(`"Transaction is successful."`)},
		"plus-and-slash":  {requestID: "aaa04cf8d97f4c6ebede69135d1bce35", responseCode: "200", message: []byte(`"Giao dịch thành công."`)},
		"tokenization":    {requestID: "14653fa12f694f4f9d4b240e1bebbdf3", responseCode: "200", message: []byte(`"Success"`)},
		"payment-link":    {requestID: "cd80bae6-3d24-44a8-9760-71b3e17fe27c", responseCode: "200", message: []byte(`"Success"`)},
	} {
		t.Run(id, func(t *testing.T) {
			a, err := parseEnvelope([]byte(vectorNamed(t, id).Message))
			if err != nil {
				t.Fatal(err.Fault)
			}
			if a.requestID != want.requestID || a.responseCode != want.responseCode || a.responseMessage() != want.responseMessage() {
				t.Errorf("read %q, %q, %q", a.requestID, a.responseCode, a.responseMessage())
			}
			if len(a.data) == 0 || a.data[0] != '{' {
				t.Errorf("data %s", a.data)
			}
		})
	}
}

func TestIsHeaderText(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "14653fa1-2f69": true, "!~": true, `"\`: true, strings.Repeat("x", 1000): true,
		"": false, " ": false, "a b": false, "a\tb": false, "a\nb": false, "a\rb": false, "a\x00": false, "a\x7f": false, "é": false, "a\xff": false, "a ": false,
	} {
		if got := isHeaderText(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
