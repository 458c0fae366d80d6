package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// validate returns the first thing that is wrong with requestData by the catalogue, which
// is tolerant where the gateway's documents contradict each other. What they leave open
// altogether is for the operations to judge.
func validate(op *operation.Operation, data []rawjson.Member) error {
	faults := op.Validate(data)
	if len(faults) == 0 {
		return nil
	}
	return errors.New(faults[0].Path() + " " + inWords(faults[0]))
}

func inWords(fault operation.Fault) string {
	switch fault.Code {
	case operation.CodeRequired:
		return "is missing"
	case operation.CodeTooLong:
		return fmt.Sprintf("is longer than %d characters", fault.Field.Max)
	case operation.CodeValue:
		return "is not one of " + strings.Join(fault.Field.Values, ", ")
	case operation.CodeAmount:
		return amountInWords(fault.Amount)
	case operation.CodeKind, operation.CodeURL:
		return kindsInWords[fault.Field.Kind]
	}
	return codesInWords[fault.Code]
}

func amountInWords(fault operation.AmountFault) string {
	switch {
	case fault.Zero:
		return notPositive
	case fault.Meant != "":
		return notAmount + "; probably meant: " + fault.Meant
	}
	return notAmount
}

// notTime is also for requestDateTime.
const notTime = "is not a date and time as yyyyMMddHHmmss"

var codesInWords = map[operation.Code]string{
	operation.CodeTime:     notTime,
	operation.CodeInteger:  "is not a whole number",
	operation.CodeCurrency: "is not a currency of three letters",
}

const notText = "is neither a string nor a number"

var kindsInWords = map[operation.Kind]string{
	operation.KindText:     notText,
	operation.KindAmount:   notText,
	operation.KindInteger:  notText,
	operation.KindTime:     notText,
	operation.KindCurrency: notText,
	operation.KindFlag:     notFlag,
	operation.KindURL:      "is not an http or https URL",
	operation.KindLink:     notLink,
	operation.KindObject:   "is not an object",
	operation.KindArray:    "is not an array",
}
