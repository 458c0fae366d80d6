package caddytest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// described is what a sidecar's /openapi.json says of its answers.
type described struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Responses map[string]describedAnswer
	}
}

type describedAnswer struct {
	Ref     string `json:"$ref"`
	Headers map[string]any
	Content map[string]any
}

// undescribed are headers of HTTP itself.
var undescribed = []string{"Content-Type", "Content-Length", "Date", "Server", "Connection", "Transfer-Encoding", "Alt-Svc"}

// wantDescribed checks that the description has the answer: its status, its content type and its headers. It says
// nothing of paths that are no short name, and nothing to a caller that may not read it.
func (s sidecar) wantDescribed(t *testing.T, path string, a httpAnswer) {
	t.Helper()
	d, ok := s.description(t)
	if !ok {
		return
	}
	operations, known := d.Paths[path]
	if !known {
		return
	}
	var post struct{ Responses map[string]describedAnswer }
	if err := json.Unmarshal(operations["post"], &post); err != nil {
		t.Fatal(err)
	}
	answer, ok := post.Responses[strconv.Itoa(a.status)]
	if !ok {
		t.Errorf("%s: HTTP %d is not described", path, a.status)
		return
	}
	if name, isRef := strings.CutPrefix(answer.Ref, "#/components/responses/"); isRef {
		answer = d.Components.Responses[name]
	}
	if _, ok := answer.Content[a.header.Get("Content-Type")]; !ok {
		t.Errorf("%s: HTTP %d with %s is not described", path, a.status, a.header.Get("Content-Type"))
	}
	for name := range a.header {
		if _, ok := answer.Headers[name]; !ok && !slices.Contains(undescribed, name) {
			t.Errorf("%s: HTTP %d with the header %s is not described", path, a.status, name)
		}
	}
}

func (s sidecar) description(t *testing.T) (d described, ok bool) {
	t.Helper()
	a, err := newFreshClient().try(t.Context(), http.MethodGet, s.url("9180")+"/openapi.json", nil)
	if err != nil || a.status != http.StatusOK {
		return d, false
	}
	a.decode(t, &d)
	return d, true
}
