package caddytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// httpAnswer is a whole HTTP response.
type httpAnswer struct {
	status int
	header http.Header
	body   string
}

// problem is the body of a refusal.
type problem struct {
	Type            string       `json:"type"`
	Title           string       `json:"title"`
	Status          int          `json:"status"`
	Detail          string       `json:"detail"`
	Code            string       `json:"code"`
	Outcome         string       `json:"outcome"`
	Operation       string       `json:"operation"`
	RequestID       string       `json:"requestID"`
	ResponseCode    string       `json:"responseCode"`
	ResponseMessage string       `json:"responseMessage"`
	Errors          []fieldError `json:"errors"`
}

// fieldError says what is wrong with one field of a request.
type fieldError struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// problem decodes a refusal and checks what every refusal must have.
func (a httpAnswer) problem(t *testing.T) problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type %q, want application/problem+json; HTTP %d: %s", got, a.status, a.body)
	}
	var p problem
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("problem %s: %v", a.body, err)
	}
	if p.Status != a.status || p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" {
		t.Fatalf("incomplete problem with HTTP %d: %s", a.status, a.body)
	}
	return p
}

// fieldCodes lists the problem's errors as field:code.
func (p problem) fieldCodes(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, e := range p.Errors {
		if e.Detail == "" {
			t.Errorf("%s: %s without a sentence", e.Field, e.Code)
		}
		list = append(list, e.Field+":"+e.Code)
	}
	return list
}

// decode reads a JSON answer with HTTP 200.
func (a httpAnswer) decode(t *testing.T, into any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("HTTP %d, want 200: %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// wantStatus checks an answer of which only the status matters.
func (a httpAnswer) wantStatus(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("HTTP %d, want %d: %s", a.status, status, a.body)
	}
}

// wantOK checks a success and its body.
func (a httpAnswer) wantOK(t *testing.T, body string) {
	t.Helper()
	if a.status != http.StatusOK || a.body != body {
		t.Fatalf("HTTP %d: %s; want 200: %s", a.status, a.body, body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q, want application/json", got)
	}
}

// wantProblem checks a refusal's status, code and outcome.
func (a httpAnswer) wantProblem(t *testing.T, status int, code, outcome string) problem {
	t.Helper()
	p := a.problem(t)
	if a.status != status || p.Code != code || p.Outcome != outcome {
		t.Fatalf("HTTP %d, code %s, outcome %s; want %d, %s, %s: %s", a.status, p.Code, p.Outcome, status, code, outcome, a.body)
	}
	return p
}

// wantCallbackRefused checks the refusal of a callback. It has no outcome and no operation,
// because a callback sends nothing to the gateway.
func (a httpAnswer) wantCallbackRefused(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status {
		t.Errorf("HTTP %d, want %d: %s", a.status, status, a.body)
	}
	p := a.problem(t)
	if p.Code != code {
		t.Errorf("code %q, want %q: %s", p.Code, code, p.Detail)
	}
	if p.Outcome != "" || p.Operation != "" || p.ResponseCode != "" || p.ResponseMessage != "" || p.Errors != nil {
		t.Errorf("a callback's problem has members that belong to calls: %s", a.body)
	}
}

// wantIPNStatus checks that the gateway gets exactly this ipnStatus and a description, both as
// strings. It returns the description.
func (a httpAnswer) wantIPNStatus(t *testing.T, status string) (description string) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("HTTP %d, %s, want 200, application/json: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var fields map[string]any
	a.decode(t, &fields)
	description, ok := fields["ipnDescription"].(string)
	if !ok || description == "" || fields["ipnStatus"] != status || len(fields) != 2 {
		t.Errorf("answer %s, want ipnStatus %q and a description, as strings", a.body, status)
	}
	return description
}

// summary is the HTTP status, and of a problem its code and outcome.
func (a httpAnswer) summary(t *testing.T) string {
	t.Helper()
	if a.status == http.StatusOK {
		return "200"
	}
	p := a.problem(t)
	return fmt.Sprintf("%d %s %s", a.status, p.Code, p.Outcome)
}
