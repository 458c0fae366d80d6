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
	gatewaySocket // where the gateway of paying listens: its address is that of the records, so all children need the same
)

const queue = "shop"

// callback names one event: the nth of a transaction. Everything else of it follows from that,
// so a reader can see whether it was altered.
type callback struct {
	Transaction string `json:"transaction"`
	N           int    `json:"n"`
}

// statuses are those of a transaction's callbacks, in the order of their arrival.
var statuses = []string{"pending", "failed", inbox.Paid, "expired", inbox.Paid}

// paidOfEach is how many of a transaction's callbacks say paid.
const paidOfEach = 2

// overtaken reports whether a callback arrives after its transaction was paid, and does not
// say paid.
func (c callback) overtaken() bool { return c.N > 2 && statuses[c.N] != inbox.Paid }

// canBeOvertaken reports whether a callback arrives before its transaction is paid: it is
// overtaken if it still waits then.
func (c callback) canBeOvertaken() bool { return c.N < 2 }

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

// epoch is when the first child runs.
var epoch = time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)

// callbackOf returns the callback of a record, and compares every byte with the one that
// arrived.
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
	// Round counts the children of one inbox. The clock of each is an hour ahead of the one
	// before, so that the claims of killed children are over.
	Round int `json:"round"`
	// Writers let callbacks arrive at the same time, each all those of its transactions.
	Writers      int `json:"writers"`
	Transactions int `json:"transactions"`
	// Again are callbacks that earlier children acknowledged, and that arrive once more.
	Again []callback `json:"again"`
	// OnDisk: the parent traces what is written, through diskSocket.
	OnDisk bool `json:"onDisk"`
	// Sharing: the child is one of several, and none of the above applies.
	Sharing *sharing `json:"sharing,omitempty"`
	// Paying: the child is a whole sidecar with a ledger. Of the above, Where and OnDisk apply.
	Paying *paying `json:"paying,omitempty"`
}

// sidecar is a child: an engine, its inbox, and an app. It reports each thing after it is
// done.
type sidecar struct {
	inbox.Store // the real one
	orders
	reports *os.File
}

func (o orders) work(ctx context.Context, reports *os.File) error {
	store, err := openUndamaged(ctx, o.Store, o.Where)
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
	if err := s.arriveAll(ctx, member); err != nil {
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
	_, _ = fmt.Fprintf(s.reports, "%s %s %d\n", what, c.Transaction, c.N) // it fails when the parent has ended
}

// arriveAll runs the writers. The transactions of each are its own, so their callbacks arrive
// in order.
func (s *sidecar) arriveAll(ctx context.Context, member *inbox.Member) error {
	failed := make(chan error, s.Writers+1)
	var writers sync.WaitGroup
	writers.Go(func() { failed <- s.arrive(ctx, member, "repeated", s.Again) })
	for w := range s.Writers {
		writers.Go(func() {
			for i := range s.Transactions {
				err := s.arrive(ctx, member, "acknowledged", transaction(fmt.Sprintf("t-%d-%d-%d", s.Round, w, i)))
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

// transaction returns all callbacks of a transaction.
func transaction(name string) []callback {
	var all []callback
	for n := range statuses {
		all = append(all, callback{name, n})
	}
	return all
}

// arrive lets callbacks arrive one after the other, and reports each.
func (s *sidecar) arrive(ctx context.Context, member *inbox.Member, what string, all []callback) error {
	for _, c := range all {
		answer, err := member.Arrive(ctx, c.event())
		if err != nil {
			return fmt.Errorf("arrival of %v: %w", c, err)
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
	s.report("delivering", c)
	time.Sleep(time.Duration(r.ID[0]%4) * time.Millisecond)
	if attempt == 1 && r.ID[1]%4 == 0 {
		return inbox.Result{Reason: "the app answered 500"}
	}
	return inbox.Result{Delivered: true, Answer: inbox.Answer{Status: "200"}}
}

// Arrive reports a callback that was acknowledged before and is stored as a new one.
func (s *sidecar) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	r, isNew, err := s.Store.Arrive(ctx, e, lease)
	c, unread := callbackOf(r)
	if isNew && unread == nil && slices.Contains(s.Again, c) {
		s.report("duplicated", c)
	}
	return r, isNew, err
}

// Settle reports a delivery that the inbox has stored.
func (s *sidecar) Settle(ctx context.Context, r inbox.Record, settlement inbox.Settlement) (inbox.State, error) {
	state, err := s.Store.Settle(ctx, r, settlement)
	if err != nil {
		return state, err
	}
	if c, err := callbackOf(r); err == nil && state == inbox.Delivered {
		s.report("settled", c)
	}
	return state, nil
}
