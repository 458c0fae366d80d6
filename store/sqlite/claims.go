package sqlite

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// claims are who has claimed what. They are not in the file: only this process can have it, so
// they end with the process in any case, and a claim costs no write.
//
// The writer changes them, with a commit. Readers see a change only after it.
type claims struct {
	mu     sync.Mutex
	bySeq  map[uint64]*claim
	byLane map[lane]*claim
	// The changes since the last commit.
	given, taken []*claim
}

// claim is that of one record.
type claim struct {
	seq   uint64
	lane  lane
	token string
	until time.Time
	// before is the claim that the lane had, whose lease was over.
	before *claim
	// over: it ends with the commit.
	over bool
}

// lane is where the records of one transaction wait for each other. A record without a
// transaction has a lane of its own.
type lane struct {
	merchant, transaction string
	seq                   uint64
}

func laneOf(r *inbox.Record) lane {
	if r.Transaction == "" {
		return lane{seq: r.Seq}
	}
	return lane{merchant: r.Queue, transaction: r.Transaction}
}

func newClaims() *claims {
	return &claims{bySeq: map[uint64]*claim{}, byLane: map[lane]*claim{}}
}

// find returns the claim of a record, nil if it has none. It is the writer's.
func (c *claims) find(seq uint64) *claim {
	if found := c.bySeq[seq]; found != nil && !found.over {
		return found
	}
	return nil
}

// isHeld reports whether a record is claimed and its lease not over. It is the writer's.
func (c *claims) isHeld(seq uint64, lease inbox.Lease) bool {
	found := c.find(seq)
	return found != nil && !lease.IsPast(found.until)
}

// isBusy reports whether any record of a lane is held. It is the writer's.
func (c *claims) isBusy(l lane, lease inbox.Lease) bool {
	found := c.byLane[l]
	return found != nil && !found.over && !lease.IsPast(found.until)
}

// busyUntil is the end of the lease of a lane; the zero time: none holds it.
func (c *claims) busyUntil(l lane, lease inbox.Lease) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.byLane[l]; found != nil && !lease.IsPast(found.until) {
		return found.until
	}
	return time.Time{}
}

// give claims a record for a lease, which it returns.
func (c *claims) give(r *inbox.Record, lease inbox.Lease) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	given := &claim{seq: r.Seq, lane: laneOf(r), token: rand.Text(), until: lease.Until, before: c.byLane[laneOf(r)]}
	if before := c.find(r.Seq); before != nil {
		before.over = true
		c.taken = append(c.taken, before)
	}
	c.bySeq[given.seq], c.byLane[given.lane] = given, given
	c.given = append(c.given, given)
	return given.token
}

// take ends the claim of a record, if it has one.
func (c *claims) take(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.find(seq); found != nil {
		found.over = true
		c.taken = append(c.taken, found)
	}
}

// commit makes the changes visible.
func (c *claims) commit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, gone := range c.taken {
		c.remove(gone)
	}
	c.given, c.taken = c.given[:0], c.taken[:0]
}

// rollback undoes the changes, the last one first.
func (c *claims) rollback() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, back := range slices.Backward(c.taken) {
		back.over = false
		c.bySeq[back.seq], c.byLane[back.lane] = back, back
	}
	for _, undone := range slices.Backward(c.given) {
		c.remove(undone)
		if undone.before != nil && c.byLane[undone.lane] == nil {
			c.byLane[undone.lane] = undone.before
		}
	}
	c.given, c.taken = c.given[:0], c.taken[:0]
}

func (c *claims) remove(gone *claim) {
	if c.bySeq[gone.seq] == gone {
		delete(c.bySeq, gone.seq)
	}
	if c.byLane[gone.lane] == gone {
		delete(c.byLane, gone.lane)
	}
}

// readyTime is when a record that heads its lane is ready.
func readyTime(r *row, isHead bool) store.Time {
	if !isHead {
		return store.Time{}
	}
	return store.Time(r.Due)
}
