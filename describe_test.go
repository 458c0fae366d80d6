package galaxypay

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

func mustDocuments(t *testing.T) map[string]document {
	t.Helper()
	return documentsOf(t, new(Proxy))
}

// documentsOf are the documents of a handler with the options of p.
func documentsOf(t *testing.T, p *Proxy) map[string]document {
	t.Helper()
	var err error
	if p.routes, err = newRoutes(p.Paths, p.Operations); err != nil {
		t.Fatal(err)
	}
	if p.defaults, err = resolveDefaults(p.Defaults); err != nil {
		t.Fatal(err)
	}
	p.MaxBody, p.MaxInFlight = defaultMaxBody, defaultMaxInFlight
	write, err := p.describe()
	if err != nil {
		t.Fatal(err)
	}
	docs := make(map[string]document)
	for path := range write {
		if docs[path], err = write[path](); err != nil {
			t.Fatal(err)
		}
	}
	return docs
}

// written is a document as a handler has it.
func written(doc document) func() (document, error) {
	return func() (document, error) { return doc, nil }
}

func TestDocuments(t *testing.T) {
	docs := mustDocuments(t)
	want := []string{"/codes", "/openapi.json"}
	for _, list := range operation.Lists() {
		want = append(want, "/codes/"+list.Name)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(docs)); !slices.Equal(got, want) {
		t.Errorf("documents at %q, want %q", got, want)
	}
	strong := regexp.MustCompile(`^"[A-Za-z0-9_-]{16}"$`)
	seen := make(map[string]string)
	for path, doc := range docs {
		if !json.Valid(doc.body) {
			t.Errorf("%s is not JSON", path)
		}
		if !strong.MatchString(doc.etag) || seen[doc.etag] != "" {
			t.Errorf("%s has the ETag %s, as has %q", path, doc.etag, seen[doc.etag])
		}
		seen[doc.etag] = path
	}
	again := newDocument(docs["/codes"].body)
	if again.etag != docs["/codes"].etag || newDocument([]byte("{}")).etag == again.etag {
		t.Error("the ETag does not go by the content")
	}
}

