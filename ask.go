package galaxypay

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
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
	line := &Proxy{merchant: b.merchant, log: ctx.Logger(), metrics: b.metrics, ended: ctx.Done()}
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
	if line.transport, err = line.loadTransport(ctx); err != nil {
		return nil, err
	}
	return &asker{line: line, query: &routes.byPath["/"+operation.Query][0], binder: b}, nil
}

// ask asks about a transaction. The error says that there is no proven answer to the question.
func (a *asker) ask(ctx context.Context, transaction string) (*news, error) {
	body, err := json.Marshal(map[string]string{"transactionID": transaction})
	if err != nil {
		return nil, err
	}
	request, malformed := parseRequest(body)
	if malformed != nil {
		return nil, errors.New("the transactionID cannot be sent as JSON")
	}
	c := &call{operation: a.query, request: request}
	a.line.wrap(c)
	a.line.sign(c)
	if prob := a.line.carry(ctx, c); prob != nil {
		return nil, errors.New(string(prob.Code))
	}
	said := paymentOf(&c.opened)
	n := &news{text: c.opened.text, said: said}
	n.bound, err = a.binder.bindAnswer(ctx, transaction, &said)
	return n, err
}
