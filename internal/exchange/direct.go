package exchange

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// direct exchanges messages over connections of its own, one at a time on each.
type direct struct {
	transport *http.Transport // what Caddy made of the options: how to dial and encrypt, and the limits
	base      string
	prefix    string // the path of base
	host      string
	address   string
	tls       *tls.Config // nil: plain
	maxHeader int64       // of a reply
	pool      pool
}

func newDirect(t *http.Transport, base *url.URL) (*direct, error) {
	sample, err := http.NewRequest(http.MethodPost, base.String(), http.NoBody) //nolint:noctx // it is never sent
	if err != nil {
		return nil, err
	}
	port := "80"
	d := &direct{
		transport: t,
		base:      base.String(),
		prefix:    base.EscapedPath(),
		host:      sample.Host,
		maxHeader: cmp.Or(t.MaxResponseHeaderBytes, 10<<20), // as net/http
		pool:      pool{most: mostIdle(t), timeout: t.IdleConnTimeout},
	}
	if base.Scheme == "https" {
		port = "443"
		d.tls = new(tls.Config)
		if t.TLSClientConfig != nil {
			d.tls = t.TLSClientConfig.Clone()
		}
		d.tls.ServerName = cmp.Or(d.tls.ServerName, base.Hostname())
	}
	d.address = net.JoinHostPort(base.Hostname(), cmp.Or(base.Port(), port))
	return d, nil
}

// mostIdle is how many idle connections are kept. All lead to one host.
func mostIdle(t *http.Transport) int {
	most := cmp.Or(t.MaxIdleConnsPerHost, http.DefaultMaxIdleConnsPerHost)
	if t.MaxIdleConns > 0 {
		most = min(most, t.MaxIdleConns)
	}
	return most
}

// Exchange implements Exchanger. A connection from the pool that fails before a byte is written costs no message: another
// one is taken, and in the end a fresh one.
func (d *direct) Exchange(ctx context.Context, r *Request) (Reply, bool, error) {
	m, err := d.newMessage(r)
	if err != nil {
		return Reply{}, false, err
	}
	for {
		c, err := d.connect(ctx, r.Deadline)
		if err != nil {
			return Reply{}, false, err
		}
		isFresh := c.isFresh
		reply, written, err := c.exchange(ctx, m, r.MaxReply)
		d.pool.put(c)
		if err == nil || written || isFresh || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
			return reply, written, err
		}
	}
}

// connect returns a connection from the pool on which nothing has arrived, or a fresh one. What it reads and writes ends at the deadline.
func (d *direct) connect(ctx context.Context, deadline time.Time) (*connection, error) {
	for c := d.pool.take(); c != nil; c = d.pool.take() {
		if c.isQuiet(deadline) {
			return c, nil
		}
		c.close()
	}
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.stream.SetDeadline(deadline); err != nil {
		conn.abort()
		return nil, err
	}
	return conn, nil
}

func (d *direct) dial(ctx context.Context) (*connection, error) {
	conn, err := d.transport.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	raw, err := rawConn(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	c := d.newConnection(conn, raw)
	if d.tls == nil {
		return c, nil
	}
	if err := d.encrypt(ctx, c); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (d *direct) newConnection(conn net.Conn, raw syscall.RawConn) *connection {
	c := &connection{
		counted:   &counted{Conn: conn},
		raw:       raw,
		left:      math.MaxInt64,
		maxHeader: d.maxHeader,
		unzips:    !d.transport.DisableCompression,
		isFresh:   true,
	}
	c.stream = c.counted
	c.in = bufio.NewReaderSize(c, cmp.Or(d.transport.ReadBufferSize, 4<<10)) // as net/http
	return c
}

func (d *direct) encrypt(ctx context.Context, c *connection) error {
	if limit := d.transport.TLSHandshakeTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	conn := tls.Client(c.counted, d.tls)
	c.stream, c.isEncrypted = conn, true
	return conn.HandshakeContext(ctx)
}
