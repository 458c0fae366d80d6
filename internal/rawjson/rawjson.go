// Package rawjson takes JSON objects apart without turning them into values: the
// bytes of every member stay as they were received, for signing and for passing on.
package rawjson

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one name and value of a JSON object. The value, and the name where
// it holds no escape, alias the text they were read from.
type Member struct {
	Name  []byte
	Value []byte
}

// Fault is the kind of an Error.
type Fault string

// The faults.
const (
	Empty     Fault = "json_empty"
	NotUTF8   Fault = "json_not_utf8"
	NotObject Fault = "json_not_object"
	Trailing  Fault = "json_trailing"
	Syntax    Fault = "json_syntax"
	Duplicate Fault = "json_duplicate"
	Truncated Fault = "json_truncated"
)

// Error tells what is wrong with a text and where, and nothing of what it says.
type Error struct {
	Fault  Fault
	Offset int64
}

// Members reads text as exactly one JSON object and returns its members, in their
// order. It refuses what two parsers could read in two ways: names given twice at any
// depth (after unescaping), bytes that are not UTF-8, anything after the object. Lone surrogate escapes pass: software that cuts texts by
// UTF-16 length writes them, and they are left as they are.
func Members(text []byte) ([]Member, *Error) {
	return AppendMembers(make([]Member, 0, 16), text)
}

// AppendMembers does what Members does, and appends to members, which may be an
// array of the caller's own. It returns nil where text is refused.
func AppendMembers(members []Member, text []byte) ([]Member, *Error) {
	start := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	if start == len(text) {
		return nil, &Error{Fault: Empty}
	}
	if !utf8.Valid(text) {
		return nil, &Error{Fault: NotUTF8, Offset: firstInvalidUTF8(text)}
	}

	s := scanners.Get().(*scanner)
	defer s.release()
	s.read(text)

	opening, err := s.dec.ReadToken()
	if err != nil {
		return nil, jsonFault(err)
	}
	if opening.Kind() != '{' {
		return nil, &Error{Fault: NotObject, Offset: int64(start)}
	}
	for s.dec.PeekKind() == '"' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return nil, jsonFault(err)
		}
		m := Member{Name: unquotedName(name)}
		value, err := s.dec.ReadValue()
		if err != nil {
			return nil, jsonFault(err)
		}
		end := s.dec.InputOffset()
		m.Value = text[end-int64(len(value)) : end]
		members = append(members, m)
	}
	if _, err := s.dec.ReadToken(); err != nil { // the closing brace
		return nil, jsonFault(err)
	}
	end := s.dec.InputOffset()
	if rest := bytes.TrimLeft(text[end:], " \t\r\n"); len(rest) > 0 {
		return nil, &Error{Fault: Trailing, Offset: int64(len(text) - len(rest))}
	}
	return members, nil
}

// IsObject reports whether text is exactly one JSON object by the rules of Members.
func IsObject(text []byte) bool {
	_, err := Members(text)
	return err == nil
}

// Each calls visit with the members of an object that lies in a text which Members
// has read, so that nothing needs to be checked a second time.
func Each(object []byte, visit func(name, value []byte)) {
	for rest := behindSpace(object[1:]); len(rest) > 0 && rest[0] == '"'; {
		name, after := cutValue(rest)
		value, after := cutValue(behindSpace(after))
		visit(unquotedName(name), value)
		rest = behindSpace(after)
	}
}

// behindSpace skips white space, commas and colons.
func behindSpace(text []byte) []byte {
	for i, c := range text {
		if c > ' ' && c != ',' && c != ':' {
			return text[i:]
		}
	}
	return nil
}

// cutValue splits text behind the JSON value that it starts with.
func cutValue(text []byte) (value, rest []byte) {
	depth, i := 0, 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = behindString(text, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			for depth == 0 && i < len(text) && !isDelimiter(text[i]) { // a number or literal
				i++
			}
		}
		if depth == 0 {
			break
		}
	}
	return text[:i], text[i:]
}

func isDelimiter(c byte) bool { return c <= ' ' || c == ',' || c == '}' || c == ']' }

// behindString returns where the string that starts at i has ended.
func behindString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// Find returns the value of the member called name, nil where there is none.
func Find(members []Member, name string) []byte {
	for i := range members {
		if string(members[i].Name) == name {
			return members[i].Value
		}
	}
	return nil
}

// Unquote returns the text of a JSON string, or false for any other value.
func Unquote(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	// The error speaks of lone surrogates, which AppendUnquote replaces by U+FFFD.
	text, _ := jsontext.AppendUnquote(nil, value)
	return text, true
}

// Scalar returns the text of a JSON string or number: in the gateway's messages
// both spellings of a value mean the same. Any other value has none.
func Scalar(value []byte) string {
	if text, ok := Unquote(value); ok {
		return string(text)
	}
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		return string(value)
	}
	return ""
}

// scanner is a pooled decoder that reads straight from the given bytes.
type scanner struct {
	text bytes.Buffer
	dec  jsontext.Decoder
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// tolerateSurrogates lets lone surrogate escapes pass; raw bytes that are not
// UTF-8 are refused before the decoder sees them.
var tolerateSurrogates = jsontext.AllowInvalidUTF8(true)

func (s *scanner) read(text []byte) {
	s.text = *bytes.NewBuffer(text)
	s.dec.Reset(&s.text, tolerateSurrogates)
}

// release forgets the text before the scanner goes back to the pool: it may hold
// card data, which should not outlive its request.
func (s *scanner) release() {
	s.read(nil)
	scanners.Put(s)
}

func unquotedName(raw jsontext.Value) []byte {
	name, _ := Unquote(raw)
	return name
}

func jsonFault(err error) *Error {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		fault := Syntax
		if errors.Is(se.Err, jsontext.ErrDuplicateName) {
			fault = Duplicate
		} else if errors.Is(se.Err, io.ErrUnexpectedEOF) {
			fault = Truncated
		}
		return &Error{Fault: fault, Offset: se.ByteOffset}
	}
	return &Error{Fault: Truncated}
}

func firstInvalidUTF8(text []byte) int64 {
	offset := 0
	for offset < len(text) {
		r, size := utf8.DecodeRune(text[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return int64(offset)
}
