package inbox

import "sync"

// atOnce bounds the attempts of one pool at a time, so that an app that hangs costs neither
// memory without end nor the deliveries of others.
const atOnce = 64

// slots bound how many attempts run at once. Its zero value is ready to use.
type slots struct {
	mu    sync.Mutex
	taken map[pool]chan struct{}
}

// pool names slots. Each queue has two pools, so that transactions that hang with each retry
// keep no slot from new ones.
type pool struct {
	queue string
	use   poolUse
}

type poolUse string

const (
	forArrivals poolUse = "arrivals" // attempts that an arrival begins
	forClaims   poolUse = "claims"   // attempts that the loop begins
)

// reserve takes up to n slots and returns how many it got.
func (s *slots) reserve(p pool, n int) int {
	taken := s.of(p)
	for i := range n {
		select {
		case taken <- struct{}{}:
		default:
			return i
		}
	}
	return n
}

// release gives slots back.
func (s *slots) release(p pool, n int) {
	taken := s.of(p)
	for range n {
		<-taken
	}
}

// allTaken reports whether reserve would get none.
func (s *slots) allTaken(p pool) bool { return len(s.of(p)) == atOnce }

func (s *slots) of(p pool) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken == nil {
		s.taken = make(map[pool]chan struct{})
	}
	taken, ok := s.taken[p]
	if !ok {
		taken = make(chan struct{}, atOnce)
		s.taken[p] = taken
	}
	return taken
}
