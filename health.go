package galaxypay

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/health"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// contact notes how the calls of a merchant went.
type contact struct {
	proven, failed atomic.Int64 // the last of each, in nanoseconds since 1970; 0: none
}

func newContact() *contact {
	c := new(contact)
	c.proven.Store(time.Now().UnixNano())
	return c
}

// note takes in how a call ended.
func (c *contact) note(isProven bool) {
	last := &c.failed
	if isProven {
		last = &c.proven
	}
	last.Store(time.Now().UnixNano())
}

func (c *contact) report() health.Contact {
	var h health.Contact
	h.Proven = time.Unix(0, c.proven.Load())
	if failed := c.failed.Load(); failed != 0 {
		h.Failed = time.Unix(0, failed)
	}
	return h
}

// Gateways says how calls went lately, by merchant. A reload begins again.
func (a *App) Gateways() map[string]health.Contact {
	contacts := make(map[string]health.Contact, len(a.merchants))
	for name, m := range a.merchants {
		contacts[name] = m.contact.report()
	}
	return contacts
}

// CheckStore has the store write what time it is, and counts what is pending, by merchant with an inbox. The error is health.ErrNoStore
// where there is no store.
func (a *App) CheckStore(ctx context.Context) (map[string]int, error) {
	if a.store.opener == nil {
		return nil, health.ErrNoStore
	}
	member, err := a.store.join() //nolint:contextcheck // the store is opened for all, not for this request
	if err != nil {
		return nil, err
	}
	kept := member.Engine().Store()
	if _, err := kept.Clock(ctx, time.Now()); err != nil {
		return nil, err
	}
	pending, err := kept.Pending(ctx)
	byMerchant := make(map[string]int)
	for book := range a.store.inboxes {
		byMerchant[inbox.MerchantOf(book)] = pending[book]
	}
	return byMerchant, err
}

// Interface guard
var _ health.App = (*App)(nil)
