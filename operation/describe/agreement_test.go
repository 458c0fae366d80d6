package describe

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// judge is the schema of each operation's request, as a validator of JSON Schema reads it.
func judges(t *testing.T, text []byte) map[string]*jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*jsonschema.Schema)
	for _, op := range operation.All() {
		if all[op.Name], err = c.Compile("openapi.json#/components/schemas/" + schemaName(&op, "Request")); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// accepts is what the sidecar says of a body: fields that it adds are there.
func accepts(t *testing.T, op *operation.Operation, body map[string]string) (bool, string) {
	t.Helper()
	var members []rawjson.Member
	for _, name := range slices.Sorted(maps.Keys(body)) {
		members = append(members, rawjson.Member{Name: []byte(name), Value: []byte(body[name])})
	}
	for _, f := range op.Fixed() {
		switch value := body[f.Name]; {
		case value == "" || operation.IsEmpty([]byte(value)):
			members = append(members, rawjson.Member{Name: []byte(f.Name), Value: []byte(`"` + f.Fixed + `"`)})
		case rawjson.Scalar([]byte(value)) != f.Fixed:
			return false, "contradicts " + f.Name
		}
	}
	faults := op.Validate(members)
	var words []string
	for _, f := range faults {
		words = append(words, f.Path()+" "+string(f.Code))
	}
	return len(faults) == 0, strings.Join(words, ", ")
}

func written(body map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(body)) {
		parts = append(parts, fmt.Sprintf("%q:%s", name, body[name]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// strange are values of every type, for every field.
var strange = []string{
	`null`, `""`, `" "`, `true`, `false`, `[]`, `[null]`, `[""]`, `[{}]`, `[[]]`, `[1]`, `["x"]`, `{}`, `{"a":null}`, `0`, `1`, `2`, `3`, `12`, `-1`, `999`, `1000`, `1.5`,
	`"0"`, `"1"`, `"2"`, `"00"`, `"0.0"`, `"0.00"`, `"-1"`, `"1,5"`, `"1e3"`, `"+1"`, `"１"`, `"x"`, `"xy"`, `"xyz"`, `"xyzw"`, `"null"`, `"true"`, `"false"`, `"True"`, `"VND"`, `"vi"`, `"VI"`, `"fr"`,
	`"PAY"`, `"pay"`, `"CARD"`, `"TOKEN"`, `"DOMESTIC"`, `"INTERNATIONAL"`, `"WALLET"`, `"DAY"`, `"01/39"`,
	`"20261120161500"`, `"20261120235959"`, `"20261120240000"`, `"20261120236000"`, `"20261131000000"`, `"20261301000000"`, `"20260229000000"`, `"20280229000000"`,
	`"21000229000000"`, `"20000229000000"`, `"00000229000000"`, `"2026112016150"`, `"202611201615000"`, `"20/11/2026"`, `"2026-11-20T16:15:00"`, `20261120161500`, `2026112016150`, `202611201615000`,
	`"12345678901234567890"`, `123456789012345`, `12345678901234567890`, `9999999999999999`, `99999999999999999`, `"9999999999999999"`, `"99999999999999999"`, `"0000000000000001"`, `"00000000000000001"`,
}

// addresses are right and wrong ones.
var addresses = []string{
	"http://a", "https://a", "HTTPS://a", "HttP://a", "http://", "https:///x", "http:/a", "http:a", "//a", "a", "a.example", "/a", "ftp://a", "httpx://a", "httpsx://a", "htt://a", "h://a", "s://a",
	"http://a:80", "http://a:", "http://a:99999", "http://a:x", "http://a:80x", "http://:80", "http://a:80:80", "http://[::1]", "http://[::1]:80", "http://[::1", "http://::1", "http://[::1]x",
	"http://u@a", "http://u:p@a", "http://u:p@:80", "http://u p@a", "http://a b", "http://a/b c", "http://a/%zz", "http://a/%2", "http://a/%20", "http://a?%zz", "http://a#%zz", "http://a?x=1&y#z",
	"http://ă.example", "http://a/ệ", "http://a%20b", "http://a\\b", "http://a|b", "http://a{b", "http://a^b", "http://a`b",
	"shop://paid", "shop:/paid", "shop:paid", "shop:", "shop:/", "shop://", "shop:///", "shop:///x", "shop://:80", "shop://a:x", "shop:/?x", "shop:/x?y#z", "s+h.o-p1://x", "1shop://x", "-shop://x", "shop_app://x",
	"javascript:alert(1)", "mailto:a@b", "tel:+84", "data:text/html,x", "intent://x#Intent;end", "shop://a/%zz", "shop://u@", "shop://u@/x",
}

func values(f *operation.Field) []string {
	all := slices.Clone(strange)
	for _, address := range addresses {
		all = append(all, fmt.Sprintf("%q", address))
	}
	for _, v := range f.Values {
		all = append(all, `"`+v+`"`)
	}
	for _, n := range []int{f.Max - 1, f.Max, f.Max + 1} {
		if n > 0 {
			all = append(all, `"`+strings.Repeat("x", n)+`"`, `"`+strings.Repeat("ệ", n)+`"`, `"`+strings.Repeat("7", n)+`"`, strings.Repeat("7", n),
				`"`+strings.Repeat("\U0001F600", n)+`"`)
			if n > len("https://a/") {
				all = append(all, `"https://a/`+strings.Repeat("x", n-len("https://a/"))+`"`)
			}
		}
	}
	for _, fraction := range []string{".0", ".00", ".000", ".0000", ".5", ".05", ".005", ".0005", ".00005", "."} {
		for _, whole := range []string{"0", "1", strings.Repeat("7", max(f.Max-len(fraction)+1, 1)), strings.Repeat("7", max(f.Max-len(fraction)+2, 1))} {
			all = append(all, `"`+whole+fraction+`"`)
		}
	}
	return all
}

// Whatever is put into a field, in a request that is right but for that, the schema and Validate say
// the same of it.
func TestSchemasAgreeWithValidate(t *testing.T) {
	site := testSite()
	text, err := OpenAPI(site)
	if err != nil {
		t.Fatal(err)
	}
	schemas := judges(t, text)
	count, right := 0, 0
	inside := make(map[string]bool) // of the objects that are the same in every operation
	for _, op := range operation.All() {
		compare := func(body map[string]string) {
			t.Helper()
			count++
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(written(body)))
			if err != nil {
				t.Fatal(written(body), err)
			}
			ok, faults := accepts(t, &op, body)
			if ok {
				right++
			}
			if err := schemas[op.Name].Validate(doc); (err == nil) != ok && !isNumberOfNoDate(body) {
				t.Errorf("%s %s\nValidate: %s\nschema: %v", op.Name, written(body), faults, err)
			}
		}
		base := complete(t, &op)
		compare(base)
		for i := range op.Request {
			f := &op.Request[i]
			for _, currency := range []string{"VND", "vnd", "JPY"} {
				for _, value := range values(f) {
					if f.Kind == operation.KindAmount {
						body := maps.Clone(base)
						body["orderCurrency"], body[f.Name] = `"`+currency+`"`, value
						compare(body)
					}
				}
			}
		}
		for i := range op.Request {
			f := &op.Request[i]
			without := maps.Clone(base)
			delete(without, f.Name)
			compare(without)
			for _, value := range values(f) {
				body := maps.Clone(base)
				body[f.Name] = value
				compare(body)
				if inside[f.Name] {
					continue
				}
				eachInside(f, value, func(nested string) {
					body[f.Name] = nested
					compare(body)
				})
			}
			inside[f.Name] = true
		}
	}
	t.Logf("%d bodies, %d of them right", count, right)
}

// eachInside puts a value into each field inside an object or an array of objects.
func eachInside(f *operation.Field, value string, use func(string)) {
	for i := range f.Fields {
		inner := &f.Fields[i]
		wrap := func(text string) string {
			text = fmt.Sprintf("{%q:%s}", inner.BaseName(), text)
			if f.Kind == operation.KindArray {
				return "[" + text + "]"
			}
			return text
		}
		use(wrap(value))
		eachInside(inner, value, func(nested string) { use(wrap(nested)) })
	}
}

// complete is a request that is right: the example, in a currency with a fraction of four digits, so
// that what only the currency can tell is no matter here.
func complete(t *testing.T, op *operation.Operation) map[string]string {
	t.Helper()
	members, err := rawjson.Members(op.Example)
	if err != nil {
		t.Fatal(op.Name, err)
	}
	body := make(map[string]string)
	for _, m := range members {
		body[string(m.Name)] = string(m.Value)
	}
	body["orderCurrency"] = `"CLF"`
	return body
}

// isNumberOfNoDate reports whether a body differs in a date that is no date but, as a number, has the digits
// of one: no schema can tell.
func isNumberOfNoDate(body map[string]string) bool { return body["orderDateTime"] == "77777777777777" }
