package caddytest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Where the app cannot be reached, or its answer does not arrive whole, the gateway gets 503, so that it
// sends the IPN again. Only the app's own answer confirms an IPN.
func TestNetworkToApp(t *testing.T) {
	app := confirmingApp(t)
	cases := networkCases("ipn to the app")
	relays := make([]relay, len(cases))
	var routes strings.Builder
	for i, c := range cases {
		relays[i] = newRelay(t, app.address(), c.breaking)
		fmt.Fprintf(&routes, "handle /c%03d/* {\n%s}\n", i, ipnTo(relays[i].Listen, c.wait()))
	}
	c := start(t, ipnSite(routes.String()))
	deliver := func(t *testing.T, path string) result {
		t.Helper()
		a := c.post(t, c.url("9181")+path, signedMessage(paidMessage, sandboxSalt).json())
		if a.status == http.StatusOK {
			a.wantIPNStatus(t, "404")
			return answeredWhole
		}
		a.wantCallbackRefused(t, http.StatusServiceUnavailable, string(appUnavailable))
		return appUnavailable
	}

	deliver(t, ipnPath("measure", 0))
	request, answer := app.request(t, ipnPath("measure", 0)), measure(httpResponse(http.StatusOK, appsAnswer))
	seen := make([][]result, len(cases)) // by the gateway, for its deliveries of one IPN
	inParallel(t, cases, func(t *testing.T, i int, c networkCase) {
		t.Helper()
		if c.keptAlive {
			deliver(t, ipnPath("earlier", i))
		}
		relays[i].add(t, c.toxic(c.choose(request, answer)))
		seen[i] = append(seen[i], deliver(t, ipnPath("first", i)))
		if !c.ends(seen[i][0]) {
			t.Errorf("the gateway gets %s; the app's answer is %s", seen[i][0], c.results)
		}
		relays[i].heal()
		seen[i] = append(seen[i], c.repeat(func() result { return deliver(t, ipnPath("first", i)) })...)
		if last := seen[i][len(seen[i])-1]; last != answeredWhole {
			t.Errorf("delivered again, the gateway gets %s", seen[i][1:])
		}
	})
	c.stop()
	app.wantLeftAlone(t)
	for i, c := range cases {
		if err := c.settled(seen[i], app.arrivals(ipnPath("first", i))); err != nil {
			t.Errorf("%s: %v", c.title(), err)
		}
	}
}

// An IPN that breaks off on its way to the sidecar does not reach the app. One whose answer breaks off
// has reached the app, and reaches it again when the gateway repeats it.
func TestNetworkFromGateway(t *testing.T) {
	app := confirmingApp(t)
	c := start(t, ipnSite(ipnTo(app.address(), patience)))
	cases := networkCases("ipn from the gateway")
	relays := make([]relay, len(cases))
	for i, fault := range cases {
		relays[i] = newRelay(t, c.ports["9181"], fault.breaking)
	}

	_, first := dialSender(t, relays[0], patience).deliver(t, ipnPath("measure", 0))
	request, answer := measure(ipnRequest(ipnPath("measure", 0))), measure(first)
	seen := make([][]result, len(cases)) // by the gateway, for its deliveries of one IPN
	inParallel(t, cases, func(t *testing.T, i int, c networkCase) {
		t.Helper()
		var gateway sender
		if c.keptAlive {
			gateway = dialSender(t, relays[i], c.wait())
			if got, _ := gateway.deliver(t, ipnPath("earlier", i)); got != answeredWhole {
				t.Fatalf("over a good network: %s", got)
			}
		}
		relays[i].add(t, c.toxic(c.choose(request, answer)))
		if !c.keptAlive {
			gateway = dialSender(t, relays[i], c.wait())
		}
		got, _ := gateway.deliver(t, ipnPath("first", i))
		if !c.ends(got) {
			t.Errorf("the gateway gets %s, want one of %s", got, c.results)
		}
		_ = gateway.Close()
		relays[i].heal()
		again, _ := dialSender(t, relays[i], patience).deliver(t, ipnPath("first", i))
		if again != answeredWhole {
			t.Errorf("delivered again, the gateway gets %s", again)
		}
		seen[i] = []result{got, again}
	})
	c.stop()
	app.wantLeftAlone(t)
	for i, c := range cases {
		if err := c.settled(seen[i], app.arrivals(ipnPath("first", i))); err != nil {
			t.Errorf("%s: %v", c.title(), err)
		}
	}
}

// How an IPN can end for the gateway, besides answeredWhole.
const (
	appUnavailable result = "app_unavailable"
	noWholeAnswer  result = "no whole answer"
)

// appsAnswer is the app's answer to every IPN. Its ipnStatus is not the one that the sidecar uses for
// an answer without ipnStatus, so the test notices an answer that was cut and still counts.
const appsAnswer = `{"ipnStatus":"404","ipnDescription":"no such order"}`

// confirmingApp is an app that counts IPNs by their path.
func confirmingApp(t *testing.T) *countingPeer {
	t.Helper()
	return newCountingPeer(t, (*call).path, func(*gateway, *call, int) []byte { return httpResponse(http.StatusOK, appsAnswer) })
}

// ipnPath is the path for an IPN of a case. All such paths have the same length.
func ipnPath(name string, number int) string {
	return fmt.Sprintf("/c%03d/%s", number, callID(name, number))
}

// ipnTo is the directives that pass IPNs to the app at an address. They name the transport, because
// otherwise Caddy leaves its idle connections open when it stops.
func ipnTo(address string, wait time.Duration) string {
	return "galaxypay_ipn\nreverse_proxy " + address + " {\ntransport http {\nread_timeout " + wait.String() + "\n}\n}\n"
}

func ipnSite(routes string) string {
	return sandboxMerchant + "http://:9181 {\n" + routes + "\n}\n"
}

// sender is a connection of the gateway to the sidecar.
type sender struct {
	net.Conn
	in   *bufio.Reader
	read *bytes.Buffer // all bytes of the latest answer
}

func dialSender(t *testing.T, r relay, wait time.Duration) sender {
	t.Helper()
	conn := dial(t, r.Listen)
	_ = conn.SetDeadline(time.Now().Add(wait))
	read := new(bytes.Buffer)
	return sender{conn, bufio.NewReader(io.TeeReader(conn, read)), read}
}

// ipnRequest is a delivery, byte for byte.
func ipnRequest(path string) []byte {
	body := signedMessage(paidMessage, sandboxSalt).json()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// deliver sends an IPN. It returns how that ended, and the answer byte for byte.
func (s sender) deliver(t *testing.T, path string) (result, []byte) {
	t.Helper()
	s.read.Reset()
	if _, err := s.Write(ipnRequest(path)); err != nil {
		return noWholeAnswer, nil
	}
	a, err := readAnswer(s.in)
	if err != nil {
		return noWholeAnswer, nil
	}
	a.wantIPNStatus(t, "404")
	return answeredWhole, s.read.Bytes()
}
