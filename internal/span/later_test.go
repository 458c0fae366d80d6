package span

import (
	"context"
	"net/http"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// Before anything records, the context of what was kept is passed on as it is; what cannot be read is not passed on at all, so that a
// damaged text cannot make a header that no request may have.
func TestLaterWithoutProvider(t *testing.T) {
	for name, test := range map[string]struct{ parent, want string }{
		"kept":        {kept, kept},
		"none":        {"", ""},
		"damaged":     {kept[:40], ""},
		"a line more": {kept + "\r\nX-Paid: 1", ""},
		"zeros":       {"00-00000000000000000000000000000000-0000000000000000-01", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := new(Later).Start(t.Context(), test.parent, "galaxypay delivery")
			defer s.End()
			header := http.Header{}
			Announce(ctx, header)
			if got := header.Get("Traceparent"); got != test.want || s.IsRecording() || Traceparent(ctx) != "" {
				t.Errorf("announced %q, expected %q", got, test.want)
			}
		})
	}
}

// After a traced request, what is done later is a span within the one that was kept.
func TestLaterRecords(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	ctx, request := provider.Tracer("test").Start(t.Context(), "request")
	later := new(Later)
	later.Use(context.Background()) // which records nothing, and changes nothing
	later.Use(ctx)
	parent := Traceparent(ctx)
	request.End()

	_, s := later.Start(t.Context(), parent, "galaxypay delivery", "order_id", "A-1", "request_id", "")
	s.End()
	spans := recorder.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	got := spans[1]
	if got.Name() != "galaxypay delivery" || got.Parent().SpanID() != request.SpanContext().SpanID() || got.SpanContext().TraceID() != request.SpanContext().TraceID() ||
		len(got.Attributes()) != 1 || got.Attributes()[0].Value.AsString() != "A-1" {
		t.Errorf("recorded %+v", got)
	}
	if _, none := later.Start(t.Context(), "", "galaxypay delivery"); none.IsRecording() || trace.SpanContextFromContext(t.Context()).IsValid() {
		t.Error("a span of an event that was not traced")
	}
}
