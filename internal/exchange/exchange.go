// Package exchange takes one message to the gateway and its reply back, and says whether a byte of the message was written.
// It knows two ways: connections of its own, and Caddy's transport for what those cannot honour.
package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// ErrReplyTooLarge is the error of a reply whose body is larger than the request's MaxReply.
var ErrReplyTooLarge = errors.New("the reply is larger than max_body")

// errSwitched is the error of a reply that would leave HTTP. Its body is the bare connection, which no timeout would end.
var errSwitched = errors.New("the gateway switched protocols")

// Request is a message to the gateway. It is always posted.
type Request struct {
	Path     string  // added to the gateway's address
	Header   []Field // Host, Content-Length and Accept-Encoding are added
	Body     []byte
	MaxReply int64     // the most bytes of a reply's body
	Deadline time.Time // of the whole exchange; zero: none
}

// Field is a line of the header. The name is sent in this spelling.
type Field struct{ Name, Value string }

// Reply is what the gateway sent back, unproven.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Exchanger takes messages to one gateway.
type Exchanger interface {
	// Exchange sends the request at most once. It is false that a byte may have been written only if none was.
	// The error is ErrReplyTooLarge, context.DeadlineExceeded or the context's own, one of the network, or one of a reply that is not HTTP.
	Exchange(ctx context.Context, r *Request) (reply Reply, written bool, err error)
}

// New returns the exchanger for a gateway that the transport's options describe: with connections of its own where it can
// honour all of them, else over the transport. The transport is provisioned from the options. Connections are closed when
// the configuration ends.
func New(ctx caddy.Context, t *reverseproxy.HTTPTransport, options json.RawMessage, base *url.URL) (Exchanger, error) {
	var written reverseproxy.HTTPTransport
	if err := json.Unmarshal(options, &written); err != nil {
		return nil, err
	}
	if obstacle(t, &written, base) != "" {
		return Over(t, base, isOnlyHTTP1(t), ctx.Done()), nil
	}
	d, err := newDirect(t.Transport, base)
	if err != nil {
		return nil, fmt.Errorf("the gateway's address: %w", err)
	}
	context.AfterFunc(ctx, d.pool.close)
	return d, nil
}
