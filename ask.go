package galaxypay

import (
	"context"
	"encoding/json"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// asker asks the gateway about payments of one merchant, with the operation query and by the merchant's own options.
type asker struct {
	line   *Proxy
	query  *operation.Operation
	binder *binder
}

// news is what a proven answer to a query says.
type news struct {
	text  []byte // the whole answer
	said  payment
	bound ledger.Bound
}

// newAsker opens a connection of its own to the merchant's gateway.
func newAsker(ctx caddy.Context, b *binder) (*asker, error) {
	line := &Proxy{merchant: b.merchant, log: ctx.Logger(), metrics: b.metrics}
	line.fillDefaults()
	line.Verify = "strict"
	line.MaxInFlight = mostQuestions // of which the transport keeps connections
	if err := line.checkOptions(); err != nil {
		return nil, err
	}
	routes, err := newRoutes(line.Paths, []string{operation.Query})
	if err != nil {
		return nil, err
	}
	if line.gateway, err = line.loadTransport(ctx); err != nil {
		return nil, err
	}
	return &asker{line: line, query: &routes.byPath["/"+operation.Query][0], binder: b}, nil
}

// noWordError is the error of a question to which there is no answer that speaks.
type noWordError struct {
	code problem.Code
	// isOut: the gateway did not answer, or does not know the merchant, so that it is of no use to ask about other payments now.
	isOut bool
}

func (e noWordError) Error() string { return string(e.code) }

// ask asks about a transaction. The error is a noWordError if there is no proven answer with responseCode 200; any other is the
// ledger's.
func (a *asker) ask(ctx context.Context, transaction string) (*news, error) {
	body, err := json.Marshal(map[string]string{"transactionID": transaction})
	if err != nil {
		return nil, err
	}
	request, malformed := parseRequest(body)
	if malformed != nil {
		return nil, noWordError{code: problem.CodeBodyInvalid}
	}
	c := &call{operation: a.query, request: request}
	a.line.wrap(c)
	a.line.sign(c)
	if prob := a.line.carry(ctx, c); prob != nil {
		return nil, noWordError{prob.Code, !c.isProven || prob.Code == problem.CodeGatewayUnauthorized}
	}
	said := paymentOf(&c.opened)
	n := &news{text: c.opened.text, said: said}
	n.bound, err = a.binder.bindAnswer(ctx, transaction, &said)
	return n, err
}
