package rawjson

import (
	"fmt"
	"strings"
	"testing"
)

// values reads an object member by member, and enters none of them.
func values(object string) (members []Member, err error) {
	r := NewReader([]byte(object))
	defer r.Close()
	for r.Next() {
		members = append(members, Member{r.Name(), r.Value()})
	}
	return members, r.Err()
}

// entered reads an object and enters every object inside of it.
func entered(object string) (string, error) {
	r := NewReader([]byte(object))
	defer r.Close()
	var b strings.Builder
	enterAll(r, &b)
	return b.String(), r.Err()
}

func enterAll(r *Reader, b *strings.Builder) {
	for r.Next() {
		name := r.Name()
		if !r.Enter() {
			fmt.Fprintf(b, "%s=%s;", name, r.Value())
			continue
		}
		fmt.Fprintf(b, "%s={", name)
		enterAll(r, b)
		b.WriteString("};")
	}
}

// membersInside writes down what entered does, by Members, which reads each object by itself.
func membersInside(t *testing.T, object []byte) string {
	t.Helper()
	members, err := Members(object)
	if err != nil {
		t.Fatalf("%s: %s", object, err.Fault)
	}
	var b strings.Builder
	for _, m := range members {
		if m.Value[0] != '{' {
			fmt.Fprintf(&b, "%s=%s;", m.Name, m.Value)
			continue
		}
		fmt.Fprintf(&b, "%s={%s};", m.Name, membersInside(t, m.Value))
	}
	return b.String()
}

func wantAgreement(t *testing.T, text string, members []Member) {
	t.Helper()
	if got, err := values(text); err != nil || pairs(got) != pairs(members) {
		t.Errorf("%s: the reader reads %s and ends with %v, Members has %s", text, pairs(got), err, pairs(members))
	}
	want := membersInside(t, []byte(text))
	if got, err := entered(text); err != nil || got != want {
		t.Errorf("%s: the reader reads %s inside and ends with %v, Members has %s", text, got, err, want)
	}
}

// A reader takes objects apart as Members does, whatever is in them.
func TestReaderAgreesWithMembers(t *testing.T) {
	for _, text := range []string{
		`{}`, "{ \n }", `{"a":1}`, `{ "a" : 1 , "b" : 2 }`, "{\n\t\"a\"\r:\n-1.5e+3\t,\"b\":null}", `{"":""}`,
		`{"a":"}","b":"{","c":"]","d":"[","e":",","f":":"}`,
		`{"a":"\"","b":"\\","c":"\\\"","d":"\\\\"}`, `{"\u0061":"\u0022","\"":1,"\\":2}`, `{"a\"b":{"c\\":"\\"}}`,
		`{"a":[],"b":{},"c":[[]],"d":[{}],"e":{"f":[]}}`, `{"a":[1,2,{"b":"]}"},"}"],"c":{"d":"[{","e":[{"f":{}}]},"g":true}`,
		`{"a":true,"b":false,"c":null,"d":0,"e":-0.0E-0}`, `{"a":"\ud83d","tên":"Nguyễn 😀"}`,
		"{\"a\":[ 1 , \"x\" ] ,\"b\": { \"c\" : [ ] } }", `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `,"b":1}`,
	} {
		members, err := Members([]byte(text))
		if err != nil {
			t.Fatalf("%s: %s", text, err.Fault)
		}
		wantAgreement(t, text, members)
		for _, m := range members { // and so on inside
			if m.Value[0] != '{' {
				continue
			}
			inner, err := Members(m.Value)
			if err != nil {
				t.Fatalf("%s: %s", m.Value, err.Fault)
			}
			wantAgreement(t, string(m.Value), inner)
		}
	}
}

func TestReaderOfABrokenText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                 ``,
		"broken off in a name":    `{"a`,
		"broken off in a value":   `{"a":{"b":"c`,
		"broken off behind one":   `{"a":1`,
		"broken off in an object": `{"a":{"b":1}`,
		"no value":                `{"a":}`,
		"no name":                 `{1:2}`,
		"wrong bracket":           `{"a":[}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := values(text); err == nil {
				t.Error("read to its end")
			}
			if _, err := entered(text); err == nil {
				t.Error("read to its end, with the objects inside")
			}
		})
	}
	r := NewReader([]byte(`{"a":?}`))
	defer r.Close()
	if !r.Next() || r.Value() != nil || r.Value() != nil || r.Enter() || r.Next() || r.Err() == nil {
		t.Error("the reader went on behind a fault")
	}
}

// It is not for unchecked texts. Still, none of them may make it panic or run
// for ever.
func FuzzReader(f *testing.F) {
	for _, text := range []string{`{}`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":"\`, `{"a":[}`, `{"a"]]`, `{,,"a"::`, `{"a":{"b":[1,"]"]}}`, `{"a":1"b":2}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "{") {
			return
		}
		_, _ = values(text)
		_, _ = entered(text)
		if members, err := Members([]byte(text)); err == nil {
			wantAgreement(t, text, members)
		}
	})
}
