package caddytest

import (
	"net"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// listeners counts the addresses that Caddy listens on, connections counts the open
// connections to them. Tests need both, because caddy.Load and caddy.Stop return before the
// old listeners are closed and before the last requests are answered. After a connection is
// closed, no request and no access log of it can follow.
var listeners, connections = newCounter(), newCounter()

type counter struct {
	mu      sync.Mutex
	changed sync.Cond
	n       int
}

func newCounter() *counter {
	c := new(counter)
	c.changed.L = &c.mu
	return c
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	c.changed.Broadcast()
}

// wait returns the number as soon as it is at most limit, and at the latest after patience.
func (c *counter) wait(limit int) int {
	expired := false
	alarm := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		expired = true
		c.changed.Broadcast()
	})
	defer alarm.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n > limit && !expired {
		c.changed.Wait()
	}
	return c.n
}

// countingWrapper is the listener wrapper that counts.
type countingWrapper struct{}

func init() { caddy.RegisterModule(countingWrapper{}) }

func (countingWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.caddytest_counter", New: func() caddy.Module { return new(countingWrapper) }}
}

func (countingWrapper) WrapListener(l net.Listener) net.Listener {
	listeners.add(1)
	return &countingListener{Listener: l}
}

type countingListener struct {
	net.Listener
	once sync.Once
}

func (l *countingListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() { listeners.add(-1) })
	return err
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	connections.add(1)
	return &countedConn{Conn: conn}, nil
}

type countedConn struct {
	net.Conn
	once sync.Once
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { connections.add(-1) })
	return err
}
