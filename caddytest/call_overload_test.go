package caddytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Four times as many calls as max_in_flight arrive at once, in several rounds. As many as allowed
// succeed; the rest are refused at once with outcome not_sent, and none of them reaches the
// gateway. Afterwards the sidecar serves as before.
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
		for range offered - limit { // before the gateway has replied to any
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
		b.wantCalls(t, (round+1)*limit)
	}
	defer b.releaseAll()()
	for range offered {
		s.call(t, "/pay", payment).wantOK(t, paid)
	}
	s.stop()
}

// A sidecar at its limit still answers what needs no call to the gateway.
func TestOverloadServesWhatNeedsNoGateway(t *testing.T) {
	b := newBusyGateway(t)
	s := sidecarAt(t, b.gateway, "max_in_flight 1")
	var call sync.WaitGroup
	call.Go(func() { _, _ = s.pay(t.Context(), "first") })
	<-b.arrived
	s.wantOverloaded(t)
	for _, path := range []string{"/openapi.json", "/codes"} {
		if a := s.get(t, s.url("9180")+path); a.status != http.StatusOK {
			t.Errorf("%s: HTTP %d", path, a.status)
		}
	}
	s.call(t, "/nothing", payment).wantProblem(t, http.StatusNotFound, "operation_unknown", "not_sent")
	b.release <- true
	call.Wait()
}

// When an app hangs up, its call stays at work and keeps its slot until the gateway has replied.
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
	defer b.releaseAll()()
	eventually(t, "the slot is free", func() bool { return s.call(t, "/pay", payment).status == http.StatusOK })
	s.stop()
}

// After a reload every slot is free. The calls of the old configuration are finished; they neither
// take slots of the new one nor give any back to it.
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

// busyGateway is a gateway that holds every call until the test releases it.
type busyGateway struct {
	*gateway
	arrived chan bool // a value for each call
	release chan bool // takes a value for each call
}

func newBusyGateway(t *testing.T) busyGateway {
	t.Helper()
	b := busyGateway{newGateway(t), make(chan bool), make(chan bool)}
	reply := b.handle
	b.handles(func(conn net.Conn, c *call) bool {
		b.arrived <- true
		<-b.release
		return reply(conn, c)
	})
	return b
}

// releaseAll releases every call from now on. The caller calls end when no more calls come.
func (b busyGateway) releaseAll() (end func()) {
	close(b.release)
	go func() {
		for range b.arrived {
		}
	}()
	return func() { close(b.arrived) }
}

// pay calls the sidecar from another goroutine.
func (s sidecar) pay(ctx context.Context, id string) (httpAnswer, error) {
	return s.tryPost(ctx, s.url("9180")+"/pay", payment, "Idempotency-Key", id)
}

func (s sidecar) wantOverloaded(t *testing.T) {
	t.Helper()
	a, _ := s.wantNotSent(t, "/pay", payment)
	a.wantProblem(t, http.StatusServiceUnavailable, "overloaded", "not_sent")
	if got := a.header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q, want 1", got)
	}
}
