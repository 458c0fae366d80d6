package sandbox

import (
	"cmp"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// missing says which of the operation's mandatory fields is not there.
func missing(op *operation.Operation, data fields) error {
	read := reader{fields: data}
	for _, f := range op.Request {
		if !f.Required && !applies(f.When, data) {
			continue
		}
		if isScalar(f.Kind) {
			read.required(f.Name, cmp.Or(f.Max, maxRequestBody))
		} else if !data.has(f.Name) {
			read.fail(f.Name, "is missing")
		}
	}
	return read.err
}

// applies tells whether the condition under which a field is mandatory is met.
func applies(when *operation.Condition, data fields) bool {
	if when == nil {
		return false
	}
	if len(when.Without) > 0 {
		return !slices.ContainsFunc(when.Without, data.has)
	}
	value, decided := data.value(when.Field)
	if len(when.NotIn) > 0 {
		return decided && !slices.Contains(when.NotIn, value)
	}
	return decided && slices.Contains(when.In, value)
}

func isScalar(kind operation.Kind) bool {
	return kind != operation.KindObject && kind != operation.KindArray
}
