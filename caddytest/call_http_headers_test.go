package caddytest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whatever the app sends along, the gateway gets these headers and no others.
func TestCallHeadersOnTheWire(t *testing.T) {
	s := newSidecar(t)
	s.call(t, "/pay?apiKey=query-canary", payment,
		"Cookie", "session=caller-canary",
		"Authorization", "Bearer caller-canary",
		"Proxy-Authorization", "Basic caller-canary",
		"X-Forwarded-For", "192.0.2.7",
		"X-Real-IP", "192.0.2.7",
		"X-Canary", "caller-canary",
		"Forwarded", "for=192.0.2.7",
		"Via", "1.1 caller-canary",
		"Accept", "text/caller-canary",
		"Accept-Encoding", "br",
		"Accept-Language", "vi",
		"User-Agent", "caller-canary",
		"Referer", "https://caller-canary.example/",
		"Idempotency-Key", "order-1",
		"X-Idempotency-Key", "caller-canary",
		"apikey", "caller-canary",
		"Signature", "caller-canary",
		"Galaxypay-Merchant", "caller-canary",
		"Galaxypay-Verified", "caller-canary",
		"Traceparent", "00-caller-canary-01",
		"Te", "trailers",
	).wantOK(t, paid)

	got := s.gateway.only(t)
	if got.line != "POST /api/v1/transaction/pay HTTP/1.1" {
		t.Errorf("request line %q", got.line)
	}
	if agent := got.value("User-Agent"); !regexp.MustCompile(`^galaxypay-sidecar/\S+$`).MatchString(agent) {
		t.Errorf("User-Agent %q", agent)
	}
	want := []line{
		{"Accept", "application/json"},
		{"Accept-Encoding", "gzip"},
		{"Content-Length", strconv.Itoa(len(got.body))},
		{"Content-Type", "application/json"},
		{"Host", strings.TrimPrefix(s.gateway.url, "http://")},
		{"User-Agent", got.value("User-Agent")},
		{"apiKey", testAPIKey},
		{"signature", sign(got.body, testSalt)},
	}
	slices.SortFunc(got.header, func(a, b line) int { return strings.Compare(a.name, b.name) })
	if !slices.Equal(got.header, want) {
		t.Errorf("headers\n%q, want\n%q", got.header, want)
	}
	if strings.Contains(got.body, "canary") {
		t.Errorf("a part of the caller's headers is in the body: %s", got.body)
	}
}