// Pages of the app's fill their lists from these, so the members are a promise.
func TestShapeOfCodeLists(t *testing.T) {
	type list struct {
		Name   string `json:"name"`
		En     string `json:"en"`
		Vi     string `json:"vi"`
		Closed *bool  `json:"closed"`
		Codes  []struct {
			Code string `json:"code"`
			En   string `json:"en"`
			Vi   string `json:"vi"`
		} `json:"codes"`
	}
	docs := mustDocuments(t)
	decode := func(path string, into any) {
		t.Helper()
		decoder := json.NewDecoder(strings.NewReader(string(docs[path].body)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	var all []list
	decode("/codes", &all)
	if len(all) != len(operation.Lists()) {
		t.Errorf("%d lists", len(all))
	}
	for _, l := range all {
		var one list
		decode("/codes/"+l.Name, &one)
		if one.Name != l.Name || len(one.Codes) != len(l.Codes) || one.En != l.En || one.Vi != l.Vi {
			t.Errorf("/codes/%s is not what /codes says", l.Name)
		}
		if l.En == "" || l.Vi == "" || l.Closed == nil || len(l.Codes) == 0 {
			t.Errorf("%s lacks something", l.Name)
		}
		for _, c := range l.Codes {
			if c.Code == "" || c.En == "" || c.Vi == "" {
				t.Errorf("%s: %+v", l.Name, c)
			}
		}
	}
}

func TestShow(t *testing.T) {
	doc := newDocument([]byte(`{"a":"ệ"}`))
	p := &Proxy{callers: allow.List{netip.MustParsePrefix("192.0.2.0/24")}}
	for name, test := range map[string]struct {
		method, caller string
		header         http.Header
		status         int
		body           string
	}{
		"GET":                 {http.MethodGet, "192.0.2.1:1", nil, http.StatusOK, `{"a":"ệ"}`},
		"HEAD":                {http.MethodHead, "192.0.2.1:1", nil, http.StatusOK, ""},
		"GET, not changed":    {http.MethodGet, "192.0.2.1:1", http.Header{"If-None-Match": {doc.etag}}, http.StatusNotModified, ""},
		"GET, weakly":         {http.MethodGet, "192.0.2.1:1", http.Header{"If-None-Match": {`"x", W/` + doc.etag}}, http.StatusNotModified, ""},
		"GET, anything":       {http.MethodGet, "192.0.2.1:1", http.Header{"If-None-Match": {"*"}}, http.StatusNotModified, ""},
		"HEAD, not changed":   {http.MethodHead, "192.0.2.1:1", http.Header{"If-None-Match": {doc.etag}}, http.StatusNotModified, ""},
		"GET, changed":        {http.MethodGet, "192.0.2.1:1", http.Header{"If-None-Match": {`"x"`}}, http.StatusOK, `{"a":"ệ"}`},
		"GET, by age":         {http.MethodGet, "192.0.2.1:1", http.Header{"If-Modified-Since": {"Fri, 01 Jan 2038 00:00:00 GMT"}}, http.StatusOK, `{"a":"ệ"}`},
		"POST":                {http.MethodPost, "192.0.2.1:1", nil, http.StatusMethodNotAllowed, "method_not_allowed"},
		"OPTIONS":             {http.MethodOptions, "192.0.2.1:1", nil, http.StatusMethodNotAllowed, "method_not_allowed"},
		"a web page's":        {http.MethodGet, "192.0.2.1:1", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden, "caller_not_allowed"},
		"a web page's, empty": {http.MethodGet, "192.0.2.1:1", http.Header{"Origin": {""}}, http.StatusForbidden, "caller_not_allowed"},
		"a stranger's":        {http.MethodGet, "198.51.100.1:1", nil, http.StatusForbidden, "caller_not_allowed"},
		"a stranger's POST":   {http.MethodPost, "198.51.100.1:1", nil, http.StatusForbidden, "caller_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(test.method, "/x", nil)
			r.RemoteAddr = test.caller
			maps.Copy(r.Header, test.header)
			if err := p.show(w, r, written(doc)); err != nil {
				t.Fatal(err)
			}
			if w.Code != test.status {
				t.Fatalf("HTTP %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if w.Code >= http.StatusBadRequest {
				if got := w.Header().Get("Content-Type"); got != "application/problem+json" || !strings.Contains(w.Body.String(), `"code":"`+test.body+`"`) {
					t.Errorf("%s: %s", got, w.Body)
				}
				if w.Header().Get("ETag") != "" {
					t.Error("a refusal has an ETag")
				}
				return
			}
			if w.Body.String() != test.body || w.Header().Get("ETag") != doc.etag || w.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s with %v", w.Body, w.Header())
			}
			if got := w.Header().Get("Content-Type"); test.status == http.StatusOK && got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/x", nil)
	r.RemoteAddr = "192.0.2.1:1"
	if err := p.show(w, r, written(doc)); err != nil || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow %q: %v", w.Header().Get("Allow"), err)
	}
}

// What http.ServeContent refuses in plain text, or without a word, is a problem.
func TestShowRefuses(t *testing.T) {
	doc := newDocument([]byte(`{"a":1}`))
	p := &Proxy{callers: allow.List{netip.MustParsePrefix("192.0.2.0/24")}}
	for name, test := range map[string]struct {
		header, value string
		status        int
		code          string
	}{
		"another version": {"If-Match", `"x"`, http.StatusPreconditionFailed, "precondition_failed"},
		"behind the end":  {"Range", "bytes=100-", http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable"},
		"this version":    {"If-Match", doc.etag, http.StatusOK, ""},
		"a part":          {"Range", "bytes=0-1", http.StatusPartialContent, ""},
		"nothing new":     {"If-None-Match", doc.etag, http.StatusNotModified, ""},
		"another unit":    {"Range", "lines=1-2", http.StatusOK, ""},
		"no unit":         {"Range", "1-2", http.StatusOK, ""},
		"a broken range":  {"Range", "bytes=x-", http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
			r.Header.Set(test.header, test.value)
			w := httptest.NewRecorder()
			if err := p.show(w, r, written(doc)); err != nil {
				t.Fatal(err)
			}
			isProblem := w.Header().Get("Content-Type") == "application/problem+json"
			if w.Code != test.status || isProblem != (test.code != "") || !strings.Contains(w.Body.String(), test.code) {
				t.Errorf("HTTP %d, %s, %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			if w.Code == http.StatusRequestedRangeNotSatisfiable && w.Header().Get("Content-Range") != "bytes */7" {
				t.Errorf("Content-Range: %s", w.Header().Get("Content-Range"))
			}
		})
	}
}

// The description has the headers of a document's answers: all that occur and no other.
func TestDocumentAnswersAreDescribed(t *testing.T) {
	p, _ := limited(t, nil)
	var d struct {
		Paths map[string]struct {
			Get struct{ Responses map[string]describedAnswer }
		}
		Components struct{ Responses map[string]describedAnswer }
	}
	doc, err := p.documents["/openapi.json"]()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc.body, &d); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, header, value, status string }{
		"all of it":       {"/codes/banks", "Accept", "*/*", "200"},
		"a part":          {"/codes/banks", "Range", "bytes=0-1", "206"},
		"nothing new":     {"/codes/banks", "If-None-Match", "*", "304"},
		"a web page":      {"/codes/banks", "Origin", "https://shop.example", "403"},
		"no such list":    {"/codes/nothing", "Accept", "*/*", "404"},
		"another version": {"/codes/banks", "If-Match", `"x"`, "412"},
		"behind the end":  {"/codes/banks", "Range", "bytes=1000000-", "416"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := d.Paths["/codes/{list}"].Get.Responses[test.status]
			if ref, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
				answer = d.Components.Responses[ref]
			}
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, test.path, nil)
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set(test.header, test.value)
			if err := p.ServeHTTP(w, r, nil); err != nil {
				t.Fatal(err)
			}
			h := w.Header().Clone()
			for _, ofHTTP := range []string{"Content-Type", "Content-Length", "Connection"} {
				h.Del(ofHTTP)
			}
			got, want := slices.Sorted(maps.Keys(h)), slices.Sorted(maps.Keys(answer.Headers))
			for i := range want {
				want[i] = http.CanonicalHeaderKey(want[i])
			}
			if strconv.Itoa(w.Code) != test.status || !slices.Equal(got, want) {
				t.Errorf("HTTP %d with %v, described are %v", w.Code, got, want)
			}
		})
	}
}

type describedAnswer struct {
	Ref     string `json:"$ref"`
	Headers map[string]any
}
