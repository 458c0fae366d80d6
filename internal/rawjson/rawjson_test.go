package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// pairs writes members down for a comparison.
func pairs(members []Member) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "%s=%s;", m.Name, m.Value)
	}
	return b.String()
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

func TestMembers(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty object":             {`{}`, ``},
		"white space inside":       {"{ \t\r\n}", ``},
		"white space around":       {" \t\r\n{\"a\":1}\n\r\t ", `a=1;`},
		"order is kept":            {`{"z":1,"a":2,"m":3}`, `z=1;a=2;m=3;`},
		"every kind of value":      {`{"s":"x","n":-1.50e+3,"t":true,"f":false,"0":null,"o":{},"a":[]}`, `s="x";n=-1.50e+3;t=true;f=false;0=null;o={};a=[];`},
		"number literals are kept": {`{"a":1.0,"b":100000000000000000000000000000000001,"c":-0}`, `a=1.0;b=100000000000000000000000000000000001;c=-0;`},
		"inner white space stays":  {"{\"a\" : { \"b\" : [ 1 , 2 ] } ,\n\"c\":\t3}", `a={ "b" : [ 1 , 2 ] };c=3;`},
		"escapes in values stay":   {`{"a":"\u0041\/\n"}`, `a="\u0041\/\n";`},
		"escapes in names":         {`{"\u0061\/":1}`, `a/=1;`},
		"empty name":               {`{"":1}`, `=1;`},
		"UTF-8":                    {`{"tên":"Nguyễn 😀"}`, `tên="Nguyễn 😀";`},
		"lone surrogate":           {`{"a":"\ud83d"}`, `a="\ud83d";`},
		"escaped NUL":              {`{"a":"\u0000"}`, `a="\u0000";`},
		"same name, other case":    {`{"a":1,"A":2}`, `a=1;A=2;`},
		"same name, other depth":   {`{"a":{"a":[{"a":1},{"a":2}]}}`, `a={"a":[{"a":1},{"a":2}]};`},
		"as deep as JSON goes":     {nested(10000), `a=` + nested(9999) + `;`},
	} {
		t.Run(name, func(t *testing.T) {
			members, err := Members([]byte(test.text))
			if err != nil {
				t.Fatalf("refused: %s at %d", err.Fault, err.Offset)
			}
			if got := pairs(members); got != test.want {
				t.Errorf("read %s, expected %s", got, test.want)
			}
			if !IsObject([]byte(test.text)) {
				t.Error("IsObject says no")
			}
		})
	}
}

