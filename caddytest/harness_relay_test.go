package caddytest

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// relay is a network between two programs that can be made to fail: connections to its
// address lead to the program at the other end. Upstream is the way there, downstream
// the way back.
type relay struct {
	*toxiproxy.Proxy
}

// newRelay runs a relay that lets everything pass. One that breaks connections with RST
// does so with each that it is made to close; otherwise it is FIN.
func newRelay(t *testing.T, to string, breaking bool) relay {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := relay{toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", to)}
	if breaking {
		// A connection gets its way of closing when it is made, from a toxic that then
		// need not do anything.
		r.add(t, `{"name":"reset","type":"reset_peer","stream":"downstream","toxicity":0}`)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

func init() { zerolog.SetGlobalLevel(zerolog.Disabled) } // one toxic logs to stderr, whatever logger the relay has

// relayLeftovers are goroutines of the library's that never end, because what they are
// to hand on comes after their connection was cut.
var relayLeftovers = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
}

// add makes the relay fail from now on, also on connections that exist.
func (r relay) add(t *testing.T, toxic string) {
	t.Helper()
	if _, err := r.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatalf("toxic %s: %v", toxic, err)
	}
}

// heal lets everything pass again. What was held back arrives late.
func (r relay) heal() { r.Toxics.ResetToxics(context.Background()) }

// stall is a toxic that lets the given number of bytes pass and swallows the rest. The
// connection stays open.
type stall struct {
	Bytes int `json:"bytes"`
}

func init() { toxics.Register("stall", new(stall)) }

// Pipe implements toxics.Toxic.
func (s *stall) Pipe(stub *toxics.ToxicStub) {
	left := s.Bytes
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			chunk.Data = chunk.Data[:min(left, len(chunk.Data))]
			left -= len(chunk.Data)
			if len(chunk.Data) > 0 {
				stub.Output <- chunk
			}
		}
	}
}

// Cleanup implements toxics.CleanupToxic: a connection from which something is missing
// is of no use.
func (*stall) Cleanup(stub *toxics.ToxicStub) { stub.Close() }

// measures are where the parts of an HTTP message end, counted in bytes.
type measures struct{ line, head, whole int }

// measure finds the parts of a message.
func measure(message []byte) measures {
	return measures{
		line:  bytes.Index(message, []byte("\r\n")) + 2,
		head:  bytes.Index(message, []byte("\r\n\r\n")) + 4,
		whole: len(message),
	}
}
