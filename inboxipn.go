package galaxypay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// Inbox makes a handler of IPNs keep each proven one until the app has taken it, and
// answer the gateway as soon as it is kept. The handlers behind it are not called.
type Inbox struct {
	// Where the app takes IPNs: an absolute http or https address. They are posted there
	// as they would be handed to the next handler, with the header Galaxypay-Attempt.
	// Placeholders such as {env.NAME} are resolved when the config is loaded. Required.
	DeliverTo string `json:"deliver_to,omitempty"`

	// How long the gateway's request waits for the app's own answer, 30s at most. When it
	// is over, the gateway is told that the IPN was received. Default: 5s.
	AnswerWithin caddy.Duration `json:"answer_within,omitempty"`

	// The delays between attempts; each is made up to a fifth longer at random. When the
	// attempt after the last delay fails, the IPN becomes a dead letter. Default: 1s, 5s,
	// 30s, 2m, 10m, 1h, 6h.
	Retry []caddy.Duration `json:"retry,omitempty"`

	// How long an IPN is kept after it arrived, unless it is still to be delivered. For as
	// long, it is recognised when it arrives again. Default: 400d.
	Keep caddy.Duration `json:"keep,omitempty"`
}

// The defaults of an Inbox.
const (
	defaultAnswerWithin = caddy.Duration(5 * time.Second)
	defaultKeep         = caddy.Duration(400 * 24 * time.Hour)
)

var defaultRetry = []caddy.Duration{
	caddy.Duration(time.Second),
	caddy.Duration(5 * time.Second),
	caddy.Duration(30 * time.Second),
	caddy.Duration(2 * time.Minute),
	caddy.Duration(10 * time.Minute),
	caddy.Duration(time.Hour),
	caddy.Duration(6 * time.Hour),
}

// longestRetry bounds one delay. What is meant to be never would be a time that no store
// can keep, and that comes out as one in the past.
const longestRetry = caddy.Duration(30 * 24 * time.Hour)

// attemptTimeout bounds one attempt to deliver.
const attemptTimeout = 30 * time.Second

// resolved returns the settings with their defaults and placeholders filled in.
func (i Inbox) resolved() (*Inbox, error) {
	var err error
	if i.DeliverTo, err = resolvePlain("deliver_to", i.DeliverTo); err != nil {
		return nil, err
	}
	// The address may hold a password or a token, so no error quotes it.
	u, err := url.Parse(i.DeliverTo)
	if err != nil || !isWebAddress(u) || u.Fragment != "" {
		return nil, errors.New("deliver_to: expected an address such as http://app:8000/payments/ipn")
	}
	if i.AnswerWithin == 0 {
		i.AnswerWithin = defaultAnswerWithin
	}
	if i.AnswerWithin < 0 || time.Duration(i.AnswerWithin) > attemptTimeout {
		return nil, fmt.Errorf("answer_within: expected a duration above zero, and %s at most", attemptTimeout)
	}
	if len(i.Retry) == 0 {
		i.Retry = defaultRetry
	}
	if slices.ContainsFunc(i.Retry, func(d caddy.Duration) bool { return d <= 0 || d > longestRetry }) {
		return nil, errors.New("retry: expected durations above zero, and 30d at most")
	}
	if i.Keep == 0 {
		i.Keep = defaultKeep
	}
	if i.Keep < 0 {
		return nil, errors.New("keep: expected a duration above zero")
	}
	return &i, nil
}

// queue is how the engine is to deliver for a merchant.
func (i *Inbox) queue(merchant string) inbox.Queue {
	q := inbox.Queue{
		Name:         merchant,
		Deliver:      i.deliver,
		Timeout:      attemptTimeout,
		AnswerWithin: time.Duration(i.AnswerWithin),
		Keep:         time.Duration(i.Keep),
	}
	for _, delay := range i.Retry {
		q.Retry = append(q.Retry, time.Duration(delay))
	}
	return q
}

// provisionInbox registers the handler's inbox with the app.
func (c *Callback) provisionInbox(ctx caddy.Context) error {
	if c.Inbox == nil {
		return nil
	}
	if c.Kind != kindIPN {
		return errors.New("inbox: only IPNs can be kept; a customer's browser waits for its answer")
	}
	settings, err := c.Inbox.resolved()
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	c.inbox = app.(*App).inbox
	return c.inbox.add(ctx, c.merchant.name, settings)
}

