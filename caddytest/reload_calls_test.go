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

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/goleak"
)

// Fifty reloads, each with another salt in the file, under a thousand requests on
// connections that are kept alive: each is answered, each reaches the gateway once,
// nothing is left behind.
func TestReloadUnderLoad(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) { reloadUnderLoad(t, network) })
	}
}

func reloadUnderLoad(t *testing.T, network string) {
	t.Helper()
	const reloads, requests, workers = 50, 1000, 8

	g := newGateway(t)
	t.Setenv("TEST_API_KEY", testAPIKey)
	saltFile := filepath.Join(t.TempDir(), "salt")
	salts := make([]string, reloads+1)
	for i := range salts {
		salts[i] = fmt.Sprintf("salt-number-%d-of-the-rotation", i)
	}
	used := rotateSalts(t, g, salts)
	socket := filepath.Join(shortTempDir(t), "sidecar.sock")
	bind := ""
	if network == "unix" {
		bind = "bind unix/" + socket
	}
	configure := func(i int) string {
		if err := os.WriteFile(saltFile, []byte(salts[i]+"\n"), 0o600); err != nil {
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
			}`, g.url, saltFile, bind, 30+i)
	}

	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, configure(0)), g}
	address := "http://localhost/pay"
	if network == "unix" {
		s.throughSocket(socket)
	} else {
		address = s.url("9180") + "/pay"
	}
	s.client.Transport.(*http.Transport).MaxIdleConnsPerHost = workers

	// Go's HTTP server, and so Caddy, closes a connection unanswered if the shutdown
	// comes between accepting it, or its last answer, and reading the next request.
	// HTTP/1.1 leaves that to clients, who try again; only, a payment must not be made
	// twice by that. So what is demanded here is more than that requests get through:
	// an attempt that ended without an answer never reached the gateway, since the next
	// one would be the second with this id.
	var next, unanswered atomic.Int32
	attempt := func(id string) {
		for range 1000 { // a bound, far above what two cores need while reloads follow each other at once
			header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {id}}
			a, err := s.try(t.Context(), http.MethodPost, address, header, strings.NewReader(payment))
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
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := next.Add(1); i <= requests; i = next.Add(1) {
				attempt(fmt.Sprintf("request-%d", i))
			}
		})
	}
	for i := 1; i <= reloads; i++ {
		if err := caddy.Load(s.localise(t, mustAdapt(t, configure(i))), true); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	group.Wait()

	arrived := make(map[string]int)
	for _, c := range g.calls() {
		arrived[c.requestID()]++
	}
	for id, n := range arrived {
		if n != 1 {
			t.Errorf("%s reached the gateway %d times", id, n)
		}
	}
	if len(arrived) != requests {
		t.Errorf("%d of %d requests arrived", len(arrived), requests)
	}
	t.Logf("%d salts were in use; %d attempts went unanswered", len(used()), unanswered.Load())

	s.client.CloseIdleConnections()
	a, err := s.try(t.Context(), http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(payment))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("after the last reload: %v, HTTP %d: %s", err, a.status, a.body)
	}
	if got := g.last(t); got.value("signature") != sign(got.body, salts[reloads]) {
		t.Error("after the last reload, the salt that is in the file now does not sign")
	}
	// The gateway stays, so that a kept-alive connection to it would be found.
	s.stop()
	goleak.VerifyNone(t, before)
}

// rotating is a gateway that knows several salts and answers each request with the salt
// that it was signed with, as the gateway must while a rotation is on its way.
func rotateSalts(t *testing.T, g *gateway, salts []string) (used func() map[string]int) {
	t.Helper()
	var mu sync.Mutex
	counts := make(map[string]int)
	g.replies(func(c *call) []byte {
		for _, salt := range salts {
			if c.value("signature") != sign(c.body, salt) {
				continue
			}
			mu.Lock()
			counts[salt]++
			mu.Unlock()
			body := envelope(c.requestID(), "200", "Success", paid)
			return httpReply(http.StatusOK, body, "signature", sign(body, salt))
		}
		t.Error("a request is signed with no salt that was ever configured")
		return nil
	})
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return counts
	}
}

// A request that is with the gateway when the configuration changes gets its answer.
func TestReloadDuringACall(t *testing.T) {
	g := newGateway(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo)
	g.replies(func(c *call) []byte {
		arrived <- struct{}{}
		<-release
		return g.success(c, paid)
	})
	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, sidecarConfig(g.merchant(t))), g}

	type result struct {
		httpAnswer
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := s.try(t.Context(), http.MethodPost, s.url("9180")+"/pay", http.Header{"Content-Type": {"application/json"}}, strings.NewReader(payment))
		done <- result{a, err}
	}()
	<-arrived
	if err := s.load(t, sidecarConfig(g.merchant(t), "operations query")); err != nil {
		t.Fatal(err)
	}
	s.wantNotSent(t, "/pay", payment) // the new configuration is in use
	letGo()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.wantOK(t, paid)
	s.stop()
	goleak.VerifyNone(t, before)
}

// A request whose body is still on its way when the configuration changes is sent with
// the transport of a configuration that has ended. It succeeds, and leaves no
// connection behind that nobody would ever close.
func TestReloadWhileABodyArrives(t *testing.T) {
	g := newGateway(t)
	before := goleak.IgnoreCurrent()
	s := sidecar{start(t, sidecarConfig(g.merchant(t))), g}

	conn, err := net.Dial("tcp", s.ports["9180"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The server asks for the body when the handler reads it.
	fmt.Fprintf(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", len(payment))
	in := bufio.NewReader(conn)
	if text, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(text, "HTTP/1.1 100") {
		t.Fatalf("%q, %v; want to be asked for the body", text, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := s.load(t, sidecarConfig(g.merchant(t), "timeout 29s")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, payment); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || string(text) != paid {
		t.Fatalf("HTTP %d: %s, %v", response.StatusCode, text, err)
	}
	conn.Close()
	s.stop()
	goleak.VerifyNone(t, before)
}

// Whole lives: start, use, fail to reload, reload, stop. Nothing is left, whether the
// gateway answered, refused, hung or hung up.
func TestReloadLeavesNothingBehind(t *testing.T) {
	g := newGateway(t)
	merchant := g.merchant(t)
	before := goleak.IgnoreCurrent()
	for range 3 {
		s := sidecar{start(t, sidecarConfig(merchant, "timeout 50ms")), g}
		for _, answer := range []func(conn net.Conn, c *call) bool{
			func(conn net.Conn, c *call) bool { _, err := conn.Write(g.success(c, paid)); return err == nil },
			func(conn net.Conn, _ *call) bool { _, _ = conn.Write(httpReply(http.StatusOK, "{}")); return true },
			func(net.Conn, *call) bool { return true },
			func(net.Conn, *call) bool { return false },
		} {
			g.handles(answer)
			s.call(t, "/pay", payment)
			s.call(t, "/query", payment)
			s.call(t, "/pay", "[]")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = s.try(ctx, http.MethodPost, s.url("9180")+"/pay", nil, strings.NewReader(payment))
		}
		if err := s.load(t, sidecarConfig(merchant, "merchant nobody")); err == nil {
			t.Error("Caddy took an unknown merchant")
		}
		if err := s.load(t, sidecarConfig(merchant)); err != nil {
			t.Error(err)
		}
		s.stop()
		goleak.VerifyNone(t, before)
	}
}

// A failed load leaves the running configuration as it is, and Cleanup of what was half
// built does no harm.
func TestReloadThatFailsKeepsTheOldConfig(t *testing.T) {
	setSecrets(t)
	g := newGateway(t)
	merchant := g.merchant(t)
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	for _, bad := range []string{
		sidecarConfig(merchant, "merchant nobody"),
		sidecarConfig(merchant, "transport http {", "tls_insecure_skip_verify", "}"),
		sidecarConfig(merchant, "operations nothing"),
		sidecarConfig("environment uat"),
		sidecarConfig(merchant) + "http://:9181 {\ngalaxypay_ipn {\nmerchant nobody\n}\n}\n",
	} {
		if err := s.load(t, bad); err == nil {
			t.Fatalf("Caddy took %s", bad)
		}
		s.call(t, "/pay", payment).wantOK(t, paid)
	}
}
