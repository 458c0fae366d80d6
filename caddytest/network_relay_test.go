package caddytest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
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

// ---- places in a message ----

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

// places are where a message may be cut.
var places = []struct {
	name string
	at   func(measures) int
}{
	{"nothing", func(measures) int { return 0 }},
	{"1 byte", func(measures) int { return 1 }},
	{"half the first line", func(m measures) int { return m.line / 2 }},
	{"the first line", func(m measures) int { return m.line }},
	{"half the headers", func(m measures) int { return (m.line + m.head) / 2 }},
	{"all but one byte of the headers", func(m measures) int { return m.head - 1 }},
	{"the headers", func(m measures) int { return m.head }},
	{"the first byte of the body", func(m measures) int { return m.head + 1 }},
	{"half the body", func(m measures) int { return (m.head + m.whole) / 2 }},
	{"all but one byte", func(m measures) int { return m.whole - 1 }},
	{"everything", func(m measures) int { return m.whole }},
}

// ---- the faults ----

// certainty says of a message whether it gets through a fault whole.
type certainty int

const (
	never certainty = iota
	perhaps
	always
)

// result is how a call ends for whoever made it.
type result string

// The results of calls over a network with faults. Those of the sidecar's calls to the
// gateway are the codes of problems.
const (
	answeredWhole      result = "ok"
	gatewayNoAnswer    result = "gateway_no_answer"
	gatewayTimeout     result = "gateway_timeout"
	gatewayUnreachable result = "gateway_unreachable"
)

// networkFault is one way for a network to fail while a message goes one way and its
// answer the other.
type networkFault struct {
	kind     string // its row in docs/reliability.md
	name     string
	stream   string
	breaking bool // connections end with RST
	toxic    func(measures) string
	hangs    bool      // only a timeout ends it
	arrives  certainty // of the message; late counts
	results  []result  // of which one must be seen
	closes   bool      // the connection may end when it is thought to be idle
}

// networkFaults are the rows of the matrix.
func networkFaults() []networkFault {
	return slices.Concat(cuts(), stalls(), slowness())
}

// cuts are connections that end in the middle of a message, with FIN or RST.
func cuts() []networkFault {
	var list []networkFault
	for _, end := range []string{"FIN", "RST"} {
		for _, place := range places {
			toxic := func(stream string) func(measures) string {
				return func(m measures) string {
					return fmt.Sprintf(`{"type":"limit_data","stream":%q,"attributes":{"bytes":%d}}`, stream, place.at(m))
				}
			}
			request := networkFault{
				kind: "request cut, " + end, name: "request cut after " + place.name + ", " + end,
				stream: "upstream", breaking: end == "RST", toxic: toxic("upstream"),
				arrives: never, results: []result{gatewayNoAnswer},
			}
			answer := networkFault{
				kind: "answer cut, " + end, name: "answer cut after " + place.name + ", " + end,
				stream: "downstream", breaking: end == "RST", toxic: toxic("downstream"),
				arrives: always, results: []result{gatewayNoAnswer},
			}
			if place.name == "everything" {
				request.kind, answer.kind = "connection ends after the request, "+end, "connection ends after the answer, "+end
				request.closes, answer.closes = true, true
				// The end of the connection is in a race with the answer.
				request.arrives, request.results = perhaps, []result{answeredWhole, gatewayNoAnswer}
				answer.results = []result{answeredWhole}
				if end == "RST" { // which may overtake what was sent before it
					answer.results = []result{answeredWhole, gatewayNoAnswer}
				}
			}
			list = append(list, request, answer)
		}
	}
	for _, after := range []int{0, 20} {
		toxic := fmt.Sprintf(`{"type":"reset_peer","stream":"downstream","attributes":{"timeout":%d}}`, after)
		list = append(list, networkFault{
			kind: "reset instead of an answer", name: fmt.Sprintf("reset %d ms after the answer", after),
			stream: "downstream", breaking: true, toxic: func(measures) string { return toxic },
			arrives: always, results: []result{gatewayNoAnswer},
		}, networkFault{
			kind: "reset instead of the request", name: fmt.Sprintf("reset %d ms after the request", after),
			stream: "upstream", breaking: true,
			toxic:   func(measures) string { return strings.Replace(toxic, "downstream", "upstream", 1) },
			arrives: never, results: []result{gatewayNoAnswer},
		})
	}
	return list
}

