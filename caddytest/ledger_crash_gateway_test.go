//go:build unix

package caddytest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// countingGateway carries calls out, and counts for each requestID what it has done. No crash touches it, so it holds the truth.
type countingGateway struct {
	*gateway

	mu    sync.Mutex
	works map[string]*work
}

// work is what the gateway has done under a requestID.
type work struct {
	arrived int    // how often the call arrived whole
	times   int    // how often it was carried out
	reply   string // responseData, once it was carried out
	refused bool
	lost    bool // the gateway has closed the connection without a reply
}

func newCountingGateway(t *testing.T) *countingGateway {
	t.Helper()
	g := &countingGateway{gateway: newGateway(t), works: make(map[string]*work)}
	g.handles(func(conn net.Conn, c *call) bool {
		reply := g.take(c)
		time.Sleep(rand.N(20 * time.Millisecond)) //nolint:gosec // G404: how long it works is not a secret
		if reply == nil {
			return false
		}
		_, err := conn.Write(reply)
		return err == nil
	})
	return g
}

// take does what a call says, and returns the reply; nil: there will be none. One call in twenty is refused, one in twenty meets a
// gateway that does not know the key pair at that moment, and of one in twenty the reply is lost.
func (g *countingGateway) take(c *call) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := c.requestID()
	w := g.works[id]
	if w == nil {
		w = new(work)
		g.works[id] = w
	}
	w.arrived++
	luck := rand.IntN(20) //nolint:gosec // G404: its choice is not a secret
	switch {
	case w.times > 0 && isPage(id):
		return g.refusal(c, "409")
	case w.refused, luck == 0:
		w.refused = true
		return g.refusal(c, "400")
	case luck == 1:
		return g.refusal(c, "401")
	}
	w.times++
	w.reply = fmt.Sprintf(`{ "endpoint" : "https://pay.example/%s/%d","a":1.50}`, id, w.times)
	if luck == 2 {
		w.lost = true
		return nil
	}
	return g.success(c, w.reply)
}

// of returns what was done under a requestID.
func (g *countingGateway) of(id string) work {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := g.works[id]; w != nil {
		return *w
	}
	return work{}
}

// total is how many calls arrived.
func (g *countingGateway) total() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.works {
		n += w.arrived
	}
	return n
}
