//go:build linux

package crashtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Files that a child finds open.
const (
	reportsPipe = 3 + iota
	diskSocket
)

const queue = "shop"

// callback names one event: the nth of a transaction. All else of it follows from that, so
// whoever reads it can tell whether it was altered.
type callback struct {
	Transaction string `json:"transaction"`
	N           int    `json:"n"`
}

// statuses are those of a transaction's callbacks, in the order of their arrival.
var statuses = []string{"pending", "failed", inbox.Paid, "expired", inbox.Paid}

// overtaken tells that a callback comes when its transaction is paid, and says otherwise.
func (c callback) overtaken() bool { return c.N > 2 && statuses[c.N] != inbox.Paid }

func (c callback) event() inbox.Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", c.Transaction, c.N))
	filler := strings.Repeat(hex.EncodeToString(sum[:4]), int(sum[4])*2) // up to 4 KiB, so that some need more than a page
	message, err := json.Marshal(struct {
		callback
		Filler string `json:"filler"`
	}{c, filler})
	if err != nil {
		panic(err)
	}
	return inbox.Event{
		ID:            hex.EncodeToString(sum[:]),
		Queue:         queue,
		Transaction:   c.Transaction,
		RequestID:     "r-" + c.Transaction,
		PaymentStatus: statuses[c.N],
		ReceivedAt:    epoch,
		Message:       message,
	}
}

// epoch is when the first child lives.
var epoch = time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)

// callbackOf reads what a record says of itself, and compares every byte with what was
// added.
func callbackOf(r inbox.Record) (callback, error) {
	var c callback
	if err := json.Unmarshal(r.Message, &c); err != nil {
		return c, fmt.Errorf("record %d of %s holds no message: %w", r.Seq, r.ID, err)
	}
	if c.N < 0 || c.N >= len(statuses) {
		return c, fmt.Errorf("record %d is altered: %s", r.Seq, r.Message)
	}
	want := c.event()
	if r.ID != want.ID || r.Queue != want.Queue || r.Transaction != want.Transaction || r.RequestID != want.RequestID ||
		r.PaymentStatus != want.PaymentStatus || !r.ReceivedAt.Equal(want.ReceivedAt) || !bytes.Equal(r.Message, want.Message) {
		return c, fmt.Errorf("record %d is altered: %+v", r.Seq, r)
	}
	return c, nil
}

// orders tell a child what to do.
type orders struct {
	Store string `json:"store"`
	Where string `json:"where"`
	// Round counts the children of one inbox. Each lives an hour after the one before, so
	// that the claims of the dead are over.
	Round int `json:"round"`
	// Writers add callbacks at the same time, all those of so many transactions each.
	Writers      int `json:"writers"`
	Transactions int `json:"transactions"`
	// Again are callbacks that were acknowledged to earlier children, and come once more.
	Again []callback `json:"again"`
	// OnDisk: the parent watches what is written, through diskSocket.
	OnDisk bool `json:"onDisk"`
	// Sharing: the child is one of several, and none of the above applies.
	Sharing *sharing `json:"sharing,omitempty"`
}

// sidecar is what a child is: an engine, its inbox, and an app. Whatever it says it says
// after it is done.
type sidecar struct {
	inbox.Store // the real one
	orders
	reports *os.File
}

func (o orders) work(ctx context.Context, reports *os.File) error {
	store, err := openSound(ctx, o.Store, o.Where)
	if err != nil {
		return fmt.Errorf("opening the inbox: %w", err)
	}
	s := &sidecar{store, o, reports}
	s.report("opened", callback{})
	engine := inbox.NewEngine(s, inbox.Clock{Now: o.now, After: time.After})
	member := engine.Join(inbox.Settings{Queues: []inbox.Queue{{
		Name:         queue,
		Deliver:      s.deliver,
		AnswerWithin: time.Millisecond,
		Retry:        []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond},
	}}})
	if err := s.takeAll(ctx, member); err != nil {
		return err
	}
	for { // until all is delivered
		stats, err := store.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.States[inbox.Pending] == 0 {
			return engine.Close()
		}
		time.Sleep(time.Millisecond)
	}
}

// now is the child's time.
func (o orders) now() time.Time { return time.Now().Add(time.Duration(o.Round) * time.Hour) }

func (s *sidecar) report(what string, c callback) {
	// A line is written at once, and a pipe keeps short ones whole.
	_, _ = fmt.Fprintf(s.reports, "%s %s %d\n", what, c.Transaction, c.N) // nobody reads it: the parent is gone
}

// takeAll runs the writers. The transactions of each are its own, so their callbacks arrive
// in order.
func (s *sidecar) takeAll(ctx context.Context, member *inbox.Member) error {
	failed := make(chan error, s.Writers+1)
	var writers sync.WaitGroup
	writers.Go(func() { failed <- s.take(ctx, member, "known", s.Again) })
	for w := range s.Writers {
		writers.Go(func() {
			for i := range s.Transactions {
				err := s.take(ctx, member, "added", transaction(fmt.Sprintf("t-%d-%d-%d", s.Round, w, i)))
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	writers.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// transaction returns all callbacks of one.
func transaction(name string) []callback {
	var all []callback
	for n := range statuses {
		all = append(all, callback{name, n})
	}
	return all
}

func (s *sidecar) take(ctx context.Context, member *inbox.Member, what string, all []callback) error {
	for _, c := range all {
		answer, err := member.Arrive(ctx, c.event())
		if err != nil {
			return fmt.Errorf("taking %v: %w", c, err)
		}
		if answer.Status != "200" {
			return fmt.Errorf("%v is answered %v", c, answer)
		}
		s.report(what, c)
	}
	return nil
}

// deliver is the app, which takes up to 3 ms to answer, and refuses every fourth callback
// at first.
func (s *sidecar) deliver(_ context.Context, r inbox.Record, attempt int) inbox.Result {
	c, err := callbackOf(r)
	if err != nil {
		s.report("altered", c)
		return inbox.Result{Reason: err.Error()}
	}
	s.report("made", c)
	time.Sleep(time.Duration(r.ID[0]%4) * time.Millisecond)
	if attempt == 1 && r.ID[1]%4 == 0 {
		return inbox.Result{Reason: "the app answered 500"}
	}
	return inbox.Result{Delivered: true, Answer: inbox.Answer{Status: "200"}}
}

// Add says if something is added that was acknowledged before.
func (s *sidecar) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	r, added, err := s.Store.Arrive(ctx, e, lease)
	c, unread := callbackOf(r)
	if added && unread == nil && slices.Contains(s.Again, c) {
		s.report("forgotten", c)
	}
	return r, added, err
}

// Settle says what the inbox knows to be delivered.
func (s *sidecar) Settle(ctx context.Context, r inbox.Record, settlement inbox.Settlement) error {
	if err := s.Store.Settle(ctx, r, settlement); err != nil {
		return err
	}
	if c, err := callbackOf(r); err == nil && settlement.State == inbox.Delivered {
		s.report("settled", c)
	}
	return nil
}
