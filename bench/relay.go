package main

import (
	"context"
	"net"
	"time"
)

// roundTrip is the distance to the gateway.
const roundTrip = 30 * time.Millisecond

// relay passes connections on to target as if it were half a round trip away, both ways.
//
// The kernel accepts a connection on loopback before the relay gets it, and the client sends at once. Over a distance it
// would have to wait for the handshake of TCP, one round trip. So all that a client sends in the first round trip counts
// as sent at its end. This is why the relay is not a proxy of toxiproxy, which the tests use: its toxic "latency" delays
// the data alone. A new connection would cost two round trips there instead of three, and the comparison is about that.
type relay struct {
	listener net.Listener
	target   string
}

func newRelay(ctx context.Context, target string) (*relay, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener, target}
	go r.serve(ctx)
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) close() { r.listener.Close() }

func (r *relay) serve(ctx context.Context) {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		open := time.Now().Add(roundTrip)
		var dialer net.Dialer
		far, err := dialer.DialContext(ctx, "tcp", r.target)
		if err != nil {
			near.Close()
			continue
		}
		go carry(far, near, open)
		go carry(near, far, open)
	}
}

// chunk is what was read, and when it arrives.
type chunk struct {
	due  time.Time
	data []byte // nil: the sender has closed
}

// carry copies everything from one end to the other, half a round trip late, at the intervals at which it came.
func carry(to, from net.Conn, open time.Time) {
	chunks := make(chan chunk, 1024)
	go collect(chunks, from, open)
	for p := range chunks {
		time.Sleep(time.Until(p.due))
		if p.data == nil {
			to.Close()
			continue
		}
		if _, err := to.Write(p.data); err != nil {
			from.Close()
		}
	}
}

// collect reads until the connection ends.
func collect(chunks chan<- chunk, from net.Conn, open time.Time) {
	defer close(chunks)
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		sent := time.Now()
		if sent.Before(open) {
			sent = open
		}
		if n > 0 {
			chunks <- chunk{sent.Add(roundTrip / 2), data[:n]}
		}
		if err != nil {
			chunks <- chunk{due: sent.Add(roundTrip / 2)}
			return
		}
	}
}
