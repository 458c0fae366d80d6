package describe

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// schema is a JSON Schema, as far as the description of the operations needs it.
type schema struct {
	Type          types       `json:"type,omitempty"`
	Description   string      `json:"description,omitempty"`
	DescriptionVi string      `json:"x-description-vi,omitempty"`
	Format        string      `json:"format,omitempty"`
	Const         string      `json:"const,omitempty"`
	Enum          []any       `json:"enum,omitempty"`
	Pattern       string      `json:"pattern,omitempty"`
	MinLength     int         `json:"minLength,omitempty"`
	MaxLength     int         `json:"maxLength,omitempty"`
	Minimum       *int        `json:"minimum,omitempty"`
	MoreThan      *int        `json:"exclusiveMinimum,omitempty"`
	WriteOnly     bool        `json:"writeOnly,omitempty"`
	Items         *schema     `json:"items,omitempty"`
	Properties    object      `json:"properties,omitempty"`
	Additional    bool        `json:"additionalProperties,omitempty"`
	Required      []string    `json:"required,omitempty"`
	AllOf         []condition `json:"allOf,omitempty"`
	Lists         []string    `json:"x-lists,omitempty"`
	Disputed      string      `json:"x-disputed,omitempty"`
}

// condition makes fields mandatory.
type condition struct {
	when *operation.Condition
	If   object `json:"if"`
	Then schema `json:"then"`
}

// types is one type or several.
type types []string

// MarshalJSON writes a single type without brackets.
func (t types) MarshalJSON() ([]byte, error) {
	text := `"` + strings.Join(t, `","`) + `"`
	if len(t) > 1 {
		text = "[" + text + "]"
	}
	return []byte(text), nil
}

// The types of a kind whose values mean the same as text and as a number.
var (
	textOrNumber  = types{"string", "number"}
	textOrInteger = types{"string", "integer"}
)

// schemas returns the components: a request and an answer for each operation, the
// objects inside requests, and what the sidecar itself says.
func schemas() object {
	components := object{}
	for _, o := range operation.All() {
		components = append(components,
			member{schemaName(&o, "Request"), requestSchema(&o)},
			member{schemaName(&o, "Answer"), answerSchema(o.Response)})
	}
	for _, f := range sharedObjects() {
		components = append(components, member{capitalised(f.Name), objectSchema(&f)})
	}
	return append(components,
		member{"Problem", problemSchema},
		member{"FieldError", fieldErrorSchema},
		member{"CodeList", codeListSchema},
	)
}

// requestSchema describes requestData as the app sends it. It does not speak of
// additionalProperties: they are allowed, and typed clients still notice a slip in a
// name where nothing invites others.
func requestSchema(o *operation.Operation) schema {
	s := schema{Type: types{"object"}}
	for i := range o.Request {
		f := &o.Request[i]
		s.Properties = append(s.Properties, member{f.Name, property(f)})
		switch {
		case f.Fixed != "": // the sidecar adds it
		case f.Required:
			s.Required = append(s.Required, f.Name)
		case f.When != nil:
			s.require(f.Name, f.When)
		}
	}
	return s
}

// require makes a field mandatory under a condition. Fields with the same condition
// share its statement.
func (s *schema) require(name string, when *operation.Condition) {
	for i := range s.AllOf {
		if reflect.DeepEqual(s.AllOf[i].when, when) {
			s.AllOf[i].Then.Required = append(s.AllOf[i].Then.Required, name)
			return
		}
	}
	s.AllOf = append(s.AllOf, condition{when, conditionSchema(when), schema{Required: []string{name}}})
}

// conditionSchema describes requests that meet a condition.
func conditionSchema(c *operation.Condition) object {
	if c.And != nil {
		alone := *c
		alone.And = nil
		return object{{"allOf", []object{conditionSchema(&alone), conditionSchema(c.And)}}}
	}
	if c.Without != nil {
		var sent []object
		for _, name := range c.Without {
			sent = append(sent, object{{"required", []string{name}}})
		}
		if len(sent) == 1 {
			return object{{"not", sent[0]}}
		}
		return object{{"not", object{{"anyOf", sent}}}}
	}
	decides := object{{"enum", spellings(c.In)}}
	if c.NotIn != nil {
		decides = object{{"not", object{{"enum", spellings(c.NotIn)}}}}
	}
	return object{{"properties", object{{c.Field, decides}}}, {"required", []string{c.Field}}}
}

// property describes the field, or says where that is done.
func property(f *operation.Field) any {
	if isShared(f) {
		return ref("schemas", capitalised(f.Name))
	}
	return fieldSchema(f)
}

// fieldSchema describes a field of a request with its meaning.
func fieldSchema(f *operation.Field) schema {
	s := valueSchema(f)
	s.Description, s.DescriptionVi = description(f), f.Vi
	s.Lists, s.Disputed = f.Lists, f.Disputed
	if f.Secret {
		s.Format, s.WriteOnly = "password", true
	}
	return s
}

