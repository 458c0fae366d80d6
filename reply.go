package galaxypay

import (
	"bytes"
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// verify proves the reply over the bytes received, before anything parses them.
func (p *Proxy) verify(c *call) *problem.Problem {
	verdict := p.merchant.signer.verify(c.reply.body, c.reply.signature, time.Now())
	p.metrics.countSignature(p.merchant.name, signedReply, verdict)
	if verdict.isProven() {
		c.isProven = true
		return nil
	}
	if p.Verify == "report" {
		c.unproven = true
		return nil
	}
	if verdict == signatureMissing {
		return p.unsigned(c)
	}
	return problem.WrongSignature()
}

// unsigned quotes a refusal's code and message, marked as unproven: a gateway that
// does not know the merchant cannot sign, and its reason is what a developer needs.
func (p *Proxy) unsigned(c *call) *problem.Problem {
	e, err := parseEnvelope(c.reply.body)
	said := func() (code, message string) {
		return quote(p.withoutSecrets(c, e.responseCode), 3), quote(p.withoutSecrets(c, e.responseMessage()), 250)
	}
	isQuotable := err == nil && (e.responseCode != "" || e.responseMessage() != "")
	switch {
	case c.reply.status == http.StatusUnauthorized && !isQuotable:
		return problem.UnsignedUnauthorizedPage(c.reply.status)
	case c.reply.status == http.StatusUnauthorized, err == nil && e.responseCode == "401":
		code, message := said()
		return problem.UnsignedUnauthorized(c.reply.status, code, message)
	}
	if err != nil || e.responseCode == "" || e.responseCode == "200" {
		return problem.Unsigned(c.reply.status)
	}
	code, message := said()
	return problem.UnsignedRefusal(c.reply.status, code, message)
}

// withoutSecrets is a text of the gateway's, unless it repeats a key, a salt, or card data or a token of the request. Gateways
// repeat what they refuse, and apps log problems.
func (p *Proxy) withoutSecrets(c *call, text string) string {
	if secret.Repeats(text, p.secretsOf(c)...) {
		return "***"
	}
	return text
}

// secretsOf are the keys, and the card data and tokens of the request.
func (p *Proxy) secretsOf(c *call) []string { return p.withKeys(secretsIn(c.request.data)) }

// withKeys adds the merchant's keys to secrets.
func (p *Proxy) withKeys(secrets []string) []string {
	secrets = append(secrets, string(p.merchant.signer.salt))
	if p.merchant.apiKey != sandboxAPIKey { // which is published, and a word that the sandbox uses
		secrets = append(secrets, p.merchant.apiKey)
	}
	for _, previous := range p.merchant.signer.previous {
		secrets = append(secrets, string(previous.salt))
	}
	return secrets
}

// secretName is part of every name in the gateway's documents that has card data or a token, in lower case.
var secretName = regexp.MustCompile(`cardnumber|verification|cvv|cvc|token`)

// secretsIn are the values of such names and the numbers of cards under any name, at any depth, in texts that hold JSON too.
func secretsIn(members []rawjson.Member) (values []string) {
	for _, m := range members {
		values = append(values, secretsOf(m.Name, m.Value)...)
	}
	return values
}

// secretsOf are the secrets in one value. The elements of an array have the name that the array has.
func secretsOf(name, value []byte) (values []string) {
	if inner, err := rawjson.Members(plainData(value)); err == nil {
		return secretsIn(inner)
	}
	if len(value) > 0 && value[0] == '[' {
		for _, element := range rawjson.Elements(value) {
			values = append(values, secretsOf(name, element)...)
		}
		return values
	}
	if text := rawjson.Scalar(value); secret.IsCardNumber(text) || secretName.Match(bytes.ToLower(name)) {
		return []string{text}
	}
	return nil
}

// shortestSecret is the least number of bytes of a secret that is looked for in every value: a CVV of three digits is in many a transactionID.
const shortestSecret = 8

// kept is the reply as the ledger keeps it: without what it repeats of the keys, the cards and the tokens of the call. No one may keep a
// card's CVV, encrypted or not. A token stays where it is the answer to a call about tokens, which is recorded only where the store encrypts.
func (p *Proxy) kept(c *call) []byte {
	members := c.request.data
	if c.payment.Effect == operation.KeepsCards {
		members = slices.DeleteFunc(slices.Clone(members), func(m rawjson.Member) bool { return string(m.Name) == "token" })
	}
	secrets := p.withKeys(secretsIn(members))
	if !secret.Repeats(string(c.opened.text), secrets...) {
		return c.opened.text
	}
	return withoutRepeated("", c.opened.text, secrets)
}

// withoutRepeated is a value of a reply without the secrets in it. Short ones are looked for where card data and people's text stand.
func withoutRepeated(name string, value []byte, secrets []string) []byte {
	if members, err := rawjson.Members(value); err == nil {
		var kept [][]byte
		for _, m := range members {
			if !repeatsAny(string(m.Name), secrets, shortestSecret) {
				kept = append(kept, append(append(jsonString(m.Name), ':'), withoutRepeated(string(m.Name), m.Value, secrets)...))
			}
		}
		return slices.Concat([]byte("{"), bytes.Join(kept, []byte(",")), []byte("}"))
	}
	if len(value) > 0 && value[0] == '[' {
		elements := rawjson.Elements(value)
		kept := make([][]byte, len(elements))
		for i, element := range elements {
			kept[i] = withoutRepeated(name, element, secrets)
		}
		return slices.Concat([]byte("["), bytes.Join(kept, []byte(",")), []byte("]"))
	}
	if text, isString := rawjson.Unquote(value); isString && rawjson.IsObject(text) {
		return jsonString(withoutRepeated(name, text, secrets))
	}
	shortest := shortestSecret
	if name == "responseMessage" || secretName.MatchString(strings.ToLower(name)) {
		shortest = 1
	}
	if repeatsAny(cmp.Or(rawjson.Scalar(value), string(value)), secrets, shortest) {
		return []byte(`"***"`)
	}
	return value
}

// repeatsAny reports whether a text repeats one of the secrets that are so long, or longer.
func repeatsAny(text string, secrets []string, shortest int) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return len(s) >= shortest && secret.Repeats(text, s) })
}

