package inbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// The engine's own times and bounds.
const (
	// defaultTimeout bounds one attempt.
	defaultTimeout = 30 * time.Second
	// leaseMargin is what a lease is longer than the attempt: for the store to give out the
	// lease, and to settle it.
	leaseMargin = storeTimeout + settleTime
	// storeTimeout bounds one call of the store.
	storeTimeout = 10 * time.Second
	// settleTime is how long a store that fails is asked again to settle an attempt.
	settleTime = 20 * time.Second
	// settlePause lies between the first two such calls; each one after is twice as long.
	settlePause = 50 * time.Millisecond
	// pollInterval is how often the store is asked without a reason: another process may
	// have died, or its notice may be lost.
	pollInterval = 5 * time.Second
	// pruneInterval is how often old records are looked for.
	pruneInterval = time.Hour
	// grace is how long Close lets attempts finish.
	grace = 5 * time.Second
	// atOnce bounds the attempts of one queue at a time, so that an app that hangs costs
	// neither memory without end nor the deliveries of others: those that arrivals begin,
	// and apart from them those that the loop begins. Transactions that hang with each
	// retry therefore keep no slot from new ones.
	atOnce = 64
)

// ErrClosed is what Take returns when the engine has ended. Nothing was kept.
var ErrClosed = errors.New("the inbox is closed")

// Deliver hands one record to the app. The message is the plain one, and attempt counts
// from one. It ends with the context.
type Deliver func(ctx context.Context, r Record, attempt int) Result

// Result is how one attempt ended.
type Result struct {
	// Delivered: the app has taken it, and Answer is its word. Else it is to be retried.
	Delivered bool
	Answer    Answer

	// Reason is why it was not taken, in words for people and with nothing of the message.
	Reason string

	// RetryAfter is how long the app asked to be left alone. It makes the delay of the
	// schedule longer, never shorter. Default: 0.
	RetryAfter time.Duration
}

// Queue is how the events of one queue are delivered.
type Queue struct {
	// Name is the Event.Queue of its events.
	Name string

	// Deliver makes an attempt.
	Deliver Deliver

	// Timeout bounds an attempt. Default: 30s.
	Timeout time.Duration

	// AnswerWithin is how long Take waits for the app's word. Zero: not at all.
	AnswerWithin time.Duration

	// Retry are the delays between attempts. There is one attempt more than there are
	// delays; an event that none of them delivered is a dead letter.
	Retry []time.Duration

	// Keep is how long records with a final state are kept, from their arrival. Zero: for
	// good.
	Keep time.Duration
}

func (q *Queue) timeout() time.Duration {
	if q.Timeout == 0 {
		return defaultTimeout
	}
	return q.Timeout
}

// Settings are what one configuration wants of the engine.
type Settings struct {
	Queues []Queue

	// Seal turns the message of an event into what is stored, and Unseal turns that back.
	// Default: it is stored as it is.
	Seal, Unseal func(Event) ([]byte, error)

	// Log gets what people should know; nothing of a message is in it. Default: none.
	Log *zap.Logger

	// Count is told what became of an event: of its arrival (duplicate, overtaken) or of
	// an attempt (delivered, retried, dead). Default: nobody counts.
	Count func(queue, result string)
}

// What Settings.Count is told.
const (
	CountDuplicate = "duplicate"
	CountOvertaken = "overtaken"
	CountDelivered = "delivered"
	CountRetried   = "retried"
	CountDead      = "dead"
)