func TestMembersRefuses(t *testing.T) {
	many := `{`
	for i := range 500 {
		many += fmt.Sprintf(`"field%d":%d,`, i, i)
	}
	for name, test := range map[string]struct {
		text   string
		fault  Fault
		offset int64
	}{
		"nothing":                       {"", Empty, 0},
		"white space":                   {" \t\r\n", Empty, 0},
		"Latin-1":                       {"{\"a\":\"Nguy\xean\"}", NotUTF8, 10},
		"bad bytes in a name":           {"{\"\xff\":1}", NotUTF8, 2},
		"bad bytes behind the object":   {"{}\xff", NotUTF8, 2},
		"cut character":                 {"{\"a\":\"\xc3", NotUTF8, 6},
		"encoded surrogate":             {"{\"a\":\"\xed\xa0\x80\"}", NotUTF8, 6},
		"overlong":                      {"{\"a\":\"\xc0\xaf\"}", NotUTF8, 6},
		"UTF-16":                        {"\xff\xfe{\x00}\x00", NotUTF8, 0},
		"array":                         {`[{"a":1}]`, NotObject, 0},
		"string":                        {`"abc"`, NotObject, 0},
		"number":                        {`12345`, NotObject, 0},
		"true":                          {`true`, NotObject, 0},
		"null":                          {`null`, NotObject, 0},
		"array behind white space":      {"  \n[]", NotObject, 3},
		"string behind white space":     {` "abc"`, NotObject, 1},
		"two objects":                   {`{}{}`, Trailing, 2},
		"two lines of objects":          {"{\"a\":1}\n{\"a\":2}", Trailing, 8},
		"comma behind":                  {`{"a":1},`, Trailing, 7},
		"brace behind":                  {`{"a":1} }`, Trailing, 8},
		"comment behind":                {`{} // x`, Trailing, 3},
		"NUL behind":                    {"{}\x00", Trailing, 2},
		"form feed behind":              {"{}\f", Trailing, 2},
		"no-break space behind":         {"{}\u00a0", Trailing, 2},
		"BOM":                           {"\xef\xbb\xbf" + `{}`, Syntax, 0},
		"form":                          {`data=x&signature=y`, Syntax, 0},
		"name without quotes":           {`{a:1}`, Syntax, 1},
		"single quotes":                 {`{'a':1}`, Syntax, 1},
		"number as name":                {`{1:2}`, Syntax, 1},
		"no colon":                      {`{"a" 1}`, Syntax, 5},
		"no value":                      {`{"a":}`, Syntax, 5},
		"no comma":                      {`{"a":1 "b":2}`, Syntax, 7},
		"comma at the end":              {`{"a":1,}`, Syntax, 6},
		"comma alone":                   {`{,}`, Syntax, 1},
		"comma at the end of an array":  {`{"a":[1,]}`, Syntax, 8},
		"wrong bracket":                 {`{"a":[1}}`, Syntax, 7},
		"leading zero":                  {`{"a":01}`, Syntax, 6},
		"plus sign":                     {`{"a":+1}`, Syntax, 5},
		"NaN":                           {`{"a":NaN}`, Syntax, 5},
		"unknown escape":                {`{"a":"\x41"}`, Syntax, 6},
		"raw line end in a string":      {"{\"a\":\"x\ny\"}", Syntax, 7},
		"comment inside":                {`{/**/}`, Syntax, 1},
		"deeper than JSON goes":         {nested(10001), Syntax, 50000},
		"name twice":                    {`{"a":1,"a":2}`, Duplicate, 7},
		"name twice, one escaped":       {`{"a":1,"\u0061":2}`, Duplicate, 7},
		"name twice, same value":        {`{"a":1,"b":2,"a":1}`, Duplicate, 13},
		"name twice further inside":     {`{"a":[{"b":{"c":1,"c":2}}]}`, Duplicate, 18},
		"name twice, lone surrogates":   {`{"\ud800":1,"\udbff":2}`, Duplicate, 12},
		"name twice among many":         {many + `"field7":0}`, Duplicate, int64(len(many))},
		"only a brace":                  {`{`, Truncated, 1},
		"broken off in a name":          {`{"a`, Truncated, 3},
		"broken off behind a name":      {`{"a"`, Truncated, 4},
		"broken off behind a colon":     {`{"a":`, Truncated, 5},
		"broken off in a value":         {`{"a":"x`, Truncated, 7},
		"broken off in a literal":       {`{"a":tru`, Truncated, 8},
		"broken off behind a value":     {`{"a":1`, Truncated, 6},
		"broken off behind a comma":     {`{"a":1,`, Truncated, 7},
		"broken off in an inner object": {`{"a":{"b":1}`, Truncated, 12},
	} {
		t.Run(name, func(t *testing.T) {
			members, err := Members([]byte(test.text))
			if err == nil {
				t.Fatalf("read as %s", pairs(members))
			}
			if err.Fault != test.fault || err.Offset != test.offset {
				t.Errorf("%s at %d, expected %s at %d", err.Fault, err.Offset, test.fault, test.offset)
			}
			if members != nil {
				t.Error("members in spite of a fault")
			}
			if IsObject([]byte(test.text)) {
				t.Error("IsObject says yes")
			}
		})
	}
}

// offsetIn returns where part lies in the memory of whole, -1 if it lies elsewhere.
func offsetIn(whole, part []byte) int {
	for i := 0; len(part) > 0 && i+len(part) <= len(whole); i++ {
		if &whole[i] == &part[0] {
			return i
		}
	}
	return -1
}

// The members must be the very bytes that were received and hashed: not copies,
// and not changed in place. Sizes go beyond every buffer that a decoder may have.
func TestMembersAliasesItsInput(t *testing.T) {
	for name, text := range map[string]string{
		"small":        `{"a":"x","b":{"c":[1,2]},"d":1.50}`,
		"with escapes": `{"a":"\u0041","\u0062":"\n"}`,
		"large value":  `{"a":"` + strings.Repeat("0123456789", 20_000) + `","b":1}`,
		"many members": `{"a":1` + func() (all string) {
			for i := range 500 {
				all += fmt.Sprintf(`,"m%d":"%d"`, i, i)
			}
			return all
		}() + `}`,
		"white space around": "\n\n {\"a\" : 1 } \n",
		"broken at its end":  `{"a":1,"b":[1,2,3],"c":"` + strings.Repeat("x", 5000),
		"trailing":           `{"a":1}{"a":1}`,
		"duplicate":          `{"a":1,"a":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			input := make([]byte, len(text), len(text)+64) // with room that an append would write into
			copy(input, text)
			spare := input[len(input):cap(input)]
			members, _ := Members(input)
			if string(input) != text || !bytes.Equal(spare, make([]byte, 64)) {
				t.Error("the input was changed")
			}
			last := 0
			for _, m := range members {
				at := offsetIn(input, m.Value)
				if at < last || string(m.Value) != text[at:at+len(m.Value)] {
					t.Fatalf("the value of %s does not lie in the input", m.Name)
				}
				last = at + len(m.Value)
				if bytes.Contains(input, append([]byte(`"`), m.Name...)) && offsetIn(input, m.Name) < 0 {
					t.Errorf("the name %s does not lie in the input", m.Name)
				}
			}
		})
	}
}

