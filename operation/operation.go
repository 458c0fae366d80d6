// Package operation is the catalogue of the gateway's operations. Its data file
// is the only list of them in the project.
package operation

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

// Operation is one call that the gateway offers.
type Operation struct {
	// Name is the short name, which is also a path of the sidecar: POST /pay.
	Name string `json:"name"`
	// Path is where the gateway takes it.
	Path string `json:"path"`
	// Fixed are the fields whose value makes a request this operation. Several
	// operations share one path and differ in these alone.
	Fixed []Fixed `json:"fixed"`
	// Repeatable operations only read, so they may be sent a second time.
	Repeatable bool `json:"repeatable"`
	// Fields are the names that the documents list for requestData.
	Fields []string `json:"fields"`
}

// Fixed is a field of requestData that has the same value in every request of
// an operation.
type Fixed struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Names of operations that the sidecar treats in a way of their own.
const (
	Query   = "query"   // its answer tells the status of a payment
	FastPay = "fastPay" // its answer is a payment's result, with no page in between
	Other   = "other"   // any path that the catalogue does not know
)

//go:embed operations.json
var data []byte

var all = mustLoad(data)

func mustLoad(data []byte) []Operation {
	var ops []Operation
	if err := json.Unmarshal(data, &ops); err != nil {
		panic(fmt.Sprintf("operation: reading the embedded catalogue: %v", err))
	}
	return ops
}

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

// Takes reports whether a field belongs into the operation's requestData: the
// documents list it there, or list it nowhere at all, so that nothing speaks against it.
func (o *Operation) Takes(field string) bool {
	return slices.Contains(o.Fields, field) ||
		!slices.ContainsFunc(all, func(other Operation) bool { return slices.Contains(other.Fields, field) })
}

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
	for _, f := range o.Fixed {
		text, ok := value(f.Field)
		if !ok {
			continue
		}
		if text != f.Value {
			return -1
		}
		n++
	}
	return n
}
