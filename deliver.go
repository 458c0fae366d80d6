package galaxypay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/span"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// attemptTimeout bounds one attempt to deliver.
const attemptTimeout = 30 * time.Second

// block is the handlers that one inbox { deliver { ... } } of a site consists of. Events go
// through the block that they arrived at, if the configuration still has it.
type block struct {
	name    string // the same in every configuration that has the same block
	handler caddyhttp.MiddlewareHandler
	address url.URL // of deliver_to, else empty
	server  *caddyhttp.Server
	binder  *binder
	asker   *asker // nil: events are not confirmed
	spans   span.Later
}

// blocks are those of one merchant, in the order of the configuration.
type blocks []*block

// deliver takes the block that the event arrived at, else the merchant's first.
func (bs blocks) deliver(ctx context.Context, record inbox.Record, attempt int) inbox.Result {
	chosen := bs[0]
	for _, b := range bs {
		if b.name == record.Block {
			chosen = b
			break
		}
	}
	return chosen.deliver(ctx, record, attempt)
}

// deliver is attempt, as a span of its own.
func (b *block) deliver(ctx context.Context, record inbox.Record, attempt int) inbox.Result {
	ctx, s := b.spans.Start(ctx, record.Request.Traceparent, "galaxypay delivery", "merchant", inbox.MerchantOf(record.Queue), "request_id", record.RequestID,
		"order_id", record.OrderID, "transaction_id", record.Transaction, "delivery_id", record.ID, "payment_status", record.PaymentStatus, "attempt", strconv.Itoa(attempt))
	defer s.End()
	result := b.attempt(ctx, record, attempt)
	if !result.Delivered && !result.Overtaken {
		span.Fail(s, "not_delivered")
	}
	return result
}

// attempt makes one attempt to hand a record to the app.
func (b *block) attempt(ctx context.Context, record inbox.Record, attempt int) inbox.Result {
	bound, result, ok := b.look(ctx, &record)
	if !ok {
		return result
	}
	confirmed, result, ok := b.confirm(ctx, &record, &bound)
	if !ok {
		return result
	}
	r, err := b.request(ctx, record, attempt, &bound, confirmed)
	if err != nil {
		return inbox.Result{Reason: "the request of the gateway cannot be repeated: " + err.Error()}
	}
	app, err := askApp(caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return b.handler.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
	}), r)
	if _, ok := app.word(); !ok && ctx.Err() != nil {
		err = ctx.Err() // whatever the handlers made of it
	}
	if err != nil {
		return inbox.Result{Reason: "the app did not answer: " + reasonOf(err)}
	}
	return resultOf(app)
}

// look finds out what the payment of an event is by now. Where ok is false, the event is not to be delivered, at least not now.
func (b *block) look(ctx context.Context, record *inbox.Record) (bound ledger.Bound, result inbox.Result, ok bool) {
	bound, err := b.binder.look(ctx, record)
	if err != nil {
		return bound, inbox.Result{Reason: "the ledger cannot be read", Uncounted: true, RetryAfter: captureWait}, false
	}
	if bound.Payment.Overtakes(ledger.Status(record.PaymentStatus)) {
		return bound, inbox.Result{Overtaken: true, Reason: "its payment is paid by now"}, false
	}
	isBusy, err := b.binder.isCapturing(ctx, &bound)
	if err != nil || isBusy {
		return bound, inbox.Result{Reason: "a capture of its payment is at work", Uncounted: true, RetryAfter: captureWait}, false
	}
	return bound, inbox.Result{}, true
}

// confirm asks the gateway about a paid event, if it is to be confirmed, and returns what the header Galaxypay-Confirmed says. Where
// ok is false, the gateway did not say the same.
func (b *block) confirm(ctx context.Context, record *inbox.Record, bound *ledger.Bound) (confirmed string, result inbox.Result, ok bool) {
	if b.asker == nil || bound.Status != ledger.Paid {
		return "", inbox.Result{}, true
	}
	if record.Kind == kindQuery {
		return "true", inbox.Result{}, true
	}
	e, malformed := parseEnvelope(record.Message)
	if malformed != nil {
		return "", inbox.Result{Reason: "its message cannot be read"}, false
	}
	said := paymentOf(&e)
	if !said.isTransaction {
		return "false", inbox.Result{}, true // query takes transactionIDs only
	}
	n, err := b.asker.ask(ctx, said.transaction)
	switch {
	case err != nil:
		return "", inbox.Result{Reason: "the gateway did not confirm it: " + err.Error()}, false
	case n.bound.Order == ledger.Mismatched:
		return "", inbox.Result{Reason: "the gateway, asked about the transaction, names another order, amount or currency than was signed"}, false
	case n.said.judgeQuery() != Paid || n.said.transaction != said.transaction || !ledger.SameAmount(n.said.amount, said.amount):
		return "", inbox.Result{Reason: "the gateway, asked about the transaction, does not say that it is paid with the same amount"}, false
	}
	return "true", inbox.Result{}, true
}