// A reader in the pool must hold nothing of the request that it read: that may have
// been a card number.
func TestClosedReaderHoldsNoText(t *testing.T) {
	for name, text := range map[string]string{
		"whole":      `{"cardNumber":"9704000000000018"}`,
		"broken off": `{"cardNumber":"9704000000000018`,
	} {
		t.Run(name, func(t *testing.T) {
			r := new(Reader)
			r.reset([]byte(text), tolerateSurrogates)
			for range 3 {
				if _, err := r.dec.ReadToken(); err != nil {
					break
				}
			}
			r.name, r.err = []byte("cardNumber"), io.ErrUnexpectedEOF
			r.Close()
			if r.text != nil || r.name != nil || r.err != nil {
				t.Errorf("the reader holds %q, %q and %v", r.text, r.name, r.err)
			}
			if held := r.from.Bytes(); cap(held) > 0 {
				t.Errorf("the buffer holds %q", held[:cap(held)])
			}
			if held := r.dec.UnreadBuffer(); cap(held) > 0 {
				t.Errorf("the decoder holds %q", held[:cap(held)])
			}
			if r.dec.InputOffset() != 0 || r.dec.StackDepth() != 0 {
				t.Error("the decoder remembers where it was")
			}
		})
	}
}

// Readers are shared; what one request holds must never turn up in another.
// Good, broken and refused texts of many lengths take turns, so that each comes to
// a reader that has just read some other. Worth most with -race.
func TestMembersSideBySide(t *testing.T) {
	var all sync.WaitGroup
	for n := range 48 {
		all.Go(func() {
			own := fmt.Sprintf("caller-%d-", n)
			filler := strings.Repeat(own, 1+n*n)
			text := []byte(fmt.Sprintf(`{"name":"%s","%s":{"x":[%d]},"\u0061":"%s"}`, own, own, n, filler))
			want := fmt.Sprintf(`name="%s";%s={"x":[%d]};a="%s";`, own, own, n, filler)
			for turn := range 40 {
				members, err := Members(text)
				if err != nil {
					t.Errorf("caller %d: %s at %d", n, err.Fault, err.Offset)
					return
				}
				cut := text[:1+(turn*37+n)%(len(text)-1)]
				if got, err := Members(cut); err == nil {
					t.Errorf("caller %d: a broken text was read as %s", n, pairs(got))
				}
				if _, err := Members([]byte(`{"a":1,"a":2}`)); err == nil || err.Fault != Duplicate {
					t.Errorf("caller %d: a duplicate passed", n)
				}
				if got := pairs(members); got != want { // after others had their turns
					t.Errorf("caller %d read %s", n, got)
					return
				}
			}
		})
	}
	all.Wait()
}

// secondOpinion reads text with the standard library's decoder. It differs from
// Members on purpose in two points, which are added here: bytes that are not
// UTF-8 and names given twice are refused.
func secondOpinion(text []byte) (string, bool) {
	if !json.Valid(text) || !utf8.Valid(text) || repeats(text) {
		return "", false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return "", false
	}
	var b strings.Builder
	for decoder.More() {
		name, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return "", false
		}
		fmt.Fprintf(&b, "%s=%s;", name, value)
	}
	return b.String(), true
}

// repeats reports whether any object in a valid text has two members of one name.
func repeats(text []byte) bool {
	var open []map[string]bool // nil for an array
	expectName := false
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		inObject := len(open) > 0 && open[len(open)-1] != nil
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open, expectName = append(open, map[string]bool{}), true
			case '[':
				open, expectName = append(open, nil), false
			default:
				open = open[:len(open)-1]
				expectName = len(open) > 0 && open[len(open)-1] != nil
			}
			continue
		case string:
			if inObject && expectName {
				if open[len(open)-1][token] {
					return true
				}
				open[len(open)-1][token], expectName = true, false
				continue
			}
		}
		expectName = inObject
	}
}

