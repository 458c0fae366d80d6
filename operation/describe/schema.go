package describe

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// schemas returns the components: a request and an answer for each operation, the
// objects inside requests, and what the sidecar itself says.
func (s *Site) schemas() object {
	components := object{}
	for _, o := range s.Operations {
		components = append(components,
			member{schemaName(&o, "Request"), s.requestSchema(&o)},
			member{schemaName(&o, "Answer"), s.answerSchema(&o)})
	}
	for _, f := range sharedObjects(s.Operations) {
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
//
// Where fields are mandatory under a condition, the object is the first member of allOf and
// the conditions follow. Generators that know nothing of conditions then find the properties.
func (s *Site) requestSchema(o *operation.Operation) schema {
	data := schema{Type: typeObject}
	var conditions []any
	for i := range o.Request {
		f := &o.Request[i]
		mandatory := f.Required && !s.adds(f)
		data.Properties = append(data.Properties, member{f.Name, fieldSchema(f, mandatory)})
		if mandatory {
			data.Required = append(data.Required, f.Name)
		}
	}
	for _, c := range s.conditions(o) {
		conditions = append(conditions, c.schema())
	}
	if amounts := amountsOf(o); amounts != nil {
		conditions = append(conditions, wholeAmounts(amounts))
	}
	if conditions == nil {
		return data
	}
	return schema{AllOf: append([]any{data}, conditions...)}
}

// adds reports whether the sidecar adds the field where the app leaves it out.
func (s *Site) adds(f *operation.Field) bool {
	return f.Fixed != "" || slices.Contains(s.Defaults, f.Name)
}

// condition makes fields mandatory.
type condition struct {
	when   *operation.Condition
	fields []string
}

// conditions returns those of an operation. Fields with the same condition share it.
func (s *Site) conditions(o *operation.Operation) []condition {
	var all []condition
	for i := range o.Request {
		f := &o.Request[i]
		if f.Required || f.When == nil || s.adds(f) {
			continue
		}
		at := slices.IndexFunc(all, func(c condition) bool { return reflect.DeepEqual(c.when, f.When) })
		if at < 0 {
			all = append(all, condition{f.When, []string{f.Name}})
			continue
		}
		all[at].fields = append(all[at].fields, f.Name)
	}
	return all
}

// schema says it in JSON Schema, with titles for pages that show the branches.
func (c *condition) schema() object {
	words := conditionInWords(c.when)
	return object{
		{"title", strings.ToUpper(words[:1]) + words[1:]},
		{"if", append(object{{"title", words}}, conditionSchema(c.when)...)},
		{"then", append(object{{"title", strings.Join(c.fields, ", ") + " must be sent"}}, sent(c.fields...)...)},
	}
}

// sent describes requests in which the fields say something.
func sent(names ...string) object {
	properties := object{}
	for _, name := range names {
		properties = append(properties, member{name, object{{"not", object{{"enum", []any{nil, ""}}}}}})
	}
	return object{{"properties", properties}, {"required", names}}
}

func amountsOf(o *operation.Operation) []string {
	var names []string
	for _, f := range o.Request {
		if f.Kind == operation.KindAmount {
			names = append(names, f.Name)
		}
	}
	return names
}

// wholeAmounts says that some currencies have no fraction, for the amounts of the order. What is
// beyond a schema: the digits of the other currencies, and amounts with a currency of their own.
func wholeAmounts(names []string) object {
	var codes []string
	for _, code := range operation.WithoutFraction() {
		var inAnyCase strings.Builder
		for _, letter := range code {
			fmt.Fprintf(&inAnyCase, "[%c%c]", letter, letter-'A'+'a')
		}
		codes = append(codes, inAnyCase.String())
	}
	currency := object{{"type", typeString}, {"pattern", "^(" + strings.Join(codes, "|") + ")$"}}
	amounts := object{}
	for _, name := range names {
		amounts = append(amounts, member{name, object{{"pattern", `^([0-9]+(\.0{1,2})?)?$`}, {"multipleOf", 1}}})
	}
	return object{
		{"title", "When the currency has no fraction, as VND"},
		{"if", object{{"title", "when the currency has no fraction"}, {"properties", object{{"orderCurrency", currency}}}, {"required", []string{"orderCurrency"}}}},
		{"then", object{{"title", "amounts are whole"}, {"properties", amounts}}},
	}
}

// conditionSchema describes requests that meet a condition.
func conditionSchema(c *operation.Condition) object {
	if c.And != nil {
		alone := *c
		alone.And = nil
		return object{{"allOf", []object{conditionSchema(&alone), conditionSchema(c.And)}}}
	}
	if c.Without != nil {
		var others []object
		for _, name := range c.Without {
			others = append(others, sent(name))
		}
		if len(others) == 1 {
			return object{{"not", others[0]}}
		}
		return object{{"not", object{{"anyOf", others}}}}
	}
	decides := object{{"enum", spellings(c.In)}}
	if c.NotIn != nil {
		decides = object{{"not", object{{"enum", append(spellings(c.NotIn), nil, "")}}}}
	}
	return object{{"properties", object{{c.Field, decides}}}, {"required", []string{c.Field}}}
}

// spellings returns values as text, then those of digits as numbers.
func spellings(values []string) []any {
	var spelt []any
	for _, v := range values {
		spelt = append(spelt, v)
	}
	for _, v := range values {
		if len(ranges([]string{v})) > 0 {
			spelt = append(spelt, number(v))
		}
	}
	return spelt
}

// fieldSchema describes a field of a request with its meaning.
func fieldSchema(f *operation.Field, mandatory bool) schema {
	s := valueSchema(f, mandatory)
	if isShared(f) && mandatory {
		return s
	}
	s.Description, s.DescriptionVi = description(f), f.Vi
	s.Lists, s.Disputed = f.Lists, f.Disputed
	if f.Secret {
		s.Format, s.WriteOnly = "password", true
	}
	return s
}

// answerSchema describes the body of an answer.
func (s *Site) answerSchema(o *operation.Operation) schema {
	data := dataSchema(o.Response)
	if !s.Envelope {
		return data
	}
	return envelopeSchema("The gateway's proven message.", data)
}

// dataSchema describes responseData, or an object in it. The gateway's answers vary more than
// its documents do, so nothing in it is closed or bounded: a client must not choke on the answer
// to a payment. Mandatory is only what an app cannot go on without.
func dataSchema(fields []operation.Field) schema {
	s := schema{Type: typeObject, Additional: true}
	for i := range fields {
		f := &fields[i]
		answer := answerType(f)
		answer.Description, answer.DescriptionVi = description(f), f.Vi
		if len(f.Values) > 0 {
			answer.Description += " Known: " + strings.Join(f.Values, ", ") + "."
		}
		answer.Lists, answer.Disputed = f.Lists, f.Disputed
		s.Properties = append(s.Properties, member{f.BaseName(), answer})
		if f.Required && slices.Contains(indispensable, f.Name) {
			s.Required = append(s.Required, f.Name)
		}
	}
	return s
}

// indispensable are the fields of answers that an app goes on with.
var indispensable = []string{"transactionID", "endpoint", "orderNo", "shortLink"}

func answerType(f *operation.Field) schema {
	switch f.Kind {
	case operation.KindObject:
		return dataSchema(f.Fields)
	case operation.KindArray:
		items := dataSchema(f.Fields)
		return schema{Type: typeArray, Items: &items}
	case operation.KindURL, operation.KindLink:
		return schema{Type: typeString}
	case operation.KindFlag:
		return oneOf([]schema{{Type: typeBoolean}, {Type: typeString}})
	case operation.KindCurrency:
		return schema{Type: typeString}
	case operation.KindText, operation.KindAmount, operation.KindInteger, operation.KindTime:
	}
	if isID(f) {
		return schema{Type: typeString}
	}
	return oneOf([]schema{{Type: typeString}, {Type: typeNumber}})
}

// isID reports whether a field names something. A program that reads such a name as a number
// rounds it: a transactionID has 25 digits.
func isID(f *operation.Field) bool {
	return strings.HasSuffix(f.Name, "ID") || f.Name == "orderNo" || f.Name == "token"
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
