package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientsTellAnswersApart(t *testing.T) {
	const overloaded = `{"code":"overloaded","outcome":"not_sent"}`
	for name, test := range map[string]struct {
		status                 int
		retryAfter, body       string
		ok, refused, otherwise int64
	}{
		"success":              {http.StatusOK, "", responseData, 10, 0, 0},
		"overloaded":           {http.StatusServiceUnavailable, "1", overloaded, 0, 10, 0},
		"without Retry-After":  {http.StatusServiceUnavailable, "", overloaded, 0, 0, 10},
		"of another outcome":   {http.StatusServiceUnavailable, "1", `{"code":"overloaded","outcome":"unknown"}`, 0, 0, 10},
		"with another status":  {http.StatusBadGateway, "1", overloaded, 0, 0, 10},
		"a success but no 200": {http.StatusAccepted, "", responseData, 0, 0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", test.retryAfter)
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			c, err := newClients(server.URL, 1<<10)
			if err != nil {
				t.Fatal(err)
			}
			c.together(t.Context(), 1)
			got := c.forget()
			if got.ok != test.ok || got.refused != test.refused || got.other != test.otherwise || got.all() != 10 {
				t.Errorf("counted %+v", got)
			}
			if wrong := test.otherwise > 0; wrong != strings.Contains(got.example, test.body) || wrong != (got.example != "") {
				t.Errorf("the example is %q", got.example)
			}
			if again := c.forget(); again != (counts{}) {
				t.Errorf("%+v is left", again)
			}
		})
	}
}

func TestClientsCountConnectionsThatBreak(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := newClients(server.URL, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	c.together(t.Context(), 2)
	if got := c.forget(); got.other != 20 || got.all() != 20 || got.example == "" {
		t.Errorf("counted %+v, expected 20 others with an example", got)
	}
}
