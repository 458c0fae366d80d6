package demoshop

import (
	"slices"
	"sync"
)

// Memory is bounded by these.
const (
	maxOrders     = 100
	maxUnassigned = 10
)

// orders is all that the shop keeps.
type orders struct {
	mu         sync.Mutex
	all        []*order   // oldest first
	unassigned []exchange // callbacks for orders that are not the shop's, newest first
}

func newOrders() *orders { return new(orders) }

// add keeps an order, and forgets the oldest where there are too many.
func (s *orders) add(o *order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, o)
	if len(s.all) > maxOrders {
		s.all = slices.Delete(s.all, 0, 1)
	}
}

// find returns a copy of the order.
func (s *orders) find(id string) (order, bool) {
	return s.change(id, func(*order) {})
}

// change changes the order and returns a copy of it.
func (s *orders) change(id string, by func(*order)) (order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(o *order) bool { return o.id == id })
	if i < 0 {
		return order{}, false
	}
	by(s.all[i])
	return s.all[i].copy(), true
}

// newest returns copies, newest first.
func (s *orders) newest() []order {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]order, 0, len(s.all))
	for _, o := range slices.Backward(s.all) {
		list = append(list, o.copy())
	}
	return list
}

// named finds the id of the order that a message is about. Messages of payment links
// carry the link's orderNo in place of the order's id.
func (s *orders) named(m message) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		if o.id == string(m.Data.OrderID) || m.Data.OrderNo != "" && o.transactionID == string(m.Data.OrderNo) {
			return o.id
		}
	}
	return ""
}

// noteUnassigned keeps a callback for which there is no order.
func (s *orders) noteUnassigned(e exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unassigned = slices.Insert(s.unassigned, 0, e)
	s.unassigned = s.unassigned[:min(len(s.unassigned), maxUnassigned)]
}

func (s *orders) unassignedCallbacks() []exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unassigned)
}

func (o *order) copy() order {
	c := *o
	c.exchanges = slices.Clone(o.exchanges)
	return c
}
