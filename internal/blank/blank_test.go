package blank

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	for name, test := range map[string]struct {
		method string // default: GET
		answer func(w http.ResponseWriter)
		sent   bool
		held   int
		status int // on the wire, where it is sent
		body   string
	}{
		"nothing":         {answer: func(http.ResponseWriter) {}},
		"a page":          {answer: func(w http.ResponseWriter) { _, _ = io.WriteString(w, "page") }, sent: true, status: 200, body: "page"},
		"a page in parts": {answer: func(w http.ResponseWriter) { _, _ = io.WriteString(w, "pa"); _, _ = io.WriteString(w, "ge") }, sent: true, status: 200, body: "page"},
		"an empty page":   {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, sent: true, status: 200},
		"below":           {answer: func(w http.ResponseWriter) { w.WriteHeader(499) }, sent: true, status: 499},
		"an error":        {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, held: 500},
		"two errors": {answer: func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			w.WriteHeader(http.StatusInternalServerError)
		}, held: 502},
		"an error, then fine": {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway); w.WriteHeader(http.StatusOK) }, held: 502},
		"an empty body":       {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway); _, _ = w.Write(nil) }, held: 502},
		"flushed":             {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway); flush(w) }, held: 502},
		"flushed, then a body": {answer: func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			flush(w)
			_, _ = io.WriteString(w, "page")
		}, sent: true, held: 502, status: 502, body: "page"},
		"flushed at once": {answer: flush, sent: true, status: 200},
		"copied": {answer: func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.Copy(w, strings.NewReader("page"))
		}, sent: true, held: 503, status: 503, body: "page"},
		"a hint, then a page": {answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); _, _ = io.WriteString(w, "page") }, sent: true, status: 200, body: "page"},
		"a hint, then nothing": {answer: func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusInternalServerError)
		}, held: 500},
		"HEAD of nothing": {method: http.MethodHead, answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, held: 502},
		"HEAD of a page": {method: http.MethodHead, answer: func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
		}, sent: true, status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			if test.method == "" {
				test.method = http.MethodGet
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Before", "1")
				held := New(w, r, 500)
				held.Header().Set("X-Answer", "1")
				test.answer(held)
				if held.Sent() != test.sent || held.Status() != test.held {
					t.Errorf("sent %t, status %d", held.Sent(), held.Status())
				}
				if !held.Sent() {
					held.Reset()
					w.WriteHeader(http.StatusTeapot)
				}
			}))
			defer server.Close()
			request, err := http.NewRequestWithContext(t.Context(), test.method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			want, answer := http.StatusTeapot, ""
			if test.sent {
				want, answer = test.status, "1"
			}
			if response.StatusCode != want || string(body) != test.body {
				t.Errorf("HTTP %d: %s", response.StatusCode, body)
			}
			if got := fmt.Sprint(response.Header.Get("X-Before"), response.Header.Get("X-Answer")); got != "1"+answer {
				t.Errorf("headers %v", response.Header)
			}
		})
	}
}
