package doctor

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var toSlashes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, "\x00", `\0`)

// addedSlashes is a text with or without the backslashes that WordPress adds to everything that comes by HTTP.
func addedSlashes(text []byte, _ *Case) []change {
	return []change{
		{value: withoutSlashes(text), detail: "without"},
		{value: []byte(toSlashes.Replace(string(text))), detail: "with"},
	}
}

func withoutSlashes(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out = append(out, text[i])
	}
	return out
}

// asJSONString is a text that is, or becomes, a string in JSON.
func asJSONString(text []byte, _ *Case) []change {
	var changes []change
	add := func(value []byte, detail string) { changes = append(changes, change{value: value, detail: detail}) }
	if once := unquoted(text); once != nil {
		add(once, "unquoted")
		add(unquoted(once), "unquoted twice")
	}
	if bytes.Contains(text, []byte(`\"`)) {
		add(unquoted(slices.Concat([]byte(`"`), text, []byte(`"`))), "without backslashes")
	}
	if text, err := jsontext.AppendQuote(nil, text); err == nil {
		add(text, "quoted")
	}
	return withoutNil(changes)
}

// printed is what programs print of a value that is not a text, and what they printed of.
func printed(text []byte, _ *Case) []change {
	var changes []change
	add := func(value []byte, detail string) { changes = append(changes, change{value: value, detail: detail}) }
	for _, marks := range []string{`b''`, `b""`, `''`} {
		begin, end := []byte(marks[:len(marks)-1]), []byte(marks[len(marks)-1:])
		if inner, found := bytes.CutPrefix(text, begin); found && bytes.HasSuffix(inner, end) {
			add(bytes.TrimSuffix(inner, end), "without "+marks)
		}
		add(slices.Concat(begin, text, end), "in "+marks)
	}
	add(fromPython(text), "JSON of a dict of Python")
	if tree := treeOf(text); tree != nil {
		add(pythonRepr(text, tree), "str() of a dict of Python")
		add(javaMap(nil, text, tree), "toString() of a map of Java")
		add([]byte("[object Object]"), "[object Object]")
		add([]byte("Array"), "Array")
	}
	return withoutNil(changes)
}

// pythonRepr writes an object as Python prints a dict.
func pythonRepr(text []byte, tree *node) []byte {
	s := style{comma: ", ", colon: ": ", scalar: func(raw []byte) []byte {
		if word, found := pythonWords[string(raw)]; found {
			return []byte(word)
		}
		return raw
	}, text: func(raw []byte) []byte {
		plain := string(unquoted(raw))
		if strings.Contains(plain, "'") && !strings.Contains(plain, `"`) {
			return []byte(`"` + plain + `"`)
		}
		return []byte("'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(plain) + "'")
	}}
	return s.in(text, tree)
}

var pythonWords = map[string]string{"true": "True", "false": "False", "null": "None"}

// fromPython is the JSON of a dict that Python printed, compact; nil for anything else.
func fromPython(text []byte) []byte {
	if !bytes.HasPrefix(text, []byte("{'")) {
		return nil
	}
	var out []byte
	for i := 0; i < len(text); {
		if text[i] == '\'' || text[i] == '"' {
			inner, end := pythonString(text, i)
			quoted, err := jsontext.AppendQuote(nil, inner)
			if err != nil {
				return nil
			}
			out, i = append(out, quoted...), end
			continue
		}
		word, length := string(text[i]), 1
		for json, python := range pythonWords {
			if bytes.HasPrefix(text[i:], []byte(python)) {
				word, length = json, len(python)
			}
		}
		out, i = append(out, word...), i+length
	}
	tree := treeOf(out)
	if tree == nil {
		return nil
	}
	return compact.in(out, tree)
}

// pythonString reads a string of Python, which begins at i, and returns where it ends.
func pythonString(text []byte, i int) (inner []byte, end int) {
	mark := text[i]
	for i++; i < len(text) && text[i] != mark; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] == 'n' {
				inner = append(inner, '\n')
				continue
			}
		}
		inner = append(inner, text[i])
	}
	return inner, i + 1
}

// javaMap writes an object as Java prints a Map.
func javaMap(dst, text []byte, n *node) []byte {
	switch n.kind {
	case '{':
		dst = append(dst, '{')
		for i := range n.members {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(append(dst, n.members[i].name(text)...), '=')
			dst = javaMap(dst, text, n.members[i].value)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i, element := range n.elements {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = javaMap(dst, text, element)
		}
		return append(dst, ']')
	case '"':
		return append(dst, unquoted(n.raw(text))...)
	}
	return append(dst, n.raw(text)...)
}

// saltInText is a text that ends with the salt, or begins with it: it was added before the text was given here.
func saltInText(text []byte, c *Case) []change {
	if len(c.Salt.Value) == 0 {
		return nil
	}
	var changes []change
	if rest, found := bytes.CutSuffix(text, c.Salt.Value); found {
		changes = append(changes, change{value: rest, detail: "after it"})
	}
	if rest, found := bytes.CutPrefix(text, c.Salt.Value); found {
		changes = append(changes, change{value: rest, detail: "before it"})
	}
	return changes
}

func anotherText(_ []byte, c *Case) []change {
	if c.OtherText == nil {
		return nil
	}
	return []change{{value: c.OtherText}}
}
