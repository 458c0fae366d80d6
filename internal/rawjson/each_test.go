package rawjson

import (
	"strings"
	"testing"
)

// each collects what Each visits.
func each(object string) (members []Member) {
	Each([]byte(object), func(name, value []byte) { members = append(members, Member{name, value}) })
	return members
}

// Each takes objects apart as Members does, whatever is in them.
func TestEachAgreesWithMembers(t *testing.T) {
	for _, text := range []string{
		`{}`, "{ \n }", `{"a":1}`, `{ "a" : 1 , "b" : 2 }`, "{\n\t\"a\"\r:\n-1.5e+3\t,\"b\":null}", `{"":""}`,
		`{"a":"}","b":"{","c":"]","d":"[","e":",","f":":"}`,
		`{"a":"\"","b":"\\","c":"\\\"","d":"\\\\"}`, `{"\u0061":"\u0022","\"":1,"\\":2}`, `{"a\"b":{"c\\":"\\"}}`,
		`{"a":[],"b":{},"c":[[]],"d":[{}],"e":{"f":[]}}`, `{"a":[1,2,{"b":"]}"},"}"],"c":{"d":"[{","e":[{"f":{}}]},"g":true}`,
		`{"a":true,"b":false,"c":null,"d":0,"e":-0.0E-0}`, `{"a":"\ud83d","tên":"Nguyễn 😀"}`,
		"{\"a\":[ 1 , \"x\" ] ,\"b\": { \"c\" : [ ] } }", `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `,"b":1}`,
	} {
		want, err := Members([]byte(text))
		if err != nil {
			t.Fatalf("%s: %s", text, err.Fault)
		}
		if got := pairs(each(text)); got != pairs(want) {
			t.Errorf("%s: Each visits %s, Members has %s", text, got, pairs(want))
		}
		for _, m := range want { // and so on inside
			if m.Value[0] != '{' {
				continue
			}
			inner, err := Members(m.Value)
			if err != nil {
				t.Fatalf("%s: %s", m.Value, err.Fault)
			}
			if got := pairs(each(string(m.Value))); got != pairs(inner) {
				t.Errorf("%s: Each visits %s, Members has %s", m.Value, got, pairs(inner))
			}
		}
	}
}

// It is not for unchecked texts. All the same, none of them may make it panic or run
// for ever.
func FuzzEach(f *testing.F) {
	for _, text := range []string{`{}`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":"\`, `{"a":[}`, `{"a"]]`, `{,,"a"::`, `{"a":{"b":[1,"]"]}}`, `{"a":1"b":2}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "{") {
			return
		}
		visited := each(text)
		if members, err := Members([]byte(text)); err == nil && pairs(visited) != pairs(members) {
			t.Errorf("Each visits %s, Members has %s", pairs(visited), pairs(members))
		}
	})
}