// Clock is where the engine has its time from.
type Clock struct {
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// SystemClock is the real time.
var SystemClock = Clock{Now: time.Now, After: time.After}

// Engine delivers what a store keeps. It is shared by the configurations that use the
// store: while one follows another, both are members.
type Engine struct {
	store Store
	clock Clock

	ctx    context.Context // of attempts
	cancel context.CancelFunc
	quit   chan struct{} // closed by Close: nothing new is begun
	kick   chan struct{} // there may be something to claim

	mu       sync.Mutex
	closed   bool
	work     sync.WaitGroup // the loop, arrivals and attempts
	members  []*Member      // the newest is last
	slots    map[pool]chan struct{}
	watchers map[eventKey][]chan Answer
}

// NewEngine starts an engine, which owns the store from then on. It delivers nothing
// before somebody joins.
func NewEngine(store Store, clock Clock) *Engine {
	e := &Engine{
		store:    store,
		clock:    clock,
		quit:     make(chan struct{}),
		kick:     make(chan struct{}, 1),
		slots:    make(map[pool]chan struct{}),
		watchers: make(map[eventKey][]chan Answer),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.work.Go(e.run)
	return e
}

// Store returns the engine's store, to look into it and to replay. It must not be closed.
func (e *Engine) Store() Store { return e.store }

// Close ends the engine and its store. Attempts have five seconds to finish; those that
// take longer are broken off and stay pending.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	e.closed = true
	close(e.quit)
	e.mu.Unlock()

	settled := make(chan struct{})
	go func() {
		e.work.Wait()
		close(settled)
	}()
	select {
	case <-settled:
	case <-e.clock.After(grace):
	}
	e.cancel()
	<-settled
	return e.store.Close()
}

// Member is one configuration that uses the engine.
type Member struct {
	engine   *Engine
	settings Settings
}

// Join lets a configuration take part. Pending events are delivered by the settings of
// whoever joined last and has not left.
func (e *Engine) Join(s Settings) *Member {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Count == nil {
		s.Count = func(string, string) {}
	}
	m := &Member{engine: e, settings: s}
	e.mu.Lock()
	e.members = append(e.members, m)
	e.mu.Unlock()
	e.wake()
	return m
}

// Leave ends the membership. Attempts that have begun go on.
func (m *Member) Leave() {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.engine.members = slices.DeleteFunc(m.engine.members, func(other *Member) bool { return other == m })
}

// Engine returns the engine.
func (m *Member) Engine() *Engine { return m.engine }

// Message returns the plain message of an event that the store returned.
func (m *Member) Message(e Event) ([]byte, error) {
	if m.settings.Unseal == nil {
		return e.Message, nil
	}
	return m.settings.Unseal(e)
}

func (m *Member) queue(name string) *Queue {
	i := slices.IndexFunc(m.settings.Queues, func(q Queue) bool { return q.Name == name })
	if i < 0 {
		return nil
	}
	return &m.settings.Queues[i]
}

// current is the member whose settings count, nil if there is none.
func (e *Engine) current() *Member {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.members) == 0 {
		return nil
	}
	return e.members[len(e.members)-1]
}

// wake lets the loop look for work.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// run claims what is due until the engine ends.
func (e *Engine) run() {
	var pruned time.Time
	for !e.ending() {
		wait := pollInterval
		if m := e.current(); m != nil {
			wait = m.claimDue()
			if now := e.clock.Now(); now.Sub(pruned) >= pruneInterval {
				e.work.Go(func() { m.prune(now) }) // deliveries do not wait for it
				pruned = now
			}
		}
		select {
		case <-e.quit:
		case <-e.kick:
		case <-e.store.Wake():
		case <-e.clock.After(wait):
		}
	}
}

// ending tells whether Close has been called.
func (e *Engine) ending() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}

// claimDue begins attempts on what is due, as far as there are free slots, and tells when
// to look again.
func (m *Member) claimDue() time.Duration {
	wait := pollInterval
	for i := range m.settings.Queues {
		wait = min(wait, m.claimDueOf(&m.settings.Queues[i]))
	}
	return wait
}

// claimDueOf claims once. However much is due, between two claims the loop sees to the
// other queues, and takes note of a new configuration and of the end.
func (m *Member) claimDueOf(q *Queue) time.Duration {
	p := pool{q.Name, true}
	free := m.engine.reserve(p, atOnce)
	if free == 0 {
		return pollInterval // who gives a slot back wakes us
	}
	ctx, cancel := context.WithTimeout(m.engine.ctx, storeTimeout)
	defer cancel()
	records, wait, err := m.claim(ctx, q, free)
	if err != nil {
		m.settings.Log.Error("the inbox cannot be read; it is tried again", zap.String("merchant", q.Name), zap.Error(err))
	}
	m.engine.release(p, free-len(records))
	for _, r := range records {
		m.begin(q, r, p)
	}
	if len(records) > 0 {
		return 0
	}
	return wait
}

// claim asks first, since claiming may cost the store a write even if it finds nothing.
func (m *Member) claim(ctx context.Context, q *Queue, limit int) ([]Record, time.Duration, error) {
	queues := []string{q.Name}
	next, err := m.engine.store.NextDue(ctx, queues)
	if err != nil || next.IsZero() {
		return nil, pollInterval, err
	}
	if wait := next.Sub(m.engine.clock.Now()); wait > 0 {
		return nil, wait, nil
	}
	records, err := m.engine.store.Claim(ctx, queues, m.lease(q), limit)
	// Whoever was faster may have taken what was due. NextDue would go on calling it due
	// until he has settled it; asking all the time would not help.
	return records, time.Second, err
}

func (m *Member) lease(q *Queue) Lease {
	now := m.engine.clock.Now()
	return Lease{Now: now, Until: now.Add(q.timeout() + leaseMargin)}
}