func jsonString(text []byte) []byte {
	quoted, _ := jsontext.AppendQuote(nil, text) // a reply that is proven is valid UTF-8, else it is no JSON
	return quoted
}

// quote prepares a text of the gateway's for a sentence of ours: printable characters
// only, and at most limit of them.
func quote(text string, limit int) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text))
	if len(clean) > limit {
		clean = clean[:limit]
	}
	return `"` + string(clean) + `"`
}

// unwrap takes the reply apart and turns a refusal into its problem.
func (p *Proxy) unwrap(c *call) *problem.Problem {
	e, err := parseEnvelope(c.reply.body)
	if err != nil {
		return problem.ReplyNotJSON()
	}
	success := e.responseCode == "200"
	if e.requestID != c.request.requestID && (success || e.requestID != "") {
		return problem.ReplyToAnother()
	}
	if paymentOf(&e).ambiguous {
		return problem.ReplyNotJSON()
	}
	if len(e.responseCode) > 3 { // than every code of the gateway's has
		e.responseCode = p.withoutSecrets(c, e.responseCode)
	}
	c.opened = e
	if success {
		return nil
	}
	prob := p.refusal(c)
	if c.unproven {
		prob.Outcome = problem.Unknown // it may be forged, so the payment may have been made
	}
	return prob
}

// refusals maps the gateway's response codes, other than 200, to ours.
// Source: the gateway's page "Response Codes", ten rows.
var refusals = map[string]problem.Code{
	"400": problem.CodeGatewayBadRequest,
	"401": problem.CodeGatewayUnauthorized,
	"408": problem.CodePaymentExpired,
	"409": problem.CodeTransactionDuplicate,
	"499": problem.CodePaymentCancelled,
	"502": problem.CodeProviderUnreachable,
	"503": problem.CodeProviderUnavailable,
	"504": problem.CodeProviderTimeout,
	"505": problem.CodeAuthenticationFailed,
}

// refusal is what the reply's responseCode says.
func (p *Proxy) refusal(c *call) *problem.Problem {
	e, message := &c.opened, p.withoutSecrets(c, c.opened.responseMessage())
	if e.responseCode == "409" && c.request.mayRepeat() {
		return problem.Repeated(e.responseCode, message)
	}
	if code, ok := refusals[e.responseCode]; ok {
		return problem.Refused(code, e.responseCode, message)
	}
	return problem.ResponseCodeUnexpected(e.responseCode, message)
}

// statusClientClosedRequest is what nginx and Caddy log for a client that hung up.
const statusClientClosedRequest = 499

