package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo answers every connection with what it says, until it closes.
func echo(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener
}

// The first answer takes two round trips, for the handshake of TCP is one; every later one takes one. Less would
// favour the app that opens a connection for each call; a busy machine may take more.
func TestRelayIsFarAway(t *testing.T) {
	r, err := newRelay(t.Context(), echo(t).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()

	began := time.Now()
	conn, err := net.Dial("tcp", r.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, least := range []time.Duration{2 * roundTrip, roundTrip} {
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 5)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "hello" {
			t.Fatalf("answer %q, error %v", answer, err)
		}
		if took := time.Since(began); took < least {
			t.Errorf("exchange %d took %v, expected %v at least", i+1, took, least)
		}
		began = time.Now()
	}
}
