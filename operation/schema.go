package operation

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	when *Condition
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
	for i := range all {
		o := &all[i]
		components = append(components,
			member{o.schemaName("Request"), o.requestSchema()},
			member{o.schemaName("Answer"), answerSchema(o.Response)})
	}
	for _, f := range sharedObjects() {
		components = append(components, member{capitalised(f.Name), f.objectSchema()})
	}
	return append(components,
		member{"Problem", problemSchema},
		member{"FieldError", fieldErrorSchema},
		member{"CodeList", codeListSchema},
	)
}

// sharedObjects returns the objects with known fields that requests hold, each once:
// the catalogue describes what is in them for all operations alike.
func sharedObjects() []Field {
	var shared []Field
	for i := range all {
		for _, f := range all[i].Request {
			if f.isShared() && !slices.ContainsFunc(shared, func(s Field) bool { return s.Name == f.Name }) {
				shared = append(shared, f)
			}
		}
	}
	return shared
}

func (f *Field) isShared() bool {
	return f.Kind == KindObject && len(f.Fields) > 0 && !strings.Contains(f.Name, ".")
}

// requestSchema describes requestData as the app sends it. It does not speak of
// additionalProperties: they are allowed, and typed clients still notice a slip in a
// name where nothing invites others.
func (o *Operation) requestSchema() schema {
	s := schema{Type: types{"object"}}
	for i := range o.Request {
		f := &o.Request[i]
		s.Properties = append(s.Properties, member{f.Name, f.property()})
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
func (s *schema) require(name string, when *Condition) {
	for i := range s.AllOf {
		if reflect.DeepEqual(s.AllOf[i].when, when) {
			s.AllOf[i].Then.Required = append(s.AllOf[i].Then.Required, name)
			return
		}
	}
	s.AllOf = append(s.AllOf, condition{when, when.schema(), schema{Required: []string{name}}})
}

// schema describes requests that meet the condition.
func (c *Condition) schema() object {
	if c.And != nil {
		alone := *c
		alone.And = nil
		return object{{"allOf", []object{alone.schema(), c.And.schema()}}}
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
func (f *Field) property() any {
	if f.isShared() {
		return ref("schemas", capitalised(f.Name))
	}
	return f.requestSchema()
}

func (f *Field) requestSchema() schema {
	s := f.valueSchema()
	s.Description, s.DescriptionVi = f.description(), f.Vi
	s.Lists, s.Disputed = f.Lists, f.Disputed
	if f.Secret {
		s.Format, s.WriteOnly = "password", true
	}
	return s
}

// valueSchema says what the value of a request's field must look like, as far as a
// schema can. Validate knows more: the calendar, the digits of an amount. And it lets
// pass a little more: empty fields, and accents that are characters of their own.
func (f *Field) valueSchema() schema {
	if f.Fixed != "" {
		return schema{Type: types{"string"}, Const: f.Fixed}
	}
	if f.Kind == KindFlag {
		return schema{Type: types{"boolean", "string"}, Enum: []any{true, false, "true", "false"}}
	}
	if f.Values != nil {
		return enumSchema(f.Values)
	}
	s := schema{MaxLength: f.Max}
	switch f.Kind {
	case KindText:
		s.Type = textOrNumber
		if f.Required {
			s.MinLength = 1
		}
	case KindAmount:
		s.Type, s.Minimum = textOrNumber, new(0)
		s.Pattern = `^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`
		s.MaxLength = 0 // it is digits that count, and there is no keyword for that
	case KindInteger:
		s.Type, s.Minimum = textOrInteger, new(0)
		s.Pattern = `^[0-9]+$`
	case KindTime:
		s.Type = textOrInteger
		s.Pattern = `^[0-9]{14}$`
	case KindURL:
		s.Type, s.Format = types{"string"}, "uri"
		s.Pattern = `^[Hh][Tt][Tt][Pp][Ss]?://`
	case KindLink:
		s.Type, s.Format = types{"string"}, "uri"
	case KindObject:
		return f.objectSchema()
	case KindArray:
		s.Type, s.Items = types{"array"}, new(schema)
		if f.Lists != nil {
			s.Items.Type = types{"string"}
		}
	}
	return s
}

// objectSchema describes an object of a request. Merchants may have forms of their
// own, so others than the known fields are welcome in it.
func (f *Field) objectSchema() schema {
	s := schema{Type: types{"object"}, Description: f.description(), DescriptionVi: f.Vi, Additional: true, Disputed: f.Disputed}
	for i := range f.Fields {
		inner := &f.Fields[i]
		s.Properties = append(s.Properties, member{inner.lastName(), inner.property()})
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
		if isDigits([]byte(v)) && (v == "0" || v[0] != '0') { // JSON has no 007
			spelt = append(spelt, number(v))
		}
	}
	return spelt
}

// number is a JSON number as it is written.
type number string

// MarshalJSON writes the digits as they are.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// answerSchema describes responseData, or an object in it. The gateway's answers vary
// more than its documents do, so nothing in it is mandatory, closed or bounded: a
// client must not choke on the answer to a payment.
func answerSchema(fields []Field) schema {
	s := schema{Type: types{"object"}, Additional: true}
	for i := range fields {
		f := &fields[i]
		answer := f.answerType()
		answer.Description, answer.DescriptionVi = f.description(), f.Vi
		if len(f.Values) > 0 {
			answer.Description += " Known: " + strings.Join(f.Values, ", ") + "."
		}
		answer.Lists, answer.Disputed = f.Lists, f.Disputed
		s.Properties = append(s.Properties, member{f.lastName(), answer})
	}
	return s
}

func (f *Field) answerType() schema {
	switch f.Kind {
	case KindObject:
		return answerSchema(f.Fields)
	case KindArray:
		items := answerSchema(f.Fields)
		return schema{Type: types{"array"}, Items: &items}
	case KindURL, KindLink:
		return schema{Type: types{"string"}, Format: "uri"}
	case KindFlag:
		return schema{Type: types{"boolean", "string"}}
	case KindText, KindAmount, KindInteger, KindTime:
	}
	return schema{Type: textOrNumber}
}

// description is the field in English words, with what a schema cannot say.
func (f *Field) description() string {
	sentences := []string{f.En}
	if f.Fixed != "" {
		sentences = append(sentences, "The sidecar adds it where it is left out.")
	}
	if f.Kind == KindAmount && f.Max > 0 {
		sentences = append(sentences, fmt.Sprintf("At most %d digits.", f.Max))
	}
	if f.When != nil {
		sentences = append(sentences, "Required "+f.When.inWords()+".")
	}
	if f.Lists != nil {
		sentences = append(sentences, f.listsInWords())
	}
	if f.Disputed != "" {
		sentences = append(sentences, "Disputed: "+f.Disputed)
	}
	return strings.Join(sentences, " ")
}

func (c *Condition) inWords() string {
	switch {
	case c.And != nil:
		alone := *c
		alone.And = nil
		return alone.inWords() + " and " + strings.TrimPrefix(c.And.inWords(), "when ")
	case c.Without != nil:
		return "unless " + strings.Join(c.Without, " or ") + " is sent"
	case c.NotIn != nil:
		return fmt.Sprintf("unless %s is %s", c.Field, strings.Join(c.NotIn, " or "))
	}
	return fmt.Sprintf("when %s is %s", c.Field, strings.Join(c.In, " or "))
}

// listsInWords says where the codes are, and whether there may be others.
func (f *Field) listsInWords() string {
	paths := make([]string, len(f.Lists))
	open := f.Values == nil
	for i, name := range f.Lists {
		paths[i] = "/codes/" + name
		open = open && !lists[name].Closed
	}
	text := "Codes: " + strings.Join(paths, ", ")
	if open {
		return text + "; the gateway may take others."
	}
	return text + "."
}

func capitalised(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

var problemSchema = object{
	{"type", "object"},
	{"description", "Why a call did not succeed (RFC 9457). Programs branch on outcome and code; title and detail are for people."},
	{"required", []string{"type", "title", "status", "detail", "code", "outcome"}},
	{"properties", object{
		{"type", object{{"type", "string"}, {"format", "uri"}, {"description", "Address of the failure's description."}}},
		{"title", object{{"type", "string"}, {"description", "The failure in a few words."}}},
		{"status", object{{"type", "integer"}, {"description", "The HTTP status once more."}}},
		{"detail", object{{"type", "string"}, {"description", "What is wrong here and what to do."}}},
		// No enum: a client that meets a code which is newer than itself still has the outcome.
		{"code", object{{"type", "string"}, {"description", "Stable name of the failure. A later version may know more of them."}}},
		{"outcome", object{{"type", "string"}, {"enum", []string{"not_sent", "rejected", "unknown"}}, {"description", "What the app may do next. " +
			"`not_sent`: nothing reached the gateway; correct it and try again. " +
			"`rejected`: the gateway's proven answer is no. " +
			"`unknown`: it may have been carried out; wait for the IPN or ask query, and never pay again under a new id."}}},
		{"operation", object{{"type", "string"}, {"description", "Short name of the operation, where it is known."}}},
		{"requestID", object{{"type", "string"}, {"description", "The requestID of the message, where there is one."}}},
		{"responseCode", object{{"type", "string"}, {"description", "The gateway's, from a proven answer."}}},
		{"responseMessage", object{{"type", "string"}, {"description", "The gateway's, from a proven answer."}}},
		{"errors", object{{"type", "array"}, {"items", ref("schemas", "FieldError")}, {"description", "What is wrong, field by field."}}},
	}},
}

var fieldErrorSchema = object{
	{"type", "object"},
	{"required", []string{"field", "code", "detail"}},
	{"properties", object{
		{"field", object{{"type", "string"}, {"description", "Path of the field."}, {"examples", []string{"extraData.customer.email"}}}},
		{"code", object{{"type", "string"}, {"description", "Stable name of the fault."}, {"examples", []Code{CodeRequired}}}},
		{"detail", object{{"type", "string"}, {"description", "A sentence for people."}}},
	}},
}

var codeListSchema = object{
	{"type", "object"},
	{"required", []string{"name", "en", "vi", "closed", "codes"}},
	{"properties", object{
		{"name", object{{"type", "string"}}},
		{"en", object{{"type", "string"}, {"description", "Title in English."}}},
		{"vi", object{{"type", "string"}, {"description", "Title in Vietnamese."}}},
		{"closed", object{{"type", "boolean"}, {"description", "Whether the list is complete. Of another the gateway may take more than its documents know."}}},
		{"codes", object{{"type", "array"}, {"items", object{
			{"type", "object"},
			{"required", []string{"code", "en", "vi"}},
			{"properties", object{
				{"code", object{{"type", "string"}}},
				{"en", object{{"type", "string"}}},
				{"vi", object{{"type", "string"}}},
			}},
		}}}},
	}},
}