func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		"", " ", "{}", "[]", `"a"`, "1", "null", `{"a":1}`, "\t{\"a\" :\n1 , \"b\":[ true,{} ]}\r", `{"a":1,"a":2}`,
		`{"a":{"b":[{"c":1},{"c":2}]},"d":"e"}`, `{"a":{"b":1,"\u0062":2}}`, `{"a":"\ud83d\ude00","b":"\ud83d"}`, `{"\ud800":1}`,
		`{"a":"\u00e9é"}`, "{\"a\":\"\xe9\"}", `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":.5}`, `{"a":1E-2}`, `{"a":tru}`, `{"a":"\q"}`,
		`{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{:1}`, `{"a":1}x`, `{"a":1}{}`, "{\"a\":\"\x00\"}", "{\"a\":\"\x7f\"}", "\xef\xbb\xbf" + "{}",
		`{"a":[[[[[]]]]]}`, `{"":{"":{"":""}}}`, `{"a":"` + strings.Repeat("x", 5000) + `"}`, nested(200), nested(10001),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		members, err := Members(text)
		want, valid := secondOpinion(text)
		if (err == nil) != valid {
			t.Fatalf("accepted: %t, by the standard library: %t", err == nil, valid)
		}
		if err == nil && pairs(members) != want {
			t.Errorf("read %s, by the standard library %s", pairs(members), want)
		}
		if err != nil && (err.Offset < 0 || err.Offset > int64(len(text))) {
			t.Errorf("a fault at byte %d of %d", err.Offset, len(text))
		}
		if !bytes.Equal(text, before) {
			t.Error("the input was changed")
		}
	})
}

func TestFind(t *testing.T) {
	members, err := Members([]byte(`{"a":null,"b":"","\u0063":3,"Upper":4}`))
	if err != nil {
		t.Fatal(err.Fault)
	}
	for name, want := range map[string]string{"a": "null", "b": `""`, "c": "3", "Upper": "4"} {
		if got := string(Find(members, name)); got != want {
			t.Errorf("%s is %s, expected %s", name, got, want)
		}
	}
	for _, name := range []string{"", "d", "upper", "A", `\u0063`} {
		if Find(members, name) != nil {
			t.Errorf("found %q", name)
		}
	}
	if Find(nil, "a") != nil {
		t.Error("found something in nothing")
	}
}

var scalarSeeds = []string{
	`""`, `"a"`, `"200"`, `200`, `-1`, `0`, `1.50e+3`, `true`, `false`, `null`, `{}`, `[]`, `{"a":"b"}`, `["a"]`,
	`"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9"`, `"Nguyễn"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\u0000"`, `"a\\"`,
}

// checkScalar compares unquote and scalar on one JSON value with the standard library.
func checkScalar(t *testing.T, value []byte) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var parsed any
	if err := decoder.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	want, isText := "", false
	switch parsed := parsed.(type) {
	case string:
		want, isText = parsed, true
	case json.Number:
		want = parsed.String()
	}
	if got := Scalar(value); got != want {
		t.Errorf("Scalar(%s) is %q, by the standard library %q", value, got, want)
	}
	text, ok := Unquote(value)
	if ok != isText || isText && string(text) != want {
		t.Errorf("Unquote(%s) is %q, %t, by the standard library %q, %t", value, text, ok, want, isText)
	}
}

func TestScalar(t *testing.T) {
	for _, value := range scalarSeeds {
		t.Run(value, func(t *testing.T) { checkScalar(t, []byte(value)) })
	}
	for _, value := range []string{"", `"`} {
		if text, ok := Unquote([]byte(value)); ok || text != nil || Scalar([]byte(value)) != "" {
			t.Errorf("%q passes for a value", value)
		}
	}
	if Scalar(nil) != "" {
		t.Error("an absent value has a text")
	}
}

func FuzzScalar(f *testing.F) {
	for _, seed := range scalarSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		// Values come out of Members: valid UTF-8, no white space around.
		if !json.Valid(value) || !utf8.Valid(value) || len(bytes.TrimSpace(value)) != len(value) {
			t.Skip("not a value")
		}
		checkScalar(t, value)
	})
}

func TestUnquoteAliasesPlainText(t *testing.T) {
	value := []byte(`"plain"`)
	text, _ := Unquote(value)
	if offsetIn(value, text) != 1 {
		t.Error("a text without escapes was copied")
	}
	value = []byte(`"esc\u0061ped"`)
	if text, _ := Unquote(value); offsetIn(value, text) >= 0 || string(value) != `"esc\u0061ped"` {
		t.Error("a text with escapes was written over its source")
	}
}

func TestFirstInvalidUTF8(t *testing.T) {
	for text, want := range map[string]int64{
		"":                0,
		"plain":           5,
		"\xff":            0,
		"ễ\xff":           3,
		"a\xe1\xbb":       1,
		"\ufffdstays\xff": 8, // the replacement character itself is valid
		"😀\xf0\x9f":       4,
	} {
		if got := firstInvalidUTF8([]byte(text)); got != want {
			t.Errorf("%q: byte %d, expected %d", text, got, want)
		}
	}
}

func TestFaultOfAnotherError(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, errors.New("anything")} {
		if got := jsonFault(err); got.Fault != Truncated {
			t.Errorf("%v is %s", err, got.Fault)
		}
	}
}
