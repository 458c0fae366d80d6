package caddytest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Metrics count every call under labels from closed lists, over several handlers and
// over a reload.
func TestCallMetrics(t *testing.T) {
	g := newGateway(t)
	config := `
		{
			galaxypay {
				` + g.merchant(t) + `
			}
		}
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			galaxypay {
				operations query
			}
		}
		http://:9182 {
			metrics
		}
		`
	s := sidecar{start(t, config), g}
	sample := regexp.MustCompile(`(?m)^caddy_galaxypay_requests_total\{(.*)\} (\S+)$`)
	calls := func() {
		s.call(t, "/pay", payment)
		s.call(t, "/pay", payment)
		s.call(t, "/query", payment)
		s.post(t, s.url("9181")+"/query", payment)
		s.post(t, s.url("9181")+"/pay", payment)
		s.call(t, "/pay", "[]")
		for i := range 5 { // all paths that callers invent share one series
			s.call(t, fmt.Sprintf("/made-up-%d", i), payment)
			s.call(t, fmt.Sprintf("/api/v1/made-up-%d", i), payment)
		}
		g.replies(func(c *call) []byte { return g.refusal(c, "409") })
		s.call(t, "/pay", payment)
		g.replies(func(*call) []byte { return nil })
		s.call(t, "/pay", payment)
		g.replies(func(c *call) []byte { return g.success(c, paid) })
	}
	want := []string{
		`merchant="default",operation="",outcome="not_sent" 6`,
		`merchant="default",operation="other",outcome="ok" 5`,
		`merchant="default",operation="pay",outcome="not_sent" 1`,
		`merchant="default",operation="pay",outcome="ok" 2`,
		`merchant="default",operation="pay",outcome="rejected" 1`,
		`merchant="default",operation="pay",outcome="unknown" 1`,
		`merchant="default",operation="query",outcome="ok" 2`,
	}
	check := func() {
		t.Helper()
		calls()
		text := s.metrics(t, "9182")
		var got []string
		for _, m := range sample.FindAllStringSubmatch(text, -1) {
			got = append(got, m[1]+" "+m[2])
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("metrics\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, line := range []string{
			`caddy_galaxypay_request_duration_seconds_count{merchant="default",operation="pay"} 5`,
			`caddy_galaxypay_gateway_duration_seconds_count{merchant="default",operation="pay"} 4`, // what was not sent took the gateway no time
			`caddy_galaxypay_gateway_duration_seconds_count{merchant="default",operation="other"} 5`,
			`caddy_galaxypay_signatures_total{direction="reply",merchant="default",result="current"} 10`,
			`caddy_galaxypay_signatures_total{direction="reply",merchant="default",result="invalid"} 0`,
			`caddy_galaxypay_requests_in_flight_limit{merchant="default"} 512`, // of two handlers
		} {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("no line %s", line)
			}
		}
		if strings.Contains(text, "caddy_galaxypay_gateway_duration_seconds_count{merchant=\"default\",operation=\"\"}") {
			t.Error("the gateway's time of a call that was not sent")
		}
	}
	check()
	if err := s.load(t, config); err != nil { // Caddy starts from zero with each configuration
		t.Fatal(err)
	}
	check()
}
