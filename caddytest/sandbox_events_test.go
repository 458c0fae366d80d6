package caddytest

import (
	"io"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// A server that shuts down waits for its requests. So a stream of events must end then, else every reload
// and every stop would wait for its reader.
func TestSandboxEventsEndWithTheirServer(t *testing.T) {
	const caddyfile = `
		http://:9190 {
			galaxypay_sandbox
		}`
	for name, end := range map[string]func(*testing.T, *caddyServer){
		"reload": func(t *testing.T, c *caddyServer) {
			t.Helper()
			if err := c.load(t, caddyfile); err != nil {
				t.Error(err)
			}
		},
		"stop": func(_ *testing.T, c *caddyServer) { c.stop() },
		// Before it exits, Caddy waits for the servers and cleans up only then.
		"shutdown before the end of the configuration": func(t *testing.T, _ *caddyServer) {
			t.Helper()
			app, err := caddy.ActiveContext().App("http")
			if err != nil {
				t.Fatal(err)
			}
			if err := app.(caddy.App).Stop(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, caddyfile)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url("9190")+"/sandbox/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := c.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatalf("HTTP %d", response.StatusCode)
			}
			end(t, c)
			if _, err := io.ReadAll(response.Body); err != nil {
				t.Errorf("the stream did not come to its end: %v", err)
			}
		})
	}
}
