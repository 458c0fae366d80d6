package caddytest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Where no connection is made, TLS included, nothing was sent and the outcome is not_sent. Once there is
// a connection, a part of the call may have been sent.
func TestNetworkConnecting(t *testing.T) {
	g, transport := networkGatewayTLS(t)
	cases := connectCases(t, g.address())
	bases := make([]string, len(cases))
	for i, c := range cases {
		bases[i] = c.base
		if c.down {
			c.relay.Stop()
		}
	}
	s := sidecar{start(t, merchantPerCase(t, bases, func(i int) string {
		options := "timeout " + giveUp.String()
		if strings.HasPrefix(bases[i], "https") {
			options += "\n" + transport
		}
		return options
	})), g.gateway}

	inParallel(t, cases, func(t *testing.T, i int, c connectCase) {
		t.Helper()
		path := fmt.Sprintf("/c%03d/pay", i)
		if c.warm {
			s.call(t, path, payment, "Idempotency-Key", callID("earlier", i)).wantOK(t, paid)
		}
		if c.toxic != "" {
			c.relay.add(t, c.toxic)
		}
		first := s.result(t, path, callID("first", i))
		if !slices.Contains(c.results, first) {
			t.Errorf("the app gets %s, want %s", first, c.results)
		}
		if c.relay == nil || c.relay.Upstream != g.address() {
			return
		}
		c.relay.heal()
		if c.down {
			if err := c.relay.Start(); err != nil {
				t.Fatal(err)
			}
		}
		again := s.result(t, path, callID("first", i))
		if again != answeredWhole && (first == gatewayUnreachable || again != duplicate) {
			t.Errorf("repeated under the same id, the call ends with %s", again)
		}
	})
	s.stop()
	g.wantLeftAlone(t)
	for i, c := range cases {
		if n := g.arrivals(callID("first", i)); n > 2 || slices.Contains(c.results, gatewayUnreachable) && n > 1 {
			t.Errorf("%s: the payment arrived %d times", c.name, n)
		}
	}
}

// connectCase is a payment for which there is no connection, or a short one.
type connectCase struct {
	kind    string // its row in docs/reliability.md; default: name
	name    string
	base    string
	relay   *relay // between sidecar and gateway; nil: none
	toxic   string
	down    bool // the relay takes no connections
	warm    bool // a call succeeded before, so the handshake is over
	results []result
}

func (c connectCase) title() string { return c.name }

// networkGatewayTLS is a networkGateway behind TLS, and the options that the sidecar needs for it.
func networkGatewayTLS(t *testing.T) (g *countingPeer, transport string) {
	t.Helper()
	g = networkGateway(t)
	return g, secured(t, g)
}

// secured puts a peer behind TLS, and returns the options that the sidecar needs for it.
func secured(t *testing.T, g *countingPeer) (transport string) {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(server.Close)
	g.secure(&tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12})
	return inTransport("tls_trust_pool file " + certificateOf(t, server) + "\ntls_server_name example.com\n")
}

// connectCases are the cases. A relay leads to the gateway behind TLS at secure, or to an address on
// which no program listens.
func connectCases(t *testing.T, secure string) []connectCase {
	t.Helper()
	unused := deadAddress(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts connections, and no program reads from them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })

	notSent, noAnswer, timeout := []result{gatewayUnreachable}, []result{gatewayNoAnswer}, []result{gatewayTimeout}
	list := []connectCase{
		{name: "no such host", base: "https://gateway.invalid", results: notSent},
		{name: "refused", base: "http://" + unused, results: notSent},
		{name: "refused, TLS", base: "https://" + unused, results: notSent},
		{name: "taken and never answered", base: "http://" + silent.Addr().String(), results: timeout},
		{name: "taken and never answered, TLS", base: "https://" + silent.Addr().String(), results: notSent},
	}
	through := func(to string, breaking bool, c connectCase) {
		r := newRelay(t, to, breaking)
		c.relay, c.base = &r, "https://"+r.Listen
		list = append(list, c)
	}
	through(secure, false, connectCase{name: "refused until later, TLS", down: true, results: notSent})
	for _, breaking := range []bool{false, true} {
		end := map[bool]string{false: "FIN", true: "RST"}[breaking]
		through(unused, breaking, connectCase{kind: "closed at once, TLS", name: "closed at once, TLS, " + end, results: notSent})
		for _, stream := range []string{"upstream", "downstream"} {
			for _, n := range []int{0, 1, 4, 5, 6, 43, 100} { // of the first record
				toxic := fmt.Sprintf(`{"type":"limit_data","stream":%q,"attributes":{"bytes":%d}}`, stream, n)
				through(secure, breaking, connectCase{
					kind:  "handshake cut, " + end,
					name:  fmt.Sprintf("handshake cut %s after %d bytes, %s", stream, n, end),
					toxic: toxic, results: notSent,
				})
				through(secure, breaking, connectCase{
					kind:  "encrypted call cut, " + end,
					name:  fmt.Sprintf("encrypted call cut %s after %d bytes, %s", stream, n, end),
					toxic: toxic, warm: true, results: noAnswer,
				})
			}
		}
	}
	for _, stream := range []string{"upstream", "downstream"} {
		for _, n := range []int{0, 5, 100} {
			toxic := fmt.Sprintf(`{"type":"stall","stream":%q,"attributes":{"bytes":%d}}`, stream, n)
			through(secure, false, connectCase{
				kind:  "silence in the handshake",
				name:  fmt.Sprintf("handshake silent %s after %d bytes", stream, n),
				toxic: toxic, results: notSent,
			})
			through(secure, false, connectCase{
				kind:  "silence in an encrypted call",
				name:  fmt.Sprintf("encrypted call silent %s after %d bytes", stream, n),
				toxic: toxic, warm: true, results: timeout,
			})
		}
		through(secure, false, connectCase{
			kind:    "handshake in small packets",
			name:    "handshake in small packets " + stream,
			toxic:   fmt.Sprintf(`{"type":"slicer","stream":%q,"attributes":{"average_size":4}}`, stream),
			results: []result{answeredWhole},
		})
	}
	return list
}
