package operation

import (
	"bytes"
	"net/url"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// Code is the stable name of what is wrong with a field.
type Code string

// The codes.
const (
	CodeRequired Code = "required"  // missing, null or empty
	CodeKind     Code = "kind"      // another kind of JSON value
	CodeTooLong  Code = "too_long"  // more characters than Field.Max
	CodeTime     Code = "date_time" // no real date and time as yyyyMMddHHmmss
	CodeAmount   Code = "amount"    // no decimal of zero or more
	CodeInteger  Code = "integer"   // not digits only
	CodeValue    Code = "value"     // not in Field.Values
	CodeURL      Code = "url"       // no absolute address
)

// Fault is what is wrong with one field. It holds nothing of the value.
type Fault struct {
	Field *Field
	Code  Code
}

// Member is one name and value of a requestData, the value as its JSON text.
type Member = rawjson.Member

// Validate returns everything that is wrong with a requestData, in the order of the
// members, then of the missing fields. Fields that are not in the catalogue pass,
// and so does everything on which the gateway's documents do not agree. Data must
// hold what the sidecar adds. A fixed field with another value passes too: telling
// operations apart is up to Match.
func (o *Operation) Validate(data []Member) []Fault {
	var faults []Fault
	var sent [mostFields]bool
	for _, m := range data {
		i, ok := o.index[string(m.Name)]
		if !ok || IsEmpty(m.Value) {
			continue
		}
		sent[i] = true
		faults = append(faults, o.Request[i].faults(m.Value)...)
	}
	for i := range o.Request {
		if f := &o.Request[i]; !sent[i] && f.isRequired(data) {
			faults = append(faults, Fault{f, CodeRequired})
		}
	}
	return faults
}

// IsEmpty reports whether a value says nothing: some serialisers write null, and
// some forms "", for a field that was left out.
func IsEmpty(value []byte) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
}

func (f *Field) isRequired(data []Member) bool {
	return f.Required || f.When != nil && f.When.holds(data)
}

func (c *Condition) holds(data []Member) bool {
	if c.And != nil && !c.And.holds(data) {
		return false
	}
	if c.Without != nil {
		return !slices.ContainsFunc(c.Without, func(name string) bool {
			value := rawjson.Find(data, name)
			return value != nil && !IsEmpty(value)
		})
	}
	decides := rawjson.Scalar(rawjson.Find(data, c.Field))
	if c.NotIn != nil {
		return decides != "" && !slices.Contains(c.NotIn, decides)
	}
	return slices.Contains(c.In, decides)
}

// faults returns what is wrong with a value: one fault, or those inside an object.
func (f *Field) faults(value []byte) []Fault {
	switch f.Kind {
	case KindObject:
		return f.faultsInside(value)
	case KindArray:
		return f.failUnless(value[0] == '[', CodeKind)
	case KindFlag:
		if value[0] == 't' || value[0] == 'f' {
			return nil
		}
	}
	text, ok := textOf(value)
	if !ok {
		return []Fault{{f, CodeKind}}
	}
	if f.Max > 0 && len(text) > f.Max && length(text, f.Kind) > f.Max { // a character has a byte or more
		return []Fault{{f, CodeTooLong}}
	}
	if f.Values != nil {
		return f.failUnless(slices.Contains(f.Values, string(text)), CodeValue)
	}
	switch f.Kind {
	case KindAmount:
		return f.failUnless(isAmount(text), CodeAmount)
	case KindInteger:
		return f.failUnless(isDigits(text), CodeInteger)
	case KindTime:
		return f.failUnless(IsTime(text), CodeTime)
	case KindURL:
		return f.failUnless(isURL(text, true), CodeURL)
	case KindLink:
		return f.failUnless(isURL(text, false), CodeURL)
	}
	return nil
}

// hasFields reports whether the field is an object of which the catalogue says what is in it.
func (f *Field) hasFields() bool { return f.Kind == KindObject && len(f.Fields) > 0 }

func (f *Field) faultsInside(value []byte) []Fault {
	if value[0] != '{' {
		return []Fault{{f, CodeKind}}
	}
	if !f.hasFields() {
		return nil
	}
	r := rawjson.NewReader(value)
	defer r.Close()
	faults := f.faultsOfMembers(r)
	if r.Err() != nil { // the value does not come from Members
		return []Fault{{f, CodeKind}}
	}
	return faults
}

// faultsOfMembers goes through an object in one pass, however deep its fields lie.
func (f *Field) faultsOfMembers(r *rawjson.Reader) []Fault {
	var faults []Fault
	for r.Next() {
		i, known := f.index[string(r.Name())]
		if known && f.Fields[i].hasFields() && r.Enter() {
			faults = append(faults, f.Fields[i].faultsOfMembers(r)...)
			continue
		}
		if value := r.Value(); known && !IsEmpty(value) {
			faults = append(faults, f.Fields[i].faults(value)...)
		}
	}
	return faults
}

func (f *Field) failUnless(right bool, code Code) []Fault {
	if right {
		return nil
	}
	return []Fault{{f, code}}
}

// textOf returns the text of a string or number.
func textOf(value []byte) ([]byte, bool) {
	if text, ok := rawjson.Unquote(value); ok {
		return text, true
	}
	return value, value[0] == '-' || value[0] >= '0' && value[0] <= '9'
}

// length counts characters as people do: a Vietnamese letter is one, also where its
// accents are written as characters of their own. Of an amount only digits count.
func length(text []byte, kind Kind) int {
	n := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r < utf8.RuneSelf:
			if kind != KindAmount || r >= '0' && r <= '9' {
				n++
			}
		case !unicode.Is(unicode.Mn, r):
			n++
		}
	}
	return n
}

// isAmount accepts what JSON calls a number, without a sign.
func isAmount(text []byte) bool {
	mantissa, exponent := text, []byte("0")
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
		if len(exponent) > 0 && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
	}
	return isDecimal(mantissa) && isDigits(exponent)
}

func isDecimal(text []byte) bool {
	whole, fraction, ok := bytes.Cut(text, []byte("."))
	return isDigits(whole) && (!ok || isDigits(fraction))
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// IsTime reports whether text is a real date and time as yyyyMMddHHmmss.
func IsTime(text []byte) bool {
	const layout = "20060102150405"
	if len(text) != len(layout) || !isDigits(text) {
		return false
	}
	_, err := time.Parse(layout, string(text))
	return err == nil
}

// isURL reports whether text is an absolute address. Of the web it needs a host; an
// app's own scheme needs something behind it, as in shopapp://paid or shopapp:/paid.
func isURL(text []byte, web bool) bool {
	if isPlainURL(text) {
		return true
	}
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme == "" {
		return false
	}
	if web || u.Scheme == "http" || u.Scheme == "https" {
		return u.Hostname() != "" && (u.Scheme == "http" || u.Scheme == "https")
	}
	return u.Host != "" || len(u.Path) > 1
}

// isPlainURL recognises most addresses of the web, sooner than url.Parse does.
func isPlainURL(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("https://"))
	if !ok {
		rest, ok = bytes.CutPrefix(text, []byte("http://"))
	}
	host := 0
	for host < len(rest) && isHostCharacter(rest[host]) {
		host++
	}
	path := rest[host:]
	if !ok || host == 0 || len(path) > 0 && path[0] != '/' {
		return false
	}
	for _, c := range path {
		if c <= ' ' || c == '%' || c > '~' {
			return false
		}
	}
	return true
}

func isHostCharacter(c byte) bool {
	return c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
}
