package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// app is what a queue of a test delivers to.
type app struct {
	mu      sync.Mutex
	answer  func(ctx context.Context, r Record, attempt int) Result
	called  []string // ID and attempt
	at      []time.Time
	counted []string
}

func (a *app) deliver(ctx context.Context, r Record, attempt int) Result {
	a.mu.Lock()
	a.called = append(a.called, fmt.Sprintf("%s %d", r.ID, attempt))
	a.at = append(a.at, time.Now())
	answer := a.answer
	a.mu.Unlock()
	return answer(ctx, r, attempt)
}

func (a *app) answers(f func(ctx context.Context, r Record, attempt int) Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// calls returns what was delivered since the last call.
func (a *app) calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	called := a.called
	a.called = nil
	return called
}

func (a *app) count(queue, result string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counted = append(a.counted, queue+" "+result)
}

var thanks = Answer{Status: "200", Description: "thanks"}

func takes(context.Context, Record, int) Result  { return Result{Delivered: true, Answer: thanks} }
func isDown(context.Context, Record, int) Result { return Result{Reason: "it is down"} }

func hangs(ctx context.Context, _ Record, _ int) Result {
	<-ctx.Done()
	return Result{Reason: "it hung: " + ctx.Err().Error()}
}

// thinksFor takes the event after a delay.
func thinksFor(d time.Duration) func(context.Context, Record, int) Result {
	return func(ctx context.Context, _ Record, _ int) Result {
		select {
		case <-time.After(d):
			return Result{Delivered: true, Answer: thanks}
		case <-ctx.Done():
			return Result{Reason: ctx.Err().Error()}
		}
	}
}

// queueOf is the queue "shop" of a test.
func (a *app) queueOf() Queue {
	return Queue{
		Name: "shop", Deliver: a.deliver, AnswerWithin: 5 * time.Second,
		Retry: []time.Duration{time.Second, time.Minute, time.Hour}, Keep: 24 * time.Hour,
	}
}

// testEngine is an engine that runs on synctest's clock.
type testEngine struct {
	*Member
	store *memory
	app   *app
	log   *observer.ObservedLogs
}

// newTestEngine starts an engine that ends with the test. Its clock stands still while any
// goroutine of the test runs.
func newTestEngine(t *testing.T) *testEngine {
	t.Helper()
	b := &testEngine{store: newMemory(), app: &app{answer: takes}}
	core, logs := observer.New(zap.DebugLevel)
	b.log = logs
	e := NewEngine(b.store, SystemClock)
	b.Member = e.Join(Settings{Queues: []Queue{b.app.queueOf()}, Log: zap.New(core), Count: b.app.count})
	t.Cleanup(func() {
		if err := e.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if !b.store.closed {
			t.Error("the store is still open")
		}
		b.checkNothingLeft(t)
	})
	return b
}

// checkNothingLeft fails if a slot was not given back, which would be missing for ever, or if
// a waiter was not removed, which would take memory for ever.
func (b *testEngine) checkNothingLeft(t *testing.T) {
	t.Helper()
	for p, taken := range b.engine.slots.taken {
		if n := len(taken); n != 0 {
			t.Errorf("%d slots of %+v are still taken", n, p)
		}
	}
	if n := len(b.engine.waiters.events); n != 0 {
		t.Errorf("%d events still have waiters", n)
	}
}

// rejoin replaces the configuration by one whose queue is changed.
func (b *testEngine) rejoin(change func(*Queue)) {
	q, s := b.app.queueOf(), b.settings
	change(&q)
	s.Queues = []Queue{q}
	b.Member = b.Engine().Join(s)
}

func event(id, transaction, status string) Event {
	return Event{ID: id, Queue: "shop", Transaction: transaction, RequestID: "r", PaymentStatus: status, ReceivedAt: time.Now(), Message: []byte("{}")}
}

// arrive lets an event arrive, and fails if the answer is another one.
func (b *testEngine) arrive(t *testing.T, e Event, want Answer) {
	t.Helper()
	got, err := b.Arrive(t.Context(), e)
	if err != nil || got != want {
		t.Errorf("%s: answer %+v, %v, want %+v", e.ID, got, err, want)
	}
}

func (b *testEngine) wasCalled(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := b.app.calls(); !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func (b *testEngine) hasState(t *testing.T, id string, want State) Record {
	t.Helper()
	synctest.Wait()
	r, err := b.store.get("shop", id)
	if err != nil || r.State != want {
		t.Errorf("%s is %s, %v, want %s", id, r.State, err, want)
	}
	return r
}

func (b *testEngine) counted(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	b.app.mu.Lock()
	defer b.app.mu.Unlock()
	if !slices.Equal(b.app.counted, want) {
		t.Errorf("counted %q, want %q", b.app.counted, want)
	}
}

// logged fails if the first line of the log is another one.
func (b *testEngine) logged(t *testing.T, level zapcore.Level, message string, fields map[string]any) {
	t.Helper()
	if b.log.Len() == 0 {
		t.Fatal("nothing was logged")
	}
	line := b.log.All()[0]
	if line.Level != level || line.Message != message {
		t.Errorf("logged %s %q, want %s %q", line.Level, line.Message, level, message)
	}
	got := line.ContextMap()
	for name, want := range fields {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
