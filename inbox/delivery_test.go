package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// calls returns what was delivered, and forgets it.
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

// thinksFor answers well, after a while.
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

// bench is an engine at work in a bubble of its own time.
type bench struct {
	*Member
	store *memory
	app   *app
	log   *observer.ObservedLogs
}

// queueOf is the queue "shop" of a test.
func (a *app) queueOf() Queue {
	return Queue{
		Name: "shop", Deliver: a.deliver, AnswerWithin: 5 * time.Second,
		Retry: []time.Duration{time.Second, time.Minute, time.Hour}, Keep: 24 * time.Hour,
	}
}

// newBench starts an engine that ends with the test. Inside a bubble, its time stands still
// while anything is at work.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{store: newMemory(), app: &app{answer: takes}}
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
		b.leavesNothing(t)
	})
	return b
}

// leavesNothing: a slot that is not given back is missing for good, and a watcher that is
// not forgotten takes memory for good.
func (b *bench) leavesNothing(t *testing.T) {
	t.Helper()
	for p, slots := range b.engine.slots {
		if n := len(slots); n != 0 {
			t.Errorf("%d slots of %+v are still taken", n, p)
		}
	}
	if n := len(b.engine.watchers); n != 0 {
		t.Errorf("%d events are still waited for", n)
	}
}

// rejoin follows the configuration with one whose queue is changed.
func (b *bench) rejoin(change func(*Queue)) {
	q, s := b.app.queueOf(), b.settings
	change(&q)
	s.Queues = []Queue{q}
	b.Member = b.Engine().Join(s)
}

func event(id, transaction, status string) Event {
	return Event{ID: id, Queue: "shop", Transaction: transaction, RequestID: "r", PaymentStatus: status, ReceivedAt: time.Now(), Message: []byte("{}")}
}

// take demands an answer.
func (b *bench) take(t *testing.T, e Event, want Answer) {
	t.Helper()
	got, err := b.Take(t.Context(), e)
	if err != nil || got != want {
		t.Errorf("%s: answer %+v, %v, want %+v", e.ID, got, err, want)
	}
}

func (b *bench) wasCalled(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := b.app.calls(); !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func (b *bench) stands(t *testing.T, id string, want State) Record {
	t.Helper()
	synctest.Wait()
	r, err := b.store.get("shop", id)
	if err != nil || r.State != want {
		t.Errorf("%s is %s, %v, want %s", id, r.State, err, want)
	}
	return r
}

func (b *bench) counted(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	b.app.mu.Lock()
	defer b.app.mu.Unlock()
	if !slices.Equal(b.app.counted, want) {
		t.Errorf("counted %q, want %q", b.app.counted, want)
	}
}

func TestTakeRelaysTheAppsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(thinksFor(4 * time.Second))
		b.take(t, event("a", "1", Paid), thanks)
		b.wasCalled(t, "a 1")
		if r := b.stands(t, "a", Delivered); r.Answer != thanks || r.Attempts != 1 || r.SettledAt.IsZero() {
			t.Errorf("kept %+v", r)
		}
		b.counted(t, "shop delivered")
	})
}

func TestTakeDoesNotWaitForASlowApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(thinksFor(20 * time.Second))
		begun := time.Now()
		b.take(t, event("a", "1", Paid), kept)
		if waited := time.Since(begun); waited != 5*time.Second {
			t.Errorf("waited %s, want AnswerWithin", waited)
		}
		b.stands(t, "a", Pending)
		time.Sleep(20 * time.Second)
		b.wasCalled(t, "a 1")
		b.stands(t, "a", Delivered)
	})
}

func TestTheAttemptSurvivesTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(thinksFor(2 * time.Second))
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		if got, err := b.Take(ctx, event("a", "1", Paid)); err != nil || got != kept {
			t.Errorf("answer %+v, %v", got, err)
		}
		time.Sleep(time.Second)
		b.stands(t, "a", Delivered)

		// Not even one who has gone before it is kept changes anything.
		if got, err := b.Take(ctx, event("b", "2", Paid)); err != nil || got != kept {
			t.Errorf("answer %+v, %v", got, err)
		}
		time.Sleep(2 * time.Second)
		b.stands(t, "b", Delivered)
	})
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(isDown)
		begun := time.Now()
		b.take(t, event("a", "1", Paid), kept)
		time.Sleep(3 * time.Hour)
		b.wasCalled(t, "a 1", "a 2", "a 3", "a 4")
		for i, delay := range []time.Duration{time.Second, time.Minute, time.Hour} {
			if got := b.app.at[i+1].Sub(b.app.at[i]); got < delay || got > delay+delay/5 {
				t.Errorf("attempt %d came after %s, want %s and up to a fifth", i+2, got, delay)
			}
		}
		if b.app.at[0] != begun {
			t.Error("the first attempt was not made at once")
		}
		if r := b.stands(t, "a", Dead); r.LastError != "it is down" || r.Attempts != 4 {
			t.Errorf("kept %+v", r)
		}
		b.counted(t, "shop retried", "shop retried", "shop retried", "shop dead")
		b.take(t, event("a", "1", Paid), kept) // no attempt more

		// A replay starts anew, without anybody telling the engine.
		b.app.answers(takes)
		if _, err := b.store.Replay(t.Context(), Filter{ID: "a"}, time.Now()); err != nil {
			t.Error(err)
		}
		time.Sleep(pollInterval)
		b.wasCalled(t, "a 1")
		b.stands(t, "a", Delivered)
	})
}

func TestReplayIsDeliveredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.take(t, event("a", "1", Paid), thanks)
		b.wasCalled(t, "a 1")
		if n, err := b.Engine().Replay(t.Context(), Filter{ID: "a"}); n != 1 || err != nil {
			t.Errorf("replayed %d, %v", n, err)
		}
		b.wasCalled(t, "a 1")
	})
}

// What an earlier process left is delivered as soon as there is somebody to deliver it.
func TestJoiningDeliversAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Leave()
		synctest.Wait()
		now := time.Now()
		if _, _, err := b.store.Add(t.Context(), event("a", "1", Paid), Lease{Now: now, Until: now}); err != nil {
			t.Fatal(err)
		}
		b.Engine().Join(b.settings)
		b.wasCalled(t, "a 1")
	})
}

// Events that failed together do not all come back at the same moment.
func TestDelaysDiffer(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 100 {
		seen[jittered(time.Hour)] = true
	}
	if len(seen) < 2 {
		t.Error("a hundred delays are the same")
	}
}

func TestRetryAfter(t *testing.T) {
	for name, test := range map[string]struct{ asked, least, most time.Duration }{
		"longer than the schedule":  {10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		"shorter than the schedule": {time.Millisecond, time.Second, 1200 * time.Millisecond},
		"without end":               {1 << 62, longestRetryAfter, longestRetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1e9, 0)
			q := Queue{Retry: []time.Duration{time.Second}}
			s := q.settlement(1, Result{Reason: "busy", RetryAfter: test.asked}, now)
			if got := s.Due.Sub(now); s.State != Pending || got < test.least || got > test.most {
				t.Errorf("%s, due after %s, want %s to %s", s.State, got, test.least, test.most)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.take(t, event("a", "1", Paid), thanks)
		b.app.answers(isDown)
		b.take(t, event("a", "1", Paid), thanks) // the first one's answer
		// Nor do they hold slots.
		for range 2 * atOnce {
			b.take(t, event("a", "1", Paid), thanks)
		}
		b.wasCalled(t, "a 1")

		// While the first is with the app, its duplicates wait for the same answer.
		b.app.answers(thinksFor(3 * time.Second))
		var gateways sync.WaitGroup
		for range 5 {
			gateways.Go(func() { b.take(t, event("b", "2", Paid), thanks) })
		}
		gateways.Wait()
		b.wasCalled(t, "b 1")

		// A pending one that nobody works on is tried at once.
		b.app.answers(isDown)
		b.take(t, event("c", "3", Paid), kept)
		b.app.answers(takes)
		b.take(t, event("c", "3", Paid), thanks)
		b.wasCalled(t, "c 1", "c 2")
	})
}

// Whoever repeats a message while the app is down must not use up its attempts.
func TestDuplicatesLeaveTheScheduleAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(isDown)
		for range 10 {
			b.take(t, event("a", "1", Paid), kept)
		}
		if r := b.stands(t, "a", Pending); r.Attempts != 1 || time.Until(r.Due) > 2*time.Second {
			t.Errorf("%d attempts count, the next is in %s", r.Attempts, time.Until(r.Due))
		}
		b.app.answers(takes)
		time.Sleep(2 * time.Second)
		b.stands(t, "a", Delivered)
	})
}

func TestPaidWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.take(t, event("a", "1", Paid), thanks)
		b.take(t, event("b", "1", "cancelled"), overtaken)
		b.take(t, event("b", "1", "cancelled"), overtaken)
		b.wasCalled(t, "a 1")
		b.stands(t, "b", Overtaken)
		b.counted(t, "shop delivered", "shop overtaken", "shop duplicate")

		b.take(t, event("c", "2", "expired"), thanks)
		b.take(t, event("d", "2", Paid), thanks)
		b.wasCalled(t, "c 1", "d 1")
	})
}

func TestOneTransactionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.Transaction == "1" && attempt == 1 {
				return thinksFor(2*time.Second)(ctx, r, attempt)
			}
			return takes(ctx, r, attempt)
		})
		var gateways sync.WaitGroup
		gateways.Go(func() { b.take(t, event("a", "1", "expired"), thanks) })
		synctest.Wait()
		gateways.Go(func() { b.take(t, event("b", "1", Paid), thanks) })
		synctest.Wait()
		b.take(t, event("c", "2", Paid), thanks) // waits for neither
		b.wasCalled(t, "a 1", "c 1")
		gateways.Wait()
		b.wasCalled(t, "b 1")
	})
}

// A dead letter lets those behind it pass.
func TestTheDeadDoNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "a" {
				return isDown(ctx, r, attempt)
			}
			return takes(ctx, r, attempt)
		})
		b.take(t, event("a", "1", "expired"), kept)
		b.take(t, event("b", "1", Paid), kept)
		time.Sleep(3 * time.Hour)
		b.stands(t, "a", Dead)
		b.stands(t, "b", Delivered)
	})
}

// Transactions that hang again with every retry hold up no other one, however many they are.
func TestTransactionsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "new" {
				return takes(ctx, r, attempt)
			}
			return hangs(ctx, r, attempt)
		})
		var gateways sync.WaitGroup
		for i := range 3 * atOnce {
			gateways.Go(func() { b.take(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept) })
		}
		gateways.Wait()
		time.Sleep(defaultTimeout)
		synctest.Wait()
		b.take(t, event("new", "new", Paid), thanks)
	})
}

// However much is due, the loop delivers for all queues, by the newest configuration, and
// begins nothing when the engine ends.
func TestMuchIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := &app{answer: isDown}
		quiet := other.queueOf()
		quiet.Name = "quiet"
		m := b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), quiet}})
		b.app.answers(isDown)
		const backlog = 12 * atOnce
		for i := range backlog {
			b.take(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept)
		}
		e := event("q", "q", Paid)
		e.Queue = "quiet"
		if _, err := m.Take(t.Context(), e); err != nil {
			t.Error(err)
		}
		b.app.calls()
		other.calls()
		b.app.answers(takes)
		other.answers(takes)

		b.store.takes("Claim", time.Second) // time enough for the app to take what was claimed before
		time.Sleep(5 * time.Second)
		if got := other.calls(); !slices.Equal(got, []string{"q 2"}) {
			t.Errorf("of the other queue, %q was delivered", got)
		}
		if n := len(b.app.calls()); n == 0 || n == backlog {
			t.Fatalf("%d of %d were delivered", n, backlog)
		}
		next := &app{answer: takes}
		b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}})
		time.Sleep(2 * time.Second)
		b.app.calls()
		time.Sleep(2 * time.Second)
		if n := len(b.app.calls()); n != 0 {
			t.Errorf("%d were delivered by the old configuration", n)
		}
		if n := len(next.calls()); n == 0 || n >= backlog/2 {
			t.Fatalf("%d of %d were delivered by the new configuration", n, backlog)
		}
		closing := make(chan error)
		go func() { closing <- b.Engine().Close() }()
		time.Sleep(2 * time.Second)
		next.calls()
		time.Sleep(grace)
		if n := len(next.calls()); n != 0 {
			t.Errorf("%d were delivered after the end", n)
		}
		if err := <-closing; err != nil {
			t.Error(err)
		}
	})
}

