package exchange

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// connection is a connection to the gateway. It serves one exchange at a time, in the goroutine of that exchange.
type connection struct {
	counted     *counted
	raw         syscall.RawConn
	stream      net.Conn // counted, or TLS over it
	isEncrypted bool
	in          *bufio.Reader // of what the connection itself reads
	left        int64         // how many bytes may still be read
	maxHeader   int64
	unzips      bool
	isFresh     bool // it has not served yet
	isUsable    bool // for another exchange
	isLate      bool // a read has met the deadline
	idleSince   time.Time
}

// counted counts the bytes that are handed to the operating system.
type counted struct {
	net.Conn
	written atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

var errHeaderTooLarge = errors.New("the header of the reply is larger than max_response_header_size")

// Read is for the buffer in front of the connection.
func (c *connection) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeaderTooLarge
	}
	if int64(len(b)) > c.left {
		b = b[:c.left]
	}
	n, err := c.stream.Read(b)
	c.left -= int64(n)
	c.isLate = c.isLate || errors.Is(err, os.ErrDeadlineExceeded)
	return n, err
}

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// exchange sends the message and reads the reply, before the deadline that was set. Afterwards isUsable says whether the connection can serve again.
func (c *connection) exchange(ctx context.Context, m message, maxReply int64) (reply Reply, written bool, err error) {
	c.isFresh, c.isUsable = false, false
	before := c.counted.written.Load()
	stop := c.endWith(ctx)
	reply, isUsable, err := c.writeAndRead(m, maxReply)
	c.isUsable = stop() && isUsable
	isLate := c.isLate || errors.Is(err, os.ErrDeadlineExceeded)
	if isLate && err != nil && !errors.Is(err, ErrReplyTooLarge) {
		err = cmp.Or(ctx.Err(), context.DeadlineExceeded) // a line that it cut is not a malformed one
	}
	return reply, c.counted.written.Load() > before, err
}

// endWith ends what the connection reads and writes when the context ends. The function that it returns stops that, and is false
// if it is too late. An app's call has a context without an end, and costs nothing here.
func (c *connection) endWith(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = c.stream.SetDeadline(past) })
}

func (c *connection) writeAndRead(m message, maxReply int64) (reply Reply, isUsable bool, err error) {
	if _, err := c.stream.Write(m.start); err != nil {
		return Reply{}, false, err
	}
	if len(m.rest) == 0 {
		return c.readReply(maxReply)
	}
	// The gateway may answer before it has read everything.
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, failed = c.stream.Write(m.rest)
	}()
	reply, isUsable, err = c.readReply(maxReply)
	_ = c.stream.SetWriteDeadline(past) // it ends a write that still waits, and leaves one that is over
	<-done
	return reply, isUsable && failed == nil, err
}

// isQuiet reports whether nothing has arrived since the last exchange, not even the end of the connection.
// Of TLS, tickets for later sessions come right after the handshake, and the first exchange reads them.
// It sets the deadline of the next exchange; that of the last one may have gone by.
func (c *connection) isQuiet(deadline time.Time) bool {
	if err := c.stream.SetDeadline(deadline); err != nil {
		return false
	}
	if isReadable(c.raw) {
		return false
	}
	if !c.isEncrypted {
		return true
	}
	// What TLS has read ahead can be had without the network.
	if err := c.stream.SetReadDeadline(past); err != nil {
		return false
	}
	var b [1]byte
	n, err := c.stream.Read(b[:])
	timeout, ok := errors.AsType[net.Error](err)
	return n == 0 && ok && timeout.Timeout() && c.stream.SetReadDeadline(deadline) == nil
}

// close closes a connection that is idle, in the way of its protocol.
func (c *connection) close() { _ = c.stream.Close() }

// abort closes a connection without another word, which could have to wait.
func (c *connection) abort() { _ = c.counted.Close() }