// stalls are connections that stay open while nothing comes through any more.
func stalls() []networkFault {
	var list []networkFault
	add := func(kind, name, toxic string, up, down certainty) {
		for _, stream := range []string{"upstream", "downstream"} {
			arrives := up
			if stream == "downstream" {
				arrives = down
			}
			text := fmt.Sprintf(toxic, stream)
			list = append(list, networkFault{
				kind: kind + ", " + stream, name: name + ", " + stream, stream: stream, hangs: true,
				toxic: func(measures) string { return text }, arrives: arrives, results: []result{gatewayTimeout},
			})
		}
	}
	add("silence", "silence", `{"type":"timeout","stream":%q}`, never, always)
	add("latency beyond the timeout", "a minute of latency", `{"type":"latency","stream":%q,"attributes":{"latency":60000}}`, perhaps, always)
	add("bandwidth of nothing", "bandwidth of nothing", `{"type":"bandwidth","stream":%q}`, perhaps, always)
	for _, i := range []int{1, 4, 6, 8, 9} {
		place := places[i]
		for _, stream := range []string{"upstream", "downstream"} {
			f := networkFault{
				kind: "silence in the middle, " + stream, name: "silence after " + place.name + ", " + stream, stream: stream, hangs: true,
				toxic: func(m measures) string {
					return fmt.Sprintf(`{"type":"stall","stream":%q,"attributes":{"bytes":%d}}`, stream, place.at(m))
				},
				arrives: never, results: []result{gatewayTimeout},
			}
			if stream == "downstream" {
				f.arrives = always
			}
			list = append(list, f)
		}
	}
	return list
}

// slowness is what a message gets through.
func slowness() []networkFault {
	var list []networkFault
	for _, stream := range []string{"upstream", "downstream"} {
		for _, f := range []struct{ kind, name, toxic string }{
			{"latency", "latency of 20 ms", `"type":"latency","attributes":{"latency":20}`},
			{"latency", "latency of 20 ms with jitter", `"type":"latency","attributes":{"latency":20,"jitter":19}`},
			{"bandwidth", "bandwidth of 1 KB/s", `"type":"bandwidth","attributes":{"rate":1}`},
			{"bandwidth", "bandwidth of 50 KB/s", `"type":"bandwidth","attributes":{"rate":50}`},
			{"small packets", "single bytes", `"type":"slicer","attributes":{"average_size":1}`},
			{"small packets", "packets of about 16 bytes", `"type":"slicer","attributes":{"average_size":16,"size_variation":8,"delay":50}`},
			{"late close", "close 20 ms late", `"type":"slow_close","attributes":{"delay":20}`},
		} {
			toxic := fmt.Sprintf(`{"stream":%q,%s}`, stream, f.toxic)
			list = append(list, networkFault{
				kind: f.kind + ", " + stream, name: f.name + ", " + stream, stream: stream,
				toxic: func(measures) string { return toxic }, arrives: always, results: []result{answeredWhole},
			})
		}
		// It may close before the message is on its way, then none of it was sent.
		f := networkFault{
			kind: "silence, then closed, " + stream, name: "silence, closed after 20 ms, " + stream, stream: stream,
			toxic: func(measures) string {
				return fmt.Sprintf(`{"type":"timeout","stream":%q,"attributes":{"timeout":20}}`, stream)
			},
			arrives: never, results: []result{gatewayNoAnswer, gatewayUnreachable}, closes: true,
		}
		if stream == "downstream" {
			f.arrives = perhaps
		}
		list = append(list, f)
	}
	return list
}

// networkCase is a fault on a fresh connection or on one that has served before.
type networkCase struct {
	networkFault
	operation string
	keptAlive bool
}

func (c networkCase) title() string {
	if c.keptAlive {
		return c.operation + "/kept alive/" + c.name
	}
	return c.operation + "/fresh/" + c.name
}

// choose returns what the fault is about, the request or the answer.
func (f networkFault) choose(request, answer measures) measures {
	if f.stream == "upstream" {
		return request
	}
	return answer
}

// networkCases are the faults of the matrix, for each of the operations.
func networkCases(operations ...string) []networkCase {
	var list []networkCase
	for _, operation := range operations {
		for _, f := range networkFaults() {
			list = append(list, networkCase{f, operation, false}, networkCase{f, operation, true})
		}
	}
	return list
}