// An app that hangs holds a bounded number of attempts, and the queues of others none.
func TestAnAppThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := &app{answer: takes}
		quick := other.queueOf()
		quick.Name = "quick"
		b.Member = b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), quick}})
		b.app.answers(hangs)
		const events = 3 * atOnce
		var gateways sync.WaitGroup
		for i := range events {
			gateways.Go(func() { b.take(t, event(fmt.Sprint(i), fmt.Sprint(i), Paid), kept) })
		}
		gateways.Wait()
		synctest.Wait()
		if n := len(b.app.calls()); n != 2*atOnce { // arrivals, and what the loop claimed
			t.Errorf("%d attempts at once, want %d", n, 2*atOnce)
		}
		e := event("q", "1", Paid)
		e.Queue = "quick"
		b.take(t, e, thanks)

		// Those that had no slot were claimed by nobody: they need not wait for a lease to end.
		b.app.answers(takes)
		time.Sleep(defaultTimeout + 2*time.Second)
		for i := range events {
			b.stands(t, fmt.Sprint(i), Delivered)
		}
	})
}

func TestStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		full := errors.New("disk full")
		b.store.breaks(full)
		if _, err := b.Take(t.Context(), event("a", "1", Paid)); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Minute)
		b.wasCalled(t)
		b.store.breaks(nil)
		b.take(t, event("a", "1", Paid), thanks)

		b.wasCalled(t, "a 1")
	})
}

// How an attempt ended is kept as soon as the store can. If it cannot before the lease is
// over, the attempt is made again. The gateway waits for neither.
func TestStoreFailsToSettle(t *testing.T) {
	tests := map[string]struct {
		away  time.Duration
		calls []string
	}{
		"for a moment": {5 * time.Second, []string{"a 1"}},
		"for long":     {settleTime, []string{"a 1", "a 1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
					b.store.breaks(errors.New("the database is away"))
					return takes(ctx, r, attempt)
				})
				begun := time.Now()
				b.take(t, event("a", "1", Paid), thanks)
				if waited := time.Since(begun); waited != 0 {
					t.Errorf("the gateway waited %s", waited)
				}
				b.app.answers(takes)
				time.Sleep(test.away)
				b.store.breaks(nil)
				time.Sleep(2 * (defaultTimeout + leaseMargin))
				b.wasCalled(t, test.calls...)
				b.stands(t, "a", Delivered)
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(hangs)
		b.take(t, event("a", "1", Paid), kept)
		time.Sleep(defaultTimeout)
		if r := b.stands(t, "a", Pending); r.Attempts != 1 || !strings.Contains(r.LastError, "deadline") {
			t.Errorf("kept %+v", r)
		}
	})
}

// Attempts may finish while the engine ends; those that do not are broken off and can be
// made at once by the next engine.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, a := newMemory(), new(app)
		a.answers(func(ctx context.Context, r Record, attempt int) Result {
			if r.ID == "slow" {
				return hangs(ctx, r, attempt)
			}
			return thinksFor(2*time.Second)(ctx, r, attempt)
		})
		e := NewEngine(store, SystemClock)
		m := e.Join(Settings{Queues: []Queue{a.queueOf()}})
		var gateways sync.WaitGroup
		for _, id := range []string{"slow", "quick"} {
			gateways.Go(func() {
				if got, err := m.Take(t.Context(), event(id, id, Paid)); err != nil || got != kept {
					t.Errorf("%s: %+v, %v", id, got, err)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != grace {
			t.Errorf("took %s", took)
		}
		gateways.Wait()
		for id, want := range map[string]State{"slow": Pending, "quick": Delivered} {
			if r, _ := store.get("shop", id); r.State != want || r.Lease != "" {
				t.Errorf("%s is %s, lease %q", id, r.State, r.Lease)
			}
		}
		if err := e.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("closed a second time: %v", err)
		}
		if _, err := m.Take(t.Context(), event("late", "late", Paid)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}

		store.closed = false
		a.answers(takes)
		e = NewEngine(store, SystemClock)
		e.Join(Settings{Queues: []Queue{a.queueOf()}})
		time.Sleep(time.Minute)
		if r, _ := store.get("shop", "slow"); r.State != Delivered || r.Attempts != 1 { // what was broken off does not count
			t.Errorf("slow is %s after %d attempts", r.State, r.Attempts)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The newest configuration that has not left decides where pending events go.
func TestMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(isDown)
		b.take(t, event("a", "1", Paid), kept)
		next := &app{answer: isDown}
		m := b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}})
		time.Sleep(2 * time.Second)
		m.Leave() // its configuration did not start after all
		b.app.answers(takes)
		time.Sleep(2 * time.Minute)
		b.wasCalled(t, "a 1", "a 3")
		if got := next.calls(); !slices.Equal(got, []string{"a 2"}) {
			t.Errorf("the next configuration delivered %q", got)
		}
		b.Leave()
		b.app.answers(isDown)
		b.take(t, event("b", "2", Paid), kept) // a request that is late
		time.Sleep(time.Hour)
		b.wasCalled(t, "b 1")
	})
}

