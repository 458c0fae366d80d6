package describe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// valueSchema says what the value of a request's field must look like: what Validate says, as
// far as a schema can. It cannot say what needs another field (the digits behind the point of
// an amount, by its currency), how a number is spelled (1e5, 10.0), or which numbers of 14 digits
// are dates, and it counts an accent that is a character of its own. An empty value of a field that may be left out says nothing.
func valueSchema(f *operation.Field, mandatory bool) schema {
	variants := variantsOf(f)
	if mandatory {
		s := oneOf(filled(variants))
		if f.Positive {
			s.Pattern = notZero
		}
		return s
	}
	s := oneOf(emptied(variants))
	if f.Positive {
		s.Pattern = "^$|" + notZero
	}
	return s
}

// notZero is part of every amount above 0.
const notZero = "[1-9]"

// variantsOf returns a schema for each type that the value may have. Patterns have no anchors yet.
func variantsOf(f *operation.Field) []schema {
	switch {
	case f.Fixed != "":
		return []schema{{Type: typeString, Enum: []string{f.Fixed}}}
	case f.Kind == operation.KindFlag:
		return []schema{{Type: typeBoolean}, {Type: typeString, Enum: []string{"true", "false"}}}
	case f.Values != nil:
		return append([]schema{{Type: typeString, Enum: f.Values}}, ranges(f.Values)...)
	case isShared(f):
		return []schema{refTo(capitalised(f.Name))}
	}
	switch f.Kind {
	case operation.KindAmount:
		return amountVariants(f)
	case operation.KindInteger:
		return []schema{
			{Type: typeString, Pattern: "[0-9]+", MaxLength: f.Max},
			{Type: typeInteger, Minimum: "0", Maximum: greatest(f.Max)},
		}
	case operation.KindTime:
		return []schema{
			{Type: typeString, Pattern: timePattern},
			{Type: typeInteger, Minimum: "10000101000000", Maximum: "99991231235959"},
		}
	case operation.KindCurrency:
		return []schema{{Type: typeString, Pattern: "[A-Za-z]{3}"}}
	case operation.KindURL:
		return []schema{{Type: typeString, Pattern: webAddress, MaxLength: f.Max}}
	case operation.KindLink:
		return []schema{{Type: typeString, Pattern: webAddress + "|" + appAddress, MaxLength: f.Max}}
	case operation.KindObject:
		return []schema{objectSchema(f)}
	case operation.KindArray:
		return []schema{{Type: typeArray, Items: elementSchema(f)}}
	case operation.KindText, operation.KindFlag:
	}
	kind := typeNumber
	if f.Max > 0 && f.Max < len("1.5") {
		kind = typeInteger
	}
	return []schema{
		{Type: typeString, MaxLength: f.Max},
		{Type: kind, Minimum: least(f.Max), Maximum: greatest(f.Max)},
	}
}

// filled returns the variants of a value that must be sent.
func filled(variants []schema) []schema {
	for i := range variants {
		s := &variants[i]
		switch {
		case s.Pattern != "":
			s.Pattern = "^(" + s.Pattern + ")$"
		case s.Type == typeString && s.Enum == nil:
			s.MinLength = 1
		}
	}
	return variants
}

// emptied returns the variants of a value that may be left out, with those that mean that it is:
// null and the empty text.
func emptied(variants []schema) []schema {
	takesText := false
	for i := range variants {
		s := &variants[i]
		if s.Type != typeString {
			continue
		}
		takesText = true
		if s.Pattern != "" {
			s.Pattern = "^(" + s.Pattern + ")?$"
		}
		if s.Enum != nil {
			s.Enum = append(slices.Clone(s.Enum), "")
		}
	}
	if !takesText {
		variants = append(variants, schema{Type: typeString, Enum: []string{""}})
	}
	return append(variants, schema{Type: typeNull})
}

// amountVariants describes an amount. Its digits are counted, on both sides of the point.
func amountVariants(f *operation.Field) []schema {
	const longestFraction = 4 // of any currency
	pattern := fmt.Sprintf(`[0-9]+(\.[0-9]{1,%d})?`, longestFraction)
	if f.Max > 0 {
		pattern = fmt.Sprintf(`[0-9]{1,%d}`, f.Max)
		for n := 1; n <= longestFraction; n++ {
			pattern += fmt.Sprintf(`|[0-9]{1,%d}\.[0-9]{%d}`, f.Max-n, n)
		}
	}
	minimum := number("0")
	if f.Positive {
		minimum = "0.0001"
	}
	return []schema{
		{Type: typeString, Pattern: pattern},
		{Type: typeNumber, Minimum: minimum, Maximum: greatest(f.Max)},
	}
}

