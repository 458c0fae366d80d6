//go:build linux

package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// attempt is a delivery as the app sees it, under the claim that it is made under. A sidecar
// begins one of each callback that it claims.
type attempt struct {
	Sidecar  int      `json:"sidecar"`
	Callback callback `json:"callback"`
	// Lease is that of the record. What is claimed together has the same.
	Lease string `json:"lease"`
	// From and Until are when the callback was claimed, and until when.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`

	// What the app adds: when the attempt reached it, and when it answered, as the witness
	// counts; 0: not yet. And whether it took the callback.
	begun, answered int
	taken           bool
	// What the sidecar adds afterwards: that the delivery is recorded, or that the inbox
	// refused to record anything, because the claim was lost.
	settled, refused bool
}

func (a *attempt) String() string {
	return fmt.Sprintf("%v by sidecar %d (claimed %s to %s)", a.Callback, a.Sidecar, a.From.Format("04:05.000000"), a.Until.Format("04:05.000000"))
}

// witness is the app of all sidecars on one inbox, which are processes of their own. All
// that they and the gateway do passes through it, in one order.
type witness struct {
	mu       sync.Mutex
	changed  chan struct{}         // closed at the next change
	moment   int                   // counts what happens
	attempts map[string][]*attempt // by transaction, in the order in which they reached the app
	added    map[callback]bool     // by a sidecar
	known    []callback            // those that were acknowledged to the gateway
	failures int                   // to acknowledge
	hold     *hold
	errs     []error // seen at once
}

// hold keeps a sidecar waiting for an answer.
type hold struct {
	sidecar int
	to      string // what it tells
	caught  chan callback
	release chan struct{}
}

// pause is how long the app takes to answer.
func (a *attempt) pause() time.Duration {
	return time.Duration(a.Callback.event().ID[0]%4) * time.Millisecond
}

func newWitness() *witness {
	return &witness{changed: make(chan struct{}), attempts: map[string][]*attempt{}, added: map[callback]bool{}}
}

// note changes what the witness knows.
func (w *witness) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moment++
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

// await waits until something is true.
func (w *witness) await(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		w.mu.Lock()
		done, changed := isTrue(), w.changed
		w.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("it did not come to this: %s; so far: %v", what, w.judge())
		}
	}
}

// awaitMore waits until the gateway has so many more acknowledgements.
func (w *witness) awaitMore(t *testing.T, n int) {
	t.Helper()
	w.mu.Lock()
	enough := len(w.known) + n
	w.mu.Unlock()
	w.await(t, fmt.Sprintf("%d callbacks are acknowledged", enough), func() bool { return len(w.known) >= enough })
}

// ServeHTTP takes what the sidecars tell.
func (w *witness) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	told := &attempt{}
	if err := readJSON(r.Body, told); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case "/claimed":
		w.holdUp(r, told)
	case "/deliver":
		w.note(func() { w.begin(told) })
		w.holdUp(r, told)
		time.Sleep(told.pause())
		w.note(func() { told.answered = w.moment })
		if !told.taken {
			http.Error(answer, "not now", http.StatusInternalServerError)
		}
	case "/added":
		w.note(func() {
			if w.added[told.Callback] {
				w.errs = append(w.errs, fmt.Errorf("%v was added before, and is taken for a new one", told.Callback))
			}
			w.added[told.Callback] = true
		})
	case "/settled":
		w.note(func() { w.made(told).settled = true })
	case "/refused":
		w.note(func() { w.made(told).refused = true })
	default:
		w.note(func() { w.errs = append(w.errs, fmt.Errorf("%s: %v", r.URL.Path, told)) })
	}
}

func readJSON(r io.Reader, into any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// of returns the attempts on a callback.
func (w *witness) of(c callback) []*attempt {
	var all []*attempt
	for _, a := range w.attempts[c.Transaction] {
		if a.Callback == c {
			all = append(all, a)
		}
	}
	return all
}

// failed is how often nobody acknowledged a callback so far.
func (w *witness) failed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures
}

// String tells what there was.
func (w *witness) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	made, ranOut, refused := 0, 0, 0
	for _, all := range w.attempts {
		for _, a := range all {
			made++
			if late(a, all) {
				ranOut++
			}
			if a.refused {
				refused++
			}
		}
	}
	return fmt.Sprintf("%d deliveries, of these %d under claims that ran out and %d whose record was refused", made, ranOut, refused)
}

