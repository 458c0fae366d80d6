package galaxypay

import (
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// identify takes the body apart and settles which operation it asks for.
func (p *Proxy) identify(x *exchange, ops []operation.Operation, body []byte) *failure {
	req, err := parseRequest(body)
	if err != nil {
		return fail(CodeBodyInvalid, message(err.Fault), faultArgs(err)...)
	}
	x.request = req
	value := func(name string) (string, bool) { return req.text(name), req.has(name) }
	op := operation.Match(ops, value)
	if op == nil {
		op = &ops[0]
	}
	if f := contradiction(op, &req); f != nil {
		return f
	}
	if !p.routes.allows(op.Name) || !p.routes.allows(p.routes.closest(op, value).Name) {
		return fail(CodeOperationUnknown, msgOperationUnknown, p.routes.names())
	}
	x.operation = op
	return nil
}

// contradiction refuses a request that says it is another operation than the one
// it was posted to: FAST_PAY must not slip through where only pay is allowed. Nor
// must it in a field of other letter case, since a gateway may not care for that.
func contradiction(op *operation.Operation, req *request) *failure {
	var faults []fieldFault
	for _, fixed := range op.Fixed() {
		for _, m := range req.data {
			if !strings.EqualFold(string(m.Name), fixed.Name) || string(m.Name) == fixed.Name && rawjson.Scalar(m.Value) == fixed.Fixed {
				continue
			}
			faults = append(faults, fieldFault{
				field:  req.pathTo(string(m.Name)),
				code:   "fixed",
				detail: msgFixedField,
				args:   []any{fixed.Name, op.Name},
			})
		}
	}
	return failFields(faults)
}
