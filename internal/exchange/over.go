package exchange

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
)

// over exchanges messages over a transport.
type over struct {
	transport http.RoundTripper
	base      string
	onlyHTTP1 bool
	ended     <-chan struct{}
}

// Over returns an exchanger over a transport. The transport closes its idle connections by itself when the configuration
// ends, which closes the channel. onlyHTTP1 says that it speaks no other version: only then can it be known after a failure that
// no byte was written to a connection.
func Over(transport http.RoundTripper, base *url.URL, onlyHTTP1 bool, ended <-chan struct{}) Exchanger {
	return &over{transport, base.String(), onlyHTTP1, ended}
}

// Exchange implements Exchanger.
func (o *over) Exchange(ctx context.Context, r *Request) (reply Reply, written bool, err error) {
	defer o.release()
	if !r.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.Deadline)
		defer cancel()
	}
	a := new(attempt)
	req, err := o.newRequest(ctx, r, a)
	if err != nil {
		return Reply{}, false, err
	}
	resp, err := o.transport.RoundTrip(req)
	if err != nil {
		return Reply{}, a.mayHaveWritten.Load(), err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return Reply{}, true, errSwitched
	}
	body, err := readBody(resp, r.MaxReply)
	return Reply{resp.StatusCode, resp.Header, body}, true, err
}

// release closes the connection of a call that outlived its configuration. Caddy has
// closed the idle ones when that ended, and would never come back for this one.
func (o *over) release() {
	select {
	case <-o.ended:
		if transport, ok := o.transport.(caddy.CleanerUpper); ok {
			_ = transport.Cleanup() // it closes idle connections, and has no error
		}
	default:
	}
}

// attempt follows one message, over all tries of the transport, as far as the connection shows.
type attempt struct {
	// mayHaveWritten is false only while no try has got hold of a connection, so
	// while not a single byte can have reached the gateway. The transport writes, and
	// so sets it, in a goroutine of its own.
	mayHaveWritten atomic.Bool
}

// newRequest sets no Idempotency-Key: the standard library takes one as leave to send a POST again.
func (o *over) newRequest(ctx context.Context, r *Request, a *attempt) (*http.Request, error) {
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.mayHaveWritten.Store(true) }}
	if o.onlyHTTP1 {
		// HTTP/1 asks for another connection only if nothing was written to the one before.
		trace.GetConn = func(string) { a.mayHaveWritten.Store(false) }
	}
	ctx = httptrace.WithClientTrace(ctx, trace)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.base+r.Path, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range r.Header {
		req.Header[f.Name] = []string{f.Value} // in this spelling
	}
	open := func() (io.ReadCloser, error) { return &outgoing{Reader: bytes.NewReader(r.Body), attempt: a}, nil }
	if o.onlyHTTP1 {
		// A reader that the standard library recognises as memory is written together
		// with the header, in one go.
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	req.Body, _ = open()
	req.ContentLength = int64(len(r.Body))
	if o.onlyHTTP1 {
		// A kept-alive connection that the gateway has closed since then fails before
		// a byte is written; with GetBody the transport then takes another one. On
		// HTTP/1 it does so for a POST in no other case. HTTP/2 and 3 would send a
		// request again that the gateway has read and then refused.
		req.GetBody = open
	}
	return req, nil
}

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