// request is the gateway's request as the app sees it: its Host, scheme, path and client
// address, with the plain message and what the sidecar says of it.
func (b *block) request(ctx context.Context, record inbox.Record, attempt int, bound *ledger.Bound, confirmed string) (*http.Request, error) {
	from := record.Request
	u, err := url.ParseRequestURI(from.URI)
	if err != nil {
		return nil, errors.New("its address cannot be read")
	}
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, net.Addr(&net.TCPAddr{}))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, from.URI, bytes.NewReader(record.Message))
	if err != nil {
		return nil, errors.New("its address cannot be read")
	}
	r.URL, r.RequestURI, r.Host, r.RemoteAddr = u, from.URI, from.Host, from.RemoteAddr
	if from.Scheme == "https" {
		// From it, reverse_proxy and FastCGI tell the app the scheme. Without the handshake, the
		// app would be told that the request can be a replay (Early-Data), and may refuse it.
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(len(record.Message)))
	r.Header.Set("User-Agent", userAgent)
	span.Announce(ctx, r.Header)
	// Not sent. It lets the transport take a new connection where the app closes an idle one
	// at this moment, as it may with every request that can be sent twice.
	r.Header["Idempotency-Key"] = nil
	callbackHeaders{
		callback: record.Kind, merchant: inbox.MerchantOf(record.Queue), paymentStatus: string(bound.Status), deliveryID: record.ID,
		transaction: record.Transaction, order: record.OrderID, attempt: attempt,
		match: bound.Order, operation: bound.Payment.Operation, confirmed: confirmed,
	}.set(r.Header)
	server := b.server
	if server == nil {
		server = new(caddyhttp.Server)
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), &appAnswer{header: make(http.Header)}, server)
	markProven(r)
	b.readdress(r.URL)
	return r, nil
}

// readdress gives a request the path and the query of deliver_to. The query of the gateway's request stays, behind it. They go into
// the URL alone: Caddy logs the RequestURI, and an address may hold a token.
func (b *block) readdress(u *url.URL) {
	if b.address.Path != "" {
		u.Path, u.RawPath = b.address.Path, b.address.RawPath
	}
	own := b.address.RawQuery
	if own != "" && u.RawQuery != "" {
		own += "&"
	}
	u.RawQuery = own + u.RawQuery
}

// keepQuiet keeps what an app says in its headers out of the log of the proxy of deliver_to.
func keepQuiet(deliver *caddyhttp.Subroute) {
	proxy := deliver.Routes[0].Handlers[0].(*reverseproxy.Handler)
	proxy.Transport = quietTransport{proxy.Transport.(*reverseproxy.HTTPTransport)}
}

// quietTransport hides the values of headers that nothing here reads. The proxy logs headers at level DEBUG, and a Location, say, can
// hold a token.
type quietTransport struct{ *reverseproxy.HTTPTransport }

// spokenHeaders are those that the proxy, or the judgement of the answer, reads.
var spokenHeaders = []string{
	"Alt-Svc", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Retry-After",
	"Server", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
}

// RoundTrip implements http.RoundTripper.
func (t quietTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.HTTPTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for name := range answer.Header {
		if !slices.Contains(spokenHeaders, name) {
			answer.Header[name] = []string{"***"}
		}
	}
	return answer, nil
}

// resultOf reads the app's answer by the rules that hold without an inbox.
func resultOf(app *appAnswer) inbox.Result {
	answer, ok := app.word()
	switch {
	case ok && answer.Status == inbox.NotFound:
		return inbox.Result{Answer: answer, Reason: "the app does not know the order"}
	case ok:
		return inbox.Result{Delivered: true, Answer: answer}
	case app.status == 0:
		return inbox.Result{Reason: "no handler answered; expected " + expectedWord}
	}
	return inbox.Result{
		Reason:     fmt.Sprintf("the app answered HTTP %d; expected %s", app.status, expectedWord),
		RetryAfter: retryAfterOf(app.header, time.Now()),
	}
}

// reasonOf says why there is no answer. It quotes neither the address, which may hold a
// password or a token, nor what came instead of HTTP, which may hold anything.
func reasonOf(err error) string {
	if dial, ok := errors.AsType[reverseproxy.DialError](err); ok {
		return dial.Error() // it names the host, and no more of the address
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network.Error()
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Error()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it took longer than " + attemptTimeout.String()
	case errors.Is(err, context.Canceled):
		return "the inbox was closed during the attempt"
	case errors.Is(err, errEndless):
		return errEndless.Error()
	case errors.Is(err, errPanicked):
		return errPanicked.Error() // not the value of the panic, which may hold anything
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended before the answer was complete"
	}
	if failed, ok := errors.AsType[caddyhttp.HandlerError](err); ok && failed.StatusCode > 0 {
		return fmt.Sprintf("a handler failed with HTTP %d", failed.StatusCode)
	}
	return "the connection broke, or the app's answer was not HTTP"
}

// retryAfterOf reads Retry-After, seconds or a date; zero where it has none that can be read.
func retryAfterOf(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
