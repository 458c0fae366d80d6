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
	"strconv"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

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
	callbackHeaders{kindIPN, record.Queue, record.PaymentStatus, record.ID, attempt}.set(r.Header)
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
		return inbox.Result{Reason: "the app's answer was cut off"}
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
	return "the connection broke, or the app's answer was not HTTP"
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
