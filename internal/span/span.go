// Package span makes OpenTelemetry spans of what the sidecar does within a request that Caddy's directive tracing records.
package span

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope names the source of the spans.
const scope = "github.com/galaxypay-sidecar/caddy-galaxypay"

// Start begins a span within that of the context. Where the context has none that is recorded, nothing begins. The caller ends the span.
// The attributes are names and values in turn; an empty value is left out.
func Start(ctx context.Context, name string, attributes ...string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(ctx, name)
	Set(s, attributes...)
	return ctx, s
}

// Set adds attributes, as Start does.
func Set(s trace.Span, attributes ...string) {
	if !s.IsRecording() {
		return
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			s.SetAttributes(attribute.String("galaxypay."+attributes[i], attributes[i+1]))
		}
	}
}

// Fail marks a span as failed with one of our codes, which holds nothing of a message. An empty code marks nothing.
func Fail(s trace.Span, code string) {
	if code != "" {
		s.SetStatus(codes.Error, code)
	}
}

// Announce puts the span of a context into the headers of a request to the app: traceparent and tracestate.
// Where the context has none, the headers stay as they are.
func Announce(ctx context.Context, header http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
}
