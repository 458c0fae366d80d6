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

// attempt is a delivery as the app sees it, with the claim that it belongs to. A sidecar begins
// one attempt for each callback that it claims.
type attempt struct {
	Sidecar  int      `json:"sidecar"`
	Callback callback `json:"callback"`
	// Lease is that of the record. Records that are claimed together have the same.
	Lease string `json:"lease"`
	// From and Until are when the callback was claimed, and until when.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`

	// Set by the app: when the attempt reached it and when it answered, as numbers of moment;
	// 0: not yet. And whether it took the callback.
	begun, answered int
	taken           bool
	// Reported by the sidecar afterwards: that the delivery is stored, or that the inbox
	// refused to store anything, because the claim was lost.
	settled, refused bool
}

func (a *attempt) String() string {
	return fmt.Sprintf("%v by sidecar %d (claimed %s to %s)", a.Callback, a.Sidecar, a.From.Format("04:05.000000"), a.Until.Format("04:05.000000"))
}

// sharedApp is the app of all sidecars on one inbox, which are processes of their own. It
// records everything that they and the gateway do, in one order, and checks it.
type sharedApp struct {
	mu       sync.Mutex
	changed  chan struct{}         // closed at the next change
	moment   int                   // grows with each change
	attempts map[string][]*attempt // by transaction, in the order in which they reached the app
	arrived  map[callback]bool     // as new events
	known    []callback            // acknowledged to the gateway
	failures int                   // arrivals that were not acknowledged
	hold     *hold
	errs     []error // seen at once
}

// hold makes a sidecar wait for an answer.
type hold struct {
	sidecar int
	what    string // the report that is not answered
	caught  chan callback
	release chan struct{}
}

// pause is how long the app takes to answer.
func (a *attempt) pause() time.Duration {
	return time.Duration(a.Callback.event().ID[0]%4) * time.Millisecond
}

func newSharedApp() *sharedApp {
	return &sharedApp{changed: make(chan struct{}), attempts: map[string][]*attempt{}, arrived: map[callback]bool{}}
}

// change changes the app's records, and wakes await.
func (w *sharedApp) change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moment++
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

// await waits until a condition is true.
func (w *sharedApp) await(t *testing.T, what string, isTrue func() bool) {
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
			t.Fatalf("did not happen within a minute: %s; so far: %v", what, w.check())
		}
	}
}

// awaitAcknowledged waits until the gateway has so many more acknowledgements.
func (w *sharedApp) awaitAcknowledged(t *testing.T, n int) {
	t.Helper()
	w.mu.Lock()
	enough := len(w.known) + n
	w.mu.Unlock()
	w.await(t, fmt.Sprintf("%d callbacks are acknowledged", enough), func() bool { return len(w.known) >= enough })
}

// ServeHTTP receives the reports of the sidecars.
func (w *sharedApp) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	reported := &attempt{}
	if err := readJSON(r.Body, reported); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case "/claimed":
		w.wait(r, reported)
	case "/deliver":
		w.change(func() { w.beginAttempt(reported) })
		w.wait(r, reported)
		time.Sleep(reported.pause())
		w.change(func() { reported.answered = w.moment })
		if !reported.taken {
			http.Error(answer, "not now", http.StatusInternalServerError)
		}
	case "/arrived":
		w.change(func() {
			if w.arrived[reported.Callback] {
				w.errs = append(w.errs, fmt.Errorf("%v arrived before, and is stored as a new one", reported.Callback))
			}
			w.arrived[reported.Callback] = true
		})
	case "/settled":
		w.change(func() { w.recorded(reported).settled = true })
	case "/refused":
		w.change(func() { w.recorded(reported).refused = true })
	default:
		w.change(func() { w.errs = append(w.errs, fmt.Errorf("%s: %v", r.URL.Path, reported)) })
	}
}

func readJSON(r io.Reader, into any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// attemptsOn returns the attempts on a callback.
func (w *sharedApp) attemptsOn(c callback) []*attempt {
	var all []*attempt
	for _, a := range w.attempts[c.Transaction] {
		if a.Callback == c {
			all = append(all, a)
		}
	}
	return all
}

// failureCount is how many arrivals were not acknowledged so far.
func (w *sharedApp) failureCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures
}

