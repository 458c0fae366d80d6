package span

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceparent is the name of the W3C's header.
const traceparent = "traceparent"

// Traceparent is the span of the context as the header traceparent has it; "" where it is not recorded.
func Traceparent(ctx context.Context) string {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// Later makes spans of what is done after the request to which it belongs. Caddy hands over what records spans with a request
// only, so nothing is recorded before the first request that is traced.
type Later struct {
	provider atomic.Pointer[trace.TracerProvider]
}

// Use records with what records the span of the context.
func (l *Later) Use(ctx context.Context) {
	if s := trace.SpanFromContext(ctx); s.IsRecording() {
		provider := s.TracerProvider()
		l.provider.Store(&provider)
	}
}

// Start begins a span within the one that a traceparent names, which [Traceparent] made. Where nothing records yet, the context has that span
// itself. Without a traceparent, or with one that cannot be read, nothing begins. The caller ends the span.
func (l *Later) Start(ctx context.Context, parent, name string, attributes ...string) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: parent})
	provider := l.provider.Load()
	if provider == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	ctx, s := (*provider).Tracer(scope).Start(ctx, name)
	Set(s, attributes...)
	return ctx, s
}
