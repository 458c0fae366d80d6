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
// The kernel accepts a connection on loopback before the relay even knows of it, and the client starts to talk at once.
// Over a distance it would have to wait for the handshake of TCP, one round trip. So whatever a client says in the first
// round trip counts as said at its end.
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

// parcel is what was read, and when it arrives.
type parcel struct {
	due  time.Time
	data []byte // nil: the sender has closed
}

// carry brings everything from one end to the other, half a round trip late but in as quick a succession as it came.
func carry(to, from net.Conn, open time.Time) {
	parcels := make(chan parcel, 1024)
	go collect(parcels, from, open)
	for p := range parcels {
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
func collect(parcels chan<- parcel, from net.Conn, open time.Time) {
	defer close(parcels)
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		said := time.Now()
		if said.Before(open) {
			said = open
		}
		if n > 0 {
			parcels <- parcel{said.Add(roundTrip / 2), data[:n]}
		}
		if err != nil {
			parcels <- parcel{due: said.Add(roundTrip / 2)}
			return
		}
	}
}
