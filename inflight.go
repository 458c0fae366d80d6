package galaxypay

import "net/http"

// defaultMaxInFlight bounds memory and files. A call costs twice max_body at the least,
// its body and the envelope around it, and two connections: 256 of them stay within
// the 1024 open files that many systems allow a process.
const defaultMaxInFlight = 256

// retryAfter is in seconds, the shortest time that the header can name: a slot is free
// again as soon as any call is answered.
const retryAfter = "1"

// slots are one for each call at work. They belong to one handler of one configuration,
// so that a reload begins with all of them free, and calls of the old configuration
// give back the old ones.
type slots chan struct{}

// enter takes a slot for the call. It never waits: a queue would hold the memory that
// the limit is there to save, and answer apps that have given up.
func (p *Proxy) enter(w http.ResponseWriter, x *exchange) *failure {
	select {
	case p.slots <- struct{}{}:
		x.atWork = true
		p.metrics.inFlight.WithLabelValues(p.merchant.name).Inc()
		return nil
	default:
		w.Header().Set("Retry-After", retryAfter)
		return fail(CodeOverloaded, msgOverloaded, cap(p.slots))
	}
}

// leave gives the call's slot back, if it has one. It is for defer: a slot that a panic
// kept would be lost for good.
func (p *Proxy) leave(x *exchange) {
	if !x.atWork {
		return
	}
	p.metrics.inFlight.WithLabelValues(p.merchant.name).Dec()
	<-p.slots
}
