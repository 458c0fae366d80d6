package galaxypay

import (
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// validate refuses what the gateway's documents rule out, every fault at once, so
// that a mistake costs the app one answer and the gateway none.
func (p *Proxy) validate(x *exchange) *failure {
	if p.Validate == "off" {
		return nil
	}
	data := x.request.data
	for _, f := range x.added {
		data = append(data, rawjson.Member{Name: []byte(f.name), Value: f.value})
	}
	var faults []fieldFault
	if x.request.enveloped {
		faults = x.request.envelopeFaults()
	}
	for _, fault := range x.operation.Validate(data) {
		told := inWords(fault)
		told.field = x.request.pathTo(told.field)
		faults = append(faults, told)
	}
	return failFields(faults)
}

// failFields refuses a request for what is wrong with its fields, if anything is.
func failFields(faults []fieldFault) *failure {
	if len(faults) == 0 {
		return nil
	}
	f := fail(CodeFieldsInvalid, msgFieldsInvalid)
	f.errors = faults
	return f
}

// longestRequestID is the limit of requestID in characters.
const longestRequestID = 50

// envelopeFaults checks the two fields that an envelope of the app's own brings.
func (r *request) envelopeFaults() []fieldFault {
	var faults []fieldFault
	if len(r.requestID) > longestRequestID {
		faults = append(faults, fieldFault{"requestID", string(operation.CodeTooLong), msgFieldTooLong, []any{longestRequestID}})
	}
	if !operation.IsTime([]byte(r.dateTime)) {
		faults = append(faults, fieldFault{"requestDateTime", string(operation.CodeTime), msgFieldTime, nil})
	}
	return faults
}

// inWords finds the sentence for a fault.
func inWords(fault operation.Fault) fieldFault {
	of := fault.Field
	f := fieldFault{field: of.Name, code: string(fault.Code)}
	switch fault.Code {
	case operation.CodeRequired:
		f.detail, f.args = requiredInWords(of.When)
	case operation.CodeKind:
		f.detail = kindsInWords[of.Kind]
	case operation.CodeTooLong:
		f.detail, f.args = msgFieldTooLong, []any{of.Max}
	case operation.CodeTime:
		f.detail = msgFieldTime
	case operation.CodeAmount:
		f.detail = msgFieldAmount
	case operation.CodeInteger:
		f.detail = msgFieldInteger
	case operation.CodeValue:
		f.detail, f.args = msgFieldValue, []any{strings.Join(of.Values, ", ")}
	case operation.CodeURL:
		f.detail = kindsInWords[of.Kind]
	}
	return f
}

// kindsInWords says what a value must be. What is not listed is text.
var kindsInWords = map[operation.Kind]message{
	operation.KindText:    msgFieldText,
	operation.KindAmount:  msgFieldAmount,
	operation.KindInteger: msgFieldInteger,
	operation.KindTime:    msgFieldTime,
	operation.KindFlag:    msgFieldFlag,
	operation.KindURL:     msgFieldURL,
	operation.KindLink:    msgFieldLink,
	operation.KindObject:  msgFieldObject,
	operation.KindArray:   msgFieldArray,
}

func requiredInWords(when *operation.Condition) (message, []any) {
	switch {
	case when == nil:
		return msgFieldRequired, nil
	case when.Without != nil:
		return msgFieldRequiredWithout, []any{strings.Join(when.Without, ", ")}
	case when.NotIn != nil:
		return msgFieldRequiredUnless, []any{when.Field, strings.Join(when.NotIn, ", ")}
	}
	if when.And != nil {
		return msgFieldRequiredWhenBoth, []any{when.Field, strings.Join(when.In, ", "), when.And.Field, strings.Join(when.And.In, ", ")}
	}
	return msgFieldRequiredWhen, []any{when.Field, strings.Join(when.In, ", ")}
}
