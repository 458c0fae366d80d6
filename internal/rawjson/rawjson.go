// Package rawjson takes JSON objects apart without turning them into values: the
// bytes of every member stay as they were received, for signing and for passing on.
package rawjson

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one name and value of a JSON object. The value, and the name where
// it holds no escape, alias the text they were read from.
type Member struct {
	Name  []byte
	Value []byte
}

// Fault names what is wrong with a text.
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

// Error is a fault and where it is. It holds nothing of the text, which may be card data.
type Error struct {
	Fault  Fault
	Offset int64 // of the byte, from 0 on
}

// Members reads text as exactly one JSON object and returns its members, in their
// order. It refuses what two parsers could read in two ways: names given twice at any
// depth (after unescaping), bytes that are not UTF-8, anything after the object. Lone
// surrogate escapes pass: software that cuts texts by UTF-16 length writes them, and
// they are left as they are.
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

	r := open(text, tolerateSurrogates)
	defer r.Close()
	opening, err := r.dec.ReadToken()
	if err != nil {
		return nil, jsonFault(err)
	}
	if opening.Kind() != '{' {
		return nil, &Error{Fault: NotObject, Offset: int64(start)}
	}
	for r.Next() {
		members = append(members, Member{Name: r.Name(), Value: r.Value()})
	}
	if r.err != nil {
		return nil, jsonFault(r.err)
	}
	end := r.dec.InputOffset()
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

// Find returns the value of the member called name, nil where there is none.
func Find(members []Member, name string) []byte {
	for i := range members {
		if string(members[i].Name) == name {
			return members[i].Value
		}
	}
	return nil
}

// Elements returns the elements of an array that lies in a text which Members has accepted. It
// returns nil for any other value, and for an array that breaks off.
func Elements(array []byte) [][]byte {
	r := open(array, checkedBefore...)
	defer r.Close()
	if opening, err := r.dec.ReadToken(); err != nil || opening.Kind() != '[' {
		return nil
	}
	var elements [][]byte
	for r.dec.PeekKind() != ']' {
		value := r.Value()
		if r.err != nil {
			return nil
		}
		elements = append(elements, value)
	}
	return elements
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
