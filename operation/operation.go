// Package operation is the catalogue of the gateway's operations: their addresses,
// their fields and the codes in them. Its data files are the only list of them in
// the project; routing, validation, OpenAPI and the reference page all read it.
//
// The data holds what every source agrees on. Where the gateway's documents
// contradict each other it holds the wider reading, and says so under disputed:
// the gateway decides then.
package operation

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Operation is one call that the gateway offers.
type Operation struct {
	// Name is the short name, which is also a path of the sidecar: POST /pay.
	Name string `json:"name"`
	// Path is where the gateway takes it.
	Path string `json:"path"`
	// PathUnpublished says that the documents name no address: Path is made like those
	// of similar operations.
	PathUnpublished bool `json:"pathUnpublished"`
	// Effect is what carrying it out does; see [Operation.EffectOf].
	Effect Effect `json:"effect"`
	// Title is the operation in a few words, About what it does.
	Title language.Text `json:"title"`
	About language.Text `json:"about"`
	// Source is where in the gateway's documents the fields come from.
	Source string `json:"source"`
	// Request are the fields of requestData, Response those of responseData.
	Request  []Field `json:"-"`
	Response []Field `json:"-"`
	// Example is a requestData, Answer a responseData to it, where one is published.
	Example json.RawMessage `json:"example"`
	Answer  json.RawMessage `json:"answer"`
	// SandboxAnswer is a responseData as the sandbox gives it, where none is published.
	SandboxAnswer json.RawMessage `json:"sandboxAnswer"`

	index map[string]int // of Request, by name
	fixed []Field        // those of Request with a fixed value
}

// Field is one field of an operation.
type Field struct {
	// Name is the field's path from requestData or responseData on: "orderID",
	// "subMerchant.identifier", "tokens[].tokenID".
	Name string `json:"field"`
	// Kind is what its value must look like.
	Kind Kind `json:"kind"`
	// Max is the greatest length in characters, 0 for none.
	Max int `json:"max"`
	// Positive amounts must be more than 0.
	Positive bool `json:"positive"`
	// Required fields must be sent. When is the condition under which one must
	// that otherwise need not.
	Required bool       `json:"required"`
	When     *Condition `json:"when"`
	// Fixed is the value that makes a request this operation. Several operations
	// share one path and differ in these fields alone.
	Fixed string `json:"fixed"`
	// Values is the closed list of what the gateway takes. Lists names the open
	// lists of codes in its documents; the gateway may take others.
	Values []string `json:"values"`
	Lists  []string `json:"lists"`
	// Form says what a text looks like, with its length where that does not follow, for a person whose text is too long to be
	// one. Default: nothing.
	Form language.Text `json:"form"`
	// Disputed says what the sources disagree about, or do not say.
	Disputed string `json:"disputed"`
	// Secret fields hold card data or tokens.
	Secret bool `json:"secret"`
	// Text describes the field.
	language.Text
	// Fields are those inside an object, or inside the objects of an array.
	Fields []Field `json:"-"`

	index    map[string]int // of Fields, by BaseName
	currency string         // the one of Fields that its amounts go by; "" for none
}

// Kind is what the value of a field must look like. Numbers and strings mean the
// same to the gateway, so every kind but object, array and flag takes both.
type Kind string

// The kinds.
const (
	KindText     Kind = "text"
	KindAmount   Kind = "amount"   // a decimal of zero or more, as its currency has it
	KindInteger  Kind = "integer"  // digits
	KindTime     Kind = "time"     // yyyyMMddHHmmss
	KindCurrency Kind = "currency" // three letters, as in ISO 4217
	KindFlag     Kind = "flag"     // true or false, as text or not
	KindURL      Kind = "url"      // an http or https address
	KindLink     Kind = "link"     // any absolute address: an app's own scheme will do
	KindObject   Kind = "object"
	KindArray    Kind = "array"
)

// Condition says when a field must be sent.
type Condition struct {
	// Field is the one that decides: by having a value that is In the list, or one
	// that is NotIn it.
	Field string   `json:"field"`
	In    []string `json:"in"`
	NotIn []string `json:"notIn"`
	// Without lists fields that will do in its place.
	Without []string `json:"without"`
	// And is a second condition that must hold too; nil for none.
	And *Condition `json:"and"`
}

// Names of operations that the sidecar treats in a way of their own.
const (
	Query   = "query"   // its answer says the status of a payment
	FastPay = "fastPay" // its answer is a payment's result, with no page in between
	Other   = "other"   // any path that is not in the catalogue
)

var (
	//go:embed operations.json
	operationsData []byte
	//go:embed fields.json
	fieldsData []byte

	all = mustLoad(operationsData, fieldsData)
)

func mustLoad(operations, fields []byte) []Operation {
	ops, err := load(operations, fields)
	if err != nil {
		panic(fmt.Sprintf("operation: reading the embedded catalogue: %v", err))
	}
	return ops
}

