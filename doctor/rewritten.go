package doctor

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// change is a text or a salt after a mistake.
type change struct {
	value  []byte
	detail string
	secret string // the name of the secret, where it is another one
}

var compact = style{comma: ",", colon: ":"}

// layouts are the ways in which programs lay out JSON.
var layouts = []struct {
	name string
	style
}{
	{"compact", compact},
	{"a blank after comma and colon", style{comma: ", ", colon: ": "}},
	{"a blank after colon", style{comma: ",", colon: ": "}},
	{"a blank after comma", style{comma: ", ", colon: ":"}},
	{"indented by 2", style{comma: ",", colon: ": ", line: "\n", indent: "  "}},
	{"indented by 4", style{comma: ",", colon: ": ", line: "\n", indent: "    "}},
	{"indented by a tab", style{comma: ",", colon: ": ", line: "\n", indent: "\t"}},
	{"indented by 2, as Jackson", style{comma: ",", colon: " : ", line: "\n", indent: "  "}},
	{"indented by 2, with CRLF", style{comma: ",", colon: ": ", line: "\r\n", indent: "  "}},
}

func rewrittenJSON(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	var changes []change
	for _, l := range layouts {
		changes = append(changes, change{value: l.in(text, tree), detail: l.name})
	}
	return changes
}

func sortedKeys(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	var changes []change
	for _, l := range layouts[:2] {
		l.sorted = true
		changes = append(changes, change{value: l.in(text, tree), detail: "sorted, " + l.name})
	}
	return changes
}

// The escapes that programs write. Each takes a string with its quotation marks.
func phpText(raw []byte) []byte    { return escapeRunes(escapeSlashes(unescapeText(raw)), "%04x") }
func pythonText(raw []byte) []byte { return escapeRunes(unescapeText(raw), "%04x") }
func goText(raw []byte) []byte     { return escapeASCII(unescapeText(raw), "<>&", "%04x") }
func gsonText(raw []byte) []byte   { return escapeASCII(unescapeText(raw), "<>&='", "%04x") }
func dotnetText(raw []byte) []byte {
	return escapeRunes(escapeASCII(unescapeText(raw), "<>&'+`", "%04X"), "%04X")
}

// encoders are the ways in which programs write JSON where they are not asked for anything else.
var encoders = []struct {
	name string
	style
}{
	{"as JSON.stringify", style{comma: ",", colon: ":", text: unescapeText}},
	{"as json_encode of PHP", style{comma: ",", colon: ":", text: phpText}},
	{"as json.dumps of Python", style{comma: ", ", colon: ": ", text: pythonText}},
	{"as System.Text.Json of .NET", style{comma: ",", colon: ":", text: dotnetText}},
	{"as json.Marshal of Go, of a map", style{comma: ",", colon: ":", sorted: true, text: goText}},
	{"as json.Marshal of Go, of a struct", style{comma: ",", colon: ":", text: goText}},
	{"as Gson of Java", style{comma: ",", colon: ":", text: gsonText}},
}

func rewrittenByEncoder(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	var changes []change
	for _, e := range encoders {
		changes = append(changes, change{value: e.in(text, tree), detail: e.name})
	}
	return changes
}

// encodedAgain is for the data of a callback that was decoded, parsed, written and encoded.
func encodedAgain(text []byte, c *Case) []change {
	inner := decodeBase64(text)
	var changes []change
	for _, rewrite := range []func([]byte, *Case) []change{rewrittenByEncoder, rewrittenJSON, sortedKeys} {
		for _, ch := range rewrite(inner, c) {
			changes = append(changes, change{value: base64.StdEncoding.AppendEncode(nil, ch.value), detail: ch.detail})
		}
	}
	return changes
}

func escapedUnicode(text []byte, _ *Case) []change {
	return []change{
		{value: escapeRunes(text, "%04x"), detail: `\u00e0`},
		{value: escapeRunes(text, "%04X"), detail: `\u00E0`},
		{value: unescapeRunes(text), detail: `à`},
	}
}

func escapedSlashes(text []byte, _ *Case) []change {
	return []change{
		{value: escapeSlashes(text), detail: `\/`},
		{value: bytes.ReplaceAll(text, []byte(`\/`), []byte(`/`)), detail: `/`},
	}
}

func escapedHTML(text []byte, _ *Case) []change {
	return []change{
		{value: escapeASCII(text, "<>&", "%04x"), detail: `\u003c, \u003e, \u0026`},
		{value: escapeASCII(text, "<>&='", "%04x"), detail: `\u003c, \u003e, \u0026, \u003d, \u0027`},
		{value: escapeASCII(text, "<>&'+`", "%04X"), detail: `\u003C, \u003E, \u0026, \u0027, \u002B`},
		{value: unescapeASCII(text), detail: `<, >, &`},
	}
}

func escapeSlashes(text []byte) []byte {
	plain := bytes.ReplaceAll(text, []byte(`\/`), []byte(`/`))
	return bytes.ReplaceAll(plain, []byte(`/`), []byte(`\/`))
}

