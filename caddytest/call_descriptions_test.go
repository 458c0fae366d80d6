package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// The sidecar serves the description of its operations and the lists of codes, to callers that may
// call, with an ETag.
func TestDescriptionsAreServed(t *testing.T) {
	s := newSidecar(t, "operations query")
	send := func(method, path string, header ...string) httpAnswer {
		return s.do(t, method, s.url("9180")+path, nil, header...)
	}
	for path, part := range map[string]string{
		"/openapi.json":        `"/query": {`,
		"/codes":               `"name":"banks"`,
		"/codes/banks":         `{"code":"VIETCOMBANK","en":"Vietcombank","vi":"Ngân hàng TMCP Ngoại thương Việt Nam"}`,
		"/codes/currencies":    `"code":"VND"`,
		"/codes/wallets":       `"code":"MOMO"`,
		"/codes/brands":        `"code":"JCB"`,
		"/codes/responseCodes": `"vi":"Khách hàng đã hủy"`,
	} {
		a := send(http.MethodGet, path)
		etag := a.header.Get("ETag")
		if a.status != http.StatusOK || !strings.Contains(a.body, part) || a.header.Get("Content-Type") != "application/json" || etag == "" {
			t.Errorf("%s: HTTP %d, ETag %s: %.200s", path, a.status, etag, a.body)
		}
		if again := send(http.MethodGet, path, "If-None-Match", etag); again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s again: HTTP %d: %s", path, again.status, again.body)
		}
		if other := send(http.MethodGet, path, "If-None-Match", `"other"`); other.status != http.StatusOK {
			t.Errorf("%s with another ETag: HTTP %d", path, other.status)
		}
		if head := send(http.MethodHead, path); head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != etag {
			t.Errorf("%s HEAD: HTTP %d", path, head.status)
		}
		post := send(http.MethodPost, path)
		post.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed", "not_sent")
		if allow := post.header.Get("Allow"); allow != "GET, HEAD" {
			t.Errorf("%s: Allow %q", path, allow)
		}
		send(http.MethodGet, path, "Origin", "https://evil.example").
			wantProblem(t, http.StatusForbidden, "caller_not_allowed", "not_sent")
	}
	if a := send(http.MethodGet, "/openapi.json"); !strings.Contains(a.body, `"openapi": "3.1.0"`) || strings.Contains(a.body, `"/pay"`) {
		t.Error("it describes operations that are closed, or is no OpenAPI 3.1")
	}
	send(http.MethodGet, "/codes/nothing").wantProblem(t, http.StatusNotFound, "operation_unknown", "not_sent")
}
