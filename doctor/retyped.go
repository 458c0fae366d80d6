package doctor

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var numeric = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$`)

// numbersRetyped writes numbers as texts and back, and as programs write them that keep them in 64 bits: all of them, and one at
// a time.
func numbersRetyped(text []byte, _ *Case) []change {
	tree := treeOf(text)
	if tree == nil {
		return nil
	}
	numbers, texts := numbersIn(text, tree)
	var changes []change
	for _, w := range numberWriters {
		changes = append(changes, change{value: replaced(text, numbers, w.write), detail: w.name})
	}
	changes = append(changes, change{value: replaced(text, texts, withoutQuotes), detail: "all without quotation marks"})
	for _, n := range slices.Concat(numbers, texts)[:min(len(numbers)+len(texts), mostMembers)] {
		for _, w := range append(numberWriters[:2:2], numberWriter{"without quotation marks", withoutQuotes}) {
			changes = append(changes, change{value: replaced(text, []*node{n}, w.write), detail: "one: " + w.name})
		}
	}
	return changes
}

func numbersIn(text []byte, tree *node) (numbers, texts []*node) {
	tree.walk(func(n *node) {
		switch {
		case n.kind == '-' || n.kind >= '0' && n.kind <= '9':
			numbers = append(numbers, n)
		case n.kind == '"' && numeric.Match(withoutQuotes(n.raw(text))):
			texts = append(texts, n)
		}
	})
	return numbers, texts
}

// replaced writes some values of a text in another way.
func replaced(text []byte, which []*node, write func([]byte) []byte) []byte {
	var out []byte
	done := 0
	for _, n := range which {
		out = append(append(out, text[done:n.start]...), write(n.raw(text))...)
		done = n.end
	}
	return append(out, text[done:]...)
}

type numberWriter struct {
	name  string
	write func(raw []byte) []byte
}

var numberWriters = []numberWriter{
	{"in quotation marks", func(raw []byte) []byte {
		if raw[0] == '"' {
			return raw
		}
		return slices.Concat([]byte(`"`), raw, []byte(`"`))
	}},
	{"with .0", func(raw []byte) []byte {
		if bytes.ContainsAny(raw, `.eE"`) {
			return raw
		}
		return slices.Concat(raw, []byte(".0"))
	}},
	{"as JavaScript", func(raw []byte) []byte { return asFloat(raw, javaScriptNumber) }},
	{"as PHP", func(raw []byte) []byte { return asFloat(raw, phpNumber) }},
	{"with 2 decimals", func(raw []byte) []byte {
		return asFloat(raw, func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) })
	}},
}

func withoutQuotes(raw []byte) []byte { return bytes.Trim(raw, `"`) }

func asFloat(raw []byte, write func(float64) string) []byte {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return raw
	}
	return []byte(write(f))
}

// tooLong is from which number on a 64-bit number is written with an exponent.
const tooLong = 1e21

func javaScriptNumber(f float64) string {
	if f < tooLong && f > -tooLong {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// phpNumber keeps whole numbers of 63 bits as they are.
func phpNumber(f float64) string {
	const largest = 1 << 63
	if f < largest && f > -largest {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	return digits + "e" + exponent
}

// flattened is the text that the retired versions 1 and 2 of the gateway signed: the values alone, in the order of their names.
func flattened(text []byte, _ *Case) []change {
	var changes []change
	for _, source := range [][]byte{text, decodeBase64(text)} {
		tree := treeOf(source)
		if tree == nil {
			continue
		}
		parts := []*node{tree}
		for _, name := range []string{"requestData", "responseData"} {
			if part := tree.find(source, name); part != nil && part.kind == '{' {
				parts = append(parts, part)
			}
		}
		for _, part := range parts {
			changes = append(changes, flattenings(source, part)...)
		}
	}
	return changes
}

// leaf is a value without members, and the names that lead to it.
type leaf struct{ path, name, value string }

func flattenings(text []byte, tree *node) []change {
	leaves := leavesOf(nil, text, tree, "", "")
	joined := func(by func(a, b leaf) int) []byte {
		sorted := slices.Clone(leaves)
		slices.SortStableFunc(sorted, by)
		var out strings.Builder
		for _, l := range sorted {
			out.WriteString(l.value)
		}
		return []byte(out.String())
	}
	return []change{
		{value: joined(func(a, b leaf) int { return strings.Compare(a.name, b.name) }), detail: "by name"},
		{value: joined(func(a, b leaf) int { return strings.Compare(a.path, b.path) }), detail: "by path"},
		{value: joined(func(a, b leaf) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }), detail: "by name in lower case"},
		{value: joined(func(leaf, leaf) int { return 0 }), detail: "as they stand"},
	}
}

func leavesOf(leaves []leaf, text []byte, n *node, path, name string) []leaf {
	for i := range n.members {
		m := &n.members[i]
		leaves = leavesOf(leaves, text, m.value, path+"."+m.name(text), m.name(text))
	}
	for _, element := range n.elements {
		leaves = leavesOf(leaves, text, element, path, name)
	}
	if n.kind == '{' || n.kind == '[' {
		return leaves
	}
	value := string(n.raw(text))
	if n.kind == '"' {
		value = string(unquoted(n.raw(text)))
	}
	if value == "null" {
		value = ""
	}
	return append(leaves, leaf{path, name, value})
}
