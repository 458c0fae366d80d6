package wirelog

import (
	"net/http"
	"strconv"
	"time"
)

// Recorder records a request to the gateway's API and its answer. It is the last
// ResponseWriter before the connection, so it sees what faults have made of the answer.
type Recorder struct {
	http.ResponseWriter
	keep     func(transactionID, requestID string, e Exchange)
	exchange Exchange
	about    string // transactionID in the request
	answer   Answer
	written  []byte // the beginning of the answer's body
	length   int
	kept     bool
}

// NewRecorder begins to record a request that came at this time. The exchange goes to
// keep, with the ids in the request by which its transaction can be found.
func NewRecorder(w http.ResponseWriter, r *http.Request, at time.Time, keep func(transactionID, requestID string, e Exchange)) *Recorder {
	return &Recorder{ResponseWriter: w, keep: keep, exchange: Exchange{
		Kind:      Request,
		At:        at,
		Method:    r.Method,
		Address:   clip(r.URL.Path),
		Headers:   newHeaders(r.Header),
		Signature: clip(r.Header.Get("signature")),
	}}
}

// SetBody records the request's body.
func (r *Recorder) SetBody(body []byte) { r.exchange.Body = newRequestContent(body) }

// SetVerdict records what is known of the request's signature.
func (r *Recorder) SetVerdict(v Verdict) { r.exchange.Verdict = v }

// Identify records what the request asked for. It is for requests that are proven to be
// the merchant's: what others name must not get into the log of a transaction.
func (r *Recorder) Identify(requestID, transactionID, operation string, faults []string) {
	r.about = transactionID
	r.exchange.RequestID, r.exchange.Operation, r.exchange.Faults = requestID, operation, faults
}

// WriteHeader records the head of the answer.
func (r *Recorder) WriteHeader(status int) {
	if r.answer.Status == 0 {
		r.answer.Status = status
		r.answer.Headers = newHeaders(r.Header())
		r.answer.Signature = signatureIn(r.Header())
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write records what of the body went out.
func (r *Recorder) Write(piece []byte) (int, error) {
	if r.answer.Status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(piece)
	r.length += n
	r.written = append(r.written, piece[:min(n, maxBody-len(r.written))]...)
	return n, err
}

// Unwrap leads http.ResponseController to the connection.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Keep ends the exchange, at the latest when a fault breaks the connection. Only the first
// call counts.
func (r *Recorder) Keep() {
	if r.kept {
		return
	}
	r.kept = true
	if r.length > 0 {
		r.answer.Body = NewContent(r.written, r.length)
	}
	promised, err := strconv.Atoi(r.Header().Get("Content-Length"))
	r.answer.Broken = r.answer.Status == 0 || err == nil && r.length < promised
	r.exchange.Answer = &r.answer
	r.keep(r.about, r.exchange.RequestID, r.exchange)
}