// answer gives the app its answer: the problem, or what the gateway's reply holds.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, c *call, prob *problem.Problem) error {
	p.setHeaders(w.Header(), c)
	if hungUp(r) && (prob == nil || prob.Outcome != problem.NotSent) {
		// The status is for the access log; an app that has closed its sending side
		// only still finds the requestID to ask about.
		w.WriteHeader(statusClientClosedRequest)
		return nil
	}
	if prob != nil {
		if !c.arrived {
			closeConnection(w, r)
		}
		prob.Operation, prob.RequestID = c.name(), c.request.requestID
		return prob.Write(w, r)
	}
	return respond.Whole(w, http.StatusOK, "application/json", p.content(c))
}

// hungUp reports whether the app has gone without waiting for its answer.
func hungUp(r *http.Request) bool { return r.Context().Err() != nil }

// content is the body of a successful answer.
func (p *Proxy) content(c *call) []byte {
	if p.Response == "envelope" {
		return c.opened.text
	}
	if c.opened.data == nil {
		return []byte("{}")
	}
	return c.opened.data
}

// setHeaders sets the headers that every answer carries, as far as they are known.
func (p *Proxy) setHeaders(h http.Header, c *call) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Galaxypay-Merchant", p.merchant.name)
	set("Galaxypay-Operation", c.name())
	set("Galaxypay-Request-Id", c.request.requestID)
	if isHeaderText(c.opened.responseCode) {
		set("Galaxypay-Response-Code", c.opened.responseCode)
	}
	set("Galaxypay-Payment-Status", string(c.status))
	set("Galaxypay-Order", string(c.order))
	if c.isReplayed {
		set("Galaxypay-Replayed", "true")
	}
	if c.unproven {
		set("Galaxypay-Verified", "false")
	}
}

// name is the operation's short name, "" while it is not known.
func (c *call) name() string {
	if c.operation == nil {
		return ""
	}
	return c.operation.Name
}

// statusSaid is what the reply alone says about a payment, "" where it says nothing.
// A refused query says nothing: its code is about the query. A direct payment
// whose outcome is unknown, or that repeats an earlier one, has no status either,
// and nothing unproven has.
func (c *call) statusSaid(prob *problem.Problem) PaymentStatus {
	if c.unproven {
		return ""
	}
	switch c.name() {
	case operation.Query:
		if prob == nil {
			return paymentOf(&c.opened).judgeQuery()
		}
	case operation.FastPay:
		if prob == nil || prob.Outcome == problem.Rejected && prob.Code != problem.CodeTransactionDuplicate {
			return paymentOf(&c.opened).judgeFastPay()
		}
	}
	return ""
}

// transaction is what the reply names, else what the app did; "" where neither names one. What is not proven names nothing.
func (c *call) transaction() string {
	if c.isProven || c.isReplayed {
		if said := paymentOf(&c.opened).transaction; said != "" {
			return said
		}
	}
	return c.request.text("transactionID")
}

// report logs and counts how the call ended.
func (p *Proxy) report(r *http.Request, c *call, prob *problem.Problem, took time.Duration) {
	outcome := "ok"
	if prob != nil {
		outcome = string(prob.Outcome)
	}
	p.metrics.countRequest(p.merchant.name, c.name(), outcome, took)
	if c.isReplayed {
		p.metrics.countLedger(p.merchant.name, ledgerReplayed)
	}

	level := zap.DebugLevel
	switch {
	case outcome == string(problem.Unknown) || c.unproven:
		level = zap.ErrorLevel
	case hungUp(r):
		level = zap.WarnLevel
	case prob != nil:
		level = zap.InfoLevel
	}
	entry := p.log.Check(level, "call")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("merchant", p.merchant.name),
		zap.String("operation", c.name()),
		zap.String("request_id", c.request.requestID),
		zap.String("order_id", nameOf(c.request.text("orderID"))),
		zap.String("transaction_id", nameOf(c.transaction())),
		zap.String("response_code", c.opened.responseCode),
		zap.String("outcome", outcome),
		zap.String("payment_status", string(c.status)),
		zap.Duration("duration", took),
		zap.Duration("gateway_duration", c.gatewayTook),
	}
	if prob != nil {
		fields = append(fields, zap.String("code", string(prob.Code)), zap.NamedError("reason", loggable(c.reply.err)))
	}
	if c.unproven {
		fields = append(fields, zap.Bool("verified", false))
	}
	if hungUp(r) {
		fields = append(fields, zap.Bool("app_hung_up", true))
	}
	entry.Write(fields...)
}