// An attempt that ends after its configuration has left is counted where it is seen.
func TestAttemptOutlivesItsConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.app.answers(thinksFor(2 * time.Second))
		var gateway sync.WaitGroup
		gateway.Go(func() { b.take(t, event("a", "1", Paid), thanks) })
		synctest.Wait()
		next := &app{answer: takes}
		b.Engine().Join(Settings{Queues: []Queue{next.queueOf()}, Count: next.count})
		b.Leave()
		gateway.Wait()
		b.wasCalled(t, "a 1")
		b.counted(t)
		if want := []string{"shop delivered"}; !slices.Equal(next.counted, want) {
			t.Errorf("the new configuration counted %q, want %q", next.counted, want)
		}
	})
}

func TestSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.settings.Seal = func(e Event) ([]byte, error) { return append([]byte("sealed "), e.Message...), nil }
		b.settings.Unseal = func(e Event) ([]byte, error) {
			plain, ok := strings.CutPrefix(string(e.Message), "sealed ")
			if !ok {
				return nil, errors.New("no key")
			}
			return []byte(plain), nil
		}
		var got string
		b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
			got = string(r.Message)
			return takes(ctx, r, attempt)
		})
		b.take(t, event("a", "1", Paid), thanks)
		if r := b.stands(t, "a", Delivered); string(r.Message) != "sealed {}" || got != "{}" {
			t.Errorf("stored %q, delivered %q", r.Message, got)
		}

		// One that cannot be opened is not delivered, and is not lost.
		b.settings.Seal = nil
		b.take(t, event("b", "2", Paid), kept)
		if r := b.stands(t, "b", Pending); r.LastError != "no key" {
			t.Errorf("kept %+v", r)
		}

		b.settings.Seal = func(Event) ([]byte, error) { return nil, errors.New("no key") }
		if _, err := b.Take(t.Context(), event("c", "3", Paid)); err == nil {
			t.Error("kept without being sealed")
		}
	})
}

func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for range 270 { // the loop looks around all the time
			b.Engine().wake()
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := len(b.store.pruned); n != 5 {
			t.Errorf("pruned %d times in four and a half hours, want at the start and each hour", n)
		}
		for _, p := range b.store.pruned {
			if age := p.at.Sub(p.before); p.queue != "shop" || age != 24*time.Hour {
				t.Errorf("pruned what is older than %s of %s, want Keep", age, p.queue)
			}
		}
	})
}

func TestWithoutKeepNothingIsPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		synctest.Wait()
		b.store.pruned = nil
		b.rejoin(func(q *Queue) { q.Keep = 0 })
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if len(b.store.pruned) != 0 {
			t.Errorf("pruned %v", b.store.pruned)
		}
	})
}

// Deliveries do not wait while old events are forgotten.
func TestPruneIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		time.Sleep(pruneInterval - 500*time.Millisecond)
		b.store.takes("Prune", 20*time.Second)
		b.app.answers(isDown)
		b.take(t, event("a", "1", Paid), kept)
		b.app.answers(takes)
		time.Sleep(600 * time.Millisecond)
		b.take(t, event("b", "2", Paid), thanks) // the loop looks around, and it is time to prune
		time.Sleep(10 * time.Second)
		b.stands(t, "a", Delivered)
	})
}

