package caddytest

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
)

// countingPeer is a program at the other end of a relay. It counts its connections and, by a key, the
// messages that reach it whole.
type countingPeer struct {
	*gateway
	connections *counter
	tls         *tls.Config // nil: plain HTTP; set before the first connection

	mu       sync.Mutex
	arrived  map[string]int
	measured map[string]measures // by path; all messages to a path must have the same length
	uneven   []string            // messages with another length
}

// newCountingPeer runs one. answer gets the number of earlier messages with the same key.
func newCountingPeer(t *testing.T, key func(*call) string, answer func(g *gateway, c *call, before int) []byte) *countingPeer {
	t.Helper()
	p := &countingPeer{gateway: newGateway(t), connections: newCounter(), arrived: make(map[string]int), measured: make(map[string]measures)}
	p.takesOver(func(conn net.Conn, in *bufio.Reader, _ int) bool {
		p.connections.add(1)
		defer p.connections.add(-1)
		if secured := p.security(); secured != nil {
			conn = tls.Server(conn, secured)
			in = bufio.NewReader(conn)
		}
		for {
			c, err := readCall(in)
			if err != nil {
				return false
			}
			if _, err := conn.Write(answer(p.gateway, c, p.count(c, key(c)))); err != nil {
				return false
			}
		}
	})
	return p
}

// secure puts the peer behind TLS. A connection of an earlier test may have come before.
func (p *countingPeer) secure(config *tls.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tls = config
}

func (p *countingPeer) security() *tls.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tls
}

// address is host and port.
func (p *countingPeer) address() string { return strings.TrimPrefix(p.url, "http://") }

func (p *countingPeer) count(c *call, key string) (before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.arrived[key]
	p.arrived[key]++
	m := measure(c.raw())
	path := placeholderOf(c.path())
	if known, ok := p.measured[path]; ok && known != m {
		p.uneven = append(p.uneven, c.line)
	}
	p.measured[path] = m
	return before
}

// arrivals counts the messages with this key so far.
func (p *countingPeer) arrivals(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrived[key]
}

// request is where the parts of messages to this path are. One such message must have arrived.
func (p *countingPeer) request(t *testing.T, path string) measures {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.measured[placeholderOf(path)]
	if !ok {
		t.Fatalf("nothing has come to %s", path)
	}
	return m
}

// wantLeftAlone checks that no connection is left, and that messages were cut in the places where the
// tests meant to cut them.
func (p *countingPeer) wantLeftAlone(t *testing.T) {
	t.Helper()
	if n := p.connections.wait(0); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	p.mu.Lock() // where a connection is left, it may still bring messages
	defer p.mu.Unlock()
	if len(p.uneven) != 0 {
		t.Errorf("messages of another length than the first: %q", p.uneven)
	}
}

// placeholderOf is a path without the number of the case in it.
func placeholderOf(path string) string {
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return '0'
		}
		return c
	}, path)
}

// inParallel runs a subtest for each case, several at a time, and waits for all of them.
func inParallel[C interface{ title() string }](t *testing.T, cases []C, run func(t *testing.T, number int, c C)) {
	t.Helper()
	var workers sync.WaitGroup
	free := make(chan struct{}, 32)
	for i, c := range cases {
		free <- struct{}{}
		workers.Go(func() {
			defer func() { <-free }()
			t.Run(c.title(), func(t *testing.T) { run(t, i, c) })
		})
	}
	workers.Wait()
}