// escapeRunes writes what is not ASCII as \uXXXX, in the format of its digits.
func escapeRunes(text []byte, digits string) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < utf8.RuneSelf || r == utf8.RuneError && size == 1 {
			out = append(out, text[:size]...)
		} else {
			out = appendEscape(out, r, digits)
		}
		text = text[size:]
	}
	return out
}

func appendEscape(out []byte, r rune, digits string) []byte {
	if r > 0xffff {
		r -= 0x10000
		return appendEscape(appendEscape(out, 0xd800+r>>10, digits), 0xdc00+r&0x3ff, digits)
	}
	code := strconv.FormatUint(uint64(r)|0x10000, 16)[1:] //nolint:gosec // G115: a rune of a text is not negative
	if strings.Contains(digits, "X") {
		code = strings.ToUpper(code)
	}
	return append(append(out, `\u`...), code...)
}

// escapeASCII writes some characters as \u00XX.
func escapeASCII(text []byte, which, digits string) []byte {
	out := make([]byte, 0, len(text))
	for _, b := range text {
		if strings.IndexByte(which, b) >= 0 {
			out = appendEscape(out, rune(b), digits)
		} else {
			out = append(out, b)
		}
	}
	return out
}

// unescapeRunes writes \uXXXX of what is not ASCII as the character.
func unescapeRunes(text []byte) []byte {
	return unescape(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// unescapeASCII writes \u00XX of what can be seen as the character.
func unescapeASCII(text []byte) []byte {
	return unescape(text, func(r rune) bool { return r >= ' ' && r < 0x7f && r != '"' && r != '\\' })
}

// unescapeText writes a string with no more escapes than JSON needs.
func unescapeText(raw []byte) []byte {
	plain := unescape(raw, func(r rune) bool { return r >= ' ' && r != '"' && r != '\\' })
	return bytes.ReplaceAll(plain, []byte(`\/`), []byte(`/`))
}

func unescape(text []byte, which func(rune) bool) []byte {
	if !bytes.Contains(text, []byte(`\u`)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '\\' || i+1 >= len(text) {
			out = append(out, text[i])
			i++
			continue
		}
		r, size := escapeAt(text[i:])
		if size > 0 && which(r) {
			out = utf8.AppendRune(out, r)
			i += size
			continue
		}
		out = append(out, text[i:i+2]...)
		i += 2
	}
	return out
}

// escapeAt reads \uXXXX, or two of them that are one character. size is 0 where there is none.
func escapeAt(text []byte) (r rune, size int) {
	high, ok := codeUnit(text)
	if !ok {
		return 0, 0
	}
	if high < 0xd800 || high > 0xdfff {
		return high, 6
	}
	low, ok := codeUnit(text[6:])
	if !ok || high > 0xdbff || low < 0xdc00 || low > 0xdfff {
		return 0, 0
	}
	return 0x10000 + (high-0xd800)<<10 + low - 0xdc00, 12
}

func codeUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(code), err == nil
}

// fieldsAdded leaves out one member at a time, of the text and of the object in it.
func fieldsAdded(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	changes := withoutEach(text, tree)
	for i := range tree.members {
		if inner := tree.members[i].value; inner.kind == '{' {
			changes = append(changes, withoutEach(text, inner)...)
		}
	}
	return changes
}

// mostMembers is how many members of an object are left out in turn.
const mostMembers = 40

func withoutEach(text []byte, object *node) []change {
	var changes []change
	for i := range object.members[:min(len(object.members), mostMembers)] {
		m := &object.members[i]
		from, to := m.nameStart, m.value.end
		if i > 0 {
			from = object.members[i-1].value.end
		} else if len(object.members) > 1 {
			to = object.members[1].nameStart
		}
		changes = append(changes, change{value: slices.Concat(text[:from], text[to:]), detail: "without " + m.name(text)})
	}
	return changes
}

func emptyFields(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	isNull := func(raw []byte) bool { return string(raw) == "null" }
	whole := compact.in(text, tree)
	var changes []change
	for _, dropped := range []struct {
		name string
		drop func(raw []byte) bool
	}{
		{"without null", isNull},
		{`without null and ""`, func(raw []byte) bool { return isNull(raw) || string(raw) == `""` }},
	} {
		s := compact
		s.drop = dropped.drop
		if value := s.in(text, tree); len(value) < len(whole) {
			changes = append(changes, change{value: value, detail: dropped.name})
		}
	}
	return changes
}

// onlyAPart is one member of the text, as it stands.
func onlyAPart(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	var changes []change
	for _, name := range []string{"requestData", "responseData"} {
		part := tree.find(text, name)
		if part == nil {
			continue
		}
		changes = append(changes, change{value: part.raw(text), detail: name})
		if part.kind == '"' {
			changes = append(changes, change{value: unquoted(part.raw(text)), detail: name + ", unquoted"})
		}
	}
	return changes
}