func (m *Member) prune(now time.Time) {
	for _, q := range m.settings.Queues {
		if q.Keep == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(m.engine.ctx, time.Minute)
		n, err := m.engine.store.Prune(ctx, q.Name, now.Add(-q.Keep))
		cancel()
		if err != nil {
			m.settings.Log.Error("the inbox cannot be pruned", zap.String("merchant", q.Name), zap.Error(err))
		} else if n > 0 {
			m.settings.Log.Info("the inbox was pruned", zap.String("merchant", q.Name), zap.Int("events", n))
		}
	}
}

// pool names slots: those of a queue for what the loop claims, or for its arrivals.
type pool struct {
	queue   string
	claimed bool
}

// reserve takes up to n slots and tells how many it got.
func (e *Engine) reserve(p pool, n int) int {
	slots := e.slotsOf(p)
	for i := range n {
		select {
		case slots <- struct{}{}:
		default:
			return i
		}
	}
	return n
}

// release gives slots back.
func (e *Engine) release(p pool, n int) {
	slots := e.slotsOf(p)
	for range n {
		<-slots
	}
}

func (e *Engine) slotsOf(p pool) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	slots, ok := e.slots[p]
	if !ok {
		slots = make(chan struct{}, atOnce)
		e.slots[p] = slots
	}
	return slots
}

// begin makes an attempt on a claimed record, for which a slot is reserved, in a goroutine
// of the engine's: it does not end with the request that brought the event.
func (m *Member) begin(q *Queue, r Record, p pool) {
	e := m.engine
	e.work.Go(func() { // work is going on: the loop or the arrival that begins this
		m.attempt(q, r)
		e.release(p, 1)
		e.wake() // for what waited for the slot, or for its turn in the transaction
	})
}

// attempt delivers a claimed record once and settles it.
func (m *Member) attempt(q *Queue, r Record) {
	early := r.Due.After(m.engine.clock.Now()) // the event came again before its time
	result := m.deliver(q, r)
	now := m.engine.clock.Now()
	s := q.settlement(r.Attempts+1, result, now)
	if !result.Delivered && (early || m.engine.ctx.Err() != nil) {
		s = offSchedule(r, result, now)
	}
	answer := kept
	if result.Delivered {
		answer = s.Answer
	}
	err := m.settle(r, s)
	if err != nil {
		// The gateway need not wait for a store that is to be asked again: the event is kept.
		m.engine.announce(keyOf(r.Event), answer)
		err = m.settleLater(r, s, err)
	}
	m.report(r, result, s, err)
	m.engine.announce(keyOf(r.Event), answer)
}

// settle does not go by the engine's context: an attempt that was broken off is settled
// too, else nobody could deliver the event before its lease is over.
func (m *Member) settle(r Record, s Settlement) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return m.engine.store.Settle(ctx, r, s)
}

// settleLater asks a store again that has failed to settle, as long as the lease lasts: a
// database that starts anew must not make the app get everything twice.
func (m *Member) settleLater(r Record, s Settlement, err error) error {
	e := m.engine
	begun := e.clock.Now()
	for pause := settlePause; !errors.Is(err, ErrLeaseLost); pause *= 2 {
		if e.clock.Now().Add(pause).Sub(begun) > settleTime-storeTimeout {
			return err
		}
		select {
		case <-e.quit:
			return err
		case <-e.clock.After(pause):
		}
		if err = m.settle(r, s); err == nil {
			return nil
		}
	}
	return err
}

func (m *Member) deliver(q *Queue, r Record) Result {
	message, err := m.Message(r.Event)
	if err != nil {
		return Result{Reason: err.Error()}
	}
	r.Message = message
	ctx, cancel := context.WithTimeout(m.engine.ctx, q.timeout())
	defer cancel()
	return q.Deliver(ctx, r, r.Attempts+1)
}

// report logs and counts how an attempt ended, by the newest configuration: nobody reads
// what one counts that has left meanwhile.
func (m *Member) report(r Record, result Result, s Settlement, err error) {
	if newest := m.engine.current(); newest != nil {
		m = newest
	}
	log := m.settings.Log.With(
		zap.String("merchant", r.Queue),
		zap.String("delivery_id", r.ID),
		zap.String("request_id", r.RequestID),
		zap.String("payment_status", r.PaymentStatus),
		zap.Int("attempt", r.Attempts+1))
	if err != nil {
		log.Error("how an attempt ended could not be kept; the event is delivered again when its lease is over", zap.Error(err))
	}
	switch s.State {
	case Delivered:
		m.settings.Count(r.Queue, CountDelivered)
		log.Info("delivered", zap.String("ipn_status", s.Answer.Status))
	case Dead:
		m.settings.Count(r.Queue, CountDead)
		log.Error("the last attempt failed: the event is a dead letter until it is replayed", zap.String("reason", result.Reason))
	default:
		m.settings.Count(r.Queue, CountRetried)
		log.Warn("not delivered; it is tried again", zap.String("reason", result.Reason), zap.Time("due", s.Due))
	}
}