// valueSchema says what the value of a request's field must look like, as far as a
// schema can. Validate checks more: the calendar, the digits of an amount and those of its fraction. And it lets
// pass a little more: empty fields, and accents that are characters of their own.
func valueSchema(f *operation.Field) schema {
	if f.Fixed != "" {
		return schema{Type: types{"string"}, Const: f.Fixed}
	}
	if f.Kind == operation.KindFlag {
		return schema{Type: types{"boolean", "string"}, Enum: []any{true, false, "true", "false"}}
	}
	if f.Values != nil {
		return enumSchema(f.Values)
	}
	s := schema{MaxLength: f.Max}
	switch f.Kind {
	case operation.KindText:
		s.Type = textOrNumber
		if f.Required {
			s.MinLength = 1
		}
	case operation.KindAmount:
		s.Type, s.Minimum = textOrNumber, new(0)
		s.Pattern = `^[0-9]+(\.[0-9]{1,4})?$` // how many digits is up to the currency
		if f.Positive {
			s.Minimum, s.MoreThan = nil, new(0)
		}
		s.MaxLength = 0 // it is digits that count, and there is no keyword for that
	case operation.KindInteger:
		s.Type, s.Minimum = textOrInteger, new(0)
		s.Pattern = `^[0-9]+$`
	case operation.KindTime:
		s.Type = textOrInteger
		s.Pattern = `^[0-9]{14}$`
	case operation.KindURL:
		s.Type, s.Format = types{"string"}, "uri"
		s.Pattern = `^[Hh][Tt][Tt][Pp][Ss]?://`
	case operation.KindLink:
		s.Type, s.Format = types{"string"}, "uri"
	case operation.KindObject:
		return objectSchema(f)
	case operation.KindArray:
		s.Type, s.Items = types{"array"}, new(schema)
		if len(f.Fields) > 0 {
			*s.Items = objectSchema(&operation.Field{Fields: f.Fields})
		}
		if f.Lists != nil {
			s.Items.Type = types{"string"}
		}
	}
	return s
}

// objectSchema describes an object of a request. Merchants may have forms of their
// own, so others than the known fields are welcome in it.
func objectSchema(f *operation.Field) schema {
	s := schema{Type: types{"object"}, Description: description(f), DescriptionVi: f.Vi, Additional: true, Disputed: f.Disputed}
	for i := range f.Fields {
		inner := &f.Fields[i]
		s.Properties = append(s.Properties, member{inner.BaseName(), property(inner)})
	}
	return s
}

// enumSchema describes a closed list of values, which may also be sent as numbers
// where they are digits.
func enumSchema(values []string) schema {
	s := schema{Type: types{"string"}, Enum: spellings(values)}
	if len(s.Enum) > len(values) {
		s.Type = textOrNumber
	}
	return s
}

// spellings returns values as text, then those of digits as numbers.
func spellings(values []string) []any {
	var spelt []any
	for _, v := range values {
		spelt = append(spelt, v)
	}
	for _, v := range values {
		if isWholeNumber(v) {
			spelt = append(spelt, number(v))
		}
	}
	return spelt
}

// isWholeNumber reports whether text is digits that are a JSON number too: JSON has no 007.
func isWholeNumber(text string) bool {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return false
	}
	return text == "0" || text[0] != '0'
}

// number is a JSON number as it is written.
type number string

// MarshalJSON writes the digits as they are.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// answerSchema describes responseData, or an object in it. The gateway's answers vary
// more than its documents do, so nothing in it is mandatory, closed or bounded: a
// client must not choke on the answer to a payment.
func answerSchema(fields []operation.Field) schema {
	s := schema{Type: types{"object"}, Additional: true}
	for i := range fields {
		f := &fields[i]
		answer := answerType(f)
		answer.Description, answer.DescriptionVi = description(f), f.Vi
		if len(f.Values) > 0 {
			answer.Description += " Known: " + strings.Join(f.Values, ", ") + "."
		}
		answer.Lists, answer.Disputed = f.Lists, f.Disputed
		s.Properties = append(s.Properties, member{f.BaseName(), answer})
	}
	return s
}

func answerType(f *operation.Field) schema {
	switch f.Kind {
	case operation.KindObject:
		return answerSchema(f.Fields)
	case operation.KindArray:
		items := answerSchema(f.Fields)
		return schema{Type: types{"array"}, Items: &items}
	case operation.KindURL, operation.KindLink:
		return schema{Type: types{"string"}, Format: "uri"}
	case operation.KindFlag:
		return schema{Type: types{"boolean", "string"}}
	case operation.KindText, operation.KindAmount, operation.KindInteger, operation.KindTime:
	}
	return schema{Type: textOrNumber}
}

// description is the field in English words, with what a schema cannot say.
func description(f *operation.Field) string {
	sentences := []string{f.En}
	if f.Fixed != "" {
		sentences = append(sentences, "The sidecar adds it where it is left out.")
	}
	if f.Kind == operation.KindAmount {
		sentences = append(sentences, amountInWords(f)...)
	}
	if f.When != nil {
		sentences = append(sentences, "Required "+conditionInWords(f.When)+".")
	}
	if f.Lists != nil {
		sentences = append(sentences, listsInWords(f))
	}
	if f.Disputed != "" {
		sentences = append(sentences, "Disputed: "+f.Disputed)
	}
	return strings.Join(sentences, " ")
}

// amountInWords is the rule for amounts, which a schema cannot say: it needs the currency.
func amountInWords(f *operation.Field) []string {
	sentences := []string{"No separators, no exponent; of VND and other currencies without a minor unit no fraction but .0 and .00, of others at most the digits of ISO 4217."}
	if f.Positive {
		sentences = append(sentences, "More than 0.")
	}
	if f.Max > 0 {
		sentences = append(sentences, fmt.Sprintf("At most %d digits.", f.Max))
	}
	return sentences
}

// listsInWords says where the codes are, and whether there may be others.
func listsInWords(f *operation.Field) string {
	paths := make([]string, len(f.Lists))
	open := f.Values == nil
	for i, name := range f.Lists {
		paths[i] = "/codes/" + name
		open = open && !isComplete(name)
	}
	text := "Codes: " + strings.Join(paths, ", ")
	if open {
		return text + "; the gateway may take others."
	}
	return text + "."
}

// capitalised turns a name of the catalogue into one of a schema: PayRequest, ExtraData.
func capitalised(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
