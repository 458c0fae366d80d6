package caddytest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// Fifty reloads, each with another salt in the file, while a thousand calls arrive on kept-alive
// connections: each call is answered, each reaches the gateway once, and nothing is left behind.
func TestReloadUnderLoad(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) { reloadUnderLoad(t, network) })
	}
}

func reloadUnderLoad(t *testing.T, network string) {
	t.Helper()
	const reloads, calls, workers = 50, 1000, 8
	r := newSaltRotation(t, network, reloads+1)
	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, r.caddyfile(t, 0)), r.gateway}
	address := "http://localhost/pay"
	if network == "unix" {
		s.throughSocket(r.socket)
	} else {
		address = s.url("9180") + "/pay"
	}
	s.transport().MaxIdleConnsPerHost = workers

	var next, unanswered atomic.Int32
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := next.Add(1); i <= calls; i = next.Add(1) {
				s.payUntilAnswered(t, address, fmt.Sprintf("request-%d", i), &unanswered)
			}
		})
	}
	for i := 1; i <= reloads; i++ {
		if err := s.loadJSON(t, mustAdapt(t, r.caddyfile(t, i))); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	group.Wait()
	r.wantEachCallOnce(t, calls)
	t.Logf("%d salts were in use; %d attempts were not answered", len(r.used()), unanswered.Load())

	s.CloseIdleConnections()
	a, err := s.tryPost(t.Context(), address, payment)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("after the last reload: %v, HTTP %d: %s", err, a.status, a.body)
	}
	if got := r.gateway.last(t); got.value("signature") != sign(got.body, r.salts[reloads]) {
		t.Error("after the last reload, the salt that is in the file now does not sign")
	}
	// The gateway still runs, so a kept-alive connection to it would be found.
	s.stop()
	goleak.VerifyNone(t, before)
}

// payUntilAnswered makes one payment, in as many attempts as it needs.
//
// Go's HTTP server, and so Caddy, closes a connection without an answer if the shutdown comes
// between accepting it, or its last answer, and reading the next request. HTTP/1.1 leaves it to
// clients to try again. But that must not make a payment twice. So the test demands more than that
// calls get through: an attempt without an answer has never reached the gateway, since the next
// one would be the second with this id.
func (s sidecar) payUntilAnswered(t *testing.T, address, id string, unanswered *atomic.Int32) {
	t.Helper()
	for range 1000 { // far more than two cores need while reloads follow each other at once
		a, err := s.tryPost(t.Context(), address, payment, "Idempotency-Key", id)
		if err != nil {
			unanswered.Add(1)
			continue
		}
		if a.status != http.StatusOK || a.body != paid {
			t.Errorf("%s: HTTP %d: %s", id, a.status, a.body)
		}
		return
	}
	t.Errorf("%s: each of its connections was closed without an answer", id)
}

// saltRotation is a merchant whose salt changes, and its gateway, which knows all of the salts. It
// replies to each request with the salt that the request was signed with, as a gateway must during
// a rotation.
type saltRotation struct {
	gateway  *gateway
	saltFile string
	salts    []string
	bind     string // an option of the site
	socket   string

	mu     sync.Mutex
	counts map[string]int // requests by salt
}

func newSaltRotation(t *testing.T, network string, salts int) *saltRotation {
	t.Helper()
	r := &saltRotation{
		gateway:  newGateway(t),
		saltFile: filepath.Join(t.TempDir(), "salt"),
		socket:   filepath.Join(shortTempDir(t), "sidecar.sock"),
		counts:   make(map[string]int),
	}
	for i := range salts {
		r.salts = append(r.salts, fmt.Sprintf("salt-number-%d-of-the-rotation", i))
	}
	if network == "unix" {
		r.bind = "bind unix/" + r.socket
	}
	t.Setenv("TEST_API_KEY", testAPIKey)
	r.gateway.replies(func(c *call) []byte {
		salt := r.saltOf(c)
		if salt == "" {
			t.Error("a request is signed with no salt that was ever configured")
			return nil
		}
		body := envelope(c.requestID(), "200", "Success", paid)
		return httpResponse(http.StatusOK, body, "signature", sign(body, salt))
	})
	return r
}

// saltOf is the salt that signed the request.
func (r *saltRotation) saltOf(c *call) string {
	for _, salt := range r.salts {
		if c.value("signature") == sign(c.body, salt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.counts[salt]++
			return salt
		}
	}
	return ""
}

