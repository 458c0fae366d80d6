package caddytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// merchantsAt is a merchant for each base URL, and a site where /c007/pay is the operation
// pay in the name of the seventh.
func merchantsAt(t *testing.T, bases []string, options func(i int) string) string {
	t.Helper()
	t.Setenv("TEST_API_KEY", testAPIKey)
	t.Setenv("TEST_SALT", testSalt)
	var merchants, routes strings.Builder
	for i, base := range bases {
		fmt.Fprintf(&merchants, "merchant c%03d {\nbase_url %s\napi_key {env.TEST_API_KEY}\nsalt {env.TEST_SALT}\n}\n", i, base)
		fmt.Fprintf(&routes, "handle_path /c%03d/* {\ngalaxypay {\nmerchant c%03d\n%s\n}\n}\n", i, i, options(i))
	}
	return "{\ngalaxypay {\n" + merchants.String() + "}\n}\nhttp://:9180 {\n" + routes.String() + "}\n"
}

// giveUp is the timeout of cases in which nothing else ends a call. It leaves time for
// the other calls of the case.
const giveUp = 4 * time.Second

// wait is how long to wait in a case.
func (c networkCase) wait() time.Duration {
	if c.hangs {
		return giveUp
	}
	return patience
}

// networkGateway is a gateway that makes a payment of the first message with a
// requestID and answers each further one that there is one.
func networkGateway(t *testing.T) *peer {
	t.Helper()
	return newPeer(t, (*call).requestID, func(g *gateway, c *call, before int) []byte {
		if before > 0 && c.path() == "/api/v1/transaction/pay" {
			return g.signed(envelope(c.requestID(), "409", "Duplicate", ""))
		}
		return g.success(c, paid)
	})
}

// Whatever the network does between sidecar and gateway, the app is told what holds:
// nothing is called not_sent that arrived, nothing arrives twice that was sent once, and
// an app that asks again under the same id ends up with one payment.
func TestNetworkToGateway(t *testing.T) {
	g := networkGateway(t)
	cases := networkCases("pay", "query")
	relays := make([]relay, len(cases))
	bases := make([]string, len(cases))
	for i, c := range cases {
		relays[i] = newRelay(t, g.address(), c.breaking)
		bases[i] = "http://" + relays[i].Listen
	}
	s := sidecar{start(t, merchantsAt(t, bases, func(i int) string { return "timeout " + cases[i].wait().String() })), g.gateway}

	// Two calls over a good network show where messages have their parts.
	requests := make(map[string]measures)
	for _, operation := range []string{"pay", "query"} {
		s.call(t, "/c000/"+operation, payment, "Idempotency-Key", callID(operation, 0)).wantOK(t, paid)
		requests[operation] = g.request(t, "/api/v1/transaction/"+operation)
	}
	answer := measure(g.success(&call{body: `{"requestID":"` + callID("first", 0) + `"}`}, paid))

	seen := make([][]result, len(cases)) // by the app, for its calls under one id
	inParallel(t, cases, func(t *testing.T, i int, c networkCase) {
		t.Helper()
		path := fmt.Sprintf("/c%03d/%s", i, c.operation)
		if c.keptAlive {
			s.call(t, path, payment, "Idempotency-Key", callID("earlier", i)).wantOK(t, paid)
		}
		relays[i].add(t, c.toxic(c.choose(requests[c.operation], answer)))
		first := s.result(t, path, callID("first", i))
		if !slices.Contains(c.results, first) {
			t.Errorf("the app is told %s, want one of %s", first, c.results)
		}
		relays[i].heal()
		again := c.repeat(func() result { return s.result(t, path, callID("first", i)) })
		if last := again[len(again)-1]; last != answeredWhole && last != duplicate {
			t.Errorf("asked again under the same id, the app is told %s", again)
		}
		seen[i] = append([]result{first}, again...)
		s.call(t, path, payment, "Idempotency-Key", callID("later", i)).wantOK(t, paid)
	})
	s.stop()
	g.left(t)
	for i, c := range cases {
		if err := c.settled(seen[i], g.arrivals(callID("first", i))); err != nil {
			t.Errorf("%s: %v", c.title(), err)
		}
	}
}

// repeat makes a call again over a network that works again. Only where a connection may
// have ended behind the sidecar's back may that take more than one try.
func (c networkCase) repeat(again func() result) []result {
	seen := []result{again()}
	for c.closes && len(seen) < 3 && seen[len(seen)-1] != answeredWhole && seen[len(seen)-1] != duplicate {
		seen = append(seen, again())
	}
	return seen
}

// settled compares how calls with the same message ended with how often it arrived.
func (c networkCase) settled(seen []result, arrived int) error {
	least, most := 0, 0 // of the calls after the first
	for _, r := range seen[1:] {
		if r == answeredWhole || r == duplicate {
			least++
		}
		if r != gatewayUnreachable {
			most++
		}
	}
	switch {
	case c.arrives == always, seen[0] == answeredWhole:
		least++
		most++
	case c.arrives == perhaps && seen[0] != gatewayUnreachable:
		most++
	}
	if c.operation == "query" { // it may be sent twice
		most *= 2
	}
	if arrived < least || arrived > most {
		return fmt.Errorf("the message arrived %d times, want %d to %d; the calls ended with %s", arrived, least, most, seen)
	}
	if c.operation == "pay" && seen[0] == answeredWhole && slices.Contains(seen[1:], answeredWhole) {
		return fmt.Errorf("a second payment under the same id; the calls ended with %s", seen)
	}
	return nil
}

const duplicate result = "transaction_duplicate"

// callID is an idempotency key that serves as requestID as it is. All are of one length.
func callID(name string, number int) string {
	return fmt.Sprintf("%s-%03d", (name + "-------")[:7], number)
}

// outcomes are what goes with each result that is a problem.
var outcomes = map[result]string{
	gatewayUnreachable: "HTTP 502, not_sent",
	gatewayNoAnswer:    "HTTP 502, unknown",
	gatewayTimeout:     "HTTP 504, unknown",
	duplicate:          "HTTP 409, rejected",
}

// result calls an operation and returns how that ended.
func (s sidecar) result(t *testing.T, path, id string) result {
	t.Helper()
	a := s.call(t, path, payment, "Idempotency-Key", id)
	if a.status == http.StatusOK {
		a.wantOK(t, paid)
		return answeredWhole
	}
	p := a.problem(t)
	if got := fmt.Sprintf("HTTP %d, %s", p.Status, p.Outcome); got != outcomes[result(p.Code)] {
		t.Errorf("%s with %s, want %s", p.Code, got, outcomes[result(p.Code)])
	}
	return result(p.Code)
}
