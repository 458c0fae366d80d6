package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// newAskingSidecar has an inbox, and these options in it and in the global option.
func newAskingSidecar(t *testing.T, inbox, global string) boundSidecar {
	t.Helper()
	g, app := newGateway(t), newApp(t)
	c := start(t, sidecarConfig(g.merchant(t)+"store sqlite "+inboxFile(t)+"\n"+global)+`
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				inbox {
					deliver {
						reverse_proxy `+app.address+`
					}
					retry 10ms 10ms 10ms 1h
					`+inbox+`
				}
			}
			respond "no callback" 418
		}`)
	return boundSidecar{sidecar{c, g}, app}
}

const (
	transactionAnswer = `{"transactionID":"2601021234567890123456789","endpoint":"https://pay.example/1"}`
	paidAnswer        = `{"transactionID":"2601021234567890123456789","transactionStatus":"200","transactionStage":"SUCCESSFUL","orderID":"A-1","orderAmount":"109000","orderCurrency":"VND"}`
)

// answersQueries lets the gateway open payments, and answer queries with data.
func (s boundSidecar) answersQueries(data string) {
	s.gateway.replies(func(c *call) []byte {
		if strings.HasSuffix(c.path(), "/query") {
			return s.gateway.success(c, data)
		}
		return s.gateway.success(c, transactionAnswer)
	})
}

// queries is how many questions the gateway got.
func (s boundSidecar) queries() int {
	n := 0
	for _, c := range s.gateway.calls() {
		if strings.HasSuffix(c.path(), "/query") {
			n++
		}
	}
	return n
}

// A payment that no IPN comes for is asked about, and what the gateway answers reaches the app like an IPN.
func TestLedgerReconciles(t *testing.T) {
	s := newAskingSidecar(t, "", "reconcile 20ms 10s\n")
	s.answersQueries(paidAnswer)
	s.call(t, "/pay", strings.Replace(order, "{", `{"ipnURL":"https://shop.example/galaxypay/ipn?shop=7",`, 1), "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	var got []appRequest
	eventually(t, "the app is told", func() bool {
		got = append(got, s.app.received()...)
		return len(got) > 0
	})
	told := got[0]
	wantBound(t, told.header, "paid", "matched", "pay")
	if told.header.Get("Galaxypay-Callback") != "query" || told.method != http.MethodPost || told.target != "/galaxypay/ipn?shop=7" || told.host != "shop.example" {
		t.Errorf("the app got %s %s of %s: %v", told.method, told.target, told.host, told.header)
	}
	if !strings.Contains(told.body, `"responseData":`+paidAnswer) {
		t.Errorf("the body is %s", told.body)
	}
	// The IPN comes after all: it says the same.
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.app.wantNothing(t)
	if n := s.queries(); n != 1 {
		t.Errorf("the gateway was asked %d times", n)
	}
}

// What is still open is asked about by the schedule, and nothing is delivered. An IPN ends the questions.
func TestLedgerReconcileOpen(t *testing.T) {
	s := newAskingSidecar(t, "", "reconcile 20ms 60ms 100ms\n")
	s.answersQueries(strings.NewReplacer(`"200"`, `""`, "SUCCESSFUL", "PROCESSING").Replace(paidAnswer))
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	eventually(t, "the last question is asked", func() bool {
		return len(s.logLines(t, "the last question about a payment is asked, and it is not paid: abandoned where the gateway said that it is open, silent where it never answered")) == 1
	})
	s.app.wantNothing(t)
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	wantBound(t, s.app.only(t).header, "paid", "matched", "pay")
}

// A payment that an IPN has come for is not asked about.
func TestLedgerReconcileNotNeeded(t *testing.T) {
	s := newAskingSidecar(t, "", "reconcile 300ms\n")
	s.answersQueries(paidAnswer)
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.app.only(t)
	const other = `"orderID":"A-9"`
	s.call(t, "/pay", strings.Replace(order, `"orderID":"A-1"`, other, 1), "Idempotency-Key", "other").wantOK(t, transactionAnswer)
	eventually(t, "the other payment is asked about", func() bool { return s.queries() > 0 })
	if n := s.queries(); n != 1 {
		t.Errorf("the gateway was asked %d times", n)
	}
}

// With confirm on, a paid event is delivered once the gateway has said the same.
func TestLedgerConfirms(t *testing.T) {
	s := newAskingSidecar(t, "confirm on", "reconcile off\n")
	s.answersQueries(strings.Replace(paidAnswer, `"109000"`, `"109001"`, 1))
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	m := signedMessage(paidMessage, s.gateway.salt)
	ipnJSON.send(t, s.caddyServer, m)
	eventually(t, "the gateway is asked twice", func() bool { return s.queries() >= 2 })
	s.app.wantNothing(t)
	s.answersQueries(paidAnswer)
	ipnJSON.send(t, s.caddyServer, m)
	var got []appRequest
	eventually(t, "the app is told", func() bool {
		got = append(got, s.app.received()...)
		return len(got) > 0
	})
	wantBound(t, got[0].header, "paid", "matched", "pay")
	if confirmed := got[0].header.Get("Galaxypay-Confirmed"); confirmed != "true" {
		t.Errorf("Galaxypay-Confirmed %q", confirmed)
	}
}

// With confirm on, only a proven answer that says the same lets a paid event through.
func TestLedgerConfirmsByNothingElse(t *testing.T) {
	replace := func(old, replacement string) string { return strings.Replace(paidAnswer, old, replacement, 1) }
	said := func(data string) func(*gateway, *call) []byte {
		return func(g *gateway, c *call) []byte { return g.success(c, data) }
	}
	for name, answer := range map[string]func(*gateway, *call) []byte{
		"nothing":              func(*gateway, *call) []byte { return nil },
		"a refusal":            func(g *gateway, c *call) []byte { return g.refusal(c, "400") },
		"it knows no such key": func(g *gateway, c *call) []byte { return g.refusal(c, "401") },
		"no proof": func(_ *gateway, c *call) []byte {
			return httpResponse(200, envelope(c.requestID(), "200", "m", paidAnswer))
		},
		"it is not paid":        said(replace("SUCCESSFUL", "FAILURE")),
		"it is not yet paid":    said(replace("SUCCESSFUL", "PROCESSING")),
		"no word on it":         said(`{"transactionID":"2601021234567890123456789","orderAmount":"109000"}`),
		"no amount":             said(replace(`"orderAmount":"109000",`, "")),
		"another transaction":   said(replace("456789", "456780")),
		"another order":         said(replace("A-1", "A-2")),
		"another currency":      said(replace("VND", "USD")),
		"no transaction":        said(replace(`"transactionID":"2601021234567890123456789",`, "")),
		"an amount of one less": said(replace("109000", "108999")),
		"an amount in parts":    said(replace("109000", "109,000")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newAskingSidecar(t, "confirm on", "reconcile off\n")
			s.answersQueries(paidAnswer)
			s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
			s.gateway.replies(func(c *call) []byte { return answer(s.gateway, c) })
			ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt))
			eventually(t, "the gateway is asked by the schedule", func() bool { return s.queries() >= 4 })
			s.app.wantNothing(t)
			// What is not paid needs no confirmation.
			ipnJSON.send(t, s.caddyServer, signedMessage(strings.NewReplacer(orderKey, "other", "456789", "456700").Replace(cancelledMessage), s.gateway.salt))
			wantBound(t, s.app.only(t).header, "cancelled", "unknown", "")
		})
	}
}
