package galaxypay

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/exchange"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/span"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// reply is what came back from the gateway, unproven and unread.
type reply struct {
	status    int
	signature string
	body      []byte
	err       error // why there is none
}

// traceSend is send, as a span of its own.
func (p *Proxy) traceSend(ctx context.Context, c *call) *problem.Problem {
	ctx, s := span.Start(ctx, "galaxypay gateway")
	defer s.End()
	if s.IsRecording() {
		span.Set(s, "merchant", p.merchant.name, "operation", c.name(), "request_id", c.request.requestID,
			"order_id", nameOf(c.request.text("orderID")), "transaction_id", nameOf(c.request.text("transactionID")))
	}
	prob := p.send(ctx, c)
	if prob != nil {
		span.Fail(s, string(prob.Code))
	}
	return prob
}

// send takes the envelope to the gateway and its reply back. The context of an app's call does not end when the app
// hangs up: a payment on the wire cannot be taken back, and its reply belongs into the log.
func (p *Proxy) send(ctx context.Context, c *call) *problem.Problem {
	if c.isLate() {
		return problem.StoreUnavailable()
	}
	deadline := time.Now().Add(time.Duration(p.Timeout))
	written := p.post(ctx, c, deadline)
	if written && c.reply.isLost() && c.operation.Effect == operation.Reads && ctx.Err() == nil && time.Now().Before(deadline) {
		p.post(ctx, c, deadline) // the first may have arrived, whatever becomes of this one
	}

	switch err := c.reply.err; {
	case err == nil:
		return nil
	case errors.Is(err, exchange.ErrReplyTooLarge):
		return problem.ReplyTooLarge(p.MaxBody)
	case !written:
		return problem.Unreachable()
	case isTimeout(err):
		return problem.Timeout()
	default:
		return problem.NoReply()
	}
}

// isLost reports whether no reply came, not even one that is too large.
func (r *reply) isLost() bool { return r.err != nil && !errors.Is(r.err, exchange.ErrReplyTooLarge) }

// post sends the envelope once, and reports whether a byte of it may have been written. It builds the request from nothing,
// so that no header of the app's can reach the gateway.
func (p *Proxy) post(ctx context.Context, c *call, deadline time.Time) (written bool) {
	began := time.Now()
	got, written, err := p.gateway.Exchange(ctx, &exchange.Request{
		Path: c.operation.Path,
		Header: []exchange.Field{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Accept", Value: "application/json"},
			{Name: "User-Agent", Value: userAgent},
			{Name: "apiKey", Value: p.merchant.apiKey}, // in this spelling, as documented
			{Name: "signature", Value: c.signature},
		},
		Body:     c.envelope,
		MaxReply: p.MaxBody,
		Deadline: deadline,
	})
	p.metrics.countExchange(p.merchant.name, c.name(), time.Since(began))
	c.reply = reply{status: got.Status, signature: signatureOf(got.Header), body: got.Body, err: err}
	return written
}

// signatureOf returns the reply's signature. Two of them prove nothing: one was added on
// the way.
func signatureOf(h http.Header) string {
	if values := h.Values("signature"); len(values) == 1 {
		return values[0]
	} else if len(values) > 1 {
		return "ambiguous"
	}
	return ""
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// loggable is what went wrong, as far as the network reports it. What the standard library
// says of an answer that it cannot read quotes it, and that may hold anything.
func loggable(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, exchange.ErrReplyTooLarge) {
		return err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	return fmt.Errorf("the answer is not HTTP as expected (%T)", err)
}

// loadTransport prepares the exchange with the gateway as the configuration describes it.
func (p *Proxy) loadTransport(ctx caddy.Context) (exchange.Exchanger, error) {
	options := map[string]json.RawMessage{"protocol": json.RawMessage(`"http"`)}
	if len(p.TransportRaw) > 0 {
		if err := json.Unmarshal(p.TransportRaw, &options); err != nil {
			return nil, fmt.Errorf("transport: expected an object: %w", err)
		}
	}
	if string(options["protocol"]) != `"http"` {
		return nil, errors.New("transport: only http can carry requests to the gateway")
	}
	if _, ok := options["versions"]; !ok {
		options["versions"] = json.RawMessage(`["1.1"]`)
	}
	if _, ok := options["keep_alive"]; !ok {
		// Caddy would keep 32 and close the others of a busy moment, whose TLS
		// handshakes the next moment pays for again.
		options["keep_alive"] = fmt.Appendf(nil, `{"max_idle_conns_per_host":%d}`, p.MaxInFlight)
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	p.TransportRaw = raw
	mod, err := ctx.LoadModule(p, "TransportRaw")
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	transport := mod.(*reverseproxy.HTTPTransport)
	if transport.TLS != nil && transport.TLS.InsecureSkipVerify && p.merchant.environment != sandboxName {
		return nil, errors.New("transport: tls_insecure_skip_verify is for the sandbox only: without verification any machine between the sidecar and the gateway can pretend to be the gateway; use tls_trust_pool")
	}
	return exchange.New(ctx, transport, raw, p.merchant.baseURL)
}

// userAgent names software and version to the gateway's operators.
var userAgent = "galaxypay-sidecar/" + version()

func version() string {
	const path = "github.com/galaxypay-sidecar/caddy-galaxypay"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, mod := range append(info.Deps, &info.Main) {
		if mod.Path == path && mod.Version != "" && mod.Version != "(devel)" {
			return mod.Version
		}
	}
	return "devel"
}
