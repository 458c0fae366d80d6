package ledger

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

// memory is a Store for tests. Its clock stands still until a test moves it.
type memory struct {
	mu       sync.Mutex
	payments map[uint64]Payment
	last     uint64 // Seq
	now      time.Time
	broken   error  // of every method
	damaged  string // the transaction of a payment whose record cannot be read
	puts     int
}

// monday is when the clock of a memory begins.
var monday = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func newMemory() *memory { return &memory{payments: make(map[uint64]Payment), now: monday} }

// pass moves the clock.
func (s *memory) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// Change runs the change on a copy, which takes the place of the records if it succeeds.
func (s *memory) Change(ctx context.Context, change func(Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmpErr(s.broken, ctx.Err()); err != nil {
		return err
	}
	tx := &memoryTx{store: s, payments: maps.Clone(s.payments), last: s.last}
	if err := change(tx); err != nil {
		return err
	}
	s.payments, s.last, s.puts = tx.payments, tx.last, s.puts+tx.puts
	return nil
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *memory) Payment(_ context.Context, book, requestID string) (p Payment, ok bool, err error) {
	found, err := s.read().Payment(book, requestID)
	if err != nil || found == nil {
		return Payment{}, false, err
	}
	return *found, true, nil
}

func (s *memory) Named(_ context.Context, book, transaction string) ([]Payment, error) {
	found, err := s.read().Named(book, transaction)
	var payments []Payment
	for _, p := range found {
		payments = append(payments, *p)
	}
	return payments, err
}

// Payments knows the members of Filter that the rules use.
func (s *memory) Payments(_ context.Context, f Filter) iter.Seq2[Payment, error] {
	return func(yield func(Payment, error) bool) {
		tx := s.read()
		if tx.broken != nil {
			yield(Payment{}, tx.broken)
			return
		}
		for _, p := range tx.pick(func(p *Payment) bool { return f.Outcome == "" || p.Outcome == f.Outcome }) {
			if !yield(*p, nil) {
				return
			}
		}
	}
}

func (s *memory) Stats(context.Context) ([]Stats, error) { return nil, errors.ErrUnsupported }

func (s *memory) read() *memoryTx {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &memoryTx{store: s, payments: maps.Clone(s.payments), broken: s.broken}
}

type memoryTx struct {
	store    *memory
	payments map[uint64]Payment
	last     uint64
	puts     int
	broken   error
}

func (tx *memoryTx) Now() time.Time { return tx.store.now }

// pick returns copies of the records that match, by Seq.
func (tx *memoryTx) pick(match func(*Payment) bool) []*Payment {
	var picked []*Payment
	for _, seq := range slices.Sorted(maps.Keys(tx.payments)) {
		p := tx.payments[seq]
		p.Transactions = slices.Clone(p.Transactions)
		if match(&p) {
			picked = append(picked, &p)
		}
	}
	return picked
}

func (tx *memoryTx) Payment(book, requestID string) (*Payment, error) {
	found := tx.pick(func(p *Payment) bool { return p.Book == book && p.RequestID == requestID })
	if tx.broken != nil || len(found) == 0 {
		return nil, tx.broken
	}
	return found[0], nil
}

func (tx *memoryTx) Named(book, transaction string) ([]*Payment, error) {
	if transaction == tx.store.damaged && transaction != "" {
		return nil, ErrDamaged
	}
	return tx.pick(func(p *Payment) bool { return p.Book == book && slices.Contains(p.Transactions, transaction) }), tx.broken
}

func (tx *memoryTx) About(book, transaction string) ([]*Payment, error) {
	return tx.pick(func(p *Payment) bool { return p.Book == book && p.About == transaction }), tx.broken
}

func (tx *memoryTx) Ordered(book, orderID string) ([]*Payment, error) {
	return tx.pick(func(p *Payment) bool { return p.Book == book && p.OrderID == orderID && p.TakesPayment() }), tx.broken
}

func (tx *memoryTx) due(books []string) []*Payment {
	due := tx.pick(func(p *Payment) bool { return slices.Contains(books, p.Book) && !p.AskAt.IsZero() })
	slices.SortStableFunc(due, func(a, b *Payment) int { return a.AskAt.Compare(b.AskAt) })
	return due
}

func (tx *memoryTx) Due(books []string, now time.Time, limit int) ([]*Payment, error) {
	due := slices.DeleteFunc(tx.due(books), func(p *Payment) bool { return p.AskAt.After(now) })
	return due[:min(limit, len(due))], nil
}

func (tx *memoryTx) Asking(now time.Time) (int, error) {
	return len(tx.pick(func(p *Payment) bool { return p.AskedUntil.After(now) })), tx.broken
}

func (tx *memoryTx) NextDue(books []string) (time.Time, error) {
	if due := tx.due(books); len(due) > 0 {
		return due[0].AskAt, nil
	}
	return time.Time{}, nil
}

func (tx *memoryTx) Put(p *Payment) error {
	same := tx.pick(func(other *Payment) bool { return other.Book == p.Book && other.RequestID == p.RequestID })
	switch {
	case p.Seq == 0 && len(same) > 0, p.Seq != 0 && (len(same) == 0 || same[0].Seq != p.Seq):
		return errors.New("another record has this book and requestID, or this Seq")
	case p.Seq == 0:
		tx.last++
		p.Seq = tx.last
	}
	tx.puts++
	kept := *p
	kept.Transactions = slices.Clone(p.Transactions)
	tx.payments[p.Seq] = kept
	return nil
}

// record is the record of a requestID, which must be there.
func (s *memory) record(t tester, requestID string) Payment {
	t.Helper()
	p, ok, err := s.Payment(context.Background(), shop, requestID)
	if err != nil || !ok {
		t.Fatalf("the record of %s: ok %v, error %v", requestID, ok, err)
	}
	return p
}

// alter changes a record behind the rules' back.
func (s *memory) alter(t tester, requestID string, change func(*Payment)) {
	t.Helper()
	p := s.record(t, requestID)
	change(&p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payments[p.Seq] = p
}

// tester is a test, or one try of a property.
type tester interface {
	Context() context.Context
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
