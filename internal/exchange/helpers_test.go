package exchange

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writePair writes a certificate for clients and its key.
func writePair(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, "CERTIFICATE", der)
	write(t, keyFile, "PRIVATE KEY", private)
}

// peer is a gateway that serves each connection with a function.
type peer struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	all   sync.WaitGroup
}

// newPeer listens until the test ends.
func newPeer(t *testing.T, serve func(conn net.Conn, in *bufio.Reader)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{Listener: l}
	p.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, conn)
			p.mu.Unlock()
			p.all.Go(func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.closeAll()
		p.all.Wait()
	})
	return p
}

func (p *peer) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// accepted is how many connections were made.
func (p *peer) accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *peer) base() *url.URL { return &url.URL{Scheme: "http", Host: p.Addr().String()} }

// newExchanger is one with the default options, and connections of its own.
func newExchanger(t *testing.T, base *url.URL, options string) *direct {
	t.Helper()
	ctx, transport, raw := provisioned(t, options)
	e, err := New(ctx, transport, raw, base)
	if err != nil {
		t.Fatal(err)
	}
	return e.(*direct)
}

// newOver is one over Caddy's transport.
func newOver(t *testing.T, base *url.URL) Exchanger {
	t.Helper()
	ctx, transport, _ := provisioned(t, "")
	return Over(transport, base, true, ctx.Done())
}

func someRequest(body string) *Request {
	return &Request{
		Path:     "/api/v1/transaction/pay",
		Header:   []Field{{"Content-Type", "application/json"}, {"apiKey", "sandbox"}},
		Body:     []byte(body),
		MaxReply: 64 << 10,
	}
}

// within is a context for one exchange. It ends only where the code is wrong.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
