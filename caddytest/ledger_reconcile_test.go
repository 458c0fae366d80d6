//go:build unix

package caddytest

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// settingOf is a number in the environment; else otherwise.
func settingOf(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// No IPN comes of any payment. Each ends as its truth is, within the schedule, with at most four questions at once. The app is
// told once of what has become of it. RECONCILED sets how many payments there are.
func TestReconcile(t *testing.T) {
	payments := settingOf("RECONCILED", 100)
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) { reconcileAll(t, payments, 0, 1, newStore(t)) })
	}
}

// The same with a sidecar that is killed on the way. RECONCILE_KILLS sets how often.
func TestReconcileKilled(t *testing.T) {
	reconcileAll(t, settingOf("RECONCILED", 100), settingOf("RECONCILE_KILLS", 2), 1, stores["sqlite"](t))
}

func reconcileAll(t *testing.T, payments, kills, sidecars int, store string) {
	t.Helper()
	// The gateway can be asked some hundred times a second: the places are so far apart that it is asked about all in between.
	unit := time.Second + time.Duration(payments)*6*time.Millisecond
	s := newReconciledShops(t, payments, store, unit, 2*unit, 3*unit)
	var children []*reconcilingSidecar
	for i := range sidecars {
		children = append(children, s.start(fmt.Sprint(i)))
	}
	s.pay(children[0], payments)
	if t.Failed() {
		return
	}
	s.killMany(children, kills, payments)
	records := s.awaitEnds(children)
	if most := s.most.Load(); most > 4 || most < 2 {
		t.Errorf("%d questions were asked at once", most)
	}
	late, repeated := s.compare(records, kills)
	if limit := unit + patience + time.Duration(kills)*10*time.Second; late > limit {
		t.Errorf("the latest question was asked %s after its time, expected at most %s", late, limit)
	}
	t.Logf("%d payments, %d kills, %d questions, at most %d at once, %d events told again, %d not paid after a late first question, the latest question %s after its time",
		payments, kills, s.asked.Load(), s.most.Load(), repeated, s.unpaid, late.Round(time.Millisecond))
}
