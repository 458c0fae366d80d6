// Package describe writes the catalogue of operations down for readers outside of the
// program: as an OpenAPI 3.1 document for programs, and as a Markdown page for people.
package describe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// sharedObjects returns the objects with known fields that requests hold, each once:
// the catalogue describes what is in them for all operations alike.
func sharedObjects(operations []operation.Operation) []operation.Field {
	var shared []operation.Field
	for _, o := range operations {
		for _, f := range o.Request {
			if isShared(&f) && !slices.ContainsFunc(shared, func(s operation.Field) bool { return s.Name == f.Name }) {
				shared = append(shared, f)
			}
		}
	}
	return shared
}

// isShared reports whether the field is an object that is described once for all operations.
func isShared(f *operation.Field) bool {
	return f.Kind == operation.KindObject && len(f.Fields) > 0 && !strings.Contains(f.Name, ".")
}

// conditionInWords says when a field must be sent: "when sourceOfFund is CARD".
func conditionInWords(c *operation.Condition) string {
	switch {
	case c.And != nil:
		alone := *c
		alone.And = nil
		return conditionInWords(&alone) + " and " + strings.TrimPrefix(conditionInWords(c.And), "when ")
	case c.Without != nil:
		return "unless " + strings.Join(c.Without, " or ") + " is sent"
	case c.NotIn != nil:
		return fmt.Sprintf("unless %s is %s", c.Field, strings.Join(c.NotIn, " or "))
	}
	return fmt.Sprintf("when %s is %s", c.Field, strings.Join(c.In, " or "))
}

// isComplete reports whether the gateway takes no other codes than those of the list.
func isComplete(name string) bool {
	return slices.ContainsFunc(operation.Lists(), func(l operation.List) bool { return l.Name == name && l.Closed })
}
