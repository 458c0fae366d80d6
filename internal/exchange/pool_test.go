package exchange

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// closable is a connection that can be closed.
type closable struct {
	net.Conn
	closed atomic.Bool
}

func (c *closable) Close() error { c.closed.Store(true); return nil }

func usable() (*connection, *closable) {
	conn := new(closable)
	return &connection{counted: &counted{Conn: conn}, stream: conn, isUsable: true}, conn
}

func TestPoolTakesTheLastFirst(t *testing.T) {
	p := pool{most: 2}
	a, _ := usable()
	b, _ := usable()
	c, cConn := usable()
	p.put(a)
	p.put(b)
	p.put(c)
	if !cConn.closed.Load() {
		t.Error("one more than the most was kept")
	}
	if p.take() != b || p.take() != a || p.take() != nil {
		t.Error("another order")
	}
	a.isUsable = false
	p.put(a)
	if p.take() != nil {
		t.Error("a connection of no use was kept")
	}
}

func TestPoolClosesWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool{most: 10, timeout: time.Minute}
		old, oldConn := usable()
		young, youngConn := usable()
		p.put(old)
		time.Sleep(40 * time.Second)
		p.put(young)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if !oldConn.closed.Load() || youngConn.closed.Load() {
			t.Error("after a minute: not only the old connection is closed")
		}
		time.Sleep(39 * time.Second)
		synctest.Wait()
		if youngConn.closed.Load() {
			t.Error("closed too early")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !youngConn.closed.Load() || p.take() != nil || p.timer != nil {
			t.Error("the second was not closed in its turn")
		}
	})
}

func TestPoolEnds(t *testing.T) {
	p := pool{most: 10, timeout: time.Minute}
	idle, idleConn := usable()
	busy, busyConn := usable()
	p.put(idle)
	p.close()
	p.put(busy)
	if !idleConn.closed.Load() || !busyConn.closed.Load() || p.take() != nil {
		t.Error("a connection outlives the configuration")
	}
}

// A configuration ends under load. Every exchange succeeds, and no connection and no goroutine is left.
func TestConfigurationEndsUnderLoad(t *testing.T) {
	before := goleak.IgnoreCurrent()
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		for served(conn, in, ok+"Content-Length: 2\r\n\r\n{}") == nil {
		}
	})
	for range 5 {
		ctx, transport, raw := provisioned(t, "")
		end, cancel := context.WithCancel(ctx)
		ctx.Context = end
		e, err := New(ctx, transport, raw, p.base())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for i := range 50 {
					if _, _, err := e.Exchange(within(t, 20*time.Second), someRequest("{}")); err != nil {
						t.Error(err)
					}
					if i == 25 {
						cancel()
					}
				}
			})
		}
		all.Wait()
		if e.(*direct).pool.take() != nil {
			t.Error("a connection was kept")
		}
		cancel()
	}
	p.Close()
	p.all.Wait() // each connection ends by the other side alone
	goleak.VerifyNone(t, before)
}

// Connections that end while they are idle cost no message.
func TestIdleConnectionsEnd(t *testing.T) {
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		for served(conn, in, ok+"Content-Length: 2\r\n\r\n{}") == nil {
		}
	})
	e := newExchanger(t, p.base(), "")
	for i := range 50 {
		if _, _, err := e.Exchange(within(t, 20*time.Second), someRequest("{}")); err != nil {
			t.Fatal(err)
		}
		if n := p.accepted(); n != i+1 {
			t.Fatalf("%d connections after %d messages", n, i+1)
		}
		p.closeAll()
	}
}

// Over TLS a connection serves again, whatever version and tickets; one that the gateway closed or wrote to does not.
func TestTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		certificates := httptest.NewTLSServer(nil)
		certificates.Close()
		p := newPeer(t, func(conn net.Conn, _ *bufio.Reader) {
			secure := tls.Server(conn, &tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAnyClientCert})
			in := bufio.NewReader(secure)
			for served(secure, in, ok+"Content-Length: 2\r\n\r\n{}") == nil {
			}
		})
		_, _, certFile, keyFile := certificate(t)
		options := `"tls": {"server_name": "example.com", "root_ca_pool": ["` + base64.StdEncoding.EncodeToString(certificates.Certificate().Raw) + `"],
			"client_certificate_file": "` + certFile + `", "client_certificate_key_file": "` + keyFile + `"}`
		base := &url.URL{Scheme: "https", Host: p.base().Host}
		exchanges := func(e Exchanger, messages, connections int) {
			t.Helper()
			before := p.accepted()
			for range messages {
				if reply, _, err := e.Exchange(within(t, 20*time.Second), someRequest("{}")); err != nil || string(reply.Body) != "{}" {
					t.Fatalf("%q, %v", reply.Body, err)
				}
			}
			if n := p.accepted() - before; n != connections {
				t.Errorf("TLS %x: %d connections, want %d", version, n, connections)
			}
		}
		e := newExchanger(t, base, options)
		exchanges(e, 10, 1)
		p.closeAll()
		exchanges(e, 1, 1)
		wrong := newExchanger(t, base, `"tls": {"server_name": "example.com"}`)
		if _, written, err := wrong.Exchange(within(t, 20*time.Second), someRequest("{}")); err == nil || written {
			t.Errorf("a certificate of an unknown authority was taken; written: %t, %v", written, err)
		}
	}
}

// Bytes that TLS has read ahead are not seen on the socket, and no answer to the next message.
func TestUnaskedBytesOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Close()
	p := newPeer(t, func(conn net.Conn, _ *bufio.Reader) {
		gathered := &gathering{Conn: conn}
		secure := tls.Server(gathered, &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS13})
		in := bufio.NewReader(secure)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			gathered.holds = true
			_, _ = io.WriteString(secure, ok+"Content-Length: 2\r\n\r\n{}")
			_, _ = io.WriteString(secure, ok+"Content-Length: 2\r\n\r\n[]") // a second record, which arrives together with the first
			gathered.flush()
		}
	})
	options := `"tls": {"server_name": "example.com", "root_ca_pool": ["` + base64.StdEncoding.EncodeToString(server.Certificate().Raw) + `"]}`
	e := newExchanger(t, &url.URL{Scheme: "https", Host: p.base().Host}, options)
	for i := range 5 {
		if reply, _, err := e.Exchange(within(t, 20*time.Second), someRequest("{}")); err != nil || string(reply.Body) != "{}" {
			t.Fatalf("%q, %v", reply.Body, err)
		}
		if n := p.accepted(); n != i+1 {
			t.Errorf("%d connections after %d messages", n, i+1)
		}
	}
}

// gathering writes many records at once.
type gathering struct {
	net.Conn
	holds bool
	held  []byte
}

func (g *gathering) Write(b []byte) (int, error) {
	if !g.holds {
		return g.Conn.Write(b)
	}
	g.held = append(g.held, b...)
	return len(b), nil
}

func (g *gathering) flush() {
	g.holds = false
	_, _ = g.Conn.Write(g.held)
	g.held = nil
}
