package caddytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// networkFault is one way for a network to fail while a message goes in one direction and its answer in
// the other.
type networkFault struct {
	kind     string // its row in docs/reliability.md
	name     string
	stream   string
	breaking bool // connections end with RST
	toxic    func(measures) string
	hangs    bool      // only a timeout ends it
	arrives  certainty // whether the message arrives, if only late
	results  []result  // one of them must be seen
	closes   bool      // the connection may end while it seems to be idle
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

// stalls are connections that stay open and let nothing through any more.
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

// slowness is faults that messages survive.
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
		// The connection may close before the message is on its way. Then none of it was sent.
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

// certainty is whether a message arrives whole in spite of a fault.
type certainty int

const (
	never certainty = iota
	perhaps
	always
)

// result is how a call ends for the program that made it.
type result string

// The results of calls over a network with faults. Those of the sidecar's calls to the
// gateway are the codes of problems.
const (
	answeredWhole      result = "ok"
	gatewayNoAnswer    result = "gateway_no_answer"
	gatewayTimeout     result = "gateway_timeout"
	gatewayUnreachable result = "gateway_unreachable"
)

// ends reports whether a call may end in this way: with a whole answer or without.
func (f networkFault) ends(r result) bool {
	return slices.ContainsFunc(f.results, func(of result) bool { return (of == answeredWhole) == (r == answeredWhole) })
}

// choose returns the message that the fault affects, the request or the answer.
func (f networkFault) choose(request, answer measures) measures {
	if f.stream == "upstream" {
		return request
	}
	return answer
}

// networkCase is a fault on a fresh connection or on one that has served before.
type networkCase struct {
	networkFault
	operation string
	keptAlive bool
}

// wait is how long to wait in a case.
func (c networkCase) wait() time.Duration {
	if c.hangs {
		return giveUp
	}
	return patience
}

// repeat makes a call again over a network that works again. It may need more than one try only where a
// connection may have ended without the sidecar's notice.
func (c networkCase) repeat(again func() result) []result {
	seen := []result{again()}
	for c.closes && len(seen) < 3 && seen[len(seen)-1] != answeredWhole && seen[len(seen)-1] != duplicate {
		seen = append(seen, again())
	}
	return seen
}

// settled compares how calls with the same message ended with how often it arrived.
func (c networkCase) settled(seen []result, arrived int) error {
	least, most := 0, 0 // of the calls after the first
	for _, r := range seen[1:] {
		if r == answeredWhole || r == duplicate {
			least++
		}
		if r != gatewayUnreachable {
			most++
		}
	}
	switch {
	case c.arrives == always, seen[0] == answeredWhole:
		least++
		most++
	case c.arrives == perhaps && seen[0] != gatewayUnreachable:
		most++
	}
	if c.operation == "query" { // it may be sent twice
		most *= 2
	}
	if arrived < least || arrived > most {
		return fmt.Errorf("the message arrived %d times, want %d to %d; the calls ended with %s", arrived, least, most, seen)
	}
	if c.operation == "pay" && seen[0] == answeredWhole && slices.Contains(seen[1:], answeredWhole) {
		return fmt.Errorf("a second payment under the same id; the calls ended with %s", seen)
	}
	return nil
}

func (c networkCase) title() string {
	if c.keptAlive {
		return c.operation + "/kept alive/" + c.name
	}
	return c.operation + "/fresh/" + c.name
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

// giveUp is the timeout of cases in which nothing else ends a call. It leaves time for
// the other calls of the case.
const giveUp = 4 * time.Second

const duplicate result = "transaction_duplicate"

// callID is an idempotency key that becomes the requestID as it is. All have the same length.
func callID(name string, number int) string {
	return fmt.Sprintf("%s-%04d", (name + "-------")[:7], number)
}

// outcomes are HTTP status and outcome of each result that is a problem.
var outcomes = map[result]string{
	gatewayUnreachable: "HTTP 502, not_sent",
	gatewayNoAnswer:    "HTTP 502, unknown",
	gatewayTimeout:     "HTTP 504, unknown",
	duplicate:          "HTTP 409, unknown",
}

// result calls an operation and returns how the call ended.
func (s sidecar) result(t *testing.T, path, id string) result {
	t.Helper()
	a := s.call(t, path, payment, "Idempotency-Key", id)
	if a.status == http.StatusOK {
		a.wantOK(t, paid)
		return answeredWhole
	}
	p := a.problem(t)
	if got := fmt.Sprintf("HTTP %d, %s", p.Status, p.Outcome); got != outcomes[result(p.Code)] {
		t.Errorf("%s with %s, want %s", p.Code, got, outcomes[result(p.Code)])
	}
	return result(p.Code)
}
