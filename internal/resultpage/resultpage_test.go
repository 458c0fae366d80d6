package resultpage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Only the page for a proven payment says that there is one, and none invites to pay again.
func TestPages(t *testing.T) {
	for name, test := range map[string]struct {
		page   Page
		claims bool
	}{
		"refused": {Refused, false}, "paid": {Paid, true}, "result": {Result, false},
	} {
		for language, words := range map[string]struct{ claim, again string }{
			"en": {"confirms that you have paid", "do not pay again"},
			"vi": {"xác nhận bạn đã thanh toán", "vui lòng không thanh toán lại"},
		} {
			t.Run(name+", "+language, func(t *testing.T) {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				r.Header.Set("Accept-Language", language)
				w := httptest.NewRecorder()
				w.Header().Set("Content-Encoding", "gzip")
				if err := test.page.Write(w, r, http.StatusBadGateway, `<b>"1"`); err != nil {
					t.Fatal(err)
				}
				body := w.Body.String()
				if w.Code != http.StatusBadGateway || strings.Contains(body, words.claim) != test.claims || !strings.Contains(strings.ToLower(body), words.again) {
					t.Errorf("HTTP %d: %s", w.Code, body)
				}
				if strings.Contains(body, "<b>") || !strings.Contains(body, "&lt;b&gt;") {
					t.Errorf("the note is not text in %s", body)
				}
				for name, want := range map[string]string{
					"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Content-Language": language, "Content-Encoding": "",
				} {
					if got := w.Header().Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			})
		}
	}
}

func TestWanted(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/html": true, "application/xhtml+xml, text/html;q=0.9": true,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		if Wanted(r) != want {
			t.Errorf("%q: %t", accept, !want)
		}
	}
}
