package galaxypay

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// reply is what came back from the gateway, unproven and unread.
type reply struct {
	status    int
	signature string
	body      []byte
	err       error // why there is none
}

var errAnswerTooLarge = errors.New("answer larger than max_body")

// send takes the message to the gateway and its reply back. It does not end when
// the app hangs up: a payment on the wire cannot be taken back, and its answer
// belongs into the log.
func (p *Proxy) send(ctx context.Context, x *exchange) *failure {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(p.Timeout))
	defer cancel()

	a := attempt{}
	x.reply = p.post(ctx, x, &a)
	if x.operation.Repeatable && a.lost(&x.reply) && ctx.Err() == nil {
		x.reply = p.post(ctx, x, &a)
	}

	switch err := x.reply.err; {
	case err == nil:
		return nil
	case errors.Is(err, errAnswerTooLarge):
		return fail(CodeResponseMalformed, msgAnswerTooLarge, p.MaxBody)
	case !a.mayHaveWritten:
		return fail(CodeGatewayUnreachable, msgUnreachable)
	case isTimeout(ctx, err):
		return fail(CodeGatewayTimeout, msgTimeout)
	default:
		return fail(CodeGatewayNoAnswer, msgNoAnswer)
	}
}

// attempt follows one message, over all its tries, as far as the connection tells.
type attempt struct {
	// mayHaveWritten is false only while no try has got hold of a connection, so
	// while not a single byte can have reached the gateway.
	mayHaveWritten bool
}

// lost reports whether the message may have left, and no answer came back.
func (a *attempt) lost(rp *reply) bool {
	return rp.err != nil && a.mayHaveWritten && !errors.Is(rp.err, errAnswerTooLarge)
}

func (p *Proxy) post(ctx context.Context, x *exchange, a *attempt) reply {
	req, err := p.newRequest(ctx, x, a)
	if err != nil {
		return reply{err: err}
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp, p.MaxBody)
	return reply{status: resp.StatusCode, signature: signatureOf(resp.Header), body: body, err: err}
}

// newRequest builds the request from nothing, so that no header of the app's can
// reach the gateway. It sets no Idempotency-Key: the standard library takes one as
// leave to send a POST again.
func (p *Proxy) newRequest(ctx context.Context, x *exchange, a *attempt) (*http.Request, error) {
	before := a.mayHaveWritten
	multiplexed := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport asks for another connection only if nothing was written
		// to the one before.
		GetConn: func(string) { a.mayHaveWritten = before },
		GotConn: func(info httptrace.GotConnInfo) {
			a.mayHaveWritten = true
			multiplexed = isHTTP2(info)
		},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.merchant.baseURL.String()+x.operation.Path, nil)
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"},
		"Accept":       {"application/json"},
		"User-Agent":   {userAgent},
		"apiKey":       {p.merchant.apiKey}, // in this spelling, as documented
		"signature":    {p.merchant.signer.sign(x.message)},
	}
	open := func() io.ReadCloser { return io.NopCloser(bytes.NewReader(x.message)) }
	req.Body, req.ContentLength = open(), int64(len(x.message))

	// A kept-alive connection that the gateway has closed meanwhile fails before a
	// byte is written; with GetBody the transport then takes another one. On HTTP/1
	// it calls GetBody for a POST in no other case. On HTTP/2 it may do so after
	// the request was written, which is refused here.
	req.GetBody = func() (io.ReadCloser, error) {
		if multiplexed {
			return nil, errors.New("not sent a second time")
		}
		return open(), nil
	}
	return req, nil
}

// readAnswer reads at most limit bytes, whatever length the gateway announces and
// however small the answer was compressed.
func readAnswer(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errAnswerTooLarge
	}
	var body bytes.Buffer
	if resp.ContentLength > 0 {
		body.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if n > limit {
		return nil, errAnswerTooLarge
	}
	return body.Bytes(), err
}

// signatureOf returns the answer's signature. Two of them are as good as none:
// somebody added one.
func signatureOf(h http.Header) string {
	if values := h.Values("signature"); len(values) == 1 {
		return values[0]
	} else if len(values) > 1 {
		return "ambiguous"
	}
	return ""
}

func isHTTP2(info httptrace.GotConnInfo) bool {
	conn, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
	return ok && conn.ConnectionState().NegotiatedProtocol == "h2"
}

func isTimeout(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// loadTransport opens the transport that the configuration describes.
func (p *Proxy) loadTransport(ctx caddy.Context) (http.RoundTripper, error) {
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
		return nil, errors.New("transport: tls_insecure_skip_verify is for the sandbox only: without verification anybody on the way can answer for the gateway; use tls_trust_pool")
	}
	return transport, nil
}

// userAgent tells the gateway's operators which software and version calls.
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