// greatest is the largest number of so many characters, "" where they are not bounded.
func greatest(characters int) number {
	if characters == 0 {
		return ""
	}
	if characters > exactDigits {
		return number(fmt.Sprintf("1e%d", characters))
	}
	return number(strings.Repeat("9", characters))
}

// least is the smallest number of so many characters, of which the sign is one.
func least(characters int) number {
	switch most := greatest(max(characters-1, 0)); {
	case characters == 0:
		return ""
	case most == "":
		return "0"
	default:
		return "-" + most
	}
}

// exactDigits is how many digits every program holds in a number without rounding.
const exactDigits = 15

// ranges describes those of a list of values that may also be sent as numbers: digits, but not
// 007, which JSON does not have. An enum of text and numbers breaks generated clients.
func ranges(values []string) []schema {
	var found []int
	for _, v := range values {
		if n, err := strconv.Atoi(v); err == nil && strconv.Itoa(n) == v && n >= 0 {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	var variants []schema
	for i, n := range found {
		if i > 0 && n == found[i-1]+1 {
			variants[len(variants)-1].Maximum = number(strconv.Itoa(n))
			continue
		}
		bound := number(strconv.Itoa(n))
		variants = append(variants, schema{Type: typeInteger, Minimum: bound, Maximum: bound})
	}
	return variants
}

// elementSchema describes an element of an array: a code, or an object. Of arrays of objects the
// documents promise less than they hold, so what is no object passes, and no type is named.
func elementSchema(f *operation.Field) *schema {
	if f.Lists != nil {
		codes := oneOf(filled([]schema{{Type: typeString}, {Type: typeNumber}}))
		return &codes
	}
	element := new(schema)
	if len(f.Fields) > 0 {
		*element = objectSchema(&operation.Field{Fields: f.Fields})
		element.Type = ""
	}
	return element
}

// objectSchema describes an object of a request. Merchants may have forms of their own, so
// others than the known fields are welcome in it.
func objectSchema(f *operation.Field) schema {
	s := schema{Type: typeObject, Description: description(f), DescriptionVi: f.Vi, Additional: true, Disputed: f.Disputed}
	for i := range f.Fields {
		inner := &f.Fields[i]
		s.Properties = append(s.Properties, member{inner.BaseName(), fieldSchema(inner, false)})
	}
	return s
}

// timePattern is yyyyMMddHHmmss of the calendar, leap years included.
const timePattern = `(` +
	`[0-9]{4}(0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])` +
	`|[0-9]{4}(0[469]|11)(0[1-9]|[12][0-9]|30)` +
	`|[0-9]{4}02(0[1-9]|1[0-9]|2[0-8])` +
	`|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)0229` +
	`)([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]`

// Parts of addresses, as Go's net/url takes them.
const (
	escape   = `%[0-9A-Fa-f]{2}`
	userInfo = `(([A-Za-z0-9._~!$&'()*+,;=:@-]|` + escape + `)*@)?`
	hostName = `([A-Za-z0-9._~!$&'()*+,;=<>"\]-]|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])`
	host6    = `\[[0-9A-Fa-f:.]+\]`
	port     = `(:[0-9]*)?`
	path     = `([^\x00-\x1f\x7f%?#]|` + escape + `)`
	query    = `(\?[^\x00-\x1f\x7f#]*)?`
	fragment = `(#([^\x00-\x1f\x7f%]|` + escape + `)*)?`

	// webAddress is an http or https address with a host.
	webAddress = `[Hh][Tt][Tt][Pp][Ss]?://` + userInfo + `(` + hostName + `+|` + host6 + `)` + port + `(/` + path + `*)?` + query + fragment

	// otherScheme is a scheme that is neither http nor https.
	otherScheme = `([A-GI-Za-gi-z][A-Za-z0-9+.-]*` +
		`|[Hh]([A-SU-Za-su-z0-9+.-][A-Za-z0-9+.-]*)?` +
		`|[Hh][Tt]([A-SU-Za-su-z0-9+.-][A-Za-z0-9+.-]*)?` +
		`|[Hh][Tt][Tt]([A-OQ-Za-oq-z0-9+.-][A-Za-z0-9+.-]*)?` +
		`|[Hh][Tt][Tt][Pp]([A-RT-Za-rt-z0-9+.-][A-Za-z0-9+.-]*|[Ss][A-Za-z0-9+.-]+))`

	// appAddress is one of a scheme of the app's own, with something behind it.
	appAddress = otherScheme + `:(//` + userInfo + `(` + hostName + `+|(` + hostName + `|:)*:[0-9]*|` + host6 + port + `)(/` + path + `*)?` +
		`|//` + userInfo + `/` + path + `+` +
		`|/([^/\x00-\x1f\x7f%?#]|` + escape + `)` + path + `*)` + query + fragment
)
