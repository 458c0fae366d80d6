package galaxypay

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// admit refuses callers that must not sign payments. A browser sends Origin with every
// POST, even to localhost: without this check any web page that is open on the
// machine could pay, refund or read.
func (p *Proxy) admit(r *http.Request) *problem.Problem {
	if len(r.Header.Values("Origin")) > 0 {
		return problem.CallerOrigin()
	}
	if !p.callers.Includes(r) {
		return problem.CallerAddress()
	}
	return nil
}

// defaultMaxInFlight bounds memory and files. A call costs twice max_body at the least,
// its body and the envelope around it, and two connections: 256 of them stay within
// the 1024 open files that many systems allow a process.
const defaultMaxInFlight = 256

// retryAfter is in seconds, the shortest time that the header can name: a slot is free
// again as soon as any call is answered.
const retryAfter = "1"

// slots are one for each call in progress. They belong to one handler of one configuration,
// so that a reload begins with all of them free, and calls of the old configuration
// give back the old ones.
type slots chan struct{}

// enter takes a slot for the call, once its body is here: a caller that sends slowly, or never
// sends the rest, takes none. It never waits: a queue would hold the memory that the limit is
// there to save, and answer apps that have given up.
func (p *Proxy) enter(w http.ResponseWriter, c *call) *problem.Problem {
	select {
	case p.slots <- struct{}{}:
		c.hasSlot = true
		p.metrics.inFlight.WithLabelValues(p.merchant.name).Inc()
		return nil
	default:
		w.Header().Set("Retry-After", retryAfter)
		return problem.Overloaded(cap(p.slots))
	}
}

// leave gives the call's slot back, if it has one. It is for defer: a panic that kept a
// slot would lower max_in_flight until the next reload.
func (p *Proxy) leave(c *call) {
	if !c.hasSlot {
		return
	}
	p.metrics.inFlight.WithLabelValues(p.merchant.name).Dec()
	<-p.slots
}

// read returns the body of a call.
func (p *Proxy) read(w http.ResponseWriter, r *http.Request) ([]byte, *problem.Problem) {
	if !isJSON(r.Header.Get("Content-Type")) {
		w.Header().Set("Accept-Post", "application/json")
		return nil, problem.ContentType()
	}
	return readBody(w, r, p.bodies, problem.CodeBodyInvalid)
}

// isJSON accepts application/json and its kin, in UTF-8.
func isJSON(contentType string) bool {
	if contentType == "application/json" { // as nearly all send it
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if charset, ok := params["charset"]; ok && !slices.Contains([]string{"utf-8", "utf8", "us-ascii", "ascii"}, strings.ToLower(charset)) {
		return false
	}
	return kind == "application/json" || kind == "text/json" ||
		strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// bodyTimeout is how long a body may take, from when its first byte is waited for. Only tests change it.
var bodyTimeout = 30 * time.Second

// readBody reads a body within the bounds of b and of bodyTimeout. Calls and callbacks are both read with it: read (above)
// for calls, readPost (in callback.go) for callbacks. A body that breaks off is reported under the code that
// unreadable names.
func readBody(w http.ResponseWriter, r *http.Request, b *bodies.Reader, unreadable problem.Code) ([]byte, *problem.Problem) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		closeConnection(w, r)
		w.Header().Set("Accept-Encoding", "identity")
		return nil, problem.ContentEncoding()
	}
	deadline := time.Now().Add(bodyTimeout)
	setReadDeadline(w, deadline)
	body, err := b.Read(r, deadline)
	switch {
	case err == nil:
		removeReadDeadline(w, r)
		return body, nil
	case errors.Is(err, bodies.ErrTooLarge):
		closeConnection(w, r)
		return nil, problem.BodyTooLarge(b.Limit)
	case errors.Is(err, bodies.ErrTimeout):
		closeConnection(w, r)
		return nil, problem.BodyTimeout()
	case errors.Is(err, bodies.ErrTooMany):
		closeConnection(w, r)
		w.Header().Set("Retry-After", retryAfter)
		return nil, problem.BodiesUnfinished(b.Total)
	}
	return nil, problem.BodyUnreadable(unreadable)
}

// setReadDeadline ends a read that waits for the client at that time. After it net/http does not wait for the rest of the body
// either, so it stays when the body has not come. Where a handler of another module hides the connection, the read ends
// when Caddy's read_body_idle ends it.
func setReadDeadline(w http.ResponseWriter, deadline time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(deadline)
}

// removeReadDeadline takes the deadline away when the body is here. From then on net/http reads to notice that the
// client hangs up, and a deadline would look like that. Caddy's own writer would put the deadline of read_body in its
// place, so this goes past it.
func removeReadDeadline(w http.ResponseWriter, r *http.Request) {
	connection := http.NewResponseController(w)
	if reader, _ := caddyhttp.IdleTimeoutsFromContext(r.Context()); reader != nil {
		connection = reader.Ctrl
	}
	_ = connection.SetReadDeadline(time.Time{})
}

// closeConnection has net/http answer a request at once whose body has not been read to its end. Otherwise it would wait for the
// rest, to use the connection again, and a client that waits for 100 Continue would wait as long. HTTP/2 and HTTP/3 end the
// stream alone.
func closeConnection(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}