// String sums up the deliveries.
func (w *sharedApp) String() string {
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

// recorded returns the attempt that a sidecar reports on.
func (w *sharedApp) recorded(reported *attempt) *attempt {
	for _, a := range w.attemptsOn(reported.Callback) {
		if a.Lease == reported.Lease {
			return a
		}
	}
	w.errs = append(w.errs, fmt.Errorf("stored, but never delivered: %v", reported))
	return &attempt{}
}

// beginAttempt lets the app get a callback. It refuses every fourth callback the first time.
func (w *sharedApp) beginAttempt(a *attempt) {
	a.begun = w.moment
	a.taken = a.Callback.event().ID[1]%4 != 0 || len(w.attemptsOn(a.Callback)) > 0
	w.attempts[a.Callback.Transaction] = append(w.attempts[a.Callback.Transaction], a)
}

// wait lets a sidecar wait, if there is a hold for it, until it is released or has ended.
func (w *sharedApp) wait(r *http.Request, reported *attempt) {
	w.mu.Lock()
	h := w.hold
	if h == nil || h.sidecar != reported.Sidecar || "/"+h.what != r.URL.Path {
		w.mu.Unlock()
		return
	}
	w.hold = nil
	w.mu.Unlock()
	w.change(func() { h.caught <- reported.Callback })
	select {
	case <-h.release:
	case <-r.Context().Done():
	}
}

// catch waits until a sidecar reports something of any callback, and does not answer until
// release is called.
func (w *sharedApp) catch(t *testing.T, sidecar int, what string) (c callback, release func()) {
	t.Helper()
	h := &hold{sidecar, what, make(chan callback, 1), make(chan struct{})}
	w.change(func() { w.hold = h })
	w.await(t, fmt.Sprintf("sidecar %d reports %s", sidecar, what), func() bool { return len(h.caught) == 1 })
	return <-h.caught, sync.OnceFunc(func() { close(h.release) })
}

// check returns the faults of the inbox that the deliveries prove.
func (w *sharedApp) check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := w.errs
	for _, all := range w.attempts {
		errs = append(errs, checkOrder(all))
		for i, x := range all {
			for _, y := range all[i+1:] {
				errs = append(errs, checkPair(x, y, all))
			}
		}
	}
	return errors.Join(errs...)
}

// checkOrder fails if the first deliveries of a transaction did not come in the order of
// arrival, or if an overtaken callback was delivered.
func checkOrder(all []*attempt) error {
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

// checkPair fails if two attempts on one transaction, of which x reached the app first, cannot
// both be right.
func checkPair(x, y *attempt, all []*attempt) error {
	atOnce := x.answered == 0 || x.answered > y.begun
	if x.Callback != y.Callback {
		overtaken := x.Callback.canBeOvertaken() && succeeds(y, x) // its claim was over when it was
		if atOnce && !late(x, all) && !late(y, all) && !overtaken {
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
		return fmt.Errorf("of these the wrong one is stored: %v, %v", x, y)
	}
	return nil
}

// succeeds reports whether x was claimed after the claim of y was over.
func succeeds(x, y *attempt) bool { return !x.From.Before(y.Until) }

// late reports whether the callback was claimed again after the claim of an attempt was over.
// From then on the others of its transaction may be delivered.
func late(x *attempt, all []*attempt) bool {
	return slices.ContainsFunc(all, func(y *attempt) bool { return y.Callback == x.Callback && succeeds(y, x) })
}

// expectation is what the inbox must hold.
func (w *sharedApp) expectation() *expected {
	w.mu.Lock()
	defer w.mu.Unlock()
	exp := newExpected()
	for _, c := range w.known {
		exp.acknowledged[c] = true
	}
	for _, all := range w.attempts {
		for _, a := range all {
			if a.taken {
				exp.delivered[a.Callback] = true
			}
			if a.settled {
				exp.settled[a.Callback] = true
			}
		}
	}
	return exp
}