// load reads the catalogue: what a field is in general from fields, and what it is
// in an operation, on top of that, from the operation's rows.
func load(operations, fields []byte) ([]Operation, error) {
	var known map[string]Field
	if err := json.Unmarshal(fields, &known); err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	var rows []struct {
		Operation
		Request  []json.RawMessage `json:"request"`
		Response []json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(operations, &rows); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	ops := make([]Operation, len(rows))
	for i, row := range rows {
		op := row.Operation
		var err error
		if op.Request, err = join(known, row.Request); err != nil {
			return nil, fmt.Errorf("%s: request: %w", op.Name, err)
		}
		if op.Response, err = join(known, row.Response); err != nil {
			return nil, fmt.Errorf("%s: response: %w", op.Name, err)
		}
		if err := op.prepare(); err != nil {
			return nil, fmt.Errorf("%s: %w", op.Name, err)
		}
		ops[i] = op
	}
	return ops, nil
}

// mostFields bounds the fields of an operation, so that validation can mark those
// that were sent without allocating.
const mostFields = 64

func (o *Operation) prepare() error {
	if len(o.Request) > mostFields {
		return fmt.Errorf("more than %d fields", mostFields)
	}
	o.index = make(map[string]int, len(o.Request))
	for i, f := range o.Request {
		if _, twice := o.index[f.Name]; twice {
			return fmt.Errorf("%s is listed twice", f.Name)
		}
		o.index[f.Name] = i
		if f.Fixed != "" {
			o.fixed = append(o.fixed, f)
		}
	}
	for _, f := range o.Request {
		for c := f.When; c != nil; c = c.And {
			if _, ok := o.index[c.Field]; !ok && c.Field != "" {
				return fmt.Errorf("%s depends on %s, which the operation does not have", f.Name, c.Field)
			}
		}
	}
	return nil
}

func join(known map[string]Field, rows []json.RawMessage) ([]Field, error) {
	fields := make([]Field, 0, len(rows))
	for _, row := range rows {
		var name struct{ Field string }
		if err := json.Unmarshal(row, &name); err != nil {
			return nil, err
		}
		f, ok := known[name.Field]
		if !ok {
			return nil, fmt.Errorf("unknown field %q", name.Field)
		}
		// Unmarshal writes into the lists that it finds, and these belong to all.
		f.Values, f.Lists = slices.Clone(f.Values), slices.Clone(f.Lists)
		if err := json.Unmarshal(row, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", name.Field, err)
		}
		f.setFields(inside(known, f.Name))
		fields = append(fields, f)
	}
	return fields, nil
}

// inside returns the fields of an object or array, by name.
func inside(known map[string]Field, outer string) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(known)) {
		rest := strings.TrimPrefix(name, outer)
		rest, ok := strings.CutPrefix(strings.TrimPrefix(rest, "[]"), ".")
		if !ok || !strings.HasPrefix(name, outer) || strings.Contains(rest, ".") {
			continue
		}
		f := known[name]
		f.Name = name
		f.setFields(inside(known, name))
		fields = append(fields, f)
	}
	return fields
}

func (f *Field) setFields(fields []Field) {
	f.Fields, f.index = fields, make(map[string]int, len(fields))
	for i := range fields {
		f.index[fields[i].BaseName()] = i
		if slices.Contains(fields[i].Lists, "currencies") {
			f.currency = fields[i].BaseName()
		}
	}
}

// BaseName returns the last part of the name, which is the field's name inside its
// object: "email" of "extraData.customer.email".
func (f *Field) BaseName() string { return f.Name[strings.LastIndexByte(f.Name, '.')+1:] }

// All returns the operations in the order of the catalogue.
func All() []Operation { return slices.Clone(all) }

// Names returns the short names in the order of the catalogue.
func Names() []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return names
}

// Takes reports whether a field belongs into the operation's requestData.
func (o *Operation) Takes(field string) bool {
	_, ok := o.index[field]
	return ok
}

// Fixed returns the fields whose value makes a request this operation.
func (o *Operation) Fixed() []Field { return o.fixed }

// Match returns the one of ops, all taken at one path, that a request is: the one
// most of whose fixed fields the request carries, among those that it does not
// contradict. It returns nil where the request contradicts each of them. The
// function value returns the text of a field of requestData and whether it is there.
func Match(ops []Operation, value func(field string) (string, bool)) *Operation {
	var best *Operation
	most := -1
	for i := range ops {
		if carried := ops[i].carried(value); carried > most {
			best, most = &ops[i], carried
		}
	}
	return best
}

// carried counts the fixed fields that the request carries, -1 if one of them
// has another value.
func (o *Operation) carried(value func(string) (string, bool)) int {
	n := 0
	for i := range o.fixed {
		f := &o.fixed[i]
		text, ok := value(f.Name)
		if !ok {
			continue
		}
		if text != f.Fixed {
			return -1
		}
		n++
	}
	return n
}
