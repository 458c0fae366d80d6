// Package bodies reads the bodies of requests. It holds no more memory than what has arrived of them, twice at the most,
// and limits how much all unfinished bodies of a handler hold together.
package bodies

import (
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Why a body was not read to its end. Every other error of [Reader.Read] is that of the connection.
var (
	// ErrTooLarge is the error of a body that is larger than Limit, or says that it will be.
	ErrTooLarge = errors.New("the body is too large")

	// ErrTimeout is the error of a body that was not complete in time.
	ErrTimeout = errors.New("the body did not arrive in time")

	// ErrTooMany is the error of a body that would make the unfinished ones hold more than Total.
	ErrTooMany = errors.New("too many bodies are unfinished")
)

// firstRoom is the memory for a body of which nothing has arrived yet, in bytes. Most bodies fit into it.
const firstRoom = 2 << 10

// Reader reads the bodies of one handler. Its methods may be called at the same time.
type Reader struct {
	// Limit is the largest body, in bytes.
	Limit int64

	// Total is how much the unfinished bodies may hold together, in bytes.
	Total int64

	held atomic.Int64 // by unfinished bodies
}

// New returns a reader of bodies of at most limit bytes, of which so many may be unfinished at full length.
func New(limit int64, unfinished int) *Reader {
	total := int64(math.MaxInt64)
	if limit <= total/int64(unfinished) {
		total = limit * int64(unfinished)
	}
	return &Reader{Limit: limit, Total: total}
}

// Read returns the body of the request, if it is complete before the deadline. A caller that wants to be woken at that
// time sets it on the connection too: Read itself looks at the clock when something arrives.
func (b *Reader) Read(r *http.Request, deadline time.Time) ([]byte, error) {
	if r.ContentLength > b.Limit {
		return nil, ErrTooLarge
	}
	var held int64
	defer func() { b.held.Add(-held) }()
	body := make([]byte, 0, b.room(0, r.ContentLength))
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > b.Limit:
			return nil, ErrTooLarge
		case err == io.EOF:
			return body, nil
		case errors.Is(err, os.ErrDeadlineExceeded), time.Now().After(deadline): // in a trailer, net/http hides the error
			return nil, ErrTimeout
		case err != nil:
			return nil, err
		}
		if !b.hold(int64(n)) {
			return whole(body, r.ContentLength)
		}
		held += int64(n)
		if len(body) == cap(body) {
			body = append(make([]byte, 0, b.room(cap(body), r.ContentLength)), body...)
		}
	}
}

// room is the size of the memory that takes the place of one of this size which is full. There is one byte more than
// a body may have, to see that it has ended or that it is too large.
func (b *Reader) room(full int, announced int64) int64 {
	room := max(2*int64(full), firstRoom)
	if announced >= int64(full) {
		room = min(room, announced+1)
	}
	return min(room-1, b.Limit) + 1
}

// hold counts bytes of an unfinished body, if there is room for them.
func (b *Reader) hold(n int64) bool {
	if b.held.Add(n) <= b.Total {
		return true
	}
	b.held.Add(-n)
	return false
}

// whole returns a body for which there is no room while it is unfinished. If it has the length that was announced, only the end
// of the stream is missing, which HTTP/2 and HTTP/3 send by itself, and so nothing has to wait for it.
func whole(body []byte, announced int64) ([]byte, error) {
	if int64(len(body)) == announced {
		return body, nil
	}
	return nil, ErrTooMany
}
