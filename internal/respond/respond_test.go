package respond

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhole(t *testing.T) {
	for _, body := range []string{"", "{}", strings.Repeat("ễ", 1000)} {
		w := httptest.NewRecorder()
		if err := Whole(w, http.StatusTeapot, "text/plain", []byte(body)); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTeapot || w.Body.String() != body || w.Header().Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("status %d, Content-Length %s, body %.10q", w.Code, w.Header().Get("Content-Length"), w.Body)
		}
	}
}