// keep stores an IPN, has it delivered and answers the gateway.
func (c *Callback) keep(w http.ResponseWriter, r *http.Request, cb *callback) error {
	answer, err := c.take(r.Context(), cb)
	if err != nil {
		c.log.Error("an IPN could not be kept, so it was not acknowledged",
			zap.String("merchant", c.merchant.name),
			zap.String("request_id", cb.requestID),
			zap.String("delivery_id", cb.deliveryID),
			zap.String("payment_status", string(cb.status)),
			zap.Error(err))
		return writeProblem(w, r, fail(CodeInboxUnavailable, msgInboxUnavailable))
	}
	return writeIPNAnswer(w, ipnAnswer(answer))
}

func (c *Callback) take(ctx context.Context, cb *callback) (inbox.Answer, error) {
	member, err := c.inbox.join() //nolint:contextcheck // the inbox is opened for all, not for this request
	if err != nil {
		return inbox.Answer{}, err
	}
	return member.Arrive(ctx, inbox.Event{
		ID:            cb.deliveryID,
		Queue:         c.merchant.name,
		Transaction:   nameOf(transactionOf(cb.message)),
		RequestID:     nameOf(cb.requestID),
		PaymentStatus: string(cb.status),
		ReceivedAt:    time.Now().UTC(),
		Message:       cb.message,
	})
}

// nameOf leaves out a name that is longer than any of the gateway's, and than a store takes:
// the event must be kept all the same.
func nameOf(text string) string {
	if len(text) > inbox.MaxName {
		return ""
	}
	return text
}

// transactionOf returns which payment a message is about: its transactionID or, for a
// payment link, its orderNo; empty if it has neither.
func transactionOf(message []byte) string {
	a, err := parseAnswer(message)
	if err != nil {
		return ""
	}
	data, err := rawjson.Members(a.data)
	if err != nil {
		return ""
	}
	if id := rawjson.Scalar(rawjson.Find(data, "transactionID")); id != "" {
		return id
	}
	return rawjson.Scalar(rawjson.Find(data, "orderNo"))
}

// deliveries posts to the apps. It follows no redirect: the address that the merchant
// configured is the only one that may see a customer's data. For the same reason no
// variable of the environment can put a proxy in between.
var deliveries = &http.Client{
	Transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true, // a compressed answer would not be understood here
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// deliver makes one attempt to hand a record to the app.
func (i *Inbox) deliver(ctx context.Context, record inbox.Record, attempt int) inbox.Result {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.DeliverTo, bytes.NewReader(record.Message))
	if err != nil {
		return inbox.Result{Reason: "the request could not be made"}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Galaxypay-Callback", kindIPN)
	r.Header.Set("Galaxypay-Merchant", record.Queue)
	r.Header.Set("Galaxypay-Payment-Status", record.PaymentStatus)
	r.Header.Set("Galaxypay-Delivery-Id", record.ID)
	r.Header.Set("Galaxypay-Attempt", strconv.Itoa(attempt))
	// Not sent. It lets the transport take a new connection where the app closes an idle one
	// at this moment, as it may with whatever can be sent twice.
	r.Header["Idempotency-Key"] = nil
	resp, err := deliveries.Do(r)
	if err != nil {
		return inbox.Result{Reason: "the app did not answer: " + reasonOf(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	return resultOf(resp)
}

// resultOf reads the app's answer by the rules that hold without an inbox.
func resultOf(resp *http.Response) inbox.Result {
	if resp.StatusCode == http.StatusSwitchingProtocols { // its body does not end with the context
		return inbox.Result{Reason: "the app answered HTTP 101"}
	}
	app := &appAnswer{status: resp.StatusCode}
	if _, err := io.Copy(app, io.LimitReader(resp.Body, longestAppAnswer+1)); err != nil {
		return inbox.Result{Reason: "the app's answer broke off"}
	}
	if answer, ok := app.translate(); ok {
		return inbox.Result{Delivered: true, Answer: inbox.Answer(answer)}
	}
	return inbox.Result{
		Reason:     fmt.Sprintf("the app answered HTTP %d", resp.StatusCode),
		RetryAfter: retryAfterOf(resp.Header, time.Now()),
	}
}

// reasonOf says why there is no answer. It quotes neither the address, which may hold a
// password or a token, nor what came instead of HTTP, which may hold anything.
func reasonOf(err error) string {
	if network, ok := errors.AsType[net.Error](withoutAddress(err)); ok {
		return network.Error()
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "the inbox was closed meanwhile"
	}
	return "the connection broke, or what came was no HTTP"
}

// withoutAddress takes the wrapping off a client's error that quotes the address.
func withoutAddress(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// retryAfterOf reads Retry-After, seconds or a date; zero if there is none to be had.
func retryAfterOf(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
