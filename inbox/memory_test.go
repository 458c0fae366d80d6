package inbox

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"
)

// memory is a Store for tests of the engine alone. It never wakes the engine, which must find
// everything by polling.
type memory struct {
	mu      sync.Mutex
	records []*Record // by Seq
	leases  map[eventKey]Lease
	tokens  int
	asked   map[string]int           // how often NextDue and Claim were called
	broken  error                    // the error of every method
	slow    map[string]time.Duration // how long Claim and Prune take
	pruned  []pruning
	steady  time.Time // what Clock returns; zero: the time of its first call
	forgot  int       // what Prune returns
	unable  error     // the error that Prune returns
	closed  bool
}

// pruning is one call of Prune.
type pruning struct {
	queue      string
	before, at time.Time
}

func newMemory() *memory {
	return &memory{leases: make(map[eventKey]Lease), asked: make(map[string]int)}
}

// calls returns how often a method was called since the last time.
func (s *memory) calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked[method]
	s.asked[method] = 0
	return n
}

func (s *memory) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

func (s *memory) isSteadySince(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steady = t
}

func (s *memory) forgets(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgot, s.unable = n, err
}

func (s *memory) delays(method string, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = map[string]time.Duration{method: slow}
}

func (s *memory) pause(method string) {
	s.mu.Lock()
	slow := s.slow[method]
	s.mu.Unlock()
	time.Sleep(slow)
}

func (s *memory) find(queue, id string) *Record {
	i := slices.IndexFunc(s.records, func(r *Record) bool { return r.Queue == queue && r.ID == id })
	if i < 0 {
		return nil
	}
	return s.records[i]
}

// isHead reports whether no earlier record of its transaction is pending.
func (s *memory) isHead(r *Record) bool {
	return r.Transaction == "" || !slices.ContainsFunc(s.records, func(other *Record) bool {
		return other.Seq < r.Seq && other.Queue == r.Queue && other.Transaction == r.Transaction && other.State == Pending
	})
}

func (s *memory) isOvertaken(e *Event) bool {
	return slices.ContainsFunc(s.records, func(r *Record) bool { return r.Overtakes(e) })
}

func (s *memory) isHeld(r *Record, lease Lease) bool {
	return r.Lease != "" && !lease.IsPast(s.leases[keyOf(r.Event)].Until)
}

// overtake ends what waits and is overtaken by a new record.
func (s *memory) overtake(by *Record, lease Lease) {
	for _, r := range s.records {
		if r.State == Pending && by.Overtakes(&r.Event) && !s.isHeld(r, lease) {
			r.State, r.SettledAt, r.Lease = Overtaken, lease.Now, ""
		}
	}
}

// claim claims a record if it may be claimed at all, due or not.
func (s *memory) claim(r *Record, lease Lease) {
	if r.State != Pending || s.isHeld(r, lease) || !s.isHead(r) {
		return
	}
	s.tokens++
	r.Lease = strconv.Itoa(s.tokens)
	s.leases[keyOf(r.Event)] = lease
}

func (s *memory) Arrive(ctx context.Context, e Event, lease Lease) (Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.broken, ctx.Err()); err != nil {
		return Record{}, false, err
	}
	r := s.find(e.Queue, e.ID)
	isNew := r == nil
	if isNew {
		r = &Record{Event: e, Seq: uint64(len(s.records) + 1), State: Pending, Due: lease.Now}
		if s.isOvertaken(&e) {
			r.State, r.SettledAt = Overtaken, lease.Now
		}
		s.overtake(r, lease)
		s.records = append(s.records, r)
	} else if r.State == Dead && !s.isOvertaken(&r.Event) {
		r.State, r.Due, r.Attempts, r.SettledAt = Pending, lease.Now, 0, time.Time{}
	}
	before := r.Lease
	s.claim(r, lease)
	found := *r
	if r.Lease == before {
		found.Lease = ""
	}
	return found, isNew, nil
}

func (s *memory) Claim(ctx context.Context, queues []string, lease Lease, limit int) ([]Record, error) {
	s.pause("Claim")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked["Claim"]++
	if err := cmp.Or(s.broken, ctx.Err()); err != nil {
		return nil, err
	}
	var claimed []Record
	for _, r := range s.records {
		if len(claimed) == limit || !slices.Contains(queues, r.Queue) || !lease.IsPast(r.Due) {
			continue
		}
		before := r.Lease
		if s.claim(r, lease); r.Lease != before {
			claimed = append(claimed, *r)
		}
	}
	return claimed, nil
}

func (s *memory) Settle(ctx context.Context, claimed Record, how Settlement) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.broken, ctx.Err()); err != nil {
		return "", err
	}
	r := s.find(claimed.Queue, claimed.ID)
	if r == nil || r.Lease == "" || r.Lease != claimed.Lease {
		return "", ErrLeaseLost
	}
	if how.State == Pending && s.isOvertaken(&r.Event) {
		how.State = Overtaken
	}
	r.State, r.Due, r.Answer, r.LastError, r.Lease, r.History = how.State, how.Due, how.Answer, how.LastError, "", how.History
	if !how.Uncounted {
		r.Attempts++
	}
	if how.State != Pending {
		r.SettledAt = how.At
	}
	return r.State, nil
}

func (s *memory) Taken(_ context.Context, r Record) (Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.records {
		if other.Seq < r.Seq && r.Transaction != "" && other.State == Delivered && other.Queue == r.Queue &&
			other.Transaction == r.Transaction && other.RequestID == r.RequestID && other.PaymentStatus == r.PaymentStatus {
			return *other, true, s.broken
		}
	}
	return Record{}, false, s.broken
}

func (s *memory) Clock(_ context.Context, now time.Time) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steady.IsZero() {
		s.steady = now
	}
	return s.steady, s.broken
}

func (s *memory) NextDue(_ context.Context, queues []string, lease Lease) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked["NextDue"]++
	var next time.Time
	for _, r := range s.records {
		if r.State != Pending || !slices.Contains(queues, r.Queue) || !s.isHead(r) {
			continue
		}
		due := r.Due
		if r.Lease != "" && s.leases[keyOf(r.Event)].Until.After(due) {
			due = s.leases[keyOf(r.Event)].Until
		}
		if lease.IsPast(due) {
			due = lease.Now
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next, s.broken
}

// get returns a copy of a record.
func (s *memory) get(queue, id string) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(queue, id); r != nil {
		return *r, nil
	}
	return Record{}, errors.New("no such event")
}

func (s *memory) List(context.Context, Filter) iter.Seq2[Record, error] { panic("not used") }

func (s *memory) Replay(_ context.Context, f Filter, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find("shop", f.ID)
	if r == nil {
		return 0, nil
	}
	r.State, r.Due, r.Attempts = Pending, now, 0
	return 1, nil
}

func (s *memory) Prune(_ context.Context, queue string, before time.Time) (int, error) {
	s.pause("Prune")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruned = append(s.pruned, pruning{queue, before, time.Now()})
	return s.forgot, s.unable
}

func (s *memory) Stats(context.Context) (Stats, error)            { panic("not used") }
func (s *memory) Pending(context.Context) (map[string]int, error) { panic("not used") }
func (s *memory) Wake() <-chan struct{}                           { return nil }

func (s *memory) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("closed twice")
	}
	s.closed = true
	return nil
}
