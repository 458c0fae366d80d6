package caddytest

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// traceCollector takes spans by OTLP over HTTP. Names and attributes stand in its messages as they are.
type traceCollector struct {
	mu    sync.Mutex
	spans strings.Builder
}

func newTraceCollector(t *testing.T) *traceCollector {
	t.Helper()
	c := new(traceCollector)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.spans.Write(body)
	}))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_PROPAGATORS", "tracecontext")
	return c
}

// Under tracing, calls and callbacks have spans with ids, and the app gets the context. The gateway never does, and without tracing there is no
// span at all.
func TestTraces(t *testing.T) {
	for name, tracing := range map[string]string{"tracing": "tracing", "none": ""} {
		t.Run(name, func(t *testing.T) {
			collector := newTraceCollector(t)
			s := newBoundSidecar(t, "", "")
			s.mustLoad(t, sidecarConfig(s.gateway.merchant(t)+"store sqlite "+inboxFile(t)+"\n")+`
				http://:9187 {
					`+tracing+`
					galaxypay
				}
				http://:9181 {
					`+tracing+`
					handle /galaxypay/ipn {
						galaxypay_ipn
						reverse_proxy `+s.app.address+`
					}
				}
				http://:9186 {
					`+tracing+`
					galaxypay_ipn {
						inbox {
							deliver_to http://`+s.app.address+`
						}
					}
				}`)
			s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, transactionAnswer) })
			s.post(t, s.url("9187")+"/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
			told := s.tell(t, ipnJSON, paidMessage)
			if got := told.Get("Traceparent"); (got != "") != (tracing != "") {
				t.Errorf("the app got traceparent %q", got)
			}
			kept := signedMessage(strings.ReplaceAll(paidMessage, "A-1", "A-2"), s.gateway.salt)
			s.app.received()
			s.post(t, s.url("9186"), kept.json()).wantIPNStatus(t, "200")
			delivered := s.app.only(t).header
			if got := delivered.Get("Traceparent"); (got != "") != (tracing != "") {
				t.Errorf("with an event, the app got traceparent %q", got)
			}
			for _, header := range s.gateway.only(t).header {
				if lower := strings.ToLower(header.name); strings.HasPrefix(lower, "trace") || lower == "baggage" || lower == "b3" {
					t.Errorf("the gateway got %s: %s", header.name, header.value)
				}
			}
			s.stop() // which hands the spans over
			collector.mu.Lock()
			defer collector.mu.Unlock()
			spans := collector.spans.String()
			if tracing != "" && !strings.Contains(spanWith(t, spans, told.Get("Traceparent")), "galaxypay delivery") {
				t.Errorf("the app got the context of another span than the delivery: %q", told.Get("Traceparent"))
			}
			if tracing != "" {
				if of := spanWith(t, spans, delivered.Get("Traceparent")); !strings.Contains(of, "galaxypay delivery") {
					t.Errorf("with an event, the app got the context of another span than the delivery: %q", of)
				}
				if !strings.Contains(spans, "galaxypay.attempt") {
					t.Error("the span of an event's delivery does not name the attempt")
				}
			}
			for _, want := range []string{
				"galaxypay gateway", "galaxypay store: begin", "galaxypay store: end", "galaxypay store: event", "galaxypay delivery", "galaxypay.request_id", orderKey, "A-1",
				"galaxypay.transaction_id", "2601021234567890123456789", "galaxypay.delivery_id", "galaxypay.payment_status",
			} {
				if strings.Contains(spans, want) != (tracing != "") {
					t.Errorf("%q is in the spans: %t", want, tracing == "")
				}
			}
			for _, secret := range []string{s.gateway.apiKey, s.gateway.salt, "pay.example", "Cà phê"} {
				if strings.Contains(spans, secret) {
					t.Errorf("%s is in the spans", secret)
				}
			}
		})
	}
}

// spanWith returns the beginning of the span that a traceparent names: behind its id stand its parent and its name.
func spanWith(t *testing.T, spans, traceparent string) string {
	t.Helper()
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 {
		t.Fatalf("traceparent %q", traceparent)
	}
	id, err := hex.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	_, span, _ := strings.Cut(spans, "\x12\x08"+string(id))
	return span[:min(len(span), 64)]
}
