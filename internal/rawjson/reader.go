package rawjson

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader goes through the members of an object, and through those of the objects inside
// of it that are entered, in one pass over the text.
type Reader struct {
	text []byte
	from bytes.Buffer // the same text, as the decoder takes it without a copy
	dec  jsontext.Decoder
	name []byte
	err  error
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

var (
	// tolerateSurrogates lets lone surrogate escapes pass; raw bytes that are not
	// UTF-8 are refused before the decoder sees them.
	tolerateSurrogates = jsontext.AllowInvalidUTF8(true)
	// checkedBefore leaves out what Members has done with the whole text.
	checkedBefore = []jsontext.Options{tolerateSurrogates, jsontext.AllowDuplicateNames(true)}
)

// NewReader returns a reader in front of the first member of an object that lies in a text
// which Members has accepted: it does not check again that no name is given twice. The
// caller must call Close.
func NewReader(object []byte) *Reader {
	r := open(object, checkedBefore...)
	_, r.err = r.dec.ReadToken() // the opening brace
	return r
}

func open(text []byte, options ...jsontext.Options) *Reader {
	r := readers.Get().(*Reader)
	r.reset(text, options...)
	return r
}

func (r *Reader) reset(text []byte, options ...jsontext.Options) {
	r.text, r.name, r.err = text, nil, nil
	r.from = *bytes.NewBuffer(text)
	r.dec.Reset(&r.from, options...)
}

// Close forgets the text before the reader goes back to the pool: it may hold card data,
// which should not outlive its request.
func (r *Reader) Close() {
	r.reset(nil, tolerateSurrogates)
	readers.Put(r)
}

// Next goes on to the next member. Behind the last one it returns false, and has left the
// object: the next call goes on in the one around it.
func (r *Reader) Next() bool {
	if r.err != nil {
		return false
	}
	if r.dec.PeekKind() != '"' {
		_, r.err = r.dec.ReadToken() // the closing brace
		return false
	}
	var name jsontext.Value
	name, r.err = r.dec.ReadValue()
	r.name, _ = Unquote(name)
	return r.err == nil
}

// Name returns the member's name without escapes.
func (r *Reader) Name() []byte { return r.name }

// Enter reports whether the member's value is an object, and if it is, goes on inside of
// it: Next then moves to its first member.
func (r *Reader) Enter() bool {
	if r.err != nil || r.dec.PeekKind() != '{' {
		return false
	}
	_, r.err = r.dec.ReadToken()
	return r.err == nil
}

// Value returns the member's value as it is written. It takes the place of Enter. It
// returns nil where the text is broken.
func (r *Reader) Value() []byte {
	if r.err != nil {
		return nil
	}
	var value jsontext.Value
	if value, r.err = r.dec.ReadValue(); r.err != nil {
		return nil
	}
	end := r.dec.InputOffset()
	return r.text[end-int64(len(value)) : end]
}

// Err returns what was wrong with the text; nil for every text that Members accepts.
func (r *Reader) Err() error { return r.err }
