package caddytest

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// relay is a network between two programs that a test can make fail. Connections to its address lead to
// the program at the other end. Upstream is the direction to that program, downstream the direction
// back.
type relay struct {
	*toxiproxy.Proxy
}

// newRelay runs a relay that lets everything pass. A breaking relay closes connections with RST, others
// with FIN.
func newRelay(t *testing.T, to string, breaking bool) relay {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := relay{toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", to)}
	if breaking {
		// How a connection closes is set when it is made, by a toxic that need not do anything else.
		r.add(t, `{"name":"reset","type":"reset_peer","stream":"downstream","toxicity":0}`)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

func init() { zerolog.SetGlobalLevel(zerolog.Disabled) } // one toxic logs to stderr, whatever logger the relay has

// relayLeftovers are goroutines of the library that never end: they wait to pass on bytes that arrived
// after the connection was cut.
var relayLeftovers = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
}

// add makes the relay fail from now on, on existing connections, too.
func (r relay) add(t *testing.T, toxic string) {
	t.Helper()
	if _, err := r.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatalf("toxic %s: %v", toxic, err)
	}
}

// heal lets everything pass again. Bytes that were held back arrive late. A meter stays.
func (r relay) heal() {
	for _, toxic := range r.Toxics.GetToxicArray() {
		if w := toxic.(*toxics.ToxicWrapper); w.Type != "meter" {
			_ = r.Toxics.RemoveToxic(context.Background(), w.Name) // no other goroutine removes it
		}
	}
}

// meter is a toxic that lets everything pass and counts, by requestID, the calls that were written to the relay, whole or
// not. It is added before any other, so it sees what they hold back.
type meter struct {
	mu      sync.Mutex
	written map[string]int
}

func init() { toxics.Register("meter", new(meter)) }

// addMeter counts calls from now on.
func (r relay) addMeter(t *testing.T) *meter {
	t.Helper()
	added, err := r.Toxics.AddToxicJson(strings.NewReader(`{"type":"meter","stream":"upstream"}`))
	if err != nil {
		t.Fatal(err)
	}
	return added.Toxic.(*meter)
}

var requestIDInCall = regexp.MustCompile(`"requestID":"([^"]+)"`)

// Pipe implements toxics.Toxic. The sidecar writes a call in one go, so it is one chunk.
func (m *meter) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			m.count(chunk.Data)
			stub.Output <- chunk
		}
	}
}

func (m *meter) count(data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written == nil {
		m.written = make(map[string]int)
	}
	for _, match := range requestIDInCall.FindAllSubmatch(data, -1) {
		m.written[string(match[1])]++
	}
}

// sendings is how often the call with a requestID was written.
func (m *meter) sendings(requestID string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.written[requestID]
}

// stall is a toxic that lets this number of bytes pass and drops the rest. The connection stays open.
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

// Cleanup implements toxics.CleanupToxic. A connection from which bytes are missing is of no use, so it is
// closed.
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
