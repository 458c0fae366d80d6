package caddytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Four times as many calls as are let in, again and again: those that are let in
// succeed, the rest hear at once that nothing of them was sent, and the gateway indeed
// gets no more than the first. Afterwards everything is as before.
func TestOverloadRefusesAtOnce(t *testing.T) {
	const limit, offered, rounds = 8, 4 * 8, 10
	b := newBusyGateway(t)
	s := sidecarAt(t, b.gateway, fmt.Sprintf("max_in_flight %d", limit))
	for round := range rounds {
		answers := make(chan httpAnswer, offered)
		var calls sync.WaitGroup
		for i := range offered {
			calls.Go(func() {
				a, err := s.pay(t.Context(), fmt.Sprintf("round-%d-%d", round, i))
				if err != nil {
					t.Error(err)
				}
				answers <- a
			})
		}
		for range limit {
			<-b.arrived
		}
		for range offered - limit { // while the gateway has answered none
			a := <-answers
			a.wantProblem(t, http.StatusServiceUnavailable, "overloaded", "not_sent")
			if a.header.Get("Retry-After") != "1" {
				t.Errorf("headers %v", a.header)
			}
		}
		for range limit {
			b.release <- true
		}
		for range limit {
			(<-answers).wantOK(t, paid)
		}
		calls.Wait()
		if got, want := len(b.calls()), (round+1)*limit; got != want {
			t.Fatalf("the gateway got %d requests, want %d", got, want)
		}
	}
	close(b.release)
	go func() {
		for range b.arrived {
		}
	}()
	defer close(b.arrived)
	for range offered {
		s.call(t, "/pay", payment).wantOK(t, paid)
	}
	s.stop()
}

// What costs no call to the gateway is answered all the same.
func TestOverloadServesWhatNeedsNoGateway(t *testing.T) {
	b := newBusyGateway(t)
	s := sidecarAt(t, b.gateway, "max_in_flight 1")
	var call sync.WaitGroup
	call.Go(func() { _, _ = s.pay(t.Context(), "first") })
	<-b.arrived
	s.wantOverloaded(t)
	for _, path := range []string{"/openapi.json", "/codes"} {
		if a := s.do(t, http.MethodGet, s.url("9180")+path, nil, nil); a.status != http.StatusOK {
			t.Errorf("%s: HTTP %d", path, a.status)
		}
	}
	s.call(t, "/nothing", payment).wantProblem(t, http.StatusNotFound, "operation_unknown", "not_sent")
	b.release <- true
	call.Wait()
}

// An app that hangs up leaves its call at work, and so its slot taken, until the gateway
// has answered.
func TestSlotOfAnAppThatHungUp(t *testing.T) {
	b := newBusyGateway(t)
	s := sidecarAt(t, b.gateway, "max_in_flight 1")
	ctx, hangUp := context.WithCancel(t.Context())
	var call sync.WaitGroup
	call.Go(func() { _, _ = s.pay(ctx, "first") })
	<-b.arrived
	hangUp()
	call.Wait()
	s.wantOverloaded(t)
	close(b.release)
	go func() {
		for range b.arrived {
		}
	}()
	defer close(b.arrived)
	for deadline := time.Now().Add(patience); ; { // nobody is told when the call is through
		a := s.call(t, "/pay", payment)
		if a.status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("HTTP %d: %s", a.status, a.body)
		}
	}
	s.stop()
}

// A reload begins with every slot free. The calls of the old configuration are finished
// and take none of the new one's slots, nor give any back to it.
func TestSlotsAcrossAReload(t *testing.T) {
	b := newBusyGateway(t)
	merchant := b.merchant(t)
	s := sidecar{start(t, sidecarConfig(merchant, "max_in_flight 1")), b.gateway}
	var calls sync.WaitGroup
	pay := func(id string) {
		calls.Go(func() {
			if a, err := s.pay(t.Context(), id); err != nil || a.status != http.StatusOK {
				t.Errorf("%s: HTTP %d, error %v", id, a.status, err)
			}
		})
		<-b.arrived
	}
	pay("old")
	if err := s.load(t, sidecarConfig(merchant, "max_in_flight 1", "timeout 29s")); err != nil {
		t.Fatal(err)
	}
	pay("new")
	s.wantOverloaded(t)
	b.release <- true
	b.release <- true
	calls.Wait()
	pay("newest")
	s.wantOverloaded(t)
	b.release <- true
	calls.Wait()
}

// busy is a gateway that answers no call before the test lets it.
type busyGateway struct {
	*gateway
	arrived chan bool
	release chan bool
}

func newBusyGateway(t *testing.T) busyGateway {
	t.Helper()
	b := busyGateway{newGateway(t), make(chan bool), make(chan bool)}
	answer := b.handle
	b.handles(func(conn net.Conn, c *call) bool {
		b.arrived <- true
		<-b.release
		return answer(conn, c)
	})
	return b
}

// pay calls the sidecar from another goroutine.
func (s sidecar) pay(ctx context.Context, id string) (httpAnswer, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {id}}
	return s.try(ctx, http.MethodPost, s.url("9180")+"/pay", header, strings.NewReader(payment))
}

func (s sidecar) wantOverloaded(t *testing.T) {
	t.Helper()
	a, _ := s.wantNotSent(t, "/pay", payment)
	a.wantProblem(t, http.StatusServiceUnavailable, "overloaded", "not_sent")
	if got := a.header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q, want 1", got)
	}
}
