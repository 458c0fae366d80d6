package caddytest

import (
	"sync"
	"testing"
	"time"
)

// await waits for a value.
func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
	}
}

// eventually waits until this is so. Only what gives no signal is waited for in this way.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	if !poll(isSo) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// poll looks until this is so, for as long as patience.
func poll(isSo func() bool) bool {
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for begun := time.Now(); time.Since(begun) < patience; <-pace.C {
		if isSo() {
			return true
		}
	}
	return false
}

// gate holds requests until the test opens it, and the test's end opens it.
type gate struct {
	arrived chan struct{} // a value for each request at the gate
	opened  chan struct{}
	open    func()
}

func newGate(t *testing.T) gate {
	t.Helper()
	g := gate{arrived: make(chan struct{}, 100), opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	t.Cleanup(g.open)
	return g
}

// pass returns when the gate is open.
func (g gate) pass() {
	g.arrived <- struct{}{}
	<-g.opened
}
