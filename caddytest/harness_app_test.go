package caddytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// recordingApp is a stand-in for the merchant's app. It keeps the requests that it gets.
type recordingApp struct {
	address string // host:port, for reverse_proxy

	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []appRequest
}

// appRequest is a request as the app gets it.
type appRequest struct {
	method  string
	target  string // path and query, as on the wire
	header  http.Header
	trailer http.Header
	length  int64
	body    string
	broken  error // why the body could not be read to its end
	host    string
}

// newApp runs an app that confirms every IPN.
func newApp(t *testing.T) *recordingApp {
	t.Helper()
	a := new(recordingApp)
	a.answers(answering(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"order updated"}`))
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.address = server.Listener.Addr().String()
	return a
}

// ServeHTTP implements http.Handler.
func (a *recordingApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	a.requests = append(a.requests, appRequest{r.Method, r.RequestURI, r.Header.Clone(), r.Trailer.Clone(), r.ContentLength, string(body), err, r.Host})
	answer := a.answer
	a.mu.Unlock()
	answer(w, r)
}

// answers decides how the app answers from now on.
func (a *recordingApp) answers(f http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// received returns the requests since the last look.
func (a *recordingApp) received() []appRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	received := a.requests
	a.requests = nil
	return received
}

// only returns the one request since the last look.
func (a *recordingApp) only(t *testing.T) appRequest {
	t.Helper()
	calls := a.received()
	if len(calls) != 1 {
		t.Fatalf("the app got %d requests, want 1: %+v", len(calls), calls)
	}
	if calls[0].broken != nil {
		t.Errorf("the app could not read the body: %v", calls[0].broken)
	}
	return calls[0]
}

// wantNothing checks that no request has reached the app since the last look.
func (a *recordingApp) wantNothing(t *testing.T) {
	t.Helper()
	if calls := a.received(); len(calls) != 0 {
		t.Errorf("the app got %d requests, want none: %+v", len(calls), calls)
	}
}

// answersWithSignal decides how the app answers from now on. The channel gets a value after each
// answer.
func (a *recordingApp) answersWithSignal(answer http.HandlerFunc) <-chan struct{} {
	asked := make(chan struct{}, 1000)
	a.answers(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r)
		asked <- struct{}{}
	})
	return asked
}

// answering is an app's answer, with headers given as name, value, name, value ...
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// breakOff writes these last bytes to the connection of a request and closes it.
func breakOff(w http.ResponseWriter, last string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, last)
	_ = conn.Close()
}

// compressing is an app's answer, compressed for clients that accept it.
func compressing(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			_, _ = io.WriteString(w, body)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, gzipped(body))
	}
}
