package galaxypay

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

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

var errReplyTooLarge = errors.New("the reply is larger than max_body")

// send takes the envelope to the gateway and its reply back. The context of an app's call does not end when the app
// hangs up: a payment on the wire cannot be taken back, and its reply belongs into the log.
func (p *Proxy) send(ctx context.Context, c *call) *problem.Problem {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.Timeout))
	defer cancel()
	defer p.release()

	if c.isLate() {
		return problem.StoreUnavailable()
	}
	var a attempt
	c.reply = p.post(ctx, c, &a)
	if c.operation.Effect == operation.Reads && a.lost(&c.reply) && ctx.Err() == nil {
		c.reply = p.post(ctx, c, &a)
	}

	switch err := c.reply.err; {
	case err == nil:
		return nil
	case errors.Is(err, errReplyTooLarge):
		return problem.ReplyTooLarge(p.MaxBody)
	case !a.mayHaveWritten.Load():
		return problem.Unreachable()
	case isTimeout(ctx, err):
		return problem.Timeout()
	default:
		return problem.NoReply()
	}
}

// release closes the connection of a call that outlived its configuration. Caddy has
// closed the idle ones when that ended, and would never come back for this one.
func (p *Proxy) release() {
	select {
	case <-p.ended:
		if transport, ok := p.transport.(caddy.CleanerUpper); ok {
			_ = transport.Cleanup() // it closes idle connections, and has no error
		}
	default:
	}
}

// attempt follows one message, over all its tries, as far as the connection shows.
type attempt struct {
	// mayHaveWritten is false only while no try has got hold of a connection, so
	// while not a single byte can have reached the gateway. The transport writes, and
	// so sets it, in a goroutine of its own.
	mayHaveWritten atomic.Bool
}

// lost reports whether the message may have left, and no answer came back.
func (a *attempt) lost(rp *reply) bool {
	return rp.err != nil && a.mayHaveWritten.Load() && !errors.Is(rp.err, errReplyTooLarge)
}

func (p *Proxy) post(ctx context.Context, c *call, a *attempt) reply {
	req, err := p.newRequest(ctx, c, a)
	if err != nil {
		return reply{err: err}
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the bare connection, which no timeout would end.
		return reply{err: errors.New("the gateway switched protocols")}
	}
	body, err := readReply(resp, p.MaxBody)
	return reply{status: resp.StatusCode, signature: signatureOf(resp.Header), body: body, err: err}
}

// newRequest builds the request from nothing, so that no header of the app's can
// reach the gateway. It sets no Idempotency-Key: the standard library takes one as
// leave to send a POST again.
func (p *Proxy) newRequest(ctx context.Context, c *call, a *attempt) (*http.Request, error) {
	before := a.mayHaveWritten.Load()
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.mayHaveWritten.Store(true) }}
	if p.onlyHTTP1 {
		// HTTP/1 asks for another connection only if nothing was written to the one before.
		trace.GetConn = func(string) { a.mayHaveWritten.Store(before) }
	}
	ctx = httptrace.WithClientTrace(ctx, trace)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.merchant.baseURL.String()+c.operation.Path, nil)
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type": jsonOnly,
		"Accept":       jsonOnly,
		"User-Agent":   ourUserAgent,
		"apiKey":       {p.merchant.apiKey}, // in this spelling, as documented
		"signature":    {c.signature},
	}
	open := func() (io.ReadCloser, error) { return &outgoing{Reader: bytes.NewReader(c.envelope), attempt: a}, nil }
	if p.onlyHTTP1 {
		// A reader that the standard library recognises as memory is written together
		// with the header, in one go.
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.envelope)), nil }
	}
	req.Body, _ = open()
	req.ContentLength = int64(len(c.envelope))
	if p.onlyHTTP1 {
		// A kept-alive connection that the gateway has closed since then fails before
		// a byte is written; with GetBody the transport then takes another one. On
		// HTTP/1 it does so for a POST in no other case. HTTP/2 and 3 would send a
		// request again that the gateway has read and then refused.
		req.GetBody = open
	}
	return req, nil
}

// Header values that are the same in every request to the gateway. No transport
// writes into the values of a request's headers.
var (
	jsonOnly     = []string{"application/json"}
	ourUserAgent = []string{userAgent}
)

// outgoing is the body on its way. What reads it is about to write it: HTTP/3
// announces no connection to a trace.
type outgoing struct {
	*bytes.Reader
	attempt *attempt
}

func (o *outgoing) Read(b []byte) (int, error) {
	o.attempt.mayHaveWritten.Store(true)
	return o.Reader.Read(b)
}

// WriteTo is how the standard library reads a bytes.Reader where it can.
func (o *outgoing) WriteTo(w io.Writer) (int64, error) {
	o.attempt.mayHaveWritten.Store(true)
	return o.Reader.WriteTo(w)
}

func (o *outgoing) Close() error { return nil }

// readReply reads at most limit bytes, whatever length the gateway announces and
// however small the answer was compressed.
func readReply(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errReplyTooLarge
	}
	var body bytes.Buffer
	if resp.ContentLength > 0 {
		body.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if n > limit {
		return nil, errReplyTooLarge
	}
	return body.Bytes(), err
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

// loggable is what went wrong, as far as the network reports it. What the standard library
// says of an answer that it cannot read quotes it, and that may hold anything.
func loggable(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errReplyTooLarge) {
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
	if _, ok := options["keep_alive"]; !ok {
		// Caddy would keep 32 and close the others of a busy moment, whose TLS
		// handshakes the next moment pays for again.
		options["keep_alive"] = fmt.Appendf(nil, `{"max_idle_conns_per_host":%d}`, p.MaxInFlight)
	}
	p.onlyHTTP1 = string(options["versions"]) == `["1.1"]`
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
	return transport, nil
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
