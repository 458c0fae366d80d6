package galaxypay

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
)

// fileOpener opens a file and counts how often.
type fileOpener struct {
	path   string
	opened *int
}

func (o fileOpener) Key() string { return o.path }

func (o fileOpener) Open(context.Context) (inbox.Store, error) {
	*o.opened++
	return bolt.Open(o.path, func(error) {})
}

// Two configurations side by side have the store open once. One that goes, because it did
// not start after all, leaves the deliveries to the other.
func TestInboxIsShared(t *testing.T) {
	opener := fileOpener{filepath.Join(t.TempDir(), "inbox.db"), new(int)}
	counts, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	configuration := func(deliver inbox.Deliver) *membership {
		b := newMembership()
		b.opener, b.log, b.metrics = opener, zap.NewNop(), counts
		b.queues["default"] = inbox.Queue{Name: "default", Deliver: deliver, Retry: []time.Duration{1, 1}}
		return b
	}
	delivered := make(chan struct{})
	running := configuration(func(_ context.Context, _ inbox.Record, attempt int) inbox.Result {
		if attempt == 1 {
			return inbox.Result{Reason: "not yet"}
		}
		close(delivered)
		return inbox.Result{Delivered: true}
	})
	failing := configuration(func(context.Context, inbox.Record, int) inbox.Result {
		t.Error("delivered by a configuration that has gone")
		return inbox.Result{Delivered: true}
	})
	member, err := running.join()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := running.join(); again != member || err != nil {
		t.Errorf("joined a second time: %v", err)
	}
	if _, err := failing.join(); err != nil {
		t.Fatal(err)
	}
	if err := failing.leave(); err != nil {
		t.Error(err)
	}
	if _, err := member.Arrive(t.Context(), inbox.Event{ID: "a", Queue: "default", PaymentStatus: "paid", ReceivedAt: time.Now()}); err != nil {
		t.Error(err)
	}
	select {
	case <-delivered:
	case <-time.After(time.Minute):
		t.Error("not delivered")
	}
	for range 2 { // the second has nothing to give up
		if err := running.leave(); err != nil {
			t.Error(err)
		}
	}
	if _, err := configuration(nil).leftBefore().join(); err == nil {
		t.Error("joined after it left")
	}
	if *opener.opened != 1 {
		t.Errorf("opened %d times", *opener.opened)
	}
}

// silentOpener finds its store away, and after that one that says nothing.
type silentOpener struct {
	asked  *atomic.Int32
	silent chan struct{}
}

func (silentOpener) Key() string { return "silent" }

func (o silentOpener) Open(ctx context.Context) (inbox.Store, error) {
	if o.asked.Add(1) == 1 {
		return nil, inbox.ErrUnreachable
	}
	close(o.silent)
	<-ctx.Done()
	return nil, ctx.Err()
}

// While a database that says nothing is tried, requests and scrapes do not wait for it.
func TestInboxThatIsAwayHoldsNobodyUp(t *testing.T) {
	opener := silentOpener{new(atomic.Int32), make(chan struct{})}
	b := newMembership()
	b.opener, b.log = opener, zap.NewNop()
	if err := b.start(false); err != nil {
		t.Fatal(err)
	}
	<-opener.silent
	answered := make(chan error, 1)
	go func() {
		inboxBacklog{b}.Collect(make(chan prometheus.Metric, 1))
		_, err := b.join()
		answered <- err
	}()
	select {
	case err := <-answered:
		if !errors.Is(err, inbox.ErrUnreachable) {
			t.Errorf("error %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("held up")
	}
	if err := b.leave(); err != nil {
		t.Error(err)
	}
}

func (b *membership) leftBefore() *membership {
	_ = b.leave()
	return b
}

// latecomer is a store that cannot be reached when it is opened for the first time.
type latecomer struct {
	fileOpener
	asked, refuse chan struct{}
}

func (o latecomer) Open(ctx context.Context) (inbox.Store, error) {
	if *o.opened > 0 {
		return o.fileOpener.Open(ctx)
	}
	*o.opened++
	close(o.asked)
	<-o.refuse
	return nil, inbox.ErrUnreachable
}

// A request that waits while the store cannot be reached must not open it beside the goroutine that
// tries again: the store would be taken twice, and given up once.
func TestRequestsDoNotOpenWhatIsAway(t *testing.T) {
	counts, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	opener := latecomer{fileOpener{filepath.Join(t.TempDir(), "inbox.db"), new(int)}, make(chan struct{}), make(chan struct{})}
	joined := make(chan struct{})
	core, _ := observer.New(zap.ErrorLevel)
	b := newMembership()
	b.opener, b.metrics = opener, counts
	b.log = zap.New(core, zap.Hooks(func(zapcore.Entry) error {
		select { // the request's chance to come in between
		case <-joined:
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	}))
	var working sync.WaitGroup
	working.Go(func() {
		if err := b.start(false); err != nil {
			t.Errorf("it did not start: %v", err)
		}
	})
	<-opener.asked
	working.Go(func() {
		defer close(joined)
		if _, err := b.join(); !errors.Is(err, inbox.ErrUnreachable) {
			t.Errorf("joined: %v", err)
		}
	})
	close(opener.refuse)
	working.Wait()
	if err := b.leave(); err != nil {
		t.Error(err)
	}
}
