package exchange

import (
	"sync"
	"time"
)

// pool keeps idle connections. The one that was used last is taken first, so that the others grow old and are closed.
type pool struct {
	most    int
	timeout time.Duration // 0: none

	mu       sync.Mutex
	idle     []*connection // the oldest first
	isClosed bool
	timer    *time.Timer // of the oldest; nil: none runs
}

// take returns an idle connection, or nil.
func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection for later, or closes it where it is of no use.
func (p *pool) put(c *connection) {
	if !c.isUsable {
		c.abort()
		return
	}
	if !p.keep(c) {
		c.close()
	}
}

func (p *pool) keep(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed || len(p.idle) >= p.most {
		return false
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	if p.timer == nil && p.timeout > 0 {
		p.timer = time.AfterFunc(p.timeout, p.closeOld)
	}
	return true
}

// closeOld closes the connections that have been idle for too long.
func (p *pool) closeOld() {
	for _, c := range p.takeOld() {
		c.close()
	}
}

func (p *pool) takeOld() []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].idleSince) >= p.timeout {
		n++
	}
	old := p.idle[:n:n]
	p.idle = append([]*connection(nil), p.idle[n:]...)
	if len(p.idle) > 0 && !p.isClosed {
		p.timer = time.AfterFunc(p.timeout-time.Since(p.idle[0].idleSince), p.closeOld)
	}
	return old
}

// close closes the idle connections. One that is in use is closed after its exchange.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.isClosed = nil, true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}
