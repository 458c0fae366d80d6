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

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// Inbox makes a handler of IPNs keep each proven one until the app has taken it, and
// answer the gateway as soon as it is kept. The handlers behind it are not called.
type Inbox struct {
	// Where the app takes IPNs: an absolute http or https address. They are posted there
	// as they would be handed to the next handler, with the header Galaxypay-Attempt.
	// Placeholders such as {env.NAME} are resolved when the config is loaded. Required.
	DeliverTo string `json:"deliver_to,omitempty"`

	// How long the gateway's request waits for the app's own answer, 30s at most. After
	// that the sidecar answers that the IPN was received. Default: 5s.
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

// longestRetry bounds one delay. A delay of centuries, meant as never, would give a time that
// no store can keep and that would be read as one in the past.
const longestRetry = caddy.Duration(30 * 24 * time.Hour)

// attemptTimeout bounds one attempt to deliver.
const attemptTimeout = 30 * time.Second

// resolved returns the settings with their defaults and placeholders filled in.
func (i Inbox) resolved() (*Inbox, error) {
	var err error
	if i.DeliverTo, err = secret.Plain("deliver_to", i.DeliverTo); err != nil {
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
	marks{kindIPN, record.Queue, record.PaymentStatus, record.ID}.set(r.Header)
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
		return inbox.Result{Delivered: true, Answer: answer}
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
		return "the inbox was closed during the attempt"
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

// retryAfterOf reads Retry-After, seconds or a date; zero where it has none that can be read.
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
