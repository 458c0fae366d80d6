// Package blank notices answers that would show a blank page: an error status without a body.
package blank

import (
	"maps"
	"net/http"
)

// Writer passes an answer on, but holds back the status of an error until its body begins.
// An answer that has only a status is blank, and the caller can give a better one in its place.
// A Writer is for one answer, and for one goroutine.
type Writer struct {
	w      http.ResponseWriter
	isHead bool
	lowest int
	header http.Header // as it was before the answer
	held   int         // the status that is held back; 0 where none is
	sent   bool
}

// New returns a writer that holds back every status from lowest on. The answer to a HEAD has no body:
// it is blank where it has no Content-Type either.
func New(w http.ResponseWriter, r *http.Request, lowest int) *Writer {
	return &Writer{w: w, isHead: r.Method == http.MethodHead, lowest: lowest, header: w.Header().Clone()}
}

// Sent reports whether the client gets this answer. If not, the caller has to answer.
func (w *Writer) Sent() bool { return w.sent }

// Status is the status that was held back; 0 where there was none.
func (w *Writer) Status() int { return w.held }

// Reset gives the header back as it was before the answer. It is for answers that were not sent.
func (w *Writer) Reset() {
	header := w.w.Header()
	clear(header)
	maps.Copy(header, w.header)
}

// Header implements http.ResponseWriter.
func (w *Writer) Header() http.Header { return w.w.Header() }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	if w.held != 0 || w.sent {
		return
	}
	if status >= w.lowest && (!w.isHead || w.Header().Get("Content-Type") == "") {
		w.held = status
		return
	}
	w.sent = status >= http.StatusOK // else more is to come
	w.w.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.held != 0 && !w.sent {
		w.w.WriteHeader(w.held)
	}
	w.sent = true
	return w.w.Write(p)
}

// FlushError flushes what may be sent. [http.ResponseController] calls it.
func (w *Writer) FlushError() error {
	if w.held != 0 && !w.sent {
		return nil
	}
	w.sent = true
	return http.NewResponseController(w.w).Flush()
}

// Unwrap is for [http.ResponseController].
func (w *Writer) Unwrap() http.ResponseWriter { return w.w }
