package caddytest

import (
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
		`"quoted"`:              "47df18fe36305d8e884b35a2d260972c",
		"a\",\"requestID\":\"b": "9ac43c7a24c65a2eb106051b65c7df05",
	} {
		t.Run("hashed: "+key, func(t *testing.T) {
			if got := id(t, key); got != want {
				t.Errorf("requestID %q, want %q", got, want)
			}
		})
	}

	// Two keys together give an id of their own.
	t.Run("two headers", func(t *testing.T) {
		if got, want := id(t, "a", "b"), "08fcc6fd15465b05b79117a635106f5a"; got != want {
			t.Errorf("requestID %q, want %q", got, want)
		}
	})

	t.Run("absent or empty", func(t *testing.T) {
		ids := []string{id(t), id(t), id(t, ""), id(t, "")}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 4 {
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
