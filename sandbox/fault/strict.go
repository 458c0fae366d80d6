package fault

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// usual is how many of eight payments in strict mode have their IPN as usual.
const usual = 4

// strict are the faults of the others: every app must cope with these messages, which are all genuine.
var strict = []string{"ipn_twice", "ipn_late", "ipn_cancel_after_paid", "ipn_paid_after_expired"}

// Strict draws faults for the IPNs of payments that name none. Of eight payments one after the other,
// four have none and the others one of the strict faults each, in a random order.
// Its zero value is ready.
type Strict struct {
	mu   sync.Mutex
	left []Faults
}

// Draw returns the faults of the next payment.
func (s *Strict) Draw() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.left) == 0 {
		s.left = make([]Faults, usual)
		for _, name := range strict {
			drawn, _ := Named(name)
			s.left = append(s.left, drawn)
		}
		rand.Shuffle(len(s.left), func(i, j int) { s.left[i], s.left[j] = s.left[j], s.left[i] }) //nolint:gosec // G404: the order is no secret
	}
	last := len(s.left) - 1
	drawn := s.left[last]
	s.left = slices.Delete(s.left, last, last+1)
	return drawn
}
