package caddytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Whatever the network does between sidecar and gateway, the app gets the right outcome: a call that
// arrived is never answered with not_sent, a call that was sent once never arrives twice, and an app
// that repeats its call under the same id gets one payment.
func TestNetworkToGateway(t *testing.T) {
	g := networkGateway(t)
	cases := networkCases("pay", "query")
	relays := make([]relay, len(cases))
	bases := make([]string, len(cases))
	for i, c := range cases {
		relays[i] = newRelay(t, g.address(), c.breaking)
		bases[i] = "http://" + relays[i].Listen
	}
	s := sidecar{start(t, merchantPerCase(t, bases, func(i int) string { return "timeout " + cases[i].wait().String() })), g.gateway}

	// Two calls over a good network show where the parts of messages are.
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
			t.Errorf("the app gets %s, want one of %s", first, c.results)
		}
		relays[i].heal()
		again := c.repeat(func() result { return s.result(t, path, callID("first", i)) })
		if last := again[len(again)-1]; last != answeredWhole && last != duplicate {
			t.Errorf("repeated under the same id, the call ends with %s", again)
		}
		seen[i] = append([]result{first}, again...)
		s.call(t, path, payment, "Idempotency-Key", callID("later", i)).wantOK(t, paid)
	})
	s.stop()
	g.wantLeftAlone(t)
	for i, c := range cases {
		if err := c.settled(seen[i], g.arrivals(callID("first", i))); err != nil {
			t.Errorf("%s: %v", c.title(), err)
		}
	}
}

// networkGateway is a gateway that makes a payment of the first message with a requestID, and refuses
// each further one as a duplicate.
func networkGateway(t *testing.T) *countingPeer {
	t.Helper()
	return newCountingPeer(t, (*call).requestID, func(g *gateway, c *call, before int) []byte {
		if before > 0 && c.path() == "/api/v1/transaction/pay" {
			return g.signed(envelope(c.requestID(), "409", "Duplicate", ""))
		}
		return g.success(c, paid)
	})
}

// merchantPerCase is a Caddyfile with a merchant for each base URL, and a site where /c007/pay is the
// operation pay of the merchant c007. options are those of its directive.
func merchantPerCase(t *testing.T, bases []string, options func(i int) string) string {
	t.Helper()
	var merchants, routes strings.Builder
	for i, base := range bases {
		fmt.Fprintf(&merchants, "merchant c%03d {\n%s}\n", i, merchantAt(t, base, testAPIKey, testSalt))
		fmt.Fprintf(&routes, "handle_path /c%03d/* {\ngalaxypay {\nmerchant c%03d\n%s\n}\n}\n", i, i, options(i))
	}
	return "{\ngalaxypay {\n" + merchants.String() + "}\n}\nhttp://:9180 {\n" + routes.String() + "}\n"
}
