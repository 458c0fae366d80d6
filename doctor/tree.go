package doctor

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// node is a JSON value and where it stands in its text.
type node struct {
	start, end int
	kind       byte // { [ " 0 or the first letter of a word
	members    []member
	elements   []*node
}

type member struct {
	nameStart, nameEnd int
	value              *node
}

// deepest is how deep an object may be nested to be looked into.
const deepest = 100

// treeOf takes a JSON object or array apart; it is nil for anything else.
func treeOf(text []byte) *node {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil
	}
	value := jsontext.Value(text)
	if !value.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return nil
	}
	p := parser{text: text}
	n := p.value(0)
	if p.tooDeep {
		return nil
	}
	return n
}

// parser reads a JSON text that is valid.
type parser struct {
	text    []byte
	at      int
	tooDeep bool
}

// next skips white space, commas and colons.
func (p *parser) next() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[p.at]
}

func (p *parser) value(depth int) *node {
	n := &node{kind: p.next(), start: p.at}
	if depth > deepest {
		p.tooDeep, p.at = true, len(p.text)
		return n
	}
	switch n.kind {
	case '{':
		p.at++
		for !p.tooDeep && p.next() != '}' {
			m := member{nameStart: p.at}
			p.skipString()
			m.nameEnd = p.at
			m.value = p.value(depth + 1)
			n.members = append(n.members, m)
		}
		p.at++
	case '[':
		p.at++
		for !p.tooDeep && p.next() != ']' {
			n.elements = append(n.elements, p.value(depth+1))
		}
		p.at++
	case '"':
		p.skipString()
	default:
		for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,:]}"), p.text[p.at]) < 0 {
			p.at++
		}
	}
	n.end = p.at
	return n
}

func (p *parser) skipString() {
	for p.at++; p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
}

// raw is the spelling of a value.
func (n *node) raw(text []byte) []byte { return text[n.start:n.end] }

// name is the text of a member's name.
func (m *member) name(text []byte) string {
	plain, _ := rawjson.Unquote(text[m.nameStart:m.nameEnd])
	return string(plain)
}

// find is the value of a member; nil where there is none.
func (n *node) find(text []byte, name string) *node {
	for i := range n.members {
		if n.members[i].name(text) == name {
			return n.members[i].value
		}
	}
	return nil
}

// walk calls visit for a value and all in it, in the order of the text.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for i := range n.members {
		n.members[i].value.walk(visit)
	}
	for _, element := range n.elements {
		element.walk(visit)
	}
}

// style is how a program writes JSON.
type style struct {
	comma, colon string
	line         string // what begins a line, before the indentation; "" for one line
	indent       string
	sorted       bool
	drop         func(raw []byte) bool   // leaves members out
	text         func(raw []byte) []byte // writes a string or a name, with its quotation marks
	scalar       func(raw []byte) []byte // writes a number or a word
}

// write appends a value in a style.
func (s *style) write(dst, text []byte, n *node, depth int) []byte {
	switch n.kind {
	case '{':
		return s.object(dst, text, n, depth)
	case '[':
		dst = append(dst, '[')
		for i, element := range n.elements {
			dst = s.newItem(dst, i, depth+1)
			dst = s.write(dst, text, element, depth+1)
		}
		return append(s.endOf(dst, len(n.elements), depth), ']')
	case '"':
		return s.string(dst, n.raw(text))
	}
	if s.scalar != nil {
		return append(dst, s.scalar(n.raw(text))...)
	}
	return append(dst, n.raw(text)...)
}

func (s *style) object(dst, text []byte, n *node, depth int) []byte {
	members := n.members
	if s.sorted {
		members = slices.Clone(members)
		slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare([]byte(a.name(text)), []byte(b.name(text))) })
	}
	dst = append(dst, '{')
	written := 0
	for i := range members {
		m := &members[i]
		if s.drop != nil && s.drop(m.value.raw(text)) {
			continue
		}
		dst = s.newItem(dst, written, depth+1)
		dst = s.string(dst, text[m.nameStart:m.nameEnd])
		dst = append(dst, s.colon...)
		dst = s.write(dst, text, m.value, depth+1)
		written++
	}
	return append(s.endOf(dst, written, depth), '}')
}

func (s *style) string(dst, raw []byte) []byte {
	if s.text != nil {
		return append(dst, s.text(raw)...)
	}
	return append(dst, raw...)
}

func (s *style) newItem(dst []byte, index, depth int) []byte {
	if index > 0 {
		dst = append(dst, s.comma...)
	}
	return s.startLine(dst, depth)
}

func (s *style) endOf(dst []byte, items, depth int) []byte {
	if items == 0 {
		return dst
	}
	return s.startLine(dst, depth)
}

func (s *style) startLine(dst []byte, depth int) []byte {
	if s.line == "" {
		return dst
	}
	dst = append(dst, s.line...)
	for range depth {
		dst = append(dst, s.indent...)
	}
	return dst
}

// in writes a text in a style.
func (s *style) in(text []byte, tree *node) []byte {
	return s.write(make([]byte, 0, len(text)+len(text)/2), text, tree, 0)
}