// made returns the attempt that a sidecar made under a claim.
func (w *witness) made(told *attempt) *attempt {
	for _, a := range w.of(told.Callback) {
		if a.Lease == told.Lease {
			return a
		}
	}
	w.errs = append(w.errs, fmt.Errorf("recorded, but never delivered: %v", told))
	return &attempt{}
}

// begin is the app getting a callback. It refuses every fourth at first.
func (w *witness) begin(a *attempt) {
	a.begun = w.moment
	a.taken = a.Callback.event().ID[1]%4 != 0 || len(w.of(a.Callback)) > 0
	w.attempts[a.Callback.Transaction] = append(w.attempts[a.Callback.Transaction], a)
}

// holdUp lets a sidecar wait, if there is a hold for it, until it is released or gone.
func (w *witness) holdUp(r *http.Request, told *attempt) {
	w.mu.Lock()
	h := w.hold
	if h == nil || h.sidecar != told.Sidecar || "/"+h.to != r.URL.Path {
		w.mu.Unlock()
		return
	}
	w.hold = nil
	w.mu.Unlock()
	w.note(func() { h.caught <- told.Callback })
	select {
	case <-h.release:
	case <-r.Context().Done():
	}
}

// catch waits until a sidecar tells something of any callback, and lets it wait for the
// answer until release is called.
func (w *witness) catch(t *testing.T, sidecar int, to string) (c callback, release func()) {
	t.Helper()
	h := &hold{sidecar, to, make(chan callback, 1), make(chan struct{})}
	w.note(func() { w.hold = h })
	w.await(t, fmt.Sprintf("sidecar %d tells %s", sidecar, to), func() bool { return len(h.caught) == 1 })
	return <-h.caught, sync.OnceFunc(func() { close(h.release) })
}

// judge tells what the deliveries prove to be wrong.
func (w *witness) judge() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := w.errs
	for _, all := range w.attempts {
		errs = append(errs, inOrder(all))
		for i, x := range all {
			for _, y := range all[i+1:] {
				errs = append(errs, fit(x, y, all))
			}
		}
	}
	return errors.Join(errs...)
}

// inOrder tells whether the first deliveries of a transaction came in the order of arrival,
// and none of what was overtaken.
func inOrder(all []*attempt) error {
	made := map[callback]bool{}
	newest := -1
	for _, a := range all {
		if a.Callback.overtaken() {
			return fmt.Errorf("%v, though its transaction was paid before", a)
		}
		if made[a.Callback] {
			continue
		}
		made[a.Callback] = true
		if a.Callback.N < newest {
			return fmt.Errorf("%v, for the first time after number %d", a, newest)
		}
		newest = a.Callback.N
	}
	return nil
}

// fit tells why two attempts on one transaction, of which x reached the app first, cannot
// both be right.
func fit(x, y *attempt, all []*attempt) error {
	atOnce := x.answered == 0 || x.answered > y.begun
	if x.Callback != y.Callback {
		if atOnce && !late(x, all) && !late(y, all) {
			return fmt.Errorf("%v while there was %v", y, x)
		}
		return nil
	}
	switch {
	case x.Lease == y.Lease:
		return fmt.Errorf("%v, twice", x)
	case (atOnce || x.taken) && !succeeds(x, y) && !succeeds(y, x):
		return fmt.Errorf("%v while the claim of %v held", y, x)
	case x.settled && !succeeds(x, y), y.settled && succeeds(x, y):
		return fmt.Errorf("of these the wrong one is recorded: %v, %v", x, y)
	}
	return nil
}

// succeeds tells whether x was claimed when the claim of y was over.
func succeeds(x, y *attempt) bool { return !x.From.Before(y.Until) }

// late tells whether another claimed the callback when the claim of an attempt was over.
// Nothing then keeps those of its transaction from being delivered.
func late(x *attempt, all []*attempt) bool {
	return slices.ContainsFunc(all, func(y *attempt) bool { return y.Callback == x.Callback && succeeds(y, x) })
}

// ledger is what the inbox must be able to prove.
func (w *witness) ledger() *ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := newLedger()
	for _, c := range w.known {
		l.added[c] = true
	}
	for _, all := range w.attempts {
		for _, a := range all {
			if a.taken {
				l.made[a.Callback] = true
			}
			if a.settled {
				l.settled[a.Callback] = true
			}
		}
	}
	return l
}
