//go:build unix

package caddytest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// repeatedCall is a call that an app repeats under its key until it is answered finally.
type repeatedCall struct {
	key, path, body string

	begun  time.Time
	next   time.Time  // when the app repeats it
	answer httpAnswer // the last one
}

// Keys say what a call does, for the gateway, which has one path for several operations.
const (
	pageKey  = "page-"
	moneyKey = "money-"
)

func isPage(key string) bool { return strings.HasPrefix(key, pageKey) }

// repeatedCalls are what the apps call: operations that open a page, and operations that move money. $ is replaced by the key.
var repeatedCalls = []repeatedCall{
	{key: pageKey, path: "/pay", body: strings.Replace(payment, "ORDER-1", "$", 1)},
	{key: pageKey, path: "/createPaymentLink", body: `{"orderID":"$","orderName":"x","orderAmount":1,"orderDescription":"x","expiryDuration":1,"expiryUnit":"DAY",` +
		`"paymentMethods":["QRPAY"],"paymentFields":["email"]}`},
	{key: moneyKey, path: "/payWithToken", body: strings.NewReplacer("ORDER-1", "$", `"paymentMethod"`, `"token":"TOK","paymentMethod"`).Replace(payment)},
	{key: moneyKey, path: "/fastPay", body: strings.NewReplacer("ORDER-1", "$", "DOMESTIC", "INTERNATIONAL").Replace(payment)},
	{key: moneyKey, path: "/refund", body: strings.Replace(refund, "2306154612216981190343178", "$", 1)},
	{key: moneyKey, path: "/capture", body: `{"transactionID":"$"}`},
	{key: moneyKey, path: "/void", body: `{"transactionID":"$"}`},
}

// newRepeatedCall is a call under a key that was never used.
func newRepeatedCall(name string) *repeatedCall {
	c := repeatedCalls[rand.IntN(len(repeatedCalls))] //nolint:gosec // G404: its choice is not a secret
	c.key += name
	c.body = strings.ReplaceAll(c.body, "$", c.key)
	c.begun = time.Now()
	c.next = c.begun
	return &c
}

// runApp is an app. Until more ends it makes new calls, and it repeats each until that is answered finally. While a sidecar says
// that a call is at work, the app makes others.
func (k *killedLedger) runApp(more context.Context, t *testing.T, name string) {
	t.Helper()
	var waiting []*repeatedCall
	var impatient sync.WaitGroup
	defer impatient.Wait()
	for n := 0; !t.Failed() && (len(waiting) > 0 || more.Err() == nil); n++ {
		slices.SortFunc(waiting, func(a, b *repeatedCall) int { return a.next.Compare(b.next) })
		var c *repeatedCall
		switch {
		case len(waiting) > 0 && (more.Err() != nil || !waiting[0].next.After(time.Now())):
			c, waiting = waiting[0], waiting[1:]
			time.Sleep(time.Until(c.next))
		default:
			c = newRepeatedCall(fmt.Sprintf("%s-%d", name, n))
			if rand.IntN(8) == 0 { //nolint:gosec // G404: its choice is not a secret
				first := *c
				impatient.Go(func() { k.tryOnce(t, &first) }) // the app does not wait for its answer
			}
		}
		if k.try(t, c) {
			k.note(c)
			continue
		}
		waiting = append(waiting, c)
		if time.Since(c.begun) > callPatience {
			t.Errorf("%s is not answered finally: %s", c.key, c.answer.body)
		}
	}
}

// callPatience is how long a call may take in all: it may be interrupted often, and each time be at work until its deadline.
const callPatience = 5 * time.Minute

// try makes a call at any sidecar, and reports whether it is answered finally.
func (k *killedLedger) try(t *testing.T, c *repeatedCall) (isFinal bool) {
	t.Helper()
	a, ok := k.tryOnce(t, c)
	if !ok {
		time.Sleep(5 * time.Millisecond) // no sidecar is called again without a pause
		return false
	}
	c.answer = a
	wait, isFinal := c.judge(t)
	c.next = time.Now().Add(wait)
	return isFinal
}

// tryOnce makes a call at any sidecar. Without an answer, it may have been carried out or not.
func (k *killedLedger) tryOnce(t *testing.T, c *repeatedCall) (a httpAnswer, ok bool) {
	t.Helper()
	sidecar := k.sidecars[rand.IntN(len(k.sidecars))] //nolint:gosec // G404: its choice is not a secret
	a, err := sidecar.client.tryPost(t.Context(), "http://sidecar"+c.path, c.body, "Idempotency-Key", c.key)
	if err != nil {
		k.noteBroken(c)
		return a, false
	}
	if done := k.gateway.of(c.key); a.status == http.StatusOK && a.body != done.reply {
		t.Errorf("%s is answered %s, and the gateway said %s", c.key, a.body, done.reply)
	}
	select {
	case sidecar.answered <- struct{}{}:
	default: // the test waits for no answer
	}
	return a, true
}

// judge is what the documents tell an app to do with an answer: to take it as final, or to repeat the call after a while.
func (c *repeatedCall) judge(t *testing.T) (wait time.Duration, isFinal bool) {
	t.Helper()
	if c.answer.status == http.StatusOK {
		return 0, true
	}
	p := c.answer.problem(t)
	switch {
	case p.Code == "in_progress":
		seconds, err := strconv.Atoi(c.answer.header.Get("Retry-After"))
		if err != nil {
			t.Errorf("%s: Retry-After: %v", c.key, err)
		}
		return time.Duration(cmp.Or(seconds, 1)) * time.Second, false
	case p.Code == "gateway_unauthorized", p.Outcome == "not_sent":
		return 5 * time.Millisecond, false
	case p.Outcome == "rejected":
		return 0, true
	case p.Outcome != "unknown":
		t.Errorf("%s: outcome %q: %s", c.key, p.Outcome, c.answer.body)
	}
	return 0, !isPage(c.key) && c.answer.header.Get("Galaxypay-Replayed") == "true"
}
