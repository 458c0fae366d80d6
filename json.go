package galaxypay

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// member is one name and value of a JSON object. The value, and the name where
// it holds no escape, alias the text they were read from.
type member struct {
	name  []byte
	value []byte
}

// jsonError tells what is wrong with a text and where, and nothing of what it says.
type jsonError struct {
	fault  message
	offset int64
}

// args are what the fault's sentence has verbs for: the offset, if it names one.
func (e *jsonError) args() []any {
	if strings.Contains(messages[e.fault].en, "%d") {
		return []any{e.offset}
	}
	return nil
}

// objectMembers reads text as exactly one JSON object and appends its members to
// dst, in their order. It refuses what two parsers could read in two ways: names
// given twice at any depth (after unescaping), bytes that are not UTF-8, anything
// after the object. Lone surrogate escapes pass: software that cuts texts by
// UTF-16 length writes them, and they are left as they are.
func objectMembers(dst []member, text []byte) ([]member, *jsonError) {
	start := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	if start == len(text) {
		return nil, &jsonError{fault: msgJSONEmpty}
	}
	if !utf8.Valid(text) {
		return nil, &jsonError{fault: msgJSONNotUTF8, offset: firstInvalidUTF8(text)}
	}

	s := scanners.Get().(*scanner)
	defer s.release()
	s.read(text)

	opening, err := s.dec.ReadToken()
	if err != nil {
		return nil, jsonFault(err)
	}
	if opening.Kind() != '{' {
		return nil, &jsonError{fault: msgJSONNotObject, offset: int64(start)}
	}
	for s.dec.PeekKind() == '"' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return nil, jsonFault(err)
		}
		m := member{name: unquotedName(name)}
		value, err := s.dec.ReadValue()
		if err != nil {
			return nil, jsonFault(err)
		}
		end := s.dec.InputOffset()
		m.value = text[end-int64(len(value)) : end]
		dst = append(dst, m)
	}
	if _, err := s.dec.ReadToken(); err != nil { // the closing brace
		return nil, jsonFault(err)
	}
	end := s.dec.InputOffset()
	if rest := bytes.TrimLeft(text[end:], " \t\r\n"); len(rest) > 0 {
		return nil, &jsonError{fault: msgJSONTrailing, offset: int64(len(text) - len(rest))}
	}
	return dst, nil
}

// isObject reports whether text is exactly one JSON object by the rules of objectMembers.
func isObject(text []byte) bool {
	_, err := objectMembers(nil, text)
	return err == nil
}

// find returns the value of the member called name, nil where there is none.
func find(members []member, name string) []byte {
	for i := range members {
		if string(members[i].name) == name {
			return members[i].value
		}
	}
	return nil
}

// unquote returns the text of a JSON string, or false for any other value.
func unquote(value []byte) ([]byte, bool) {
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

// scalar returns the text of a JSON string or number: in the gateway's messages
// both spellings of a value mean the same. Any other value has none.
func scalar(value []byte) string {
	if text, ok := unquote(value); ok {
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
	name, _ := unquote(raw)
	return name
}

func jsonFault(err error) *jsonError {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		fault := msgJSONSyntax
		if errors.Is(se.Err, jsontext.ErrDuplicateName) {
			fault = msgJSONDuplicate
		} else if errors.Is(se.Err, io.ErrUnexpectedEOF) {
			fault = msgJSONTruncated
		}
		return &jsonError{fault: fault, offset: se.ByteOffset}
	}
	return &jsonError{fault: msgJSONTruncated}
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
