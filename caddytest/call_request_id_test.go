package caddytest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The same Idempotency-Key always gives the same requestID, so that the gateway can
// recognise a repeated payment as a duplicate.
func TestCallRequestIDFromIdempotencyKey(t *testing.T) {
	s := newSidecar(t)
	id := func(t *testing.T, key ...string) string {
		t.Helper()
		var header []string
		for _, k := range key {
			header = append(header, "Idempotency-Key", k)
		}
		a := s.call(t, "/pay", payment, header...)
		a.wantOK(t, paid)
		got := s.gateway.last(t).requestID()
		if a.header.Get("Galaxypay-Request-Id") != got {
			t.Errorf("Galaxypay-Request-Id %q, the gateway got %q", a.header.Get("Galaxypay-Request-Id"), got)
		}
		return got
	}

	for _, key := range []string{"a", "ORDER-2026-000017", strings.Repeat("x", 50), "0", "-"} {
		t.Run("as it is: "+key, func(t *testing.T) {
			if got := id(t, key); got != key {
				t.Errorf("requestID %q, want the key", got)
			}
		})
	}

	// These were computed with another implementation of UUIDv5. They must never
	// change: after an upgrade, a retry under another requestID would pay twice.
	for key, want := range map[string]string{
		"order_17":              "5fd6426602345cbca2d44e6cd3f13f53",
		"order 17":              "d3f735e9dbab5d48aec3d4492deeedc4",
		strings.Repeat("x", 51): "6aefc99a87e651248db02228870b2d4f",
		"đơn hàng 17":           "75ac04b03cb65a9c96e35ec1acfd3a26",
		"a\",\"requestID\":\"b": "9ac43c7a24c65a2eb106051b65c7df05",
	} {
		t.Run("hashed: "+key, func(t *testing.T) {
			if got := id(t, key); got != want {
				t.Errorf("requestID %q, want %q", got, want)
			}
		})
	}

	// Quotation marks around a key are no part of it; those inside are.
	for key, want := range map[string]string{
		`"quoted"`: "quoted",
		`"`:        id(t, `"`),
		`"a`:       id(t, `"a`),
	} {
		t.Run("in quotation marks: "+key, func(t *testing.T) {
			if got := id(t, key); got != want {
				t.Errorf("requestID %q, want %q", got, want)
			}
		})
	}
	if id(t, `"a`) == id(t, "a") || id(t, `a"`) == id(t, "a") {
		t.Error("one quotation mark was taken off")
	}

	for name, test := range map[string]struct {
		body string
		keys []string
	}{
		"two keys":                      {payment, []string{"a", "b"}},
		"the same key twice":            {payment, []string{"a", "a"}},
		"two keys in one line":          {payment, []string{`"a", "b"`}},
		"two keys in one line, tightly": {payment, []string{`"a","b"`}},
		"one key twice in one line":     {payment, []string{` "a" , "a" `}},
		"three keys in one line":        {payment, []string{`"a", "b", "c"`}},
		"escapes in a key of one line":  {payment, []string{`"a\"b", "c"`}},
		"a quoted key and a plain one":  {payment, []string{`"a", b`}},
		"a plain key and a quoted one":  {payment, []string{`a, "b"`}},
		"a key and an empty line":       {payment, []string{`"a",`}},
		"an empty line and a key":       {payment, []string{`, "a"`}},
		"a key beside an own requestID": {`{"requestID":"r-1","requestDateTime":"20261120120000","requestData":` + payment + `}`, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.gateway.calls())
			var header []string
			for _, k := range test.keys {
				header = append(header, "Idempotency-Key", k)
			}
			s.call(t, "/pay", test.body, header...).wantProblem(t, http.StatusBadRequest, "idempotency_key_invalid", "not_sent")
			if got := len(s.gateway.calls()); got != before {
				t.Errorf("%d calls reached the gateway", got-before)
			}
		})
	}

	t.Run("absent or empty", func(t *testing.T) {
		ids := []string{id(t), id(t), id(t, ""), id(t, ""), id(t, `""`), id(t, "", "")}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 6 {
			t.Errorf("requestIDs %q, want them all different", ids)
		}
	})
}

// Two calls must never share a requestID: the gateway would take the second one for a repetition
// of the first.
func TestCallRequestIDsDiffer(t *testing.T) {
	s := newSidecar(t)
	seen := make(map[string]bool)
	for range 50 {
		seen[s.call(t, "/pay", payment).header.Get("Galaxypay-Request-Id")] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d requestIDs for 50 calls", len(seen))
	}
}

// Where the requestID is the app's, a 409 can be about an earlier try of the same call, which may have been carried out.
// An app that took it for a refusal would pay under a new id: twice.
func TestCallDuplicate(t *testing.T) {
	s := newSidecar(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "409") })
	own := `{"requestID":"r-1","requestDateTime":"20261120120000","requestData":` + strings.Replace(payment, "{", `{"apiOperation":"PAY",`, 1) + `}`
	for name, test := range map[string]struct {
		path, body string
		header     []string
		outcome    string
	}{
		"a requestID of the sidecar": {"/pay", payment, nil, "rejected"},
		"an empty key":               {"/pay", payment, []string{"Idempotency-Key", ""}, "rejected"},
		"a key":                      {"/pay", payment, []string{"Idempotency-Key", "order-1"}, "unknown"},
		"a key that is hashed":       {"/pay", payment, []string{"Idempotency-Key", "order 1"}, "unknown"},
		"a key of a refund":          {"/refund", `{"transactionID":"T1","orderID":"1","orderAmount":1000,"orderCurrency":"VND","orderDateTime":"20261120120000","orderDescription":"x"}`, []string{"Idempotency-Key", "r-1"}, "unknown"},
		"an envelope of the app":     {"/pay", own, nil, "unknown"},
		"another path":               {"/api/v1/transaction/other", `{}`, []string{"Idempotency-Key", "o-1"}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, test.path, test.body, test.header...).wantProblem(t, http.StatusConflict, "transaction_duplicate", test.outcome)
		})
	}
}
