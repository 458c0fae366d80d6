package operation

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
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
	CodeCurrency Code = "currency"  // not three letters
	CodeTime     Code = "date_time" // no real date and time as yyyyMMddHHmmss
	CodeAmount   Code = "amount"    // no amount of its currency, or 0 where there must be more
	CodeInteger  Code = "integer"   // not digits only
	CodeValue    Code = "value"     // not in Field.Values
	CodeURL      Code = "url"       // no absolute address
)

// Fault is what is wrong with one field. It holds nothing of the value, but of an amount what
// was probably meant.
type Fault struct {
	Field  *Field
	Code   Code
	Amount AmountFault // of CodeAmount

	// Element is set where the array is one, but an element of it is no code.
	Element bool

	at int // which element of the array around the field, from 0 on
}

// Path is the name of the field in this request: "extraData.payment_detail[2].amount".
func (f Fault) Path() string {
	return strings.Replace(f.Field.Name, "[]", fmt.Sprintf("[%d]", f.at), 1)
}

// Member is one name and value of a requestData, the value as its JSON text.
type Member = rawjson.Member

// Validate returns everything that is wrong with a requestData, in the order of the
// members, then of the missing fields. Fields that are not in the catalogue pass, unless
// their names say that they hold an amount, and so does everything on which the gateway's documents do not agree. Data must
// hold what the sidecar adds. A fixed field with another value passes too: telling
// operations apart is up to Match.
func (o *Operation) Validate(data []Member) []Fault {
	var faults []Fault
	var sent [mostFields]bool
	currency := o.currencyOf(data)
	for _, m := range data {
		i, ok := o.index[string(m.Name)]
		if IsEmpty(m.Value) {
			continue
		}
		if !ok {
			faults = append(faults, o.faultsOfUnlisted(m, currency)...)
			continue
		}
		sent[i] = true
		faults = append(faults, o.Request[i].faults(m.Value, currency)...)
	}
	for i := range o.Request {
		if f := &o.Request[i]; !sent[i] && f.isRequired(data) {
			faults = append(faults, Fault{Field: f, Code: CodeRequired})
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

// faults returns what is wrong with a value: one fault, or those inside an object. Amounts go by
// currency, which is a JSON value, nil or undecided.
func (f *Field) faults(value, currency []byte) []Fault {
	switch f.Kind {
	case KindObject:
		return f.faultsInside(value, currency)
	case KindArray:
		return f.faultsOfElements(value, currency)
	case KindFlag:
		if value[0] == 't' || value[0] == 'f' {
			return nil
		}
	}
	text, ok := textOf(value)
	if !ok {
		return []Fault{{Field: f, Code: CodeKind}}
	}
	if faults := f.faultsOfForm(text, currency); faults != nil {
		return faults
	}
	// A character has a byte or more.
	return f.failUnless(f.Max <= 0 || len(text) <= f.Max || length(text, f.Kind) <= f.Max, CodeTooLong)
}

// faultsOfForm judges what a text looks like. It comes before its length: to a date that is written
// in another way, its length is of no matter.
func (f *Field) faultsOfForm(text, currency []byte) []Fault {
	if f.Values != nil {
		return f.failUnless(slices.Contains(f.Values, string(text)), CodeValue)
	}
	switch f.Kind {
	case KindAmount:
		return f.faultsOfAmount(text, currency)
	case KindInteger:
		return f.failUnless(isDigits(text), CodeInteger)
	case KindTime:
		return f.failUnless(IsTime(text), CodeTime)
	case KindCurrency:
		return f.failUnless(currencyCode(text) != "", CodeCurrency)
	case KindURL:
		return f.failUnless(isURL(text, true), CodeURL)
	case KindLink:
		return f.failUnless(isURL(text, false), CodeURL)
	}
	return nil
}

// hasFields reports whether the field is an object of which the catalogue says what is in it.
func (f *Field) hasFields() bool { return f.Kind == KindObject && len(f.Fields) > 0 }

func (f *Field) faultsInside(value, currency []byte) []Fault {
	if value[0] != '{' {
		return []Fault{{Field: f, Code: CodeKind}}
	}
	if !f.hasFields() {
		return nil
	}
	r := rawjson.NewReader(value)
	defer r.Close()
	faults := f.faultsOfMembers(r, currency)
	if r.Err() != nil { // the value does not come from Members
		return []Fault{{Field: f, Code: CodeKind}}
	}
	return faults
}

// faultsOfMembers goes through an object in one pass, however deep its fields lie.
func (f *Field) faultsOfMembers(r *rawjson.Reader, currency []byte) []Fault {
	var faults []Fault
	for r.Next() {
		i, known := f.index[string(r.Name())]
		if known && f.Fields[i].hasFields() && r.Enter() {
			faults = append(faults, f.Fields[i].faultsOfMembers(r, currency)...)
			continue
		}
		if value := r.Value(); known && !IsEmpty(value) {
			faults = append(faults, f.Fields[i].faults(value, currency)...)
		}
	}
	return faults
}

// faultsOfElements goes through an array. Codes are texts or numbers. Of objects it returns the first fault of each
// field: a mistake in a program is in every element.
func (f *Field) faultsOfElements(array, currency []byte) []Fault {
	if array[0] != '[' {
		return []Fault{{Field: f, Code: CodeKind}}
	}
	if f.Lists != nil {
		return f.faultsOfCodes(array)
	}
	if len(f.Fields) == 0 {
		return nil
	}
	var faults []Fault
	for at, element := range rawjson.Elements(array) {
		for _, found := range f.faultsOfElement(element, currency) {
			found.at = at
			if !slices.ContainsFunc(faults, func(known Fault) bool { return known.Field == found.Field }) {
				faults = append(faults, found)
			}
		}
	}
	return faults
}

func (f *Field) faultsOfCodes(array []byte) []Fault {
	if slices.ContainsFunc(rawjson.Elements(array), isNoCode) {
		return []Fault{{Field: f, Code: CodeKind, Element: true}}
	}
	return nil
}

// isNoCode reports whether an element of an array of codes cannot be one.
func isNoCode(element []byte) bool {
	_, ok := textOf(element)
	return !ok || IsEmpty(element)
}

// faultsOfElement judges an object of an array. Amounts go by the object's own currency where it
// has one.
func (f *Field) faultsOfElement(element, currency []byte) []Fault {
	members, err := rawjson.Members(element)
	if err != nil { // no object: of arrays the documents promise less than they hold
		return nil
	}
	if f.currency != "" {
		if own := currencyIn(members, f.currency); own != nil {
			currency = own
		}
	}
	var faults []Fault
	for _, m := range members {
		if i, known := f.index[string(m.Name)]; known && !IsEmpty(m.Value) {
			faults = append(faults, f.Fields[i].faults(m.Value, currency)...)
		}
	}
	return faults
}

func (f *Field) failUnless(right bool, code Code) []Fault {
	if right {
		return nil
	}
	return []Fault{{Field: f, Code: code}}
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
