package caddytest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCallEnvelope(t *testing.T) {
	s := newSidecar(t, "validate off")
	before := time.Now().Truncate(time.Second)
	a := s.call(t, "/pay", payment)
	after := time.Now()
	a.wantOK(t, paid)

	got := s.gateway.only(t)
	m := madeEnvelope.FindStringSubmatch(got.body)
	if m == nil {
		t.Fatalf("the gateway got %s", got.body)
	}
	if !hex32.MatchString(m[1]) {
		t.Errorf("requestID %q, want 32 hex digits", m[1])
	}
	if id := a.header.Get("Galaxypay-Request-Id"); id != m[1] {
		t.Errorf("Galaxypay-Request-Id %q, want %q", id, m[1])
	}
	sent, err := time.ParseInLocation("20060102150405", m[2], time.FixedZone("", 7*60*60))
	if err != nil || sent.Before(before) || sent.After(after) {
		t.Errorf("requestDateTime %s is %v (%v), want between %v and %v", m[2], sent, err, before, after)
	}
	if want := strings.TrimSuffix(payment, "}") + `,"apiOperation":"PAY"}`; m[3] != want {
		t.Errorf("requestData %s, want %s", m[3], want)
	}
	for name, want := range map[string]string{
		"Galaxypay-Operation":      "pay",
		"Galaxypay-Response-Code":  "200",
		"Galaxypay-Merchant":       "default",
		"Galaxypay-Payment-Status": "", // a payment page was opened, nothing is paid
		"Galaxypay-Verified":       "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

var hex32 = regexp.MustCompile(`^[0-9a-f]{32}$`)

// A top-level requestData object, however its name is spelled, makes an envelope.
func TestCallEnvelopeOfTheApp(t *testing.T) {
	s := newSidecar(t, "validate off", "defaults {", "ipnURL https://shop.example/ipn", "}")
	for name, body := range map[string]string{
		"plain":           `{"requestID":"a-1","requestDateTime":"20240101000000","requestData":{"orderID":"1"}}`,
		"other order":     `{"requestData":{"orderID":"1"},"requestDateTime":20240101000000,"requestID":"a-1"}`,
		"escaped name":    `{"requestID":"a-1","requestDateTime":"1","request\u0044ata":{"orderID":"1"}}`,
		"numeric id":      `{"requestID":17,"requestDateTime":"20240101000000","requestData":{}}`,
		"indented":        "{\n \"requestID\" : \"a-1\",\n \"requestDateTime\" : \"1\",\n \"requestData\" : {\r\n }\n}",
		"white space":     "\r\n {\"requestID\":\"a-1\",\"requestDateTime\":\"1\",\"requestData\":{}} \n",
		"further members": `{"requestID":"a-1","requestDateTime":"1","requestData":{},"more":[1.0]}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "/pay", body)
			a.wantOK(t, paid)
			got := s.gateway.last(t)
			if got.body != body {
				t.Errorf("the gateway got %q, want %q", got.body, body)
			}
			if got.value("signature") != sign(body, testSalt) {
				t.Error("the signature does not fit the bytes sent")
			}
			if id := a.header.Get("Galaxypay-Request-Id"); id != "a-1" && id != "17" {
				t.Errorf("Galaxypay-Request-Id %q", id)
			}
		})
	}
	for name, body := range map[string]string{
		"no requestID":              `{"requestDateTime":"20240101000000","requestData":{}}`,
		"empty requestID":           `{"requestID":"","requestDateTime":"20240101000000","requestData":{}}`,
		"requestID is an object":    `{"requestID":{},"requestDateTime":"20240101000000","requestData":{}}`,
		"requestID with a line end": `{"requestID":"a\r\nX-Injected: 1","requestDateTime":"20240101000000","requestData":{}}`,
		"no requestDateTime":        `{"requestID":"a-1","requestData":{}}`,
		"null requestDateTime":      `{"requestID":"a-1","requestDateTime":null,"requestData":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, p := s.wantNotSent(t, "/pay", body)
			if p.Status != http.StatusBadRequest || p.Code != "body_invalid" {
				t.Errorf("HTTP %d %s, want 400 body_invalid", p.Status, p.Code)
			}
		})
	}
}

// The refusal of an envelope names its requestID. Nothing else of the envelope comes back.
func TestCallEnvelopeRefusedIsNamed(t *testing.T) {
	s := newSidecar(t)
	a, p := s.wantNotSent(t, "/query", `{"requestID":"own-1","requestDateTime":"20260615190000","requestData":{"transactionID":[]}}`)
	if p.RequestID != "own-1" || a.header.Get("Galaxypay-Request-Id") != "own-1" {
		t.Errorf("requestID %q, header %q", p.RequestID, a.header.Get("Galaxypay-Request-Id"))
	}
	if got := a.problem(t).fieldCodes(t); !slices.Equal(got, []string{"requestData.transactionID:kind"}) {
		t.Errorf("faults %q", got)
	}
	// Without an envelope there is no requestID yet: nothing was to be sent.
	if a, p = s.wantNotSent(t, "/query", `{}`, "Idempotency-Key", "key-1"); p.RequestID != "" || a.header.Get("Galaxypay-Request-Id") != "" {
		t.Errorf("requestID %q, header %q", p.RequestID, a.header.Get("Galaxypay-Request-Id"))
	}
}
