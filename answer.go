package galaxypay

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// content is the body of a successful answer.
func (p *Proxy) content(x *exchange) []byte {
	if p.Response == "envelope" {
		return x.answer.envelope
	}
	if x.answer.data == nil {
		return []byte("{}")
	}
	return x.answer.data
}

// mark sets the headers that every answer carries, as far as they are known.
func (p *Proxy) mark(h http.Header, x *exchange, f *failure) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Galaxypay-Merchant", p.merchant.name)
	set("Galaxypay-Operation", x.name())
	set("Galaxypay-Request-Id", x.request.requestID)
	if isHeaderText(x.answer.responseCode) {
		set("Galaxypay-Response-Code", x.answer.responseCode)
	}
	set("Galaxypay-Payment-Status", string(x.paymentStatus(f)))
	if x.unproven {
		set("Galaxypay-Verified", "false")
	}
}

// name is the operation's short name, "" while it is not known.
func (x *exchange) name() string {
	if x.operation == nil {
		return ""
	}
	return x.operation.Name
}

// paymentStatus is what the answer says about a payment, "" where it says nothing.
// A refused query says nothing: its code is about the query. A direct payment
// whose outcome is unknown, or that repeats an earlier one, has no status either,
// and nothing unproven has.
func (x *exchange) paymentStatus(f *failure) PaymentStatus {
	if x.unproven {
		return ""
	}
	switch x.name() {
	case operation.Query:
		if f == nil {
			return paymentOf(&x.answer).judgeQuery()
		}
	case operation.FastPay:
		if f == nil || f.outcome() == Rejected && f.code != CodeTransactionDuplicate {
			return paymentOf(&x.answer).judge()
		}
	}
	return ""
}

// report logs and counts how the call ended.
func (p *Proxy) report(r *http.Request, x *exchange, f *failure, took time.Duration) {
	outcome := "ok"
	if f != nil {
		outcome = string(f.outcome())
	}
	p.metrics.countRequest(p.merchant.name, x.name(), outcome, took)

	level := zap.DebugLevel
	switch {
	case outcome == string(Unknown) || x.unproven:
		level = zap.ErrorLevel
	case hungUp(r):
		level = zap.WarnLevel
	case f != nil:
		level = zap.InfoLevel
	}
	entry := p.log.Check(level, "call")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("merchant", p.merchant.name),
		zap.String("operation", x.name()),
		zap.String("request_id", x.request.requestID),
		zap.String("outcome", outcome),
		zap.String("response_code", x.answer.responseCode),
		zap.Duration("duration", took),
	}
	if f != nil {
		fields = append(fields, zap.String("code", string(f.code)), zap.NamedError("reason", loggable(x.reply.err)))
	}
	if x.unproven {
		fields = append(fields, zap.Bool("verified", false))
	}
	if hungUp(r) {
		fields = append(fields, zap.Bool("app_hung_up", true))
	}
	entry.Write(fields...)
}