func (r *saltRotation) used() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// caddyfile writes a salt to the file and returns the configuration, which is another one for each
// salt.
func (r *saltRotation) caddyfile(t *testing.T, number int) string {
	t.Helper()
	if err := os.WriteFile(r.saltFile, []byte(r.salts[number]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
		{
			galaxypay {
				base_url %s
				api_key {env.TEST_API_KEY}
				salt {file.%s}
			}
		}
		http://:9180 {
			%s
			galaxypay {
				timeout %ds
			}
		}`, r.gateway.url, r.saltFile, r.bind, 30+number)
}

func (r *saltRotation) wantEachCallOnce(t *testing.T, calls int) {
	t.Helper()
	arrived := make(map[string]int)
	for _, c := range r.gateway.calls() {
		arrived[c.requestID()]++
	}
	for id, n := range arrived {
		if n != 1 {
			t.Errorf("%s reached the gateway %d times", id, n)
		}
	}
	if len(arrived) != calls {
		t.Errorf("%d of %d requests arrived", len(arrived), calls)
	}
}

// A call that is at work when the configuration is replaced gets its answer.
func TestReloadDuringACall(t *testing.T) {
	g := newGateway(t)
	gate := newGate(t)
	g.replies(func(c *call) []byte {
		gate.pass()
		return g.success(c, paid)
	})
	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, sidecarConfig(g.merchant(t))), g}

	type outcome struct {
		httpAnswer
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		a, err := s.tryPost(t.Context(), s.url("9180")+"/pay", payment)
		done <- outcome{a, err}
	}()
	<-gate.arrived
	s.mustLoad(t, sidecarConfig(g.merchant(t), "operations query"))
	s.wantNotSent(t, "/pay", payment) // the new configuration is in use
	gate.open()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.wantOK(t, paid)
	s.stop()
	goleak.VerifyNone(t, before)
}

// A call whose body still arrives when the configuration is replaced is sent with the transport of
// a configuration that has ended. It succeeds, and leaves no connection that would stay open for
// ever.
func TestReloadWhileABodyArrives(t *testing.T) {
	g := newGateway(t)
	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, sidecarConfig(g.merchant(t))), g}

	conn := dial(t, s.ports["9180"])
	defer conn.Close()
	// The server sends 100 Continue when the handler begins to read the body.
	fmt.Fprintf(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", len(payment))
	in := bufio.NewReader(conn)
	if text, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(text, "HTTP/1.1 100") {
		t.Fatalf("%q, %v; want an interim response that asks for the body", text, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s.mustLoad(t, sidecarConfig(g.merchant(t), "timeout 29s"))
	if _, err := io.WriteString(conn, payment); err != nil {
		t.Fatal(err)
	}
	a, err := readAnswer(in)
	if err != nil || a.status != http.StatusOK || a.body != paid {
		t.Fatalf("HTTP %d: %s, %v", a.status, a.body, err)
	}
	conn.Close()
	s.stop()
	goleak.VerifyNone(t, before)
}

// Caddy starts, serves, fails to reload, reloads and stops, several times. Nothing is left, whether
// the gateway replied, refused, was silent or closed the connection.
func TestReloadLeavesNothingBehind(t *testing.T) {
	g := newGateway(t)
	merchant := g.merchant(t)
	before := goleak.IgnoreCurrent()
	for range 3 {
		s := sidecar{start(t, sidecarConfig(merchant, "timeout 50ms")), g}
		for _, handler := range []func(conn net.Conn, c *call) bool{
			func(conn net.Conn, c *call) bool { _, err := conn.Write(g.success(c, paid)); return err == nil },
			func(conn net.Conn, _ *call) bool { _, _ = conn.Write(httpResponse(http.StatusOK, "{}")); return true },
			func(net.Conn, *call) bool { return true },
			func(net.Conn, *call) bool { return false },
		} {
			g.handles(handler)
			s.call(t, "/pay", payment)
			s.call(t, "/query", payment)
			s.call(t, "/pay", "[]")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = s.try(ctx, http.MethodPost, s.url("9180")+"/pay", strings.NewReader(payment))
		}
		if err := s.load(t, sidecarConfig(merchant, "merchant unknown")); err == nil {
			t.Error("Caddy took an unknown merchant")
		}
		if err := s.load(t, sidecarConfig(merchant)); err != nil {
			t.Error(err)
		}
		s.stop()
		goleak.VerifyNone(t, before)
	}
}

// A load that fails leaves the running configuration as it is, although parts of the new one were
// built and cleaned up.
func TestReloadThatFailsKeepsTheOldConfig(t *testing.T) {
	setSecrets(t)
	g := newGateway(t)
	merchant := g.merchant(t)
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	for _, bad := range []string{
		sidecarConfig(merchant, "merchant unknown"),
		sidecarConfig(merchant, "transport http {", "tls_insecure_skip_verify", "}"),
		sidecarConfig(merchant, "operations nothing"),
		sidecarConfig("environment uat"),
		sidecarConfig(merchant) + "http://:9181 {\ngalaxypay_ipn {\nmerchant unknown\n}\n}\n",
	} {
		if err := s.load(t, bad); err == nil {
			t.Fatalf("Caddy took %s", bad)
		}
		s.call(t, "/pay", payment).wantOK(t, paid)
	}
}