// The log has a line for what an operator should know, and it says of which event.
func TestLog(t *testing.T) {
	away := errors.New("the database is away")
	for name, test := range map[string]struct {
		happens func(t *testing.T, b *bench)
		level   zapcore.Level
		message string
		fields  map[string]any
	}{
		"delivered": {
			func(t *testing.T, b *bench) {
				t.Helper()
				b.take(t, event("a", "1", Paid), thanks)
			},
			zap.InfoLevel, "delivered",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "ipn_status": "200"},
		},
		"failed": {
			func(t *testing.T, b *bench) {
				t.Helper()
				b.app.answers(isDown)
				b.take(t, event("a", "1", Paid), kept)
			},
			zap.WarnLevel, "not delivered; it is tried again",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "reason": "it is down"},
		},
		"a dead letter": {
			func(t *testing.T, b *bench) {
				t.Helper()
				b.rejoin(func(q *Queue) { q.Retry = nil })
				b.app.answers(isDown)
				b.take(t, event("a", "1", Paid), kept)
			},
			zap.ErrorLevel, "the last attempt failed: the event is a dead letter until it is replayed",
			map[string]any{"merchant": "shop", "delivery_id": "a", "request_id": "r", "payment_status": Paid, "attempt": int64(1), "reason": "it is down"},
		},
		"overtaken": {
			func(t *testing.T, b *bench) {
				t.Helper()
				b.take(t, event("a", "1", Paid), thanks)
				b.log.TakeAll()
				b.take(t, event("b", "1", "expired"), overtaken)
			},
			zap.WarnLevel, "a paid transaction has got another message, which is kept and not delivered",
			map[string]any{"merchant": "shop", "delivery_id": "b", "request_id": "r", "payment_status": "expired"},
		},
		"an outcome that is not kept": {
			func(t *testing.T, b *bench) {
				t.Helper()
				b.app.answers(func(ctx context.Context, r Record, attempt int) Result {
					b.store.breaks(ErrLeaseLost)
					return takes(ctx, r, attempt)
				})
				b.take(t, event("a", "1", Paid), thanks)
			},
			zap.ErrorLevel, "how an attempt ended could not be kept; the event is delivered again when its lease is over",
			map[string]any{"merchant": "shop", "delivery_id": "a", "attempt": int64(1), "error": ErrLeaseLost.Error()},
		},
		"a store that fails": {
			func(_ *testing.T, b *bench) {
				b.store.breaks(away)
				b.Engine().wake()
			},
			zap.ErrorLevel, "the inbox cannot be read; it is tried again", map[string]any{"merchant": "shop", "error": away.Error()},
		},
		"events forgotten": {
			func(_ *testing.T, b *bench) {
				b.store.forgets(7, nil)
				time.Sleep(2 * pruneInterval)
			},
			zap.InfoLevel, "the inbox was pruned", map[string]any{"merchant": "shop", "events": int64(7)},
		},
		"events not forgotten": {
			func(_ *testing.T, b *bench) {
				b.store.forgets(0, away)
				time.Sleep(2 * pruneInterval)
			},
			zap.ErrorLevel, "the inbox cannot be pruned", map[string]any{"merchant": "shop", "error": away.Error()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				synctest.Wait()
				if n := b.log.Len(); n != 0 {
					t.Fatalf("%d lines about nothing: %v", n, b.log.All())
				}
				test.happens(t, b)
				synctest.Wait()
				b.logged(t, test.level, test.message, test.fields)
			})
		})
	}
}

// logged demands that the first line is this one.
func (b *bench) logged(t *testing.T, level zapcore.Level, message string, fields map[string]any) {
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

func TestNothingOfAMessageIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		e := event("a", "1", Paid)
		e.Message = []byte(`{"card":"canary"}`)
		b.app.answers(isDown)
		b.take(t, e, kept)
		time.Sleep(3 * time.Hour)
		if b.log.Len() == 0 {
			t.Error("nothing was logged")
		}
		for _, entry := range b.log.All() {
			if strings.Contains(fmt.Sprint(entry.Message, entry.ContextMap()), "canary") {
				t.Errorf("logged %s %v", entry.Message, entry.ContextMap())
			}
		}
	})
}

// Two merchants with one salt prove each other's messages. Each gets its own, whatever
// became of the other's.
func TestTheSameMessageForTwoQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := &app{answer: thinksFor(time.Second)}
		q := other.queueOf()
		q.Name = "other"
		m := b.Engine().Join(Settings{Queues: []Queue{b.app.queueOf(), q}})
		b.app.answers(isDown)
		ours, theirs := event("a", "1", Paid), event("a", "1", Paid)
		theirs.Queue = "other"
		var gateway sync.WaitGroup
		gateway.Go(func() {
			if got, err := m.Take(t.Context(), theirs); err != nil || got != thanks {
				t.Errorf("the other queue: %+v, %v", got, err) // and not the word of this one, which is there first
			}
		})
		synctest.Wait()
		b.take(t, ours, kept)
		gateway.Wait()
		b.app.answers(takes)
		time.Sleep(2 * time.Second)
		b.wasCalled(t, "a 1", "a 2")
		if got := other.calls(); !slices.Equal(got, []string{"a 1"}) {
			t.Errorf("the other app got %q", got)
		}
	})
}
