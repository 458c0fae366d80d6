package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// operations carries out the gateway's operations.
type operations struct {
	ledger *ledger.Ledger
	ipns   *ipnSender
	expiry time.Duration // of a payment; links have their own
}

// byName has the operations of the catalogue, each by its name there.
var byName = map[string]func(*operations, *http.Request, call) reply{
	"pay":                (*operations).pay,
	"payWithCreateToken": (*operations).pay,
	"payWithToken":       (*operations).pay,
	"payWithOption":      (*operations).pay,
	"payWithQR":          (*operations).payWithQR,
	"checkout":           (*operations).checkout,
	"createPaymentLink":  (*operations).createPaymentLink,
	"fastPay":            (*operations).fastPay,
	"query":              (*operations).query,
	"refund":             (*operations).refund,
	"capture":            (*operations).capture,
	"void":               (*operations).void,
	"createToken":        (*operations).createToken,
	"deleteToken":        (*operations).deleteToken,
	"removeToken":        (*operations).removeToken,
	"queryTokens":        (*operations).queryTokens,
}

// operationOf finds the operation that the call asks for, unless there is something wrong
// with it.
func operationOf(path string, c call, malformed error) (*operation.Operation, error) {
	there := slices.DeleteFunc(operation.All(), func(op operation.Operation) bool {
		return op.Path != path || byName[op.Name] == nil
	})
	if len(there) == 0 {
		return nil, errors.New("operation not available in this sandbox")
	}
	if malformed != nil {
		return nil, malformed
	}
	op := operation.Match(there, c.data.value)
	if op == nil {
		return nil, errors.New("this address does not accept this apiOperation")
	}
	return op, validate(op, c.members)
}

func (o *operations) carryOut(r *http.Request, c call, op *operation.Operation, wrong error) reply {
	if wrong != nil {
		return refused(codeBadRequest, wrong.Error())
	}
	return byName[op.Name](o, r, c)
}

// The response codes of a refusal (the gateway's page "Response Codes").
const (
	codeBadRequest   = "400"
	codeUnauthorized = "401"
	codeDuplicate    = "409"
)

// reply is what an operation has to say.
type reply struct {
	code, message string
	data          any    // responseData; nil: none
	then          func() // what is left to do when the answer is on its way; nil: nothing
}

func done(data any) reply {
	return reply{code: message.CodeSuccess, message: "Success", data: data}
}

func refused(code, reason string) reply {
	return reply{code: code, message: reason}
}

// conclude is the reply of an operation that has nothing to say but how it went.
func conclude(err error) reply {
	switch {
	case errors.Is(err, ledger.ErrDuplicate):
		return refused(codeDuplicate, err.Error())
	case err != nil:
		return refused(codeBadRequest, err.Error())
	}
	return done(nil)
}
